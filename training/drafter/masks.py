"""Training of a draft that writes several tokens in one forward, at rows that read a mask.

PARD (arXiv 2504.18583, section 3.2): beside a text's own rows, groups of rows that read the mask.
The row of group i at anchor t stands i places after t, sees the text up to t and the masks of its
own anchor before it, and learns what comes after its place. Of later groups ever fewer anchors are
kept, and an anchor that a group dropped is in no later one.
"""

import random
from dataclasses import replace

import torch

from training.drafter.batch import Batch

# A group's share of anchors: this to the power of its number, and never less than LEAST.
KEPT, LEAST = 0.7, 0.2


def with_masks(batch: Batch, tokens: int, mask: int, draw: random.Random) -> Batch:
    """The batch with rows of masks after its own.

    Args:
        batch: of texts.
        tokens: that a forward is to give, 1 of them at the text's own row.
        mask: the id that such rows read.
        draw: chooses the anchors.
    """
    length = batch.ids.shape[1]
    anchors, place, group = list(range(length)), list(range(length)), [0] * length
    origin = list(range(length))
    for number in range(1, tokens):
        wanted = round(length * max(KEPT**number, LEAST))
        anchors = sorted(draw.sample(anchors, min(wanted, len(anchors))))
        # What would stand past the text's end has nothing to learn.
        anchors = [anchor for anchor in anchors if anchor + number < length]
        place += [anchor + number for anchor in anchors]
        origin += anchors
        group += [number] * len(anchors)
    places, origins, groups = (torch.tensor(each) for each in (place, origin, group))
    ids = batch.ids[:, places].clone()
    ids[:, groups > 0] = mask
    text = (groups[None] == 0) & (places[None] <= origins[:, None])
    chain = (groups[None] > 0) & (origins[None] == origins[:, None]) & (groups[None] <= groups[:, None])
    return replace(
        batch, ids=ids, weights=batch.weights[:, places], labels=batch.labels[:, places],
        shares=batch.shares[:, places], positions=places, seen=text | chain,
    )  # fmt: skip
