"""What a draft reads of its target, over texts and on disk: hidden states, or keys and values."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from decoding.errors import UserError
from decoding.hidden import Reader
from decoding.reading import reader_of
from training.drafter.cross import drafting, learning
from training.drafter.labels import SHARD
from training.drafter.own_text import Answered


@torch.inference_mode()
def states_of(
    target: PreTrainedModel,
    texts: Sequence[Answered],
    folder: Path,
    take: Callable[[PreTrainedModel, torch.Tensor], torch.Tensor],
) -> list[torch.Tensor]:
    """What `take` gives of prompts and answers, float16 [tokens, width] a text.

    Shards that are on disk are read, the others written.

    Args:
        target: whose states they are.
        texts: in order.
        folder: of the shards.
        take: of the target and the ids [1, tokens] of a text, rows [tokens, width].

    Raises:
        UserError: a shard holds states of another text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[torch.Tensor] = []
    for number, begin in enumerate(tqdm(range(0, len(texts), SHARD), desc=f"{folder.name}", unit="shard")):
        shard = texts[begin : begin + SHARD]
        file = folder / f"states-{number}.pt"
        if not file.exists():
            ids = [torch.tensor([each.prompt + each.answer], device=target.device) for each in shard]
            torch.save([take(target, each).to("cpu", torch.float16) for each in ids], file.with_suffix(".new"))
            file.with_suffix(".new").replace(file)
        stored = torch.load(file)
        if [len(each) for each in stored] != [len(each.prompt) + len(each.answer) for each in shard]:
            raise UserError(f"{file} holds states of another text: delete it")
        found += stored
    return found


def last_states(target: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    """The last hidden states of a text [1, tokens]: float [tokens, width]."""
    return target.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]


def shifted(states: torch.Tensor) -> torch.Tensor:
    """What rows read of states [..., rows, width]: the row before; zeros for the first one."""
    return torch.cat([torch.zeros_like(states[..., :1, :]), states[..., :-1, :]], dim=-2)


def passes(student: PreTrainedModel, ids: torch.Tensor, states: torch.Tensor, count: int) -> list[torch.Tensor]:
    """Hidden states of a feature draft, pass by pass.

    In the first it reads the target's, in every further one its own of the pass before.

    Args:
        student: the draft.
        ids: int64 [texts, rows].
        states: the target's, [texts, rows, width].
        count: how many passes.

    Returns:
        One tensor [texts, rows, width] a pass.
    """
    reader = reader_of(student)
    assert isinstance(reader, Reader)
    found = [states]
    for _ in range(count):
        reader.features = shifted(found[-1])
        found.append(student.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    reader.features = None
    return found[1:]


def while_learning(
    student: PreTrainedModel, ids: torch.Tensor, states: torch.Tensor, unrolled: int
) -> list[torch.Tensor]:
    """Hidden states [texts, rows, width] that are learned from: `unrolled` passes; of GliDe one."""
    if isinstance(reader_of(student), Reader):
        return passes(student, ids, states, unrolled)
    return [learning(student, ids, states)]


def while_drafting(
    student: PreTrainedModel, ids: torch.Tensor, states: torch.Tensor, depths: int
) -> list[torch.Tensor]:
    """Hidden states that tokens are drafted from: [texts, rows, width] a depth."""
    return (passes if isinstance(reader_of(student), Reader) else drafting)(student, ids, states, depths)
