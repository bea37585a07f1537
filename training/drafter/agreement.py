"""How often a draft's first choice is what the target greedily wrote, on held-out answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from training.drafter.own_text import Answered

DEPTHS = 8


@dataclass(frozen=True)
class Agreement:
    """Agreement of a draft with held-out greedy answers.

    Attributes:
        tokens: of the answers.
        share: of them that are the draft's first choice, after the answer so far.
        by_depth: for d = 1, 2, ...: of the places where d - 1 tokens in a row agree, the share
            where the next does too.
    """

    tokens: int
    share: float
    by_depth: list[float]


@torch.inference_mode()
def agreement(draft: PreTrainedModel, texts: Sequence[Answered], head: torch.Tensor | None = None) -> Agreement:
    """Teacher-forced, one forward a text.

    Args:
        draft: as it is used.
        texts: answers of the target; at least one.
        head: ids that the draft may choose among; None for all.
    """
    hits = [_hits(draft, text, head) for text in texts]
    tokens = sum(map(len, hits))
    by_depth = []
    for depth in range(1, DEPTHS + 1):
        before = after = 0
        for found in hits:
            for start in range(len(found) - depth + 1):
                if all(found[start : start + depth - 1]):
                    before += 1
                    after += found[start + depth - 1]
        by_depth.append(after / before if before else 0.0)
    return Agreement(tokens, sum(map(sum, hits)) / tokens, by_depth)


def _hits(draft: PreTrainedModel, text: Answered, head: torch.Tensor | None) -> list[bool]:
    ids = torch.tensor([text.prompt + text.answer[:-1]], device=draft.device)
    logits = draft(input_ids=ids, use_cache=False, logits_to_keep=len(text.answer)).logits[0]
    choices = logits.argmax(-1) if head is None else head[logits[:, head].argmax(-1)]
    return [choice == token for choice, token in zip(choices.tolist(), text.answer, strict=True)]
