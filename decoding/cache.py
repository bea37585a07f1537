"""A preallocated KV cache: rollback moves a cursor, keeping a tree path moves its rows together.

The model sees transformers' own `Cache` interface; every layer writes at one shared cursor and
attends to the rows before it. Row order is the order of the forward, positions are the mask's
business, so the rows of rejected nodes simply lie past the cursor until they are overwritten.
"""

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

from decoding.reading import reader_of


@torch.no_grad()
def one_row(model: PreTrainedModel) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(keys, values) of every layer, [1, heads, 1, size] each, from a forward of one token."""
    if reader := reader_of(model):
        reader.give([])
    cache = DynamicCache()
    token = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    model(input_ids=token, past_key_values=cache, use_cache=True)
    # Of many kinds, but MaskBuilder lets none through that has no rows.
    layers: list[Any] = cache.layers
    return [(layer.keys, layer.values) for layer in layers]


class _TreeLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # untyped in transformers
    """One layer's rows: views of the shared buffers, renewed once a forward.

    fresh: where this forward's rows of (keys, values) go. seen: all rows up to and including them.
    """

    is_sliding = False

    def __init__(self, cache: "TreeCache") -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.cache = cache
        self.is_initialized = True
        self.fresh: dict[str, torch.Tensor] = {}
        self.seen: dict[str, torch.Tensor] = {}

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to do: the buffers stand before the first forward."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write rows [B, H, n, D] at the cursor and return all rows up to and including them."""
        self.cache.place(key_states.shape[-2])
        self.fresh["keys"].copy_(key_states)
        self.fresh["values"].copy_(value_states)
        return self.seen["keys"], self.seen["values"]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.cache.length

    def get_max_length(self) -> int:
        return self.cache.capacity


class _Buffer:
    """Rows of one shape, [members, 1, heads, capacity, dim].

    They are the keys or values of every layer that has this shape.
    """

    def __init__(self, row: torch.Tensor) -> None:
        self.members: list[tuple[_TreeLayer, str]] = []
        self.rows = row.new_zeros(0, 1, row.shape[1], 0, row.shape[3])

    def reserve(self, capacity: int, length: int) -> None:
        """Make room for `capacity` rows; the first `length` stay."""
        old = self.rows
        # As a plain tensor, whoever asks: a traced forward of another model may write there.
        with torch.inference_mode(False):
            self.rows = old.new_zeros(len(self.members), 1, old.shape[2], capacity, old.shape[4])
        if length:
            self.rows[..., :length, :] = old[..., :length, :]

    def place(self, start: int, count: int) -> None:
        """Give each member its views for a forward of `count` rows from `start` on."""
        fresh = self.rows.narrow(3, start, count).unbind()
        seen = self.rows.narrow(3, 0, start + count).unbind()
        for (layer, name), new, whole in zip(self.members, fresh, seen, strict=True):
            layer.fresh[name], layer.seen[name] = new, whole


def _runs(rows: list[int]) -> list[tuple[int, int, int]]:
    """(new place, old place, length) of every run of neighbours that must move."""
    runs: list[tuple[int, int, int]] = []
    for target, source in enumerate(rows):
        if runs and source == rows[target - 1] + 1:
            place, old, count = runs[-1]
            runs[-1] = (place, old, count + 1)
        else:
            runs.append((target, source, 1))
    return [run for run in runs if run[0] != run[1]]


class TreeCache(Cache):
    """Preallocated keys and values for every layer of one model, batch size 1.

    Args:
        shapes: for every layer, the (key, value) rows of a one-token forward, [1, heads, 1, dim]
            each; they tell heads, dims, dtype and device without knowing any family's config names.

    Attributes:
        devices: where the rows lie; several where the model is spread.
    """

    def __init__(self, shapes: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        layers = [_TreeLayer(self) for _ in shapes]
        super().__init__(layers=list(layers))
        self.length = 0
        self.capacity = 0
        self._placed: tuple[int, int] | None = None
        buffers: dict[tuple[int, int, torch.dtype, torch.device], _Buffer] = {}
        for layer, pair in zip(layers, shapes, strict=True):
            for name, row in zip(("keys", "values"), pair, strict=True):
                kind = (row.shape[1], row.shape[3], row.dtype, row.device)
                buffers.setdefault(kind, _Buffer(row)).members.append((layer, name))
        self._buffers = list(buffers.values())
        self.devices = {buffer.rows.device for buffer in self._buffers}

    def buffers(self) -> list[torch.Tensor]:
        """The rows of all layers, [members, 1, heads, capacity, dim] each.

        There is one buffer for every shape of row.
        """
        return [buffer.rows for buffer in self._buffers]

    def slots(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """For every layer where its (keys, values) are: (number in `buffers`, member) each."""
        found: dict[tuple[object, str], tuple[int, int]] = {
            (layer, name): (number, member)
            for number, buffer in enumerate(self._buffers)
            for member, (layer, name) in enumerate(buffer.members)
        }
        return [(found[layer, "keys"], found[layer, "values"]) for layer in self.layers]

    def read(self, layer: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The first `count` rows of a layer's (keys, values), [1, heads, count, size] each.

        They are views, only to be read.

        Raises:
            ValueError: fewer rows are confirmed.
        """
        if not 0 <= count <= self.length:
            raise ValueError(f"{count} rows of a cache of {self.length}")
        (keys, first), (values, second) = self.slots()[layer]
        found = (self._buffers[keys].rows[first], self._buffers[values].rows[second])
        return found[0].narrow(2, 0, count), found[1].narrow(2, 0, count)

    def reserve(self, capacity: int) -> None:
        """Make room for `capacity` rows; what is cached stays."""
        if capacity <= self.capacity:
            return
        capacity = max(capacity, self.capacity * 3 // 2)
        self._placed = None
        for buffer in self._buffers:
            buffer.reserve(capacity, self.length)
        self.capacity = capacity

    def place(self, rows: int) -> None:
        """Make every layer's views those of a forward of `rows` rows past the cursor.

        All layers at once, in the first one's update: a view costs as much as the copy into it, and
        this is paid in every forward, of the draft too.
        """
        if self._placed != (self.length, rows):
            for buffer in self._buffers:
                buffer.place(self.length, rows)
            self._placed = (self.length, rows)

    def advance(self, rows: int) -> None:
        """Confirm the `rows` rows past the cursor."""
        self.length += rows

    def keep(self, rows: list[int]) -> bool:
        """Confirm only the given rows past the cursor (ascending offsets), packed in that order.

        Returns whether any of them moved.
        """
        moved = rows[-1] != len(rows) - 1
        if moved:
            self._pack(rows)
        self.length += len(rows)
        return moved

    @torch.inference_mode()
    def _pack(self, rows: list[int]) -> None:
        """Neighbours move together.

        They are slices, and no index that would have to go to the device first.
        """
        for target, source, count in _runs(rows):
            begin, end = self.length + target, self.length + target + count
            start = self.length + source
            for buffer in self._buffers:
                moving = buffer.rows[..., start : start + count, :]
                buffer.rows[..., begin:end, :] = moving.clone() if start < end else moving

    def truncate(self, length: int) -> None:
        """Forget every row from `length` on.

        Raises:
            ValueError: there are not that many rows.
        """
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot cut a cache of {self.length} rows to {length}")
        self.length = length
