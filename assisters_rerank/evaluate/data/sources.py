"""Files of a folder or an archive, unpacked and read line by line; errors name file and line."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from ...errors import ConfigurationError

_BROKEN = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_DEEPEST = 3  # of the folders below the one that is named: corpus/corpus/0000.parquet


def at_line(file: str, number: int, problem: str) -> ConfigurationError:
    """The error for what is wrong on a line, counted from 1."""
    return ConfigurationError(f"{file}, line {number}: {problem}")


@dataclass(frozen=True, slots=True)
class Source:
    """One file: how messages call it, and its bytes as they are stored."""

    label: str
    _open: Callable[[], IO[bytes]]

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked where they are gzip's, whatever its name is.

        Raises:
            ConfigurationError: it is not there, not readable, or only a pointer to the file.
        """
        try:
            with self._open() as raw:
                start = raw.read(40)
                raw.seek(0)
                if start.startswith(b"version https://git-lfs"):
                    raise ConfigurationError(
                        f"{self.label}, line 1: this is a pointer of Git LFS, not the file itself; "
                        "fetch that with `git lfs pull`."
                    )
                if start.startswith(b"PK\x03\x04"):
                    raise ConfigurationError(
                        f"{self.label}: this is a ZIP archive, perhaps only a part of one, where a "
                        "file of text is expected; unpack it."
                    )
                if start.startswith(b"\x1f\x8b"):
                    with gzip.open(raw) as unpacked:
                        yield cast("IO[bytes]", unpacked)
                else:
                    yield raw
        except _BROKEN as error:
            raise ConfigurationError(f"{self.label} cannot be read: {_reason(error)}.") from error

    def lines(self, *, blank: bool = False) -> Iterator[tuple[int, str]]:
        """Numbers, from 1, and texts of the lines, without their ends; blank ones if asked for.

        Raises:
            ConfigurationError: as `opened`, or it is not UTF-8.
        """
        with self.opened() as stream:
            # Bytes end a line at \n only; text would at U+2028 too, which JSON may hold.
            for number, raw in enumerate(stream, 1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    problem = f"not UTF-8 (byte {error.start + 1} of the line); save it as UTF-8."
                    raise at_line(self.label, number, problem) from None
                if blank or line.strip():
                    yield number, line.rstrip("\r\n")


def source_at(path: Path) -> Source:
    """A file on its own."""
    return Source(str(path), lambda: path.open("rb"))


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder or an archive, by their names in it, with `/`."""

    place: str
    sources: Mapping[str, Source]

    def below(self, folder: str) -> Files:
        """Only those in one of its folders; `""` is all of them."""
        if not folder:
            return self
        start = f"{folder}/"
        inside = {
            name.removeprefix(start): source
            for name, source in self.sources.items()
            if name.startswith(start)
        }
        return Files(f"{self.place}/{folder}", inside)


@contextmanager
def files_of(path: Path) -> Iterator[Files]:
    """Opens a folder, or a .tar (.gz, .bz2, .xz) or .zip archive, without unpacking it.

    A path can go on within an archive: `all.zip/scifact`. Hidden files are left out.

    Raises:
        ConfigurationError: there is no such folder or archive, or it cannot be read.
    """
    archive = next((each for each in (path, *path.parents) if each.is_file()), None)
    if path.is_dir():
        found = [file for depth in range(_DEEPEST) for file in path.glob("*/" * depth + "*")]
        names = {file.relative_to(path).as_posix(): file for file in found if file.is_file()}
        yield Files(
            str(path), {name: source_at(file) for name, file in names.items() if _is_shown(name)}
        )
    elif archive is None:
        raise ConfigurationError(f"{path}: there is no such folder, file or archive.")
    else:
        with _unpacked(archive) as files:
            inside = path.relative_to(archive).as_posix().removeprefix(".")
            yield files.below(inside)


def is_archive(path: Path) -> bool:
    """Whether it is a file that holds others."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


@contextmanager
def _unpacked(path: Path) -> Iterator[Files]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            # Some programs on Windows write its own separator.
            names = {name.replace("\\", "/"): name for name in archive.namelist()}

            def opened(name: str) -> IO[bytes]:
                try:
                    return archive.open(name)
                except RuntimeError as error:  # encrypted, or an unknown compression
                    raise zipfile.BadZipFile(str(error)) from error

            yield _within(path, names, opened)
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

            yield _within(path, {name: name for name in members}, extracted)
    else:
        raise ConfigurationError(f"{path} is neither a folder nor a .tar.gz or .zip of one.")


def _within(archive: Path, names: Mapping[str, str], opened: Callable[[str], IO[bytes]]) -> Files:
    def source(inside: str, name: str) -> Source:
        return Source(f"{archive}/{inside}", lambda: opened(name))

    plain = {
        PurePosixPath(shown).as_posix(): name
        for shown, name in names.items()
        if not shown.endswith("/")
    }
    return Files(
        str(archive),
        {inside: source(inside, name) for inside, name in plain.items() if _is_shown(inside)},
    )


def _is_shown(name: str) -> bool:
    # Hidden ones are macOS's shadows of files, Git's, and the cache of Hugging Face's client.
    return not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _reason(error: Exception) -> str:
    # An OSError's own text would name the path a second time.
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or str(error) or type(error).__name__
