"""Loading a pair of models: device, dtype, end-of-sequence ids, and tokenizers compared."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import cast

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.console.naming import naming_pair
from bench.models.borrowing import borrows, load_borrowing
from bench.models.checkpoint import load_whole
from bench.models.config import EAGER, PACKED, ModelConfig
from bench.models.generation_config import not_obeyed
from bench.models.location import cannot_load, config_of, source_of, tokenizer_of
from bench.models.place import Place, fastest, resolve_place, runs
from bench.models.short_head import read_ranking, shorten
from bench.models.speculators import load_published, published
from decoding.cross import CrossReader
from decoding.cross_session import CrossSession
from decoding.decoder import ModelPair
from decoding.draws import Sampling
from decoding.errors import UserError
from decoding.feature_session import FeatureSession
from decoding.hidden import Reader
from decoding.packing import pack
from decoding.reading import Reading, reader_of
from decoding.reading_session import ReadingSession
from decoding.session import ModelSession
from decoding.text import continuation, text_of
from decoding.tracing import CannotTrace


@dataclass
class LoadedPair:
    """The pair as methods see it, and the target's tokenizer.

    Attributes:
        engine: that the models are prepared for.
        warnings: what was seen on loading that changes how figures must be read (see
            bench/report/warnings.py).
    """

    pair: ModelPair
    tokenizer: PreTrainedTokenizerBase
    engine: str = EAGER
    warnings: list[str] = field(default_factory=list)

    def continuation(self, prompt: list[int], output: list[int]) -> str:
        """The text that `output` adds to `prompt`, special tokens left out."""

        def text(ids: list[int]) -> str:
            return text_of(self.tokenizer, ids, skip_special_tokens=True)

        return continuation(text, prompt, output)


@dataclass(frozen=True)
class _Kind:
    """A kind of draft that reads what its target has made of the text: what that is, and how."""

    what: str
    reader: type[Reading]
    session: type[ReadingSession]


# By the setting that names such a draft, which is also its name in ModelPair.
READERS = {
    "feature_draft": _Kind("hidden states", Reader, FeatureSession),
    "cross_draft": _Kind("keys and values", CrossReader, CrossSession),
}


@naming_pair()
def load_pair(model: ModelConfig, place: Place, seed: int, sampling: Sampling | None = None) -> LoadedPair:
    """Load tokenizer, target, and draft where there is one.

    The tokenizers are compared before any weight is loaded.

    Args:
        model: the pair.
        place: where it is to run.
        seed: of the pair.
        sampling: how it will decode, for what is told of the target's generation_config; None:
            greedily.

    Raises:
        UserError: missing, incomplete or broken weights, no network, or tokenizers that differ.
    """
    draft_device = resolve_place(model.draft_device or place.device, place.dtype).device
    tokenizers = load_tokenizers(model)
    target, warnings = _load(model.target_name, model.revision, model, place.dtype, place.device, place.engine)
    warnings += not_obeyed(model.target_name, target.generation_config, sampling or Sampling())
    session = _session(target, tokenizers.target, place.engine, warnings)
    tokenizer = tokenizers.tokenizer
    eos = eos_ids(target, tokenizer)

    def plain() -> PreTrainedModel:
        return _load(model.target_name, model.revision, model, place.dtype, place.device, EAGER)[0]

    draft_session = None
    if model.draft:
        alone = replace(model, device_map=None) if model.draft_device else model
        dtype, engine = _of_draft(model, place, draft_device)
        draft, seen = _load_draft(alone, target, dtype, draft_device, engine, eos)
        warnings += seen
        assert tokenizers.draft is not None
        draft_session = _session(draft, tokenizers.draft, engine, warnings)

    def reading(setting: str) -> Callable[[], ModelSession] | None:
        """Loads, once, the draft that reads what the target has made of the text."""
        folder = getattr(model, setting)
        if not folder:
            return None

        @cache
        def load() -> ModelSession:
            named = replace(model, draft=folder)
            dtype, engine = _of_draft(model, place, place.device)
            draft, seen = _load_draft(named, target, dtype, place.device, engine, eos)
            kind, reader = READERS[setting], reader_of(draft)
            read = next((name for name, each in READERS.items() if isinstance(reader, each.reader)), "draft")
            if read != setting:
                raise UserError(f"model.{setting}={folder} reads no {kind.what}: give it as model.{read} instead")
            warnings.extend(seen)
            return _traced(kind.session(draft, session, tokenizers.target), engine, warnings)

        return load

    drafts = {setting: reading(setting) for setting in READERS}
    pair = ModelPair(session, draft_session, eos, _decoder(tokenizer), seed, plain, **drafts)
    return LoadedPair(pair, tokenizer, place.engine, warnings)


@dataclass(frozen=True)
class Tokenizers:
    """The target's tokenizer, and how many ids target and draft (None without one) may use."""

    tokenizer: PreTrainedTokenizerBase
    target: int
    draft: int | None


def load_tokenizers(model: ModelConfig) -> Tokenizers:
    """The tokenizers of the pair, compared.

    Raises:
        UserError: one is not available, or they differ.
    """
    tokenizer = tokenizer_of(model.target_name, model.revision)
    tokens = _tokens(tokenizer, model.target_name, model.revision)
    if not model.draft:
        return Tokenizers(tokenizer, max(tokens) + 1, None)
    if published(model.draft):
        raise UserError(f"model.draft={model.draft} reads hidden states: give it as model.feature_draft")
    if borrows(model.draft):
        return Tokenizers(tokenizer, max(tokens) + 1, max(tokens) + 1)
    other = _tokens(tokenizer_of(model.draft, model.draft_revision), model.draft, model.draft_revision)
    return Tokenizers(tokenizer, *shared_vocabulary(tokens, other))


def shared_vocabulary(target: dict[int, str], draft: dict[int, str]) -> tuple[int, int]:
    """Vocabulary sizes of (target, draft), from their maps of ids to tokens.

    One map may go on where the other ends; up to there they must agree.

    Raises:
        UserError: the maps differ.
    """
    size = max(target) + 1
    differing = (index for index in target.keys() | draft.keys() if target.get(index) != draft.get(index))
    first = min(differing, default=size)
    if max(target) >= first and max(draft) >= first:
        raise UserError(
            f"the tokenizers of target and draft differ: id {first} is {target.get(first)!r} in the target "
            f"and {draft.get(first)!r} in the draft; choose a draft with the target's tokenizer, for one with another "
            "can draft in transformers' universal assisted generation alone"
        )
    return size, first


def out_of_memory(error: BaseException) -> bool:
    """Whether the machine, not the program, is at fault.

    The CPU's allocator raises a plain RuntimeError.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("allocate memory", "out of memory")
    )


def peak_memory(device: torch.device) -> int:
    """The device's peak in bytes since the last reset.

    On the CPU the largest size that this process ever had.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _tokens(tokenizer: PreTrainedTokenizerBase, name: str, revision: str | None) -> dict[int, str]:
    """Ids to tokens, without ids beyond the model's head, which it can never choose.

    CodeLlama 34B's tokenizer has four such ids, with other tokens than the 7B's (transformers issue
    26714).
    """
    head = config_of(name, revision).get_text_config(decoder=True).vocab_size
    return {index: token for token, index in tokenizer.get_vocab().items() if index < head}


def _session(model: PreTrainedModel, vocabulary: int, engine: str, warnings: list[str]) -> ModelSession:
    """The session of a prepared model.

    A model that cannot be traced runs eagerly, and a warning says so.
    """
    return _traced(ModelSession(model, vocabulary), engine, warnings)


def _traced(session: ModelSession, engine: str, warnings: list[str]) -> ModelSession:
    """The session, traced where its engine asks for that and it can be."""
    if engine != EAGER:
        try:
            session.trace()
        except CannotTrace as error:
            kind = type(session.model).__name__
            warnings.append(f"{kind} runs eagerly, which is slower: it cannot be traced ({error})")
    return session


def _of_draft(model: ModelConfig, place: Place, device: str) -> tuple[str, str]:
    """A draft's own dtype, and the engine that runs it on `device`."""
    dtype, kind = model.draft_dtype or place.dtype, torch.device(device).type
    return dtype, place.engine if runs(place.engine, kind, dtype) else fastest(kind, dtype)


def _load_draft(
    model: ModelConfig, target: PreTrainedModel, dtype: str, device: str, engine: str, eos: frozenset[int]
) -> tuple[PreTrainedModel, list[str]]:
    """(the draft, with a short head where one is asked for, prepared for its engine; warnings)."""
    assert model.draft is not None
    if published(model.draft):
        # It has a short head of its own.
        given: nn.Module = load_published(model.draft, target, getattr(torch, dtype))
        draft = cast(PreTrainedModel, given.to(device).eval())
        return pack(draft) if engine == PACKED else draft, []
    if borrows(model.draft):
        borrower: nn.Module = load_borrowing(model.draft, target, getattr(torch, dtype))
        draft, warnings = cast(PreTrainedModel, borrower.to(device).eval()), list[str]()
    else:
        draft, warnings = _load(model.draft, model.draft_revision, model, dtype, device, EAGER)
    if model.draft_vocabulary is not None:
        shorten(draft, read_ranking(model.draft, model.draft_ranking), model.draft_vocabulary, eos)
    return pack(draft) if engine == PACKED else draft, warnings


def _load(
    name: str, revision: str | None, model: ModelConfig, dtype: str, device: str, engine: str
) -> tuple[PreTrainedModel, list[str]]:
    """(the model, prepared for its engine; warnings)."""
    options = source_of(name, revision)
    placement = {"device_map": model.device_map} if model.device_map else {}
    attention = {"attn_implementation": model.attn_implementation} if model.attn_implementation else {}
    try:
        loaded, warnings = load_whole(name, dtype=getattr(torch, dtype), **options, **placement, **attention)
    except UserError:
        raise
    except Exception as error:
        # Every broken file has its own kind of error here; none of them is ours.
        if out_of_memory(error):
            raise
        raise cannot_load(name, error) from error
    placed: nn.Module = loaded  # PreTrainedModel's own `to` and `eval` leave their types out
    prepared = cast(PreTrainedModel, (placed if placement else placed.to(device)).eval())
    return pack(prepared) if engine == PACKED else prepared, warnings


def eos_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every id that ends a sequence, wherever the model says so.

    There may be one id there, or several.
    """
    ids: set[int] = set()
    for holder in (getattr(model, "generation_config", None), model.config, tokenizer):
        found = getattr(holder, "eos_token_id", None)
        ids.update(found if isinstance(found, (list, tuple)) else [] if found is None else [found])
    return frozenset(ids)


def _decoder(tokenizer: PreTrainedTokenizerBase) -> Callable[[list[int]], str]:
    def decode(ids: list[int]) -> str:
        return text_of(tokenizer, ids, skip_special_tokens=False)

    return decode
