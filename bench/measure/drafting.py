"""What silently keeps a draft model from drafting.

A context that is too short, or logits that are no numbers.
"""

from collections.abc import Sequence

from transformers import PreTrainedModel

from bench.console.naming import pair_names, spelled
from decoding.decoder import ModelPair
from decoding.errors import NotFinite
from decoding.finite import not_finite

# Of a prompt, the last rows that are looked at; what overflows early leaves no row after it a
# number.
ROWS = 48


def no_numbers(model: PreTrainedModel, role: str) -> str:
    """What is wrong with a model whose logits are not finite, and what a user sets against it."""
    return spelled(not_finite(model, role), pair_names(role))


def require_numbers(pair: ModelPair, sequences: Sequence[list[int]]) -> list[str]:
    """Warnings about a draft whose logits on `sequences` of token ids are not finite.

    Each takes one plain forward.

    Raises:
        NotFinite: those of the target are not.
    """
    found = []
    for role, session in (("target", pair.target), ("draft", pair.draft)):
        if session is None:
            continue
        fitting = [each[: session.context] for each in sequences]
        bad = sum(not session.is_finite(ids, min(ROWS, len(ids))) for ids in fitting)
        if bad and role == "target":
            raise NotFinite(no_numbers(session.model, role))
        if bad:
            fault = no_numbers(session.model, role)
            found.append(f"{fault} (on {bad} of {len(sequences)} texts looked at); it drafts nothing of use there")
    return found


def context_warnings(lengths: Sequence[int], max_new_tokens: int, context: int) -> list[str]:
    """Warnings about prompts of `lengths` tokens and a draft whose context holds `context`."""
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
    """How many tokens of an output the draft's context left no room to draft.

    A draft for the token after a text needs that text to be shorter than the context. The first
    token is the prefill's, drafted or not, and is left out.

    Args:
        prompt: its length in tokens.
        output: its length in tokens.
        context: the longest sequence that the draft holds, in tokens.
    """
    return max(0, min(output - 1, prompt + output - context))


