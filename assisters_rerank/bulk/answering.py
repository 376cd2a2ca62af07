"""What a failure of one query means for the run, and the file that has the failures."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from pydantic_core import to_json

from ..errors import (
    AssistersError,
    ConfigurationError,
    InvalidRequestError,
    StatusError,
    TooLongError,
)
from .outcome import BulkStopped
from .query_rows import Row


def ends_run(error: AssistersError, *, is_first: bool) -> bool:
    """Whether the other queries would fail in the same way, or must not be asked.

    A refusal of the first request is taken for one of all: a wrong model or option, say.
    """
    if error.transient or isinstance(error, TooLongError):
        return False
    if isinstance(error, InvalidRequestError | ConfigurationError):
        return is_first
    return True


class Failures:
    """A line for each query that failed, in `TARGET.errors.jsonl`, as soon as it has.

    A run asks for them again, so it begins without those of the run before.
    """

    def __init__(self, target: Path, most_in_a_row: int) -> None:
        self.path = target.with_name(target.name + ".errors.jsonl")
        self.number = 0
        self._most_in_a_row = most_in_a_row
        self._in_a_row = 0
        self._file: IO[bytes] | None = None

    def begin(self) -> None:
        """Removes the file of the run before.

        Raises:
            BulkStopped: it cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as problem:
            raise BulkStopped(f"{self.path} cannot be removed: {problem.strerror}.") from None

    def answered(self) -> None:
        """A query was answered, so the service is not down."""
        self._in_a_row = 0

    def add(self, row: Row, error: AssistersError) -> None:
        """Takes a failure down.

        Raises:
            BulkStopped: too many in a row may pass later, so the service is down; or the line
                cannot be written.
        """
        status = error if isinstance(error, StatusError) else None
        line = {
            "query_id": row.query_id,
            "class": type(error).__name__,
            "message": str(error),
            "status": None if status is None else status.status,
            "request_id": None if status is None else status.request_id,
        }
        try:
            if self._file is None:
                self._file = self.path.open("wb", buffering=0)
            self._file.write(to_json(line) + b"\n")
        except OSError as problem:
            raise BulkStopped(f"{self.path} cannot be written: {problem.strerror}.") from None
        self.number += 1
        if not error.transient:
            return
        self._in_a_row += 1
        if self._in_a_row >= self._most_in_a_row:
            raise BulkStopped(
                f"The service is down: {self._in_a_row} queries in a row failed after all their "
                f"retries, the last one with: {error}"
            )

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
