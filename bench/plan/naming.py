"""How a method's errors name its settings at the command line: `method.gamma` for `gamma`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from typing import Any

from bench.console.naming import at_the_command_line
from bench.plan.nesting import flat_config
from decoding.errors import UserError


@contextmanager
def naming_settings(config: Any, group: str) -> Iterator[None]:
    """Within, a UserError names settings with all that a user writes before them.

    A method knows no command line. A SettingError of it begins with the setting's name, and what
    any of its errors says of a value stands as `gamma=4`.

    Args:
        config: the method's typed config.
        group: what the user set to have the method: method, compare or cases.

    Raises:
        UserError: of the same kind as the one from within.
    """
    try:
        yield
    except UserError as error:
        raise at_the_command_line(error, full_names(config, group)) from error


def full_names(config: Any, group: str) -> dict[str, str]:
    """Every setting's name on the command line, by that which the method gives it.

    Where a method and one within it have a setting of the same name, the outer one's is meant.
    """
    own: dict[str, str] = {}
    inner: dict[str, str] = {}
    for name, value in flat_config(config).items():
        own[name] = f"{group}.{name}"
        if is_dataclass(value):
            inner |= full_names(value, f"{group}.{name}")
    return inner | own
