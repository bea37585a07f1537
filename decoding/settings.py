"""Checks that every method's and task's typed config shares."""

from pathlib import Path

from decoding.errors import UserError


def require_at_least(name: str, value: int, lowest: int) -> None:
    """Raise UserError, naming the setting, unless value >= lowest."""
    if value < lowest:
        raise UserError(f"{name} must be at least {lowest}, not {value}")


def require_share(name: str, value: float) -> None:
    """Raise UserError, naming the setting, unless 0 <= value <= 1."""
    if not 0 <= value <= 1:
        raise UserError(f"{name} must be between 0 and 1, not {value:g}")


def path_of(text: str) -> Path:
    """A path that a user gave, `~` expanded. Raises UserError where that names nobody."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: {error}") from error
