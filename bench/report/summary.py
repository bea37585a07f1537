"""summary.json: the contract other tools read. Every key is always there; what a method cannot have is null."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from bench import CONF, SCHEMA_VERSION
from bench.plan.cases import Case
from bench.plan.prompts import Prompts
from bench.plan.settings import Plan
from bench.plan.tuned import PAPER, TUNED
from bench.report.drafting import nonfinite_prompts, undrafted_prompts
from bench.report.fastest import over_fastest_greedy
from bench.report.fold import (
    Fold,
    Record,
    count_forwards,
    decode_seconds,
    decode_throughput,
    draft_columns,
    flat,
    lossless,
    runaways,
    steps_column,
    tokens_per_forward,
    total_throughput,
)
from bench.report.split import split
from bench.report.statistics import (
    acceptance,
    geometric_mean,
    geometric_mean_ratio,
    ratio_of_speedups,
    repetition_rate,
    speedup,
)
from tasks import Scores


def summarize(case: Case, plan: Plan, prompts: Prompts, fold: Fold, quality: tuple[Scores, Scores]) -> dict[str, Any]:
    """The summary of one case.

    Args:
        case: what was measured.
        plan: the job.
        prompts: what it was measured on.
        fold: its records.
        quality: scores of the method's outputs and of greedy's.
    """
    identity, seed = case.identity, plan.settings.seed
    undrafted = undrafted_prompts(fold)
    return {
        "schema_version": SCHEMA_VERSION,
        "label": case.label,
        "method": case.config.name,
        "method_config": identity["method"],
        "settings": _settings(case),
        "ours": case.method.ours,
        "task": plan.task.name,
        "prompt_version": plan.task.version,
        "model": plan.model.label,
        "data": plan.data.source if not plan.data.path else plan.data.path,
        "split": prompts.rows.split,
        "device": identity["device"],
        "dtype": identity["dtype"],
        "draft_dtype": identity.get("draft_dtype"),
        "seed": seed,
        "temperature": plan.settings.temperature,
        "max_new_tokens": plan.max_new_tokens,
        "history": case.history,
        "prompts": len(fold.prompts),
        "repeats": plan.settings.repeats,
        **figures(fold, seed),
        "undrafted_prompts": undrafted and undrafted[0],
        "partly_undrafted_prompts": undrafted and undrafted[1],
        "nonfinite_draft_prompts": nonfinite_prompts(fold),
        "quality": {"method": quality[0].means, "greedy": quality[1].means},
        "quality_notes": quality[0].notes,
        "peak_memory_bytes": max(record["peak_memory_bytes"] for record in flat(fold.method)),
        "peak_memory_of": "the device, in this method's generations"
        if identity["device"].startswith("cuda")
        else "the whole process, all cases together",
        "folder": str(case.folder),
    }


def _settings(case: Case) -> dict[str, Any] | None:
    """Where the method's settings come from (bench/plan/tuned.py), None where nobody asked.

    shown: what tables call them, "tuned" or "paper"; None where some were given, and of methods without any to choose.
    """
    origin = case.origin
    if origin is None:
        return None
    whole = not origin.given and (CONF / "search" / f"{case.config.name}.yaml").is_file()
    shown = origin.kind if whole and origin.kind in (TUNED, PAPER) else None
    return {**asdict(origin), "given": list(origin.given), "in_words": str(origin), "shown": shown}


def figures(fold: Fold, seed: int) -> dict[str, Any]:
    """What of a summary follows from its records alone."""
    decode, greedy_decode = decode_throughput(fold.method), decode_throughput(fold.reference)
    total, greedy_total = total_throughput(fold.method), total_throughput(fold.reference)
    return {
        "shortened_prompts": sum(repeats[0]["prompt_cut"] > 0 for repeats in fold.method),
        "measured_side_by_side": fold.side_by_side,
        "generated_tokens": sum(len(record["tokens"]) for record in flat(fold.method)),
        "stops": dict(Counter(record["stop"] for record in flat(fold.method))),
        "tokens_per_second": {
            "decode": {"method": decode.rate(), "greedy": greedy_decode.rate()},
            "end_to_end": {"method": total.rate(), "greedy": greedy_total.rate()},
        },
        "speedup": {
            "decode": asdict(speedup(decode, greedy_decode, seed)),
            "end_to_end": asdict(speedup(total, greedy_total, seed)),
            "geomean": asdict(geometric_mean(decode, greedy_decode, seed)),
            "decode_over_fastest_greedy": asdict(over_fastest_greedy(fold, seed)),
        },
        **_work(fold),
        "seconds": _seconds(fold.method),
        "greedy_seconds": _seconds(fold.reference),
        "lossless": lossless(fold),
        "repetition": repetition_rate(record["tokens"] for record in flat(fold.method)),
        "runaways": runaways(fold.method),
    }


def _work(fold: Fold) -> dict[str, Any]:
    """What does not depend on the hardware: forwards, rows, acceptance, pool."""
    names = ("accepted", "emitted", "rows", "draft_rows", "sources")
    columns = {name: steps_column(fold.method, name) for name in names}
    extras = [record["extra"] for record in flat(fold.method)]
    learned = _summed(extras, "phrases_learned")
    lookups, hits = _summed(extras, "pool_lookups"), _summed(extras, "pool_hits")
    told = columns["emitted"] is not None
    forwards, draft_forwards = count_forwards(fold.method)
    pooled, mean = tokens_per_forward(fold.method)
    sources = Counter(source for step in columns["sources"] for source in step) if told else Counter()
    return {
        "tokens_per_target_forward": pooled,
        "tokens_per_target_forward_mean": mean,
        "target_forwards": forwards,
        "draft_forwards": draft_forwards,
        "verified_rows_per_step": sum(columns["rows"]) / forwards if told and forwards else None,
        "draft_forwards_per_step": draft_forwards / forwards if draft_forwards and forwards else None,
        "draft_rows_per_step": sum(columns["draft_rows"]) / forwards if told and draft_forwards else None,
        "acceptance": asdict(acceptance(*draft_columns(fold.method))),
        "accepted_by_source": dict(sources) or None,
        "pool_hit_rate": hits.total() / lookups.total() if lookups else None,
        "phrases_learned": dict(learned) or None,
        "ouroboros": _ouroboros(fold, sources, sum(columns["emitted"]) - sum(columns["accepted"]) if told else None),
    }


def _summed(extras: list[dict[str, Any]], name: str) -> Counter[str]:
    """A count by kind, over all generations."""
    counts: Counter[str] = Counter()
    for extra in extras:
        counts.update(extra.get(name, {}))
    return counts


def _ouroboros(fold: Fold, sources: Counter[str], bonus: int | None) -> dict[str, Any] | None:
    """The phrase pool's part in it; None for a method that keeps none.

    The bonus is the target's own token at a step's end.
    """
    pool = _pool([record["extra"] for record in flat(fold.method)])
    return pool and {"accepted_by_source": {**sources, "bonus": bonus}, **pool, "per_step": _per_step(fold)}


def _per_step(fold: Fold) -> dict[str, Any] | None:
    """Means over all steps, of counts by kind and of the four parts of a step's time; None where records are older
    than the pool's columns."""
    sizes = steps_column(fold.method, "pool_size")
    if not sizes:
        return None
    columns = {name: steps_column(fold.method, name) for name in ("pool_size", "draft_forwards", "draft_rows")}
    means: dict[str, Any] = {name: sum(column) / len(sizes) for name, column in columns.items()}
    if not means["draft_forwards"]:
        means |= {"draft_forwards": None, "draft_rows": None}  # no draft model
    for name in ("pool_lookups", "pool_hits", "phrases_learned"):
        counts: Counter[str] = Counter()
        for step in steps_column(fold.method, name):
            counts.update(step)
        means[name] = {kind: count / len(sizes) for kind, count in counts.items()}
    parts = split(_seconds(fold.method))
    return means | {"seconds": {name: seconds / len(sizes) for name, seconds in parts.items()}}


def _pool(extras: list[dict[str, Any]]) -> dict[str, Any] | None:
    """One pool's figures over all generations, and below "drafter" those of the pool of a drafter within it (null
    without one): phrases of another model or length, so the two are never added. None without a pool.

    Sizes are means over the generations' ends; hit rates go by who asked: a "guess" for a model's forward, a "suffix".
    """
    if not extras or not all("pool_size" in extra for extra in extras):
        return None
    lookups, hits = _summed(extras, "pool_lookups"), _summed(extras, "pool_hits")
    return {
        "pool_size": sum(extra["pool_size"] for extra in extras) / len(extras),
        "pool_evicted": sum(extra["pool_evicted"] for extra in extras),
        "hit_rate": {asker: hits[asker] / count for asker, count in lookups.items()},
        "phrases_learned": dict(_summed(extras, "phrases_learned")),
        "drafter": _pool([extra.get("drafter", {}) for extra in extras]),
    }


def _seconds(records: list[list[Record]]) -> dict[str, float | None]:
    """Where the time went; observe is the part of other that is spent learning from verdicts, pool the time in the
    phrase pool, which lies within draft (pool_draft of it) and observe."""
    prefill = sum(record["prefill_seconds"] for record in flat(records))
    decode = sum(map(decode_seconds, flat(records)))
    names = ("draft", "verify", "observe", "pool", "pool_draft")
    parts = {name: steps_column(records, f"{name}_seconds") for name in names}
    sums = {name: None if column is None else sum(column) for name, column in parts.items()}
    other = None if sums["draft"] is None else decode - sums["draft"] - sums["verify"]
    return {
        "prefill": prefill,
        "draft": sums["draft"],
        "verify": sums["verify"],
        "other": other,
        "observe": sums["observe"],
        "pool": sums["pool"],
        "pool_draft": sums["pool_draft"],
        "decode": decode,
    }


def compare(folds: dict[str, Fold], seed: int) -> list[dict[str, Any]]:
    """Every case over every other of a panel: ratios of speed with intervals, `folds` by label."""
    rows = []
    kinds = (("decode", decode_throughput), ("end_to_end", total_throughput))
    for first, second in ((one, two) for one in folds for two in folds if one != two):
        row: dict[str, Any] = {"method": first, "over": second, "paired": _same_greedy(folds[first], folds[second])}
        for name, throughput in kinds:
            pairs = [(throughput(folds[each].method), throughput(folds[each].reference)) for each in (first, second)]
            row |= {f"{name}_{key}": value for key, value in asdict(ratio_of_speedups(*pairs, seed)).items()}
            if name == "decode":
                row |= {f"geomean_{key}": value for key, value in asdict(geometric_mean_ratio(*pairs, seed)).items()}
        rows.append(row)
    return rows


def _same_greedy(first: Fold, second: Fold) -> bool:
    """Whether both stood beside the very same greedy generations."""
    return all(
        one["finished"] == two["finished"] and one["session"] == two["session"]
        for one, two in zip(flat(first.reference), flat(second.reference), strict=True)
    )
