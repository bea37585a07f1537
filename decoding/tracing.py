"""A model's forward, traced once and run without Python.

torch.jit's interpreter walks a flat list of operators. In eager mode a small model spends most of a
forward in Python, in transformers' modules and around some forty small operators a layer. Traced,
the same operators run on the same numbers in the same order, for any number of rows and any length
of the cache, for these are sizes of the inputs and no constants. The models' own classes are
traced: no code of any family is written anew. What cannot be traced (a forward that looks at
values, not only at sizes) stays eager.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin

from decoding.cache import TreeCache
from decoding.hidden import HiddenStates
from decoding.masks import Mask
from decoding.packing import blocked
from decoding.reading import reader_of

# Rotary embeddings that look at how far the sequence has come.
LOOKING = ("dynamic", "longrope")
# Rows of a forward whose numbers are written once.
NUMBERS = 1024
_Tensors = list[torch.Tensor]
# Of a forward: ids or embeddings, positions, kept rows, masks, buffers, blocked weights,
# what is read beside tokens.
_Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, _Tensors, _Tensors, _Tensors, _Tensors]


class CannotTrace(Exception):
    """Why a model's forward cannot be traced."""


class _Layer(CacheLayerMixin):  # type: ignore[no-untyped-call]  # untyped in transformers
    """One layer of the cache while the model is traced: slices of inputs, whose sizes stay open.

    total: rows of the cache that this forward sees, its own the last of them.
    """

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in transformers
        self.is_initialized = True
        self.total = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to do: the buffers are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        start = self.total - key_states.shape[-2]
        self.keys[:, :, start : self.total].copy_(key_states)
        self.values[:, :, start : self.total].copy_(value_states)
        return self.keys[:, :, : self.total], self.values[:, :, : self.total]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002
        return self.total, 0

    def get_seq_length(self) -> int:
        return 0

    def get_max_length(self) -> int:
        return -1


class _Forward(nn.Module):
    """The model's forward as a function of tensors alone."""

    def __init__(
        self,
        model: PreTrainedModel,
        cache: TreeCache,
        kinds: Sequence[str] | None,
        hidden: HiddenStates | None,
        embedded: bool,
    ) -> None:
        super().__init__()
        self.model = model
        self.hidden = hidden
        self.reader = reader_of(model)
        self.kinds = kinds
        self.reads = "inputs_embeds" if embedded else "input_ids"
        self.slots = cache.slots()
        self.cache = Cache(layers=[_Layer() for _ in cache.layers])
        self.blocked = blocked(model)

    def weights(self) -> _Tensors:
        """The weights that come in as arguments.

        They are never none, for a graph does not know what is in no list.
        """
        return [layer.blocked for layer in self.blocked] or [torch.zeros(0)]

    def forward(
        self,
        inputs: torch.Tensor,
        positions: torch.Tensor,
        kept: torch.Tensor,
        masks: _Tensors,
        buffers: _Tensors,
        weights: _Tensors,
        beside: _Tensors,
    ) -> tuple[torch.Tensor, ...]:
        """(logits,), and the last hidden states where they are watched."""
        if self.reader:
            self.reader.give(beside)
        for linear, weight in zip(self.blocked, weights, strict=False):
            linear.blocked = weight
        for layer, (keys, values) in zip(cast(list[_Layer], self.cache.layers), self.slots, strict=True):
            layer.keys, layer.values = (buffers[buffer][member] for buffer, member in (keys, values))
            layer.total = masks[0].shape[-1]
        output = self.model(
            **{self.reads: inputs},
            position_ids=positions,
            attention_mask=masks[0] if self.kinds is None else dict(zip(self.kinds, masks, strict=True)),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=kept,
        )
        if self.hidden is None:
            return (output.logits,)
        assert self.hidden.rows is not None
        return output.logits, self.hidden.rows


class TracedForward:
    """`model` on the buffers of `cache`, traced.

    Args:
        kinds: layer types that have masks of their own, None where there is one mask for all.
        hidden: where a forward's hidden states are put, None where nobody asks for them.
        embedded: whether rows are embeddings and no token ids.

    Raises:
        CannotTrace: tracing fails or what it gives is not what the model gives.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        cache: TreeCache,
        kinds: Sequence[str] | None,
        hidden: HiddenStates | None = None,
        embedded: bool = False,
    ) -> None:
        _refuse(model, cache)
        self._hidden = hidden
        self._embedded = embedded
        self._cache = cache
        self._kinds = kinds
        self._device = model.device
        self._numbers = torch.arange(NUMBERS, device=self._device)
        forward = _Forward(model, cache, kinds, hidden, embedded)
        self._weights = forward.weights()
        self._nothing = [torch.zeros_like(each) for each in self._beside(model, 1, 1, torch.Generator())]
        cache.reserve(64)
        try:
            with warnings.catch_warnings(), torch.no_grad():
                # Python looks at sizes here and there (is there more than one row?), which is told
                # as a risk: whether it matters is what the comparison below shows.
                warnings.simplefilter("ignore")
                example = self._example(3, 17, model)
                traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # untyped in torch
                    forward, example, check_trace=False, strict=False
                )
                self._run = _function_of(torch.jit.freeze(traced.eval()))
        except Exception as error:
            raise CannotTrace(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}") from error
        self._compare(forward, model)

    def __call__(
        self,
        inputs: torch.Tensor,
        positions: torch.Tensor,
        kept: list[int],
        mask: Mask,
        beside: Sequence[torch.Tensor] = (),
    ) -> torch.Tensor:
        """Logits [1, len(kept), the head's size] of one forward.

        Its rows are written after the cache's cursor.

        Args:
            inputs: token ids, int64 [1, rows], or embeddings, float [1, rows, hidden size].
            positions: int64 [1, rows].
            kept: rows whose logits are wanted.
            mask: as the model takes it.
            beside: what the model reads beside tokens (see decoding/reading.py).
        """
        masks = list(mask.values()) if isinstance(mask, Mapping) else [mask]
        read = list(beside) or self._nothing
        found = self._run(inputs, positions, self._index(kept), masks, self._cache.buffers(), self._weights, read)
        if self._hidden:
            self._hidden.rows = found[1]
        return found[0]

    def _index(self, rows: list[int]) -> torch.Tensor:
        """The rows as a tensor.

        Of neighbours, which they mostly are, it is a view of numbers that are written once.
        """
        first, count = rows[0], len(rows)
        if first + count <= len(self._numbers) and rows == list(range(first, first + count)):
            return self._numbers[first : first + count]
        return torch.tensor(rows, device=self._device)

    def _example(self, rows: int, cached: int, model: PreTrainedModel) -> _Arguments:
        """Arguments of a forward of `rows` rows, the last two siblings, after `cached` ones."""
        draw = torch.Generator().manual_seed(rows * 100 + cached)
        ids = torch.randint(0, model.config.get_text_config(decoder=True).vocab_size, (1, rows), generator=draw)
        positions = torch.arange(cached, cached + rows)[None]
        mask = torch.zeros(1, 1, rows, cached + rows, dtype=model.dtype)
        hidden = torch.ones(rows, rows, dtype=torch.bool).triu(1)
        if rows > 2:
            positions[0, -1] -= 1
            hidden[-1, -2] = True
        mask[..., cached:].masked_fill_(hidden, torch.finfo(model.dtype).min)
        device = model.device
        masks = [mask.to(device) for _ in self._kinds or ["all"]]
        kept = torch.tensor([*range(rows)] if rows < 3 else [rows - 3, rows - 1], device=device)
        inputs = ids.to(device)
        if self._embedded:
            inputs = model.get_input_embeddings()(inputs)
        beside = self._beside(model, rows, cached, draw)
        return inputs, positions.to(device), kept, masks, self._cache.buffers(), self._weights, beside

    def _beside(self, model: PreTrainedModel, rows: int, cached: int, draw: torch.Generator) -> _Tensors:
        """What a model may read beside tokens; of one that reads nothing what nobody looks at."""
        reader = reader_of(model)
        drawn = reader.example(rows, cached, draw) if reader else [torch.zeros(0)]
        return [each.to(self._device, model.dtype) for each in drawn]

    @torch.inference_mode()
    def _compare(self, forward: _Forward, model: PreTrainedModel) -> None:
        """Raise CannotTrace unless both give the same.

        They are compared on other numbers of rows and lengths than the traced ones.
        """
        for rows, cached in ((9, 0), (1, 9), (2, 10), (6, 12), (1, 0), (5, 33)):
            example = self._example(rows, cached, model)
            for expected, found in zip(forward(*example), self._run(*example), strict=True):
                scale = float(expected.abs().max()) or 1.0
                # Bit by bit as a rule; but the interpreter may fold what a model does to a number
                # before it meets a tensor.
                if not float((expected - found).abs().max()) <= 1e3 * torch.finfo(model.dtype).eps * scale:
                    raise CannotTrace(f"its logits for {rows} rows after {cached} are others than the model's own")


def _function_of(frozen: torch.jit.ScriptModule) -> Callable[..., tuple[torch.Tensor, ...]]:
    """A frozen module's forward as a function that nothing else holds.

    torch keeps the graph of every module that was ever scripted, and in a frozen one's stand the
    weights: a sweep would end with those of all its runs in memory. So the graph moves into a
    compilation unit of its own, and the module's is emptied. Besides, a module's call looks for
    hooks first, which costs as much as an operator.
    """
    kept = frozen.graph
    graph = kept.copy()
    graph.eraseInput(0)  # the module itself, of which freezing left nothing
    for _ in list(kept.outputs()):
        kept.eraseOutput(0)
    for node in reversed(list(kept.nodes())):
        node.destroy()
    run: Callable[..., tuple[torch.Tensor, ...]] = torch._C.CompilationUnit().create_function("forward", graph)
    return run


def rotary_settings(config: PretrainedConfig) -> list[dict[str, Any]]:
    """A model's settings of its rotary embeddings, and those of kinds of layer with their own."""
    parameters = getattr(config, "rope_parameters", None) or {}
    return [parameters, *(value for value in parameters.values() if isinstance(value, dict))]


def _refuse(model: PreTrainedModel, cache: TreeCache) -> None:
    """Raise CannotTrace for what is known to look at values."""
    config = model.config.get_text_config(decoder=True)
    for each in rotary_settings(config):
        if each.get("rope_type") in LOOKING:
            raise CannotTrace(f"its rotary embedding ({each['rope_type']}) looks at positions")
    if any(getattr(config, name, None) for name in ("num_experts", "num_local_experts", "n_routed_experts")):
        raise CannotTrace("its router chooses experts by what it reads")
    if len(cache.devices) > 1 or getattr(model, "hf_device_map", None):
        raise CannotTrace("it is spread over devices")
