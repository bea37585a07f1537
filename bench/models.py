"""Loading a pair of models: device, dtype, tokenizers compared by their maps, end-of-sequence ids, weights' digest."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bench.settings import ModelConfig
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.session import ModelSession

BUNDLED = Path(__file__).resolve().parent.parent / "models"
PROBE_SECONDS = 10


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


def weights_digests(model: ModelConfig) -> dict[str, str | None]:
    """What identifies the weights of target and draft: SHA-256 of local files, the commit of a hub repository.

    Raises:
        UserError: a model that cannot be found.
    """
    draft = _digest(*_locate(model.draft), model.draft_revision) if model.draft else None
    return {"target": _digest(*_locate(model.target), model.revision), "draft": draft}


def load_pair(model: ModelConfig, place: Place, seed: int) -> LoadedPair:
    """Load target, draft (where there is one) and tokenizer.

    Raises:
        UserError: missing or broken weights, no network, or tokenizers that differ.
    """
    target, tokenizer = _load(model.target, model.revision, model, place, place.device)
    eos = _eos_ids(target, tokenizer)
    draft_session = None
    if model.draft:
        device = model.draft_device or place.device
        alone = replace(model, device_map=None) if model.draft_device else model
        draft, draft_tokenizer = _load(model.draft, model.draft_revision, alone, place, device)
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


def peak_memory(device: torch.device) -> int:
    """Bytes: the device's peak since the last reset, or on the CPU the largest size this process ever had."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _locate(name: str) -> tuple[str, bool]:
    """(folder or hub id, whether it is a folder)."""
    if name.startswith("bundled:"):
        folder = BUNDLED / name.removeprefix("bundled:")
        if not (folder / "config.json").is_file():
            raise UserError(
                f"the bundled pair is not there yet ({folder}): run scripts/train_pair.py, or use model=custom"
            )
        return str(folder), True
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UserError(f"{folder} holds no config.json: give the folder of a transformers model")
        return str(folder), True
    if name.startswith(("/", ".", "~")) or name.count("/") != 1:
        raise UserError(f"{name} is no folder: give the folder of a transformers model, or a hub id as in owner/name")
    return name, False


def _digest(name: str, local: bool, revision: str | None) -> str:
    if not local:
        return f"{name}@{_hub_config(name, revision)._commit_hash or revision or 'main'}"
    files = sorted(Path(name).glob("*.safetensors")) or sorted(Path(name).glob("*.bin"))
    if not files:
        raise UserError(f"{name} holds no weights (*.safetensors)")
    digest = hashlib.sha256()
    for file in [Path(name) / "config.json", *files]:
        digest.update(_file_digest(file, file.stat().st_size, file.stat().st_mtime_ns).encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(file: Path, _size: int, _modified: int) -> str:
    """SHA-256 of a file; remembered, because a multirun asks again for every job."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=16)
def _offline(name: str) -> bool:
    """Whether the hub cannot be reached: one short request, because transformers itself retries for a minute."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=PROBE_SECONDS)
    except HfHubHTTPError:
        return False  # the hub answered; the loader below says what is wrong
    except Exception:
        return True  # name resolution, time-out, offline mode: the transport's own errors
    return False


def _hub_config(name: str, revision: str | None) -> object:
    try:
        return AutoConfig.from_pretrained(name, revision=revision, local_files_only=_offline(name))
    except (OSError, ValueError) as error:
        raise _cannot_load(name, False, error) from error


def _cannot_load(name: str, local: bool, error: Exception) -> UserError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if not local and _offline(name):
        return UserError(f"cannot load {name}: it is no folder, and the hub cannot be reached; give a local folder")
    return UserError(f"cannot load {name}: {reason}")


def _load(
    name: str, revision: str | None, model: ModelConfig, place: Place, device: str
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    located, local = _locate(name)
    options = {"revision": revision or "main", "local_files_only": local or _offline(located)}
    placement = {"device_map": model.device_map} if model.device_map else {}
    attention = {"attn_implementation": model.attn_implementation} if model.attn_implementation else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(located, **options)
        loaded = AutoModelForCausalLM.from_pretrained(
            located, dtype=getattr(torch, place.dtype), **options, **placement, **attention
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise _cannot_load(name, local, error) from error
    except Exception as error:
        # safetensors has an error class of its own for truncated files, without a public base.
        if type(error).__name__ != "SafetensorError":
            raise
        raise _cannot_load(name, local, error) from error
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
