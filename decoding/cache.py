"""A preallocated KV cache in which rollback moves a cursor and keeping a tree path is one gather.

The model sees transformers' own `Cache` interface; every layer writes at one shared cursor and attends to the
rows before it. Row order is the order of the forward, positions are the mask's business, so the rows of rejected
nodes simply lie behind the cursor until they are overwritten.
"""

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


class _TreeLayer(CacheLayerMixin):
    """One layer's slice of the shared buffers."""

    is_sliding = False

    def __init__(self, cache: "TreeCache") -> None:
        super().__init__()
        self.cache = cache
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to do: the buffers stand before the first forward."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write rows [B, H, n, D] at the cursor and return all rows up to and including them."""
        # narrow and copy_ rather than slices: this runs in every layer of every forward, and costs a third as much.
        start, rows = self.cache.length, key_states.shape[-2]
        self.keys.narrow(2, start, rows).copy_(key_states)
        self.values.narrow(2, start, rows).copy_(value_states)
        return self.keys.narrow(2, 0, start + rows), self.values.narrow(2, 0, start + rows)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.cache.length

    def get_max_length(self) -> int:
        return self.cache.capacity


class TreeCache(Cache):
    """Preallocated keys and values for every layer of one model, batch size 1.

    shapes: for every layer, the (key, value) rows of a one-token forward, [1, heads, 1, dim] each; they tell
        heads, dims, dtype and device without knowing any family's config names.
    """

    def __init__(self, shapes: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        super().__init__(layers=[_TreeLayer(self) for _ in shapes])
        self.length = 0
        self.capacity = 0
        self._shapes = shapes
        self._buffers: list[torch.Tensor] = []

    def reserve(self, capacity: int) -> None:
        """Make room for `capacity` rows; what is cached stays."""
        if capacity <= self.capacity:
            return
        capacity = max(capacity, self.capacity * 3 // 2)
        old = [(layer.keys, layer.values) for layer in self.layers]
        self._buffers = []
        groups: dict[tuple, list[tuple[int, str]]] = {}
        for index, pair in enumerate(self._shapes):
            for name, row in zip(("keys", "values"), pair, strict=True):
                groups.setdefault((row.shape[1], row.shape[3], row.dtype, row.device), []).append((index, name))
        for (heads, dim, dtype, device), members in groups.items():
            buffer = torch.zeros(len(members), heads, capacity, dim, dtype=dtype, device=device)
            for slot, (index, name) in enumerate(members):
                setattr(self.layers[index], name, buffer[slot : slot + 1])
            self._buffers.append(buffer)
        for layer, (keys, values) in zip(self.layers, old, strict=True):
            if keys is not None:
                layer.keys[:, :, : self.length] = keys[:, :, : self.length]
                layer.values[:, :, : self.length] = values[:, :, : self.length]
        self.capacity = capacity

    def advance(self, rows: int) -> None:
        """Confirm the `rows` rows behind the cursor."""
        self.length += rows

    def keep(self, rows: list[int]) -> None:
        """Confirm only the given rows behind the cursor (ascending offsets), packed together in that order."""
        moved = [(source, target) for target, source in enumerate(rows) if source != target]
        if moved:
            first = moved[0][1]
            for buffer in self._buffers:
                index = torch.tensor([self.length + row for row in rows[first:]], device=buffer.device)
                packed = buffer.index_select(2, index)
                buffer[:, :, self.length + first : self.length + len(rows)] = packed
        self.length += len(rows)

    def truncate(self, length: int) -> None:
        """Forget every row from `length` on. Raises ValueError if there are not that many."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot cut a cache of {self.length} rows to {length}")
        self.length = length
