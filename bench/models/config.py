"""The settings of a pair of models, as conf/model/custom.yaml explains them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ROOT
from decoding.errors import UserError

BUNDLED, BUNDLED_PREFIX = ROOT / "models", "bundled:"

DTYPES = ("float32", "float64", "bfloat16", "float16")
AUTO, EAGER, TRACED, PACKED = ENGINES = ("auto", "eager", "traced", "packed")


@dataclass
class ModelConfig:
    """Target and draft, as conf/model/custom.yaml explains them."""

    name: str | None = None
    target: str | None = None
    draft: str | None = None
    device_map: Any = None
    draft_device: str | None = None
    draft_dtype: str | None = None
    revision: str | None = None
    draft_revision: str | None = None
    attn_implementation: str | None = None
    hub: str | None = None
    draft_vocabulary: int | None = None
    draft_ranking: str | None = None
    feature_draft: str | None = None
    cross_draft: str | None = None

    def __post_init__(self) -> None:
        self._take_from_hub()
        if not self.target:
            raise UserError("model.target is missing: give a folder or a hub id, model.target=DIR_OR_HUB_ID")
        require_dtype("model.draft_dtype", self.draft_dtype)
        if self.draft_vocabulary is not None and self.draft_vocabulary < 1:
            raise UserError(f"model.draft_vocabulary must be at least 1, not {self.draft_vocabulary}")

    def _take_from_hub(self) -> None:
        """Where the target's bundled folder has not been fetched, the hub's model takes its place.

        Its weights may be others, so it has a label of its own, and `revision` speaks of it alone.
        """
        if self.hub is None or self.target is None or not self.target.startswith(BUNDLED_PREFIX):
            return
        if (BUNDLED / self.target.removeprefix(BUNDLED_PREFIX) / "config.json").is_file():
            self.revision = None
        else:
            self.target, self.name = self.hub, f"{self.label}_hub"

    @property
    def target_name(self) -> str:
        """The target, which is always given once the settings stand."""
        assert self.target is not None
        return self.target

    @property
    def label(self) -> str:
        """Name of the pair in tables and folders."""
        return self.name or Path(str(self.target).rstrip("/")).name


def require_dtype(name: str, dtype: str | None) -> None:
    """Raise UserError for a dtype that is none of DTYPES; None leaves the choice to the device."""
    if dtype is not None and dtype not in DTYPES:
        raise UserError(f"{name}={dtype} is unknown: choose one of {', '.join(DTYPES)}")
