"""One method's drafter inside another method."""

from importlib import import_module
from typing import Any

from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.loop import DraftThenVerify


def make_drafter(config: Any, pair: ModelPair, setting: str) -> Drafter:
    """The drafter of the method whose typed config this is.

    Args:
        config: the method's typed config.
        pair: the loaded models that it may use.
        setting: what the user set, for messages.

    Raises:
        UserError: the method does not draft in the one loop, or its own build raises it.
    """
    # A method's module holds both its Config and its build.
    decoder = import_module(type(config).__module__).build(config, pair)
    if not isinstance(decoder, DraftThenVerify):
        raise UserError(f"{setting}={config.name} is no drafter of the one loop: choose another method")
    return decoder.drafter
