"""Rows from the Hugging Face hub, with a quick and clear end where they are not available."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext

from decoding.errors import UserError
from tasks.base import Hub

INSTEAD = "use data=local data.root=FOLDER, or data=bundled"
PROBE_SECONDS = 10


def hub_rows(hub: Hub, split: str, revision: str | None) -> Iterator[tuple[str, Mapping]]:
    """Rows of one split with the place of each; from the local cache if the hub cannot be reached.

    Raises:
        UserError: no network and no cached copy, or no such data set, configuration, split or
            revision.
    """
    # Imported here: it takes a second that the other sources need not wait.
    import datasets

    address = f"{hub.path}{f' ({hub.config})' if hub.config else ''}"
    reachable = _reachable(hub.path, revision)
    try:
        with nullcontext() if reachable else _offline():
            rows = datasets.load_dataset(hub.path, hub.config, split=split, revision=revision)
    except Exception as error:
        # The library raises errors of many kinds, its own and its transport's; each means that the
        # rows are not available, and the cause stays attached for debug=true.
        if not reachable:
            raise UserError(f"the hub cannot be reached and {address} is not in its cache: {INSTEAD}") from error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"cannot load {address}, split {split}, from the hub ({reason}): {INSTEAD}") from error
    for number, row in enumerate(rows, 1):
        yield f"{address} {split}: row {number}", row


def _reachable(path: str, revision: str | None) -> bool:
    """One request with a short time limit.

    The loader itself retries for most of a minute.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().dataset_info(path, revision=revision, timeout=PROBE_SECONDS)
    except HfHubHTTPError as error:
        reason = str(error).strip().splitlines()[0]
        at = f" at revision {revision}" if revision else ""
        raise UserError(f"the hub does not give {path}{at} ({reason}): {INSTEAD}") from error
    except Exception:
        # Name resolution, refused connection, time-out, offline mode: the transport's own errors.
        return False
    return True


@contextmanager
def _offline() -> Iterator[None]:
    """Make the loader look only into its cache.

    Both libraries read the environment at import, too early for us.
    """
    import datasets.config
    import huggingface_hub.constants

    modules = (datasets.config, huggingface_hub.constants)
    before = [module.HF_HUB_OFFLINE for module in modules]
    for module in modules:
        module.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            module.HF_HUB_OFFLINE = value
