"""How often a draft's first choice is what the target greedily wrote, on held-out answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from transformers import PreTrainedModel

from training.drafter.own_text import Answered
from training.drafter.states import while_drafting

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
def agreement(
    draft: PreTrainedModel,
    texts: Sequence[Answered],
    head: torch.Tensor | None = None,
    states: Sequence[torch.Tensor] | None = None,
) -> Agreement:
    """Teacher-forced, one forward a text.

    Of a draft that reads what the target has made of the text a forward for every depth: deeper
    tokens are further from it.

    Args:
        draft: as it is used.
        texts: answers of the target; at least one.
        head: ids that the draft may choose among; None for all.
        states: what the draft reads of the target, [tokens, width] a text.
    """
    hits = [_hits(draft, text, head, states[place] if states else None) for place, text in enumerate(texts)]
    tokens = sum(len(found[0]) for found in hits)
    by_depth = []
    for depth in range(1, DEPTHS + 1):
        before = after = 0
        for found in hits:
            for start in range(len(found[0]) - depth + 1):
                if all(found[ahead][start + ahead] for ahead in range(depth - 1)):
                    before += 1
                    after += found[depth - 1][start + depth - 1]
        by_depth.append(after / before if before else 0.0)
    return Agreement(tokens, sum(sum(found[0]) for found in hits) / tokens, by_depth)


def _hits(
    draft: PreTrainedModel, text: Answered, head: torch.Tensor | None, states: torch.Tensor | None
) -> list[list[bool]]:
    """For every depth of a draft, token by token, whether it is what the target wrote."""
    ids = torch.tensor([text.prompt + text.answer[:-1]], device=draft.device)
    if states is None:
        logits = draft(input_ids=ids, use_cache=False, logits_to_keep=len(text.answer)).logits[0]
        choices = [logits.argmax(-1) if head is None else head[logits[:, head].argmax(-1)]] * DEPTHS
    else:
        hidden = while_drafting(draft, ids, states[None, :-1].to(draft.device, draft.dtype), DEPTHS)
        weight = draft.get_output_embeddings().weight
        weight = weight if head is None else weight[head]
        places = [F.linear(each[0, -len(text.answer) :], weight).argmax(-1) for each in hidden]
        choices = [each if head is None else head[each] for each in places]
    return [[choice == token for choice, token in zip(each.tolist(), text.answer, strict=True)] for each in choices]
