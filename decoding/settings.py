"""Range checks that every method's and task's typed config shares."""

from decoding.errors import UserError


def require_at_least(name: str, value: int, lowest: int) -> None:
    """Raise UserError, naming the setting, unless value >= lowest."""
    if value < lowest:
        raise UserError(f"{name} must be at least {lowest}, not {value}")
