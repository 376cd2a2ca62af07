"""The journal of a run: a line for each query that was paid for, in one write each.

The first line says what the run is about. Whatever kills the process, only the last line can be
torn; it is cut off when the journal is opened again. A line's place in the file is all that is held
of it in memory.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from ..errors import ConfigurationError, ContractError
from ..ranking import Ranking
from .file_lock import lock
from .outcome import BulkStopped
from .query_rows import Row

_CHUNK = 1 << 20
_CLOSED = -1


# A first line begins with this; whatever else stands there was not written by a run.
_START = b'{"format":'


class _Line(BaseModel, strict=True):
    """What is read of a line again."""

    q: str
    d: str
    i: list[int]
    s: list[float]
    m: str
    c: float | None
    a: str | None


class Known(NamedTuple):
    """What the journal has of a query: positions in its documents, best first, and their scores."""

    order: list[int]
    scores: list[float]
    model: str


class Journal:
    """The open journal of one run, which nobody else can open meanwhile.

    Raises:
        ConfigurationError: another run has it, or it is about something else.
        BulkStopped: it cannot be written.
    """

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        self.path = path
        self.cost: float | None = 0.0
        """Dollars of all that it holds."""
        self.models: dict[str, str] = {}
        """Which model answered, by the model that was asked for."""
        self._places: dict[str, int] = {}
        self._is_dirty = False
        self._lock = threading.Lock()  # one thread reads while another writes
        self._file = _opened(path)
        try:
            self._size = self._read(json.loads(to_json(about)))
            os.ftruncate(self._file, self._size)
            if not self._size:
                self._write(to_json(about) + b"\n")
        except BaseException:
            os.close(self._file)
            raise

    @property
    def is_empty(self) -> bool:
        """Whether it has no query."""
        return not self._places

    def known(self, row: Row, digest: str) -> Known | None:
        """What is known of this very query with these very documents."""
        place = self._places.get(row.query_id)
        if place is None:
            return None
        entry = from_json(self._line(place))
        if entry["d"] != digest:
            return None
        return Known(entry["i"], entry["s"], entry["m"])

    def add(self, row: Row, digest: str, ranking: Ranking) -> None:
        """Keeps an answer.

        Raises:
            ContractError: another model answered than before.
            BulkStopped: the line cannot be written.
        """
        usage = ranking.usage
        asked = usage.models[0] if usage.models else ""
        answered = bool(usage.requests or usage.documents_cached)
        if answered:
            self._check_model(asked, ranking.model)
        entry = {
            "q": row.query_id,
            "d": digest,
            "i": [ranked.index for ranked in ranking.results],
            "s": [ranked.relevance_score for ranked in ranking.results],
            "m": ranking.model,
            "t": usage.total_tokens,
            "c": usage.cost,
            "a": asked if answered else None,
        }
        place = self._size
        self._write(to_json(entry) + b"\n")
        self._places[row.query_id] = place
        self._pay(usage.cost)

    def sync(self) -> None:
        """Has the disk keep all that was added; any thread may call it."""
        if self._is_dirty and self._file != _CLOSED:
            self._is_dirty = False
            os.fsync(self._file)

    def close(self) -> None:
        """Ends the lock; a journal without a query is removed."""
        if self.is_empty:
            self.remove()
        elif self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def remove(self) -> None:
        """Deletes the file, and ends the lock."""
        file, self._file = self._file, _CLOSED
        if file == _CLOSED:
            return
        if os.name == "nt":  # which deletes no open file
            os.close(file)
            self.path.unlink(missing_ok=True)
        else:
            self.path.unlink(missing_ok=True)
            os.close(file)

    def _read(self, about: object) -> int:
        """Takes in what is there; the size of all whole lines."""
        size = 0
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    if size == 0:
                        self._check_begun(line)
                    break
                if size == 0:
                    self._check_about(line, about)
                else:
                    self._take(line, size)
                size += len(line)
        return size

    def _take(self, line: bytes, place: int) -> None:
        try:
            entry = _Line.model_validate_json(line)
        except ValueError:  # a power failure left it: it is asked for again
            return
        self._places[entry.q] = place
        self._pay(entry.c)
        if entry.a is not None:
            self.models.setdefault(entry.a, entry.m)

    def _check_begun(self, torn: bytes) -> None:
        """Whether a first line without an end is ours: torn, or zeros of a power failure."""
        if torn.strip(b"\0") and torn[: len(_START)] != _START[: len(torn)]:
            raise self._foreign()

    def _foreign(self) -> ConfigurationError:
        return ConfigurationError(f"{self.path} is no journal of a run; choose another target.")

    def _check_about(self, line: bytes, about: object) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict) or not isinstance(about, dict):
            raise self._foreign()
        if found.get("format") != about.get("format"):
            raise ConfigurationError(
                f"{self.path} was begun by another version of assisters-rerank; go on with that "
                "one, choose another target, or delete this file: what it holds is then paid for "
                "again."
            )
        for name in (*about, *found):
            if found.get(name) != about.get(name):
                raise ConfigurationError(
                    f"{self.path} was begun with {name}={json.dumps(found.get(name))}, and not "
                    f"{json.dumps(about.get(name))}. Give that again to go on, choose another "
                    "target, or delete this file: what it holds is then paid for again."
                )

    def _check_model(self, asked: str, model: str) -> None:
        before = self.models.setdefault(asked, model)
        if before != model:
            raise ContractError(
                f"The answers are of two models, {before!r} before and {model!r} now, whose scores "
                f"do not compare. {self.path} holds those of the first; begin another target for "
                "the second."
            )

    def _pay(self, cost: float | None) -> None:
        self.cost = None if cost is None or self.cost is None else self.cost + cost

    def _write(self, line: bytes) -> None:
        try:
            with self._lock:
                written = _write_at(self._file, line, self._size)
        except OSError as error:
            written, reason = 0, error.strerror or str(error)
        else:
            reason = "there is no space left"
        if written < len(line):
            with suppress(OSError):  # or the torn line is cut off when it is opened again
                os.ftruncate(self._file, self._size)
            raise BulkStopped(
                f"{self.path} cannot be written: {reason}. What it holds is kept; make room and "
                "run it again."
            )
        self._size += written
        self._is_dirty = True

    def _line(self, place: int) -> bytes:
        parts = list[bytes]()
        size = 4096
        while True:
            with self._lock:
                part = _read_at(self._file, size, place)
            end = part.find(b"\n")
            if end >= 0 or not part:
                return b"".join(parts) + part[:end]
            parts.append(part)
            place, size = place + len(part), _CHUNK


def _opened(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.open(path, flags, 0o644)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be opened: {error.strerror}.") from None
    try:
        # A run that ended in between has removed the file: a lock on it would keep nobody out.
        if lock(file) and path.exists() and os.path.samestat(os.fstat(file), path.stat()):
            return file
    except OSError as error:
        os.close(file)
        raise ConfigurationError(
            f"{path} cannot be locked: {error.strerror}. Choose a folder whose file system has "
            "locks, so that no second run writes there too."
        ) from None
    os.close(file)
    raise ConfigurationError(f"{path}: another run is writing to this target; wait for its end.")


def _write_at(file: int, data: bytes, place: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(file, data, place)
    os.lseek(file, place, os.SEEK_SET)
    return os.write(file, data)


def _read_at(file: int, size: int, place: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(file, size, place)
    os.lseek(file, place, os.SEEK_SET)
    return os.read(file, size)
