"""Which attention mask a transformers model takes, and what it must hold.

The boolean relation "row i may see row j" is the session's; here it becomes what the model's
attention expects: an additive mask, one for all layers or one per layer type where layers have
sliding windows.
"""

from collections.abc import Mapping

import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

from decoding.errors import SettingError, UserError

Mask = torch.Tensor | Mapping[str, torch.Tensor]

# Numbers of the largest mask whose memory is kept: that of a step, not of a long prompt.
REUSED = 1 << 20

KNOWN_LAYER_TYPES = ("full_attention", "sliding_attention")


class MaskBuilder:
    """Turns visibility and positions, both on the model's device, into its mask.

    Args:
        model: whose mask it is.
        without_first: hide the first column from every row but its own.

    Raises:
        UserError: the attention takes no explicit mask (as flash and flex attention), or the rows
            of a layer type are no plain keys and values (as in linear or chunked attention).
    """

    def __init__(self, model: PreTrainedModel, without_first: bool = False) -> None:
        config = model.config.get_text_config(decoder=True)
        self.implementation = config._attn_implementation  # transformers keeps it nowhere public
        if self.implementation not in ("sdpa", "eager"):
            raise SettingError(
                f"attn_implementation must be sdpa or eager, not {self.implementation}, which takes no explicit mask: "
                "tree drafts would be silently wrong"
            )
        self.dtype, self.device = model.dtype, model.device
        self.without_first = without_first
        self.windows = _windows(config)
        self._windowed = any(window is not None for window in self.windows.values()) or len(self.windows) > 1
        self._zeros = torch.zeros((1, 1, 1, 0), dtype=self.dtype, device=self.device)
        self._masks = {kind: self._zeros.view(0) for kind in self.windows}  # of the last forward

    @property
    def kinds(self) -> list[str] | None:
        """The layer types that have a mask of their own, in the order of `build`.

        None where one mask serves all.
        """
        return list(self.windows) if len(self.windows) > 1 else None

    def build(
        self, before: int, rows: int, columns: np.ndarray, places: torch.Tensor, hidden: torch.Tensor | None = None
    ) -> Mask:
        """The mask for one forward: [1, 1, rows, before + columns], additive in the model's dtype.

        Additive, because eager adds it as it is and sdpa need not turn it into one in every layer.

        Args:
            before: columns that every row sees but for sliding windows, at positions 0, 1, ...
            rows: of the forward.
            columns: int64 [columns], positions of the columns after `before`; the last are the
                rows' own.
            places: the same on the model's device.
            hidden: bool [rows, columns] there, which of these columns each row does not see; None
                for a row alone.
        """
        total = before + len(columns)
        if hidden is None and not self._windowed and not self.without_first:
            return self._open(total)
        lowest = torch.finfo(self.dtype).min
        masks = {}
        for kind, window in self.windows.items():
            mask = self._blank(kind, rows, total)
            if self.without_first:
                # A row that sees nothing would be no number.
                mask[:, :, int(rows == total) :, 0] = lowest
            if hidden is not None:
                mask[..., before:].masked_fill_(hidden, lowest)
            if window is not None and columns.max() >= window:
                every = torch.cat([torch.arange(before, device=self.device), places])
                mask.masked_fill_(places[-rows:, None] - every[None, :] >= window, lowest)
            masks[kind] = mask
        return masks if len(masks) > 1 else next(iter(masks.values()))

    def _blank(self, kind: str, rows: int, columns: int) -> torch.Tensor:
        """Zeros [1, 1, rows, columns] where the last forward's were.

        Fresh memory costs more than what is put there.
        """
        size = rows * columns
        if size > REUSED:
            return torch.zeros((1, 1, rows, columns), dtype=self.dtype, device=self.device)
        if len(self._masks[kind]) < size:
            self._masks[kind] = torch.empty(min(2 * size, REUSED), dtype=self.dtype, device=self.device)
        return self._masks[kind][:size].view(1, 1, rows, columns).zero_()

    def _open(self, columns: int) -> torch.Tensor:
        """The mask of one row that sees everything, [1, 1, 1, columns].

        A view of zeros that are written once.
        """
        if self._zeros.shape[-1] < columns:
            self._zeros = torch.zeros((1, 1, 1, 2 * columns), dtype=self.dtype, device=self.device)
        return self._zeros[..., :columns]


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
