"""How many prompts a draft model had nothing, or nothing of use, to say on (see bench/measure/drafting.py)."""

from bench.report.fold import Fold, Record


def undrafted_prompts(fold: Fold) -> tuple[int, int] | None:
    """(prompts without room for any draft, prompts whose outputs went on where there was none); None for a method
    without a model that drafts, and where the records are older than this count."""
    counted = [[record.get("undrafted_tokens") for record in repeats] for repeats in fold.method]
    if any(count is None for counts in counted for count in counts):
        return None
    full = sum(any(map(_whole, repeats)) for repeats in fold.method)
    touched = sum(any(counts) for counts in counted)
    return full, touched - full


def _whole(record: Record) -> bool:
    return 0 < record["undrafted_tokens"] >= len(record["tokens"]) - 1


def nonfinite_prompts(fold: Fold) -> int:
    """Prompts on which the draft's logits were no numbers."""
    return sum(any(record.get("draft_fault") for record in repeats) for repeats in fold.method)


def said_of_context(fold: Fold) -> str | None:
    """See bench/report/warnings.py."""
    counts = undrafted_prompts(fold)
    if counts is None or not any(counts):
        return None
    full, partly = counts
    return (
        f"the draft's context is too short: of {len(fold.prompts)} prompts {full} were decoded greedily throughout and "
        f"{partly} from some token on, which the speedup includes"
    )


def said_of_numbers(fold: Fold) -> str | None:
    """See bench/report/warnings.py."""
    count = nonfinite_prompts(fold)
    if not count:
        return None
    fault = next(fault for repeats in fold.method for record in repeats if (fault := record.get("draft_fault")))
    return f"on {count} of {len(fold.prompts)} prompts {fault}; what was drafted there is of no use"
