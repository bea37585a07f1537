"""Loading a pair of models: device, dtype, tokenizers compared by their maps, end-of-sequence ids."""

from dataclasses import dataclass, replace

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bench.settings import ModelConfig
from bench.weights import cannot_load, locate, offline
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.session import ModelSession

# Enough of a prompt's end for a tokenizer to see that the output does not begin a text.
TAIL = 16


@dataclass(frozen=True)
class Place:
    """Where the models run and in which precision."""

    device: str
    dtype: str


@dataclass
class LoadedPair:
    """The pair as methods see it, and the target's tokenizer."""

    pair: ModelPair
    tokenizer: PreTrainedTokenizerBase

    def continuation(self, prompt: list[int], output: list[int]) -> str:
        """The text that `output` adds to `prompt`, special tokens left out.

        Decoded alone, tokenizers of the Llama 2 kind would drop the space it begins with.
        """

        def text(ids: list[int]) -> str:
            return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

        before, whole = text(prompt[-TAIL:]), text(prompt[-TAIL:] + output)
        return whole[len(before) :] if whole.startswith(before) else text(output)


def resolve_place(device: str | None, dtype: str | None) -> Place:
    """Fill in the defaults. Raises UserError for a device that is not there."""
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device={name} is no device: use cpu, cuda or cuda:N") from error
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device={name} is not there: this machine has {torch.cuda.device_count()} CUDA devices")
    if kind.type not in ("cpu", "cuda"):
        raise UserError(f"device={name} is not supported: use cpu, cuda or cuda:N")
    return Place(name, dtype or ("float32" if kind.type == "cpu" else "bfloat16"))


def load_pair(model: ModelConfig, place: Place, seed: int) -> LoadedPair:
    """Load target, draft (where there is one) and tokenizer.

    Raises:
        UserError: missing or broken weights, no network, or tokenizers that differ.
    """
    draft_device = resolve_place(model.draft_device or place.device, place.dtype).device
    target, tokenizer = _load(model.target, model.revision, model, place, place.device)
    eos = _eos_ids(target, tokenizer)
    draft_session = None
    if model.draft:
        alone = replace(model, device_map=None) if model.draft_device else model
        draft, draft_tokenizer = _load(model.draft, model.draft_revision, alone, place, draft_device)
        vocabulary, draft_vocabulary = shared_vocabulary(tokenizer.get_vocab(), draft_tokenizer.get_vocab())
        draft_session = ModelSession(draft, draft_vocabulary)
    else:
        vocabulary = max(tokenizer.get_vocab().values()) + 1
    pair = ModelPair(ModelSession(target, vocabulary), draft_session, eos, _decoder(tokenizer), seed)
    return LoadedPair(pair, tokenizer)


def shared_vocabulary(target: dict[str, int], draft: dict[str, int]) -> tuple[int, int]:
    """Ids that target and draft may use, from their tokenizers' maps: (target's, draft's) vocabulary sizes.

    One map may go on where the other ends; where both have an entry they must agree.

    Raises:
        UserError: the maps differ.
    """
    target_tokens = {index: token for token, index in target.items()}
    draft_tokens = {index: token for token, index in draft.items()}
    shared = 0
    while shared in target_tokens and target_tokens[shared] == draft_tokens.get(shared):
        shared += 1
    ends_together = target_tokens.keys() <= set(range(shared)) or draft_tokens.keys() <= set(range(shared))
    if target == draft:
        size = max(target_tokens) + 1
        return size, size
    if not ends_together:
        raise UserError(
            f"the tokenizers of target and draft differ: id {shared} is {target_tokens.get(shared)!r} in the target "
            f"and {draft_tokens.get(shared)!r} in the draft; choose a draft with the target's tokenizer"
        )
    return max(target_tokens) + 1, shared


def out_of_memory(error: BaseException) -> bool:
    """Whether the machine, not the program, is at fault; the CPU's allocator raises a plain RuntimeError."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("allocate memory", "out of memory")
    )


def peak_memory(device: torch.device) -> int:
    """Bytes: the device's peak since the last reset, or on the CPU the largest size this process ever had."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _load(
    name: str, revision: str | None, model: ModelConfig, place: Place, device: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    located, local = locate(name)
    options = {"revision": revision or "main", "local_files_only": local or offline(located)}
    placement = {"device_map": model.device_map} if model.device_map else {}
    attention = {"attn_implementation": model.attn_implementation} if model.attn_implementation else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(located, **options)
        loaded = AutoModelForCausalLM.from_pretrained(
            located, dtype=getattr(torch, place.dtype), **options, **placement, **attention
        )
    except Exception as error:
        # Every broken file has its own kind of error here; none of them is ours.
        if out_of_memory(error):
            raise
        raise cannot_load(name, local, error) from error
    return (loaded if placement else loaded.to(device)).eval(), tokenizer


def _eos_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every id that ends a sequence, wherever the model says so: each place may hold one id or several."""
    ids: set[int] = set()
    for holder in (getattr(model, "generation_config", None), model.config, tokenizer):
        found = getattr(holder, "eos_token_id", None)
        ids.update(found if isinstance(found, (list, tuple)) else [] if found is None else [found])
    return frozenset(ids)


def _decoder(tokenizer: PreTrainedTokenizerBase):
    def decode(ids: list[int]) -> str:
        return tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    return decode
