"""Files of a folder or an archive, read line by line, and errors that name file and line."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ...errors import ConfigurationError

_BROKEN = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def at_line(file: str, number: int, problem: str) -> ConfigurationError:
    """The error for what is wrong on a line, counted from 1."""
    return ConfigurationError(f"{file}, line {number}: {problem}")


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder or an archive.

    Attributes:
        place: how messages call it.
        names: relative to the folder that holds `corpus.jsonl`, with `/`.
    """

    place: str
    names: Set[str]
    _open: Callable[[str], IO[bytes]]

    def path(self, name: str) -> str:
        """How messages call a file."""
        return f"{self.place}/{name}"

    def lines(self, name: str) -> Iterator[tuple[int, str]]:
        """The file's lines as `lines_of` gives them."""
        return _lines(self.path(name), lambda: self._open(name))


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Numbers, from 1, and texts of the lines that are not blank, without their ends.

    Raises:
        ConfigurationError: the file is not there, not readable, or not UTF-8.
    """
    return _lines(str(path), lambda: path.open("rb"))


def _lines(label: str, opened: Callable[[], IO[bytes]]) -> Iterator[tuple[int, str]]:
    try:
        with opened() as stream:
            # Bytes end a line at \n only; text would at U+2028 too, which JSON may hold.
            for number, raw in enumerate(stream, 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    problem = f"not UTF-8 (byte {error.start + 1} of the line)."
                    raise at_line(label, number, problem) from None
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except _BROKEN as error:
        raise ConfigurationError(f"{label} cannot be read: {_reason(error)}.") from error


@contextmanager
def files_of(path: Path) -> Iterator[Files]:
    """Opens a folder, or a .tar (.gz, .bz2, .xz) or .zip archive of one, without unpacking it.

    Raises:
        ConfigurationError: there is no such folder or archive, or it cannot be read.
    """
    if path.is_dir():
        found = [*path.iterdir(), *path.glob("qrels/*")]
        names = {file.relative_to(path).as_posix() for file in found if file.is_file()}
        yield Files(str(path), names, lambda name: (path / name).open("rb"))
    elif not path.exists():
        raise ConfigurationError(f"{path}: there is no such folder or archive.")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield _within(path, archive.namelist(), archive.open)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            try:
                members = {member.name: member for member in tar if member.isfile()}
            except _BROKEN as error:
                raise ConfigurationError(f"{path} cannot be read: {_reason(error)}.") from error

            def extracted(name: str) -> IO[bytes]:
                stream = tar.extractfile(members[name])
                if stream is None:
                    raise tarfile.ReadError(f"{name} is no file")
                return stream

            yield _within(path, list(members), extracted)
    else:
        raise ConfigurationError(
            f"{path}: give a folder in BEIR's layout, or a .tar.gz or .zip of one."
        )


def _within(archive: Path, names: list[str], opened: Callable[[str], IO[bytes]]) -> Files:
    # Archives hold their files at the top or in a folder of whatever name.
    paths = [PurePosixPath(name) for name in names]
    tops = [path.parent for path in paths if path.name == "corpus.jsonl"]
    top = min(tops, key=lambda folder: len(folder.parts), default=PurePosixPath())
    inside = {
        path.relative_to(top).as_posix(): name
        for path, name in zip(paths, names, strict=True)
        if path.is_relative_to(top)
    }
    return Files(str(archive), inside.keys(), lambda name: opened(inside[name]))


def _reason(error: Exception) -> str:
    # An OSError's own text would name the path a second time.
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or str(error) or type(error).__name__
