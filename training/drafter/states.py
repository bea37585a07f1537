"""The target's hidden states over texts, on disk: what a draft that reads them learns from."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from decoding.errors import UserError
from decoding.hidden import Reader
from decoding.reading import reader_of
from training.drafter.labels import SHARD
from training.drafter.own_text import Answered


@torch.inference_mode()
def states_of(target: PreTrainedModel, texts: Sequence[Answered], folder: Path) -> list[torch.Tensor]:
    """The last hidden states of prompts and answers, float16 [tokens, width] a text.

    Shards that are on disk are read, the others written.

    Raises:
        UserError: a shard holds states of another text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[torch.Tensor] = []
    for number, begin in enumerate(tqdm(range(0, len(texts), SHARD), desc=f"{folder.name}", unit="shard")):
        shard = texts[begin : begin + SHARD]
        file = folder / f"states-{number}.pt"
        if not file.exists():
            torch.save([_states(target, each) for each in shard], file.with_suffix(".new"))
            file.with_suffix(".new").replace(file)
        stored = torch.load(file)
        if [len(each) for each in stored] != [len(each.prompt) + len(each.answer) for each in shard]:
            raise UserError(f"{file} holds states of another text: delete it")
        found += stored
    return found


def _states(target: PreTrainedModel, text: Answered) -> torch.Tensor:
    ids = torch.tensor([text.prompt + text.answer], device=target.device)
    states: torch.Tensor = target.base_model(input_ids=ids, use_cache=False).last_hidden_state[0]
    return states.to("cpu", torch.float16)


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
