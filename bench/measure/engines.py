"""Forwards by rows and context on every engine, beside the machine's limits in the same minutes.

What a forward cannot undercut is the larger of two times: reading its weights once at the rate at
which this machine reads that many bytes, and its multiplications at the rate of this machine's best
matrix product.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, cast

import torch
from torch import nn
from transformers import AutoModelForCausalLM, DynamicCache, LlamaConfig, PreTrainedModel

from bench.models.config import EAGER, PACKED, TRACED
from bench.models.place import Place, runs
from bench.plan import typed_json
from decoding.errors import UserError
from decoding.packing import PackedLinear, pack
from decoding.session import ModelSession
from decoding.tracing import CannotTrace
from decoding.tree import TokenTree

# A Measurement a line.
FORWARDS = "forwards.jsonl"

LIBRARY = "library"
ENGINES = (LIBRARY, EAGER, TRACED, PACKED)
# Rows and columns of a matrix product at its best.
WIDE = 1024


@dataclass
class Shape:
    """A Llama of random weights; names as in LlamaConfig, shortened."""

    layers: int = 30
    hidden: int = 576
    intermediate: int = 1536
    heads: int = 9
    key_value_heads: int = 3
    vocabulary: int = 49152
    context: int = 8448

    def model(self, dtype: torch.dtype) -> PreTrainedModel:
        """The model, its head tied to its embeddings."""
        config = LlamaConfig(
            vocab_size=self.vocabulary, hidden_size=self.hidden, intermediate_size=self.intermediate,
            num_hidden_layers=self.layers, num_attention_heads=self.heads, num_key_value_heads=self.key_value_heads,
            max_position_embeddings=self.context, tie_word_embeddings=True,
        )  # fmt: skip
        model: nn.Module = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]  # untyped in transformers
            config, attn_implementation="sdpa"
        )
        return cast(PreTrainedModel, model.to(dtype).eval())


@dataclass(frozen=True)
class Work:
    """What one forward must do at least.

    Attributes:
        bytes: of the weights that it reads.
        flops: multiplications and additions a row, those of attention left out.
    """

    bytes: int
    flops: int


@dataclass(frozen=True)
class Machine:
    """What a machine does at its best.

    Attributes:
        bandwidth: bytes a second that are read, where as many are read as a model's weights have.
        flops: a second, of a matrix product.
    """

    bandwidth: float
    flops: float

    def limit(self, work: Work, rows: int) -> float:
        """Seconds that a forward of `rows` rows takes at least."""
        return max(work.bytes / self.bandwidth, rows * work.flops / self.flops)


@dataclass
class Forwards:
    """One kind of forward: `seconds` of each repeat."""

    engine: str
    rows: int
    context: int
    work: Work
    prepared_seconds: float
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One kind of forward and what the machine allowed in the same minutes: a line of FORWARDS.

    Attributes:
        model: its name.
        role: target or draft.
        layers: the model's.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    model: str
    role: str
    layers: int
    machine: Machine
    forwards: Forwards

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        content: dict[str, Any] = typed_json.to_json(self)
        return content

    @classmethod
    def from_json(cls, content: Any) -> "Measurement":
        """The measurement of what `to_json` gave.

        Raises:
            UserError: another schema version, or a key that is missing, unknown or damaged.
        """
        if isinstance(content, Mapping):
            # The first lines name no version.
            content = {"schema_version": 1, **content}
        found: Measurement = typed_json.from_file(cls, content, f"a line of {FORWARDS}")
        return found


def work_of(model: PreTrainedModel) -> Work:
    """The least work of one forward.

    Every matrix is read once, the embedding only where it is the head as well.
    """
    read = flops = 0
    for module in model.modules():
        if isinstance(module, nn.Linear):
            count = module.in_features * module.out_features
            read += count * module.weight.element_size()
        elif isinstance(module, PackedLinear):
            count = module.in_features * module.out_features
            read += count * 2
        elif type(module).__name__ == "Conv1D":
            weight = cast(torch.Tensor, module.weight)
            count = weight.numel()
            read += count * weight.element_size()
        else:
            continue
        flops += 2 * count
    return Work(read, flops)


def machine_limits(works: Sequence[Work], dtype: torch.dtype, device: torch.device) -> list[Machine]:
    """What this machine can do for each work: the best of several, for a limit is not a mean."""
    bandwidth = {}
    for size in dict.fromkeys(work.bytes for work in works):
        source = torch.ones(max(size // 4, 1), device=device)
        target = torch.empty_like(source)
        # A copy reads and writes; a sum only reads. The faster of the two tells what reading costs.
        copied = 2 * size / _best(partial(target.copy_, source))
        summed = size / _best(source.sum)
        bandwidth[size] = max(copied, summed)
    left = torch.ones(WIDE, WIDE, dtype=dtype, device=device)
    flops = 2 * WIDE**3 / _best(lambda: left @ left)
    return [Machine(bandwidth[work.bytes], flops) for work in works]


def _best(action: Callable[[], Any], count: int = 12) -> float:
    return min(seconds_taken(action) for _ in range(count))


def seconds_taken(action: Callable[[], Any]) -> float:
    """Wall-clock seconds of a call, up to the end of what it started on a GPU."""
    begin = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


class Library:
    """transformers' model on its own cache, row by row in a chain, as its generate() runs it."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self.cache = DynamicCache()

    @torch.inference_mode()
    def fill(self, tokens: list[int]) -> None:
        """Make the cache hold these tokens."""
        self.cache = DynamicCache()
        ids = torch.tensor([tokens], device=self.model.device)
        self.model(input_ids=ids, past_key_values=self.cache, use_cache=True, logits_to_keep=1)

    @torch.inference_mode()
    def forward(self, rows: int) -> None:
        """One forward after the cached tokens, which are then cut off again."""
        ids = torch.full((1, rows), 1, device=self.model.device)
        self.model(input_ids=ids, past_key_values=self.cache, use_cache=True)
        self.cache.crop(-rows)


class Harness:
    """The harness' own session, a chain in its tree cache."""

    def __init__(self, session: ModelSession) -> None:
        self.session = session

    def fill(self, tokens: list[int]) -> None:
        """Make the cache hold these tokens."""
        self.session.reset()
        self.session.reserve(len(tokens) + 256)
        self.session.prefill(tokens)

    def forward(self, rows: int) -> None:
        """One forward of a chain after the cached tokens, which are then cut off again."""
        length = len(self.session.tokens)
        tree = TokenTree(1, room=self.session.room(length))
        tree.add(0, [1] * (rows - 1), "engine")
        self.session.forward([], tree, tree.wanted_nodes())
        self.session.truncate(length)


@dataclass(frozen=True)
class Prepared:
    """A model on an engine: what runs its forwards, their least work, seconds to prepare it."""

    runner: Library | Harness
    work: Work
    seconds: float


def prepared(engine: str, model: PreTrainedModel) -> Prepared:
    """The model on the engine.

    Args:
        engine: one of ENGINES.
        model: for this engine alone, which may change it.

    Raises:
        UserError: the engine cannot run here.
    """
    begin = time.perf_counter()
    if engine == PACKED:
        pack(model)
    if engine == LIBRARY:
        return Prepared(Library(model), work_of(model), time.perf_counter() - begin)
    session = ModelSession(model)
    if engine != EAGER:
        try:
            session.trace()
        except CannotTrace as error:
            raise UserError(f"{type(model).__name__} cannot be traced: {error}") from error
    return Prepared(Harness(session), work_of(model), time.perf_counter() - begin)


def available(engines: Sequence[str], place: Place) -> list[str]:
    """Those engines of `engines` that can run there.

    Raises:
        UserError: a name is unknown.
    """
    if unknown := [engine for engine in engines if engine not in ENGINES]:
        raise UserError(f"engines={unknown[0]} is unknown: choose of {', '.join(ENGINES)}")
    return [engine for engine in engines if runs(engine, torch.device(place.device).type, place.dtype)]


def measure(
    ready: Mapping[str, Prepared], contexts: Sequence[int], rows: Sequence[int], repeats: int
) -> Iterator[list[Forwards]]:
    """For every context all engines' forwards.

    They are measured in turns, so that noise falls on all of them.

    Args:
        ready: engine to the model on it.
        contexts: cached tokens before the forward.
        rows: of the forward.
        repeats: of each kind.
    """
    for context in contexts:
        found = []
        for engine, each in ready.items():
            each.runner.fill([2 + index % 500 for index in range(context)])
            found += [Forwards(engine, count, context, each.work, each.seconds) for count in rows]
        for repeat in range(-2, repeats):  # the first two warm up
            for forward in found:
                seconds = seconds_taken(partial(ready[forward.engine].runner.forward, forward.rows))
                if repeat >= 0:
                    forward.seconds.append(seconds)
        yield found
