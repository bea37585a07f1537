"""Which attention mask a transformers model takes, and what it must hold.

The boolean relation "row i may see row j" is the session's; here it becomes what the model's attention expects: an
additive mask, one for all layers or one per layer type where layers have sliding windows.
"""

from collections.abc import Mapping

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from decoding.errors import UserError

Mask = torch.Tensor | Mapping[str, torch.Tensor]

KNOWN_LAYER_TYPES = ("full_attention", "sliding_attention")


class MaskBuilder:
    """Turns visibility and positions into the mask of one model.

    Raises UserError for attention that takes no explicit mask (flash and flex attention among them) and for
    layer types whose rows are no plain keys and values (linear or chunked attention).
    """

    def __init__(self, model: PreTrainedModel) -> None:
        config = model.config.get_text_config(decoder=True)
        self.implementation = config._attn_implementation  # transformers keeps it nowhere public
        if self.implementation not in ("sdpa", "eager"):
            raise UserError(
                f"attention '{self.implementation}' takes no explicit mask, so tree drafts would be silently wrong: "
                "set model.attn_implementation to sdpa or eager"
            )
        self.dtype, self.device = model.dtype, model.device
        self.windows = _windows(config)
        self._windowed = any(window is not None for window in self.windows.values()) or len(self.windows) > 1
        self._zeros = torch.zeros((1, 1, 1, 0), dtype=self.dtype, device=self.device)

    @property
    def kinds(self) -> list[str] | None:
        """The layer types that have a mask of their own, in the order of `build`; None where one serves all."""
        return list(self.windows) if len(self.windows) > 1 else None

    def build(self, before: int, visible: np.ndarray, query: list[int], key: list[int]) -> Mask:
        """The mask for one forward: [1, 1, rows, before + columns], additive in the model's dtype.

        Additive, because eager adds it as it is and sdpa need not turn it into one in every layer.

        Args:
            before: columns that every row sees but for sliding windows, at positions 0, 1, ...
            visible: bool [rows, columns], which of the columns after those each row sees.
            query: positions of the rows.
            key: positions of the columns after `before`.
        """
        if len(query) == 1 and visible.size == 1 and not self._windowed:
            return self._open(before + len(key))
        masks = {}
        hidden = ~visible if visible.size > 1 else None  # a row alone sees itself
        for kind, window in self.windows.items():
            mask = torch.zeros((1, 1, len(query), before + len(key)), dtype=self.dtype, device=self.device)
            if window is not None and max(query) >= window:
                far = np.array(query)[:, None] - np.array([*range(before), *key])[None, :] >= window
                if hidden is not None:
                    far[:, before:] |= hidden
                self._hide(mask, far)
            elif hidden is not None:
                self._hide(mask[..., before:], hidden)
            masks[kind] = mask
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _open(self, columns: int) -> torch.Tensor:
        """The mask of one row that sees everything, [1, 1, 1, columns]: a view of zeros that are written once."""
        if self._zeros.shape[-1] < columns:
            self._zeros = torch.zeros((1, 1, 1, 2 * columns), dtype=self.dtype, device=self.device)
        return self._zeros[..., :columns]

    def _hide(self, mask: torch.Tensor, hidden: np.ndarray) -> None:
        mask.masked_fill_(torch.from_numpy(hidden).to(self.device), torch.finfo(self.dtype).min)


def _windows(config: PretrainedConfig) -> dict[str, int | None]:
    """Layer type to sliding window (None: the whole context), for the types that the model has."""
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ())
    unknown = kinds - set(KNOWN_LAYER_TYPES)
    if unknown:
        raise UserError(f"layers of type {', '.join(sorted(unknown))} keep no plain keys and values: not supported")
    if not kinds:
        return {"sliding_attention" if window else "full_attention": window or None}
    return {kind: window if kind == "sliding_attention" else None for kind in sorted(kinds)}
