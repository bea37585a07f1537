"""Drafters by the name of their method, for methods that build on another one."""

import importlib
from pathlib import Path

from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.loop import DraftThenVerify

NO_DRAFTERS = ("__init__", "drafters", "greedy")


def drafter_names() -> list[str]:
    """The methods in this folder that may draft for others; rivals from outside are among them, and refused."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in NO_DRAFTERS)


def make_drafter(name: str, pair: ModelPair, setting: str = "method.drafter") -> Drafter:
    """The drafter of the method `name`, with that method's default settings.

    Raises UserError for a name that is none, and whatever the method's own build raises.
    """
    if name in drafter_names():
        method = importlib.import_module(f"baselines.{name}")
        decoder = method.build(method.Config(), pair)
        if isinstance(decoder, DraftThenVerify):
            return decoder.drafter
    raise UserError(f"{setting}={name} is no drafter: choose among {', '.join(drafter_names())}")
