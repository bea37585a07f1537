"""What the target makes of every token of a text: its highest logits, on disk.

Of existing text, and of the text that it wrote itself.
"""

import random
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from decoding.errors import UserError
from training.drafter.config import DraftConfig, Text
from training.drafter.own_text import Answered
from training.drafter.prompts import TestText

PLACES = {"{stdlib}": "stdlib", "{packages}": "purelib"}
# Pieces in one forward, and pieces in one file.
ROWS, SHARD = 4, 128
LONGEST_FILE = 200_000


@dataclass(frozen=True)
class Labelled:
    """Pieces of text, and the target's distribution after every token.

    Attributes:
        ids: [pieces, length].
        top: ids of the highest logits, [pieces, length, top].
        shares: their log-probabilities, [pieces, length, top].
    """

    ids: torch.Tensor
    top: torch.Tensor
    shares: torch.Tensor


def labelled(
    config: DraftConfig, target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tests: TestText
) -> list[Labelled]:
    """The text of `config.text` with its labels.

    Shards that are on disk are read, the others written.
    """
    folder = Path(config.work) / "text"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = config.text
    count = wanted.tokens // wanted.length
    file = folder / "pieces.npy"
    if count and not file.exists():
        found = []
        for piece in tqdm(pieces(wanted, tokenizer, tests), desc="existing text", total=count):
            found.append(piece)
            if len(found) == count:
                break
        np.save(file.with_suffix(".new.npy"), np.array(found, dtype=np.int32))
        file.with_suffix(".new.npy").replace(file)
    ids = torch.from_numpy(np.load(file)) if count else torch.empty(0, wanted.length, dtype=torch.int32)
    shards = []
    for number, begin in enumerate(tqdm(range(0, len(ids), SHARD), desc="target's labels", unit="shard")):
        shard = ids[begin : begin + SHARD]
        top, shares = _labels(target, shard.split(ROWS), wanted.top, folder / f"labels-{number}.npz")
        shards.append(Labelled(shard, *(each.reshape(*shard.shape, -1) for each in (top, shares))))
    return shards


def own_labels(config: DraftConfig, target: PreTrainedModel, own: Sequence[Answered]) -> list[Labelled]:
    """Labels of the target's own text, prompts included, a text of one row each.

    Shards that are on disk are read, the others written.
    """
    # Not beside the text, which is packed.
    folder = Path(config.work) / "own_labels"
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Labelled] = []
    for number, begin in enumerate(tqdm(range(0, len(own), SHARD), desc="labels of its own text", unit="shard")):
        texts = [torch.tensor(each.prompt + each.answer) for each in own[begin : begin + SHARD]]
        file = folder / f"labels-{number}.npz"
        top, shares = _labels(target, [ids[None] for ids in texts], config.text.top, file)
        lengths = [len(ids) for ids in texts]
        if sum(lengths) != len(top):
            raise UserError(f"{file} holds labels of another text: delete it")
        parts = zip(texts, top.split(lengths), shares.split(lengths), strict=True)
        found += [Labelled(ids[None], own_top[None], own_shares[None]) for ids, own_top, own_shares in parts]
    return found


def pieces(wanted: Text, tokenizer: PreTrainedTokenizerBase, tests: TestText) -> Iterator[list[int]]:
    """Runs of `length` tokens of the files, in a random order.

    Those that share words with a test prompt are left out.
    """
    files: list[Path] = []
    for pattern in wanted.files:
        for name, place in PLACES.items():
            pattern = pattern.replace(name, sysconfig.get_path(place))
        anchor = Path(pattern).anchor or "."
        files += sorted(Path(anchor).glob(str(Path(pattern).relative_to(anchor))))
    random.Random(wanted.seed).shuffle(files)
    for file in files:
        text = file.read_text(encoding="utf-8", errors="ignore")[:LONGEST_FILE]
        ids = list(tokenizer(text, add_special_tokens=False).input_ids)
        for begin in range(0, len(ids) - wanted.length + 1, wanted.length):
            piece = ids[begin : begin + wanted.length]
            if not tests.touches(tokenizer.decode(piece)):
                yield piece


@torch.inference_mode()
def top_logits(target: PreTrainedModel, ids: torch.Tensor, top: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and log-probabilities of the highest logits after every token of `ids` [rows, length].

    Returns:
        Two tensors [rows, length, top].
    """
    logits = target(input_ids=ids.long().to(target.device), use_cache=False).logits
    values, found = logits.topk(top, dim=-1)
    return found.cpu(), (values.float() - logits.float().logsumexp(-1, keepdim=True)).cpu()


def _labels(
    target: PreTrainedModel, texts: Sequence[torch.Tensor], top: int, file: Path
) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels of texts [rows, length], one below the other [tokens, top]; from or into `file`."""
    if not file.exists():
        parts = [[each.flatten(0, 1) for each in top_logits(target, ids, top)] for ids in texts]
        found, shares = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
        new = file.with_suffix(".new.npz")
        np.savez(new, top=found.astype(np.int32), shares=shares.astype(np.float16))
        new.replace(file)
    stored = np.load(file)
    return torch.from_numpy(stored["top"]), torch.from_numpy(stored["shares"])
