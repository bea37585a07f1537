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

    def build(self, visible: np.ndarray, query: np.ndarray, key: np.ndarray) -> Mask:
        """The mask for one forward.

        visible: bool [rows, columns]; query, key: positions, int [rows] and [columns].
        """
        masks = {}
        for kind, window in self.windows.items():
            allowed = visible
            if window is not None and query.max() >= window:
                allowed = visible & (query[:, None] - key[None, :] < window)
            masks[kind] = self._format(torch.from_numpy(allowed).to(self.device))
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _format(self, allowed: torch.Tensor) -> torch.Tensor:
        """Additive in the model's dtype: eager adds it as it is, and sdpa need not turn it into one in every layer."""
        mask = torch.zeros(allowed.shape, dtype=self.dtype, device=allowed.device)
        return mask.masked_fill_(~allowed, torch.finfo(self.dtype).min)[None, None]


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
