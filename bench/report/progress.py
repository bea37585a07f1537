"""The progress bar: method, verdicts so far and running speedup, on stderr."""

import sys
from collections import Counter, defaultdict

from tqdm import tqdm

from bench.measure.record import METHOD, REFERENCE, Record
from bench.measure.verdicts import verdict
from bench.report.metrics.rates import RunningSpeed


class Bar:
    """Counts finished generations; a context manager."""

    def __init__(self, total: int, title: str) -> None:
        # In a log file one line in half a minute is plenty.
        interval = 0.2 if sys.stderr.isatty() else 30.0
        self._bar = tqdm(total=total, desc=title, unit="gen", mininterval=interval, dynamic_ncols=True, leave=False)
        self._references: dict[tuple[str, int], Record] = {}
        self._waiting: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self._firsts: dict[tuple[str, str], Record] = {}
        self._verdicts: Counter[str] = Counter()
        self._speeds: dict[str, RunningSpeed] = defaultdict(RunningSpeed)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, record: Record) -> None:
        """Count a generation; a method's is judged as soon as greedy's stands too."""
        key = record.prompt, record.repeat
        if record.role == REFERENCE:
            self._references[key] = record
        elif record.role == METHOD:
            self._waiting[key].append(record)
        if key in self._references:
            for waiting in self._waiting.pop(key, []):
                self._judge(waiting, self._references[key])
        self._bar.set_postfix_str(self._status(record.label), refresh=False)
        self._bar.update()

    def _judge(self, record: Record, reference: Record) -> None:
        first = self._firsts.setdefault((record.label, record.prompt), record)
        self._verdicts[verdict(record, reference, first)] += 1
        self._speeds[record.label].add(record, reference)

    def _status(self, label: str) -> str:
        parts = [label, *(f"{count} {name}" for name, count in sorted(self._verdicts.items()))]
        ratio = self._speeds[label].value
        if ratio is not None:
            parts.append(f"{ratio:.2f}x")
        return ", ".join(parts)
