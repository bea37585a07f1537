"""The progress bar: method, verdicts so far and running speedup, on stderr."""

import sys
from collections import Counter, defaultdict

import numpy as np
from tqdm import tqdm

from bench.measure.lossless import verdict
from bench.measure.runner import Progress
from bench.measure.store import METHOD, REFERENCE
from bench.report.fold import decode_throughput
from bench.report.statistics import Throughput, rate_ratio

NOTHING = Throughput(np.zeros(1), np.zeros(1))


class Bar:
    """Hears of every finished generation; a context manager."""

    def __init__(self, total: int, title: str) -> None:
        # In a log file one line in half a minute is plenty.
        interval = 0.2 if sys.stderr.isatty() else 30.0
        self._bar = tqdm(total=total, desc=title, unit="gen", mininterval=interval, dynamic_ncols=True, leave=False)
        self._references: dict[tuple[str, int], dict] = {}
        self._waiting: dict[tuple[str, int], list[dict]] = defaultdict(list)
        self._firsts: dict[tuple[str, str], dict] = {}
        self._verdicts: Counter[str] = Counter()
        self._totals: dict[str, list[Throughput]] = {}

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def hear(self, progress: Progress) -> None:
        """Count a generation; a method's is judged as soon as greedy's stands too."""
        record = progress.record
        key = (record["prompt"], record["repeat"])
        if record["role"] == REFERENCE:
            self._references[key] = record
        elif record["role"] == METHOD:
            self._waiting[key].append(record)
        if key in self._references:
            for waiting in self._waiting.pop(key, []):
                self._judge(waiting, self._references[key])
        self._bar.set_postfix_str(self._status(progress.entrant.label), refresh=False)
        self._bar.update()

    def _judge(self, record: dict, reference: dict) -> None:
        first = self._firsts.setdefault((record["label"], record["prompt"]), record)
        self._verdicts[verdict(record, reference, first)] += 1
        sides = [decode_throughput([[each]]) for each in (record, reference)]
        sums = self._totals.get(record["label"], [NOTHING, NOTHING])
        self._totals[record["label"]] = [
            Throughput(total.tokens + new.tokens, total.seconds + new.seconds)
            for total, new in zip(sums, sides, strict=True)
        ]

    def _status(self, label: str) -> str:
        parts = [label, *(f"{count} {name}" for name, count in sorted(self._verdicts.items()))]
        ratio = rate_ratio(*self._totals.get(label, [NOTHING, NOTHING]))
        if ratio is not None:
            parts.append(f"{ratio:.2f}x")
        return ", ".join(parts)
