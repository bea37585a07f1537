"""The one exception a user can cause.

Its message speaks of parameters by their own names and of facts. How a parameter is set depends on
where this runs: the command line adds that, prints one line and exits with status 2.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""


class MissingDraft(UserError):
    """A method needs a draft model and has none; how to give one depends on where it runs."""


class MissingFeatureDraft(UserError):
    """A method needs a draft that reads the target's hidden states, and has none."""


class MissingCrossDraft(UserError):
    """A method needs a draft that attends to the target's keys and values, and has none."""


class MissingSkipSet(UserError):
    """Draft & Verify has no skip set for this target; how to get one depends as well."""


class CannotPack(UserError):
    """A model's weights cannot be packed; what runs it instead depends on where it runs."""


class NotFinite(UserError):
    """A model's logits are infinite or no numbers."""


class SettingError(UserError):
    """A parameter's value cannot be. The message begins with the parameter's name."""


@contextmanager
def naming(what: object) -> Iterator[None]:
    """A UserError from within says first what it is about, a file for example."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{what}: {error}") from error
