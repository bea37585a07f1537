"""What makes a draft model draft nothing, or nothing of use, without a word: a context too short, logits no numbers."""

from collections.abc import Sequence

from bench.fold import Fold, Record
from decoding.decoder import ModelPair
from decoding.errors import NotFinite
from decoding.finite import finite_on, not_finite

# Of a prompt, the last rows that are looked at; what overflows early leaves no row after it a number.
ROWS = 48


def require_numbers(pair: ModelPair, texts: Sequence[list[int]]) -> list[str]:
    """Warnings about a draft whose logits on `texts` are not finite, from one plain forward each.

    Raises:
        NotFinite: those of the target are not.
    """
    found = []
    for role, session in (("target", pair.target), ("draft", pair.draft)):
        if session is None:
            continue
        fitting = [text[: session.context] for text in texts]
        bad = sum(not finite_on(session.model, session.vocabulary, text, min(ROWS, len(text))) for text in fitting)
        if bad and role == "target":
            raise NotFinite(not_finite(session.model, role))
        if bad:
            fault = not_finite(session.model, role)
            found.append(f"{fault} (on {bad} of {len(texts)} texts looked at); it drafts nothing of use there")
    return found


def context_warnings(lengths: Sequence[int], max_new_tokens: int, context: int) -> list[str]:
    """What is known before measuring of prompts of `lengths` tokens and a draft whose context holds `context`."""
    full = sum(length + 1 >= context for length in lengths)
    partly = sum(length + max_new_tokens > context for length in lengths) - full
    if not full and partly <= 0:
        return []
    parts = []
    if full:
        parts.append(f"{full} of {len(lengths)} prompts leave no room for a draft and will be decoded greedily")
    if partly > 0:
        parts.append(f"{partly} of {len(lengths)} may outgrow it with their output and will go on greedily there")
    return [f"the draft's context holds {context} tokens: {'; '.join(parts)}; take a draft with a longer context"]


def undrafted(prompt: int, output: int, context: int) -> int:
    """Of `output` tokens after a prompt of `prompt` tokens, those where the draft's context left no room for a draft.

    The first token is the prefill's. A draft for the token after a text needs that text to be shorter than the context.
    """
    return max(0, min(output - 1, prompt + output - context))


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
    """See bench/warnings.py."""
    counts = undrafted_prompts(fold)
    if counts is None or not any(counts):
        return None
    full, partly = counts
    return (
        f"the draft's context is too short: of {len(fold.prompts)} prompts {full} were decoded greedily throughout and "
        f"{partly} from some token on, which the speedup includes"
    )


def said_of_numbers(fold: Fold) -> str | None:
    """See bench/warnings.py."""
    count = nonfinite_prompts(fold)
    if not count:
        return None
    fault = next(fault for repeats in fold.method for record in repeats if (fault := record.get("draft_fault")))
    return f"on {count} of {len(fold.prompts)} prompts {fault}; what was drafted there is of no use"
