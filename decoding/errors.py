"""The one exception a user can cause: the command line prints it as one line and exits with status 2."""


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""
