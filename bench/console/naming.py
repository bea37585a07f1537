"""What errors of the engine and of methods say at the command line.

They know parameters and facts alone. A user types `model.draft_dtype` for the draft's `dtype`, and
has what the library has not: options, groups and scripts.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from decoding.errors import (
    CannotPack,
    MissingCrossDraft,
    MissingDraft,
    MissingFeatureDraft,
    MissingSkipSet,
    SettingError,
    UserError,
)

# What helps here, by the kind of error.
ADVICE: dict[type[UserError], str] = {
    MissingDraft: "set model.draft",
    MissingFeatureDraft: "set model.feature_draft; scripts/train_draft.py trains one (docs/drafts.md)",
    MissingCrossDraft: "set model.cross_draft; scripts/train_draft.py trains one (docs/drafts.md)",
    MissingSkipSet: "scripts/search_skip_layers.py searches one; a case in a panel takes it, or none, as in "
    "{name: self_speculative, skip: null}",
    CannotPack: "use engine=traced, on a GPU engine=eager",
}


def spelled(said: str, names: Mapping[str, str], leading: bool = False) -> str:
    """What a message says, with settings named as a user types them.

    Args:
        said: the message.
        names: by the name that a method or the engine gives a setting, the one to type.
        leading: whether the message begins with a name. Otherwise names stand as `gamma=4`.
    """
    setting = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    places = [rf"(?<![\w./])(?:{setting})(?==)"]
    if leading:
        places.append(rf"^(?:{setting})(?![\w.])")
    return re.sub("|".join(places), lambda found: names[found[0]], said)


def at_the_command_line(error: UserError, names: Mapping[str, str]) -> UserError:
    """The error, of its own kind, with names `spelled` and with what helps."""
    told = spelled(str(error), names, leading=isinstance(error, SettingError))
    kind = type(error)
    return kind(f"{told}; {ADVICE[kind]}" if kind in ADVICE else told)


def pair_names(role: str) -> dict[str, str]:
    """The settings of a model of the pair, as `spelled` takes them.

    Args:
        role: "draft", or another.
    """
    own = {"dtype": "model.draft_dtype"} if role == "draft" else {}
    return {"attn_implementation": "model.attn_implementation", **own}


@contextmanager
def naming_pair(role: str = "target") -> Iterator[None]:
    """Within, a UserError about a model of the pair says what to type.

    Args:
        role: of that model, as in `pair_names`.

    Raises:
        UserError: the one that was raised within, of its own kind.
    """
    try:
        yield
    except UserError as error:
        raise at_the_command_line(error, pair_names(role)) from error
