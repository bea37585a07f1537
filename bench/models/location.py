"""Where a model lies, and what identifies its weights.

A local folder by its files, a model on the hub by its commit.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # public, but typed as private
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from bench.models.config import BUNDLED, BUNDLED_PREFIX, ModelConfig
from bench.models.memory import INDEX, safetensors_files
from decoding.errors import UserError
from decoding.settings import path_of

# Beside the weights everything that changes ids or stops: config, generation config, tokenizer,
# chat template.
SETTINGS = ("*.json", "*.jinja", "*.model", "merges.txt", "vocab.txt")
PROBE_SECONDS = 10
GGUF = ".gguf"
# How a folder below models/ comes to be there.
MADE_BY = {
    "smollm2_135m": "run make smollm2",
    "smollm2_135m_draft": "train it with scripts/train_draft.py draft=smollm2_135m, or name another model.draft",
    "smollm2_135m_eagle": "train it with scripts/train_draft.py draft=smollm2_135m_eagle, or name another draft",
    **dict.fromkeys(("target", "draft"), "make pair trains the bundled pair again; or use model=custom"),
}
NO_GGUF_OF_HUB = "GGUF files are loaded from this machine alone: fetch it, and give its path"
NO_GGUF_PACKAGE = "loading GGUF files needs a package that is not installed: pip install gguf"


def weights_digests(model: ModelConfig) -> dict[str, str | None]:
    """What identifies target and drafts.

    SHA-256 of a folder's files, or the commit of a hub repository.

    Raises:
        UserError: a model that cannot be found.
    """
    draft = _digest(*locate(model.draft), model.draft_revision) if model.draft else None
    found = {"target": _digest(*locate(model.target_name), model.revision), "draft": draft}
    for name in ("feature_draft", "cross_draft"):
        if folder := getattr(model, name):
            found[name] = _digest(*locate(folder), None)
    return found


def locate(name: str) -> tuple[str, bool]:
    """(folder, GGUF file or hub id; whether it is on this machine).

    Raises:
        UserError: a folder without a model, or what is none of the three.
    """
    if name.startswith(BUNDLED_PREFIX):
        folder = BUNDLED / name.removeprefix(BUNDLED_PREFIX)
        if not (folder / "config.json").is_file():
            raise UserError(f"{folder} is not there: {MADE_BY.get(folder.name, 'use model=custom')}")
        return str(folder), True
    folder = path_of(name)
    if (file := _gguf_file(folder)) is not None:
        return str(file), True
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UserError(f"{folder} holds no config.json: give the folder of a transformers model")
        return str(folder), True
    if name.startswith(("/", ".", "~")) or name.count("/") != 1:
        raise UserError(f"{name} is no folder: give the folder of a transformers model, or a hub id as in owner/name")
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(f"{name!r} is no folder, and no hub id can be written so: {error}") from error
    return name, False


def folder_config(name: str | None) -> dict[str, Any] | None:
    """The config.json of a model, as the user calls it; None unless that is a folder here.

    Raises:
        UserError: a model that is not there, or a config.json that is none.
    """
    if name is None:
        return None
    located, local = locate(name)
    if not local or not Path(located).is_dir():
        return None
    file = Path(located) / "config.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{file} must hold a mapping")
    return found


def _gguf_file(path: Path) -> Path | None:
    """The GGUF file that `path` is, or that a folder without other weights holds.

    Raises:
        UserError: a file that is not there, several in one folder, or no package to read them.
    """
    if path.suffix.lower() == GGUF and not path.is_dir():
        if not path.is_file():
            raise UserError(f"{path}: there is no such file; {NO_GGUF_OF_HUB}")
        found = [path]
    elif any(next(path.glob(pattern), None) for pattern in ("*.safetensors", "*.bin")):
        return None
    else:
        found = sorted(path.glob(f"*{GGUF}"))
    if len(found) > 1:
        raise UserError(f"{path} holds {len(found)} GGUF files: name one of them, as in {found[0]}")
    if found and find_spec("gguf") is None:
        raise UserError(f"{found[0]}: {NO_GGUF_PACKAGE}")
    return found[0] if found else None


def source_of(name: str, revision: str | None, fetch: bool = True) -> dict[str, Any]:
    """What `from_pretrained` of a config, tokenizer or model takes to find it.

    Args:
        name: a folder, a GGUF file or a hub id.
        revision: of a hub id.
        fetch: whether what is not on this machine may be fetched from the hub.

    Raises:
        UserError: see `locate`.
    """
    located, local = locate(name)
    if located.lower().endswith(GGUF):
        file = Path(located)
        return {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name, "local_files_only": True}
    return {
        "pretrained_model_name_or_path": located,
        "revision": revision or "main",
        "local_files_only": local or not fetch or offline(located),
    }


def weights_here(name: str, revision: str | None) -> bool:
    """Whether loading would fetch nothing.

    So it is with a folder, and a hub model whose safetensors files are all in the cache.
    """
    from huggingface_hub import try_to_load_from_cache

    located, local = locate(name)
    if local:
        return True

    def cached(file: str) -> Path | None:
        found = try_to_load_from_cache(located, file, revision=revision or "main")
        return Path(found) if isinstance(found, str) else None

    return all(cached(file) for file in safetensors_files(cached(INDEX)))


def cannot_load(name: str, error: Exception) -> UserError:
    """The one line for a model that transformers or the hub refuses."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    causes = list(_causes(error))
    if any(isinstance(cause, GatedRepoError) for cause in causes):
        reason = "it is gated; accept its terms on its page of the hub and log in with `hf auth login`"
    elif any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
        reason = "the hub has no such model, or it is private; check the id, or log in with `hf auth login`"
    elif any(isinstance(cause, RevisionNotFoundError) for cause in causes):
        reason = "the hub has no such revision of it; a preset pins one: model.revision=null, model.draft_revision=null"
    elif "above report" in reason:
        # A report that is not shown; what else it tells is refused by name in
        # bench/models/checkpoint.py.
        reason = "its weights cannot be converted to what its config.json says: they may be of different models"
    elif locate(name)[1]:
        pass
    elif file := _gguf_of_hub(name):
        reason = f"it holds no weights but {file}: {NO_GGUF_OF_HUB}"
    elif offline(name):
        reason = "it is no folder, and the hub cannot be reached; give a local folder"
    return UserError(f"cannot load {name}: {reason}")


def _gguf_of_hub(name: str) -> str | None:
    """A GGUF file of a hub repository without other weights.

    By the hub's list of files, or else by the cache.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.file_download import repo_folder_name

    try:
        files = [file.rfilename for file in HfApi().model_info(name, timeout=PROBE_SECONDS).siblings or []]
    except Exception:
        # As in `offline`; it may have been fetched before.
        cache = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model") / "snapshots"
        files = [file.name for file in cache.glob("*/**/*")]
    if any(file.endswith((".safetensors", ".bin")) for file in files):
        return None
    return min((file for file in files if file.lower().endswith(".gguf")), default=None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from: transformers wraps the hub's errors."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def config_of(name: str, revision: str | None) -> PretrainedConfig:
    """The config of a model, from its folder or from the hub.

    Raises:
        UserError: it is not available.
    """
    source = source_of(name, revision)
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(**source)
        return config
    except Exception as error:
        raise cannot_load(name, error) from error


def tokenizer_of(name: str, revision: str | None, fetch: bool = True) -> PreTrainedTokenizerBase:
    """The tokenizer of a model, from its folder or from the hub.

    Args:
        name: a folder, a GGUF file or a hub id.
        revision: of a hub id.
        fetch: whether the hub is asked at all.

    Raises:
        UserError: it is not available, or broken.
    """
    source = source_of(name, revision, fetch)
    try:
        return AutoTokenizer.from_pretrained(**source)
    except Exception as error:
        # Broken files have errors of many kinds.
        if not fetch:
            raise UserError(f"the tokenizer of {name} is not on this machine, or is broken") from error
        raise cannot_load(name, error) from error


@lru_cache(maxsize=16)
def offline(name: str) -> bool:
    """Whether the hub cannot be reached.

    By one short request, because transformers itself retries for a minute.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=PROBE_SECONDS)
    except HfHubHTTPError:
        return False  # the hub answered; the loader says what is wrong
    except Exception:
        return True  # name resolution, time-out, offline mode: the transport's own errors
    return False


def _digest(name: str, local: bool, revision: str | None) -> str:
    if not local:
        return f"{name}@{config_of(name, revision)._commit_hash or revision or 'main'}"
    folder = Path(name)
    if folder.is_file():
        return _file_digest(folder, folder.stat().st_size, folder.stat().st_mtime_ns)
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    if not weights:
        raise UserError(f"{name} holds no weights (*.safetensors)")
    settings = sorted(file for pattern in SETTINGS for file in folder.glob(pattern))
    digest = hashlib.sha256()
    for file in [*settings, *weights]:
        content = _file_digest(file, file.stat().st_size, file.stat().st_mtime_ns)
        digest.update(f"{file.name} {content}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(file: Path, _size: int, _modified: int) -> str:
    """SHA-256 of a file; remembered, because a multirun asks again for every job."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
