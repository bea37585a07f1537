"""CLaSp's search for the layers to skip, by dynamic programming (arXiv 2505.24196).

With x(i) the hidden state of the last accepted token after layer i of the whole model, x(0) its
embedding, and f(i) the layer: g(i, j) is the state after i layers of which j were skipped, g(0, 0)
is x(0), and g(i, j) is whichever of f(i)(g(i-1, j)) and g(i-1, j-1) is closer to x(i), by cosine
similarity. The way back from g(L, M) tells which M of the L layers were skipped.

All of it is one forward of the model over M + 1 rows of that token. The rows do not see each other,
but the text before it. After each layer a hook makes row j of its output g(i, j); a row that cannot
be yet, with j > i, holds the embedding. No code of any family is written anew.

Ours, where the paper leaves it open: row 0 skips nothing, so it is x(i), and no states need be kept
from the verification; a tie keeps the layer; closeness is computed in float32 or wider.
"""

from functools import partial
from typing import Any

import torch
from torch import nn

from baselines.layer_skipping import SwitchedLayers
from decoding.view import SessionView


class LayerSearch:
    """Chooses `count` layers to skip.

    Args:
        view: of the target, over whose rows the layers are tried.
        layers: the layers of its model.
        count: M, at most as many as there are.
    """

    def __init__(self, view: SessionView, layers: SwitchedLayers, count: int) -> None:
        self.view = view
        self.layers = layers
        self.count = count
        # For every layer whether each row skips it, bool [count + 1].
        self._skips: list[torch.Tensor] = []

    def find(self) -> frozenset[int]:
        """The layers (from 0) to skip after the cached text, of which there is a token at least.

        The view counts the forward. Afterwards no layer is skipped.
        """
        self.layers.skip(())
        self._skips = []
        hooks = [
            layer.register_forward_hook(partial(self._decide, index), with_kwargs=True)
            for index, layer in enumerate(self.layers.layers)
        ]
        try:
            self.view.repeat_last(self.count + 1)
        finally:
            for hook in hooks:
                hook.remove()
        # In one copy from the device.
        return way_back(torch.stack([each.to(self.view.device) for each in self._skips]).tolist())

    def _decide(
        self, index: int, _layer: nn.Module, inputs: tuple[torch.Tensor, ...], named: dict[str, Any], output: Any
    ) -> Any:
        """Make the layer's output [1, rows, width] the states after it: run or skipped, by row."""
        run = output[0] if isinstance(output, tuple) else output
        before = (inputs[0] if inputs else named["hidden_states"]).to(run.device)
        skipped = before.roll(1, dims=1)
        whole = run[:, :1]
        skips = _closeness(skipped, whole) > _closeness(run, whole)
        # So many layers can only have been skipped if this one is as well, and none if it is not.
        skips[index + 1 :] = True
        skips[0] = False
        self._skips.append(skips)
        states = torch.where(skips[None, :, None], skipped, run)
        return (states, *output[1:]) if isinstance(output, tuple) else states


def way_back(skips: list[list[bool]]) -> frozenset[int]:
    """The layers that the last row skipped.

    Args:
        skips: for every layer whether each row skips it; a row that does comes from the one before.
    """
    row = len(skips[0]) - 1
    found = set()
    for layer in reversed(range(len(skips))):
        if skips[layer][row]:
            found.add(layer)
            row -= 1
    return frozenset(found)


def _closeness(rows: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    """Cosine similarity [rows] of states [1, rows, width] to one state [1, 1, width]."""
    wide = torch.promote_types(rows.dtype, torch.float32)
    return torch.cosine_similarity(rows.to(wide), whole.to(wide), dim=-1)[0]
