"""Range checks that every method's and task's typed config shares."""

from decoding.errors import UserError


def require_at_least(name: str, value: int, lowest: int) -> None:
    """Raise UserError, naming the setting, unless value >= lowest."""
    if value < lowest:
        raise UserError(f"{name} must be at least {lowest}, not {value}")


def require_share(name: str, value: float) -> None:
    """Raise UserError, naming the setting, unless 0 <= value <= 1."""
    if not 0 <= value <= 1:
        raise UserError(f"{name} must be between 0 and 1, not {value:g}")
