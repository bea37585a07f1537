"""Errors of writing name what could not be written: a full disk's do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from decoding.errors import UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raises UserError, with the path and the system's reason, for an OSError within.

    path: what is written, taken where the error names no file of its own.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {error.filename or path}: {reason}; {KEPT}") from error


KEPT = "what is measured is kept, and the same command goes on once that is put right"
