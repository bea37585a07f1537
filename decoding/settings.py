"""Checks that every method's and task's typed config shares."""

from pathlib import Path
from typing import TypeVar

from decoding.errors import SettingError, UserError

C = TypeVar("C")


def canonical(config: C) -> C:
    """The config that behaves the same and has its silent settings at their defaults.

    Equal ones are one setting.
    A method whose settings silence each other has a `canonical` of its own.
    """
    own = getattr(config, "canonical", None)
    return own() if own else config


def require_at_least(name: str, value: int, lowest: int) -> None:
    """Raise SettingError unless value >= lowest."""
    if value < lowest:
        raise SettingError(f"{name} must be at least {lowest}, not {value}")


def require_share(name: str, value: float) -> None:
    """Raise SettingError unless 0 <= value <= 1."""
    if not 0 <= value <= 1:
        raise SettingError(f"{name} must be between 0 and 1, not {value:g}")


def path_of(text: str) -> Path:
    """A path that a user gave, `~` expanded.

    Raises:
        UserError: `~` names nobody.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: {error}") from error
