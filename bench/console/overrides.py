"""Overrides of groups that Hydra takes for something else, or refuses without saying what to type.

A group of ours (method, task, ...) always stands in the defaults list and takes one option.
"""

from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from decoding.errors import UserError

# Without which nothing can be measured; `~method` leaves the panel to `cases`.
NEEDED = ("task", "model", "data")
GROUPS = ("method", *NEEDED, "experiment")


def require_sound(overrides: Sequence[str]) -> None:
    """Raise UserError for an override that names nothing, or misuses a group.

    Args:
        overrides: of one job, as typed.

    Raises:
        HydraException: one that cannot be read.
    """
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        typed = str(override.input_line)
        if not override.key_or_group:
            raise UserError(f"cannot read the override {typed!r}: it names no setting")
        if override.key_or_group in GROUPS and override.package is None and not override.is_sweep_override():
            _require_option(override, override.key_or_group, typed)


def _require_option(override: Override, group: str, typed: str) -> None:
    """The override of a group: one option."""
    if override.is_delete():
        if group in NEEDED:
            raise UserError(f"{typed}: nothing can be measured without it; {group}=OPTION chooses another")
        return
    option = override.value()
    if isinstance(option, list):
        beside = " (compare=[...] measures methods side by side)" if group == "method" else ""
        options = ",".join(map(str, option))
        raise UserError(f"{typed}: {group} takes one option; -m {group}={options} runs one after the other{beside}")
    if not isinstance(option, str):
        without = {"method": "; with cases=[...] leave it out, ~method", "experiment": ", or is left out, ~experiment"}
        raise UserError(f"{typed}: {group} takes one of its options, see --help{without.get(group, '')}")
    if override.is_add() or override.is_force_add():
        raise UserError(f"{typed}: {group} is chosen without +, {group}={option}")
