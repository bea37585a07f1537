"""What is said of a probe of the engines (bench/measure/probe.py)."""

from bench.measure.provenance import Times

# Less than this is noise.
SLOWER = 1.1


def slower(engine: str, times: Times) -> str | None:
    """A warning where an engine of `times` is faster at every number of rows, else None.

    Args:
        engine: the one that runs.
        times: see bench/measure/probe.py.
    """
    own = times[engine]
    ahead = {
        other: sum(theirs.values())
        for other, theirs in times.items()
        if all(own[rows] > SLOWER * theirs[rows] for rows in own)
    }
    if not ahead:
        return None
    best = min(ahead, key=lambda other: ahead[other])
    return f"engine=auto took {engine}, but engine={best} is faster here: {in_words(times)}"


def in_words(times: Times) -> str:
    """The milliseconds as they are told."""
    told = [f"{engine} {' and '.join(f'{ms:.2f}' for ms in rows.values())}" for engine, rows in times.items()]
    rows = " and ".join(str(rows) for rows in next(iter(times.values())))
    return f"{', '.join(told)} (ms for forwards of {rows} rows)"
