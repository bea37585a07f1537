"""Errors of writing name what could not be written: a full disk's do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from decoding.errors import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within, an OSError becomes a UserError with the path and the system's reason.

    Args:
        path: what is written, for errors that name no file of their own.

    Raises:
        UserError: something could not be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {error.filename or path}: {reason}; {KEPT}") from error


KEPT = "what is measured is kept, and the same command goes on once that is put right"
