"""The one exception a user can cause: the command line prints it as one line and exits with status 2."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""


class MissingDraft(UserError):
    """A method needs a draft model and has none; how to give one depends on where it runs."""


class NotFinite(UserError):
    """A model's logits are infinite or no numbers."""
