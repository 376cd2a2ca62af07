"""Which file of a folder is what: BEIR's, MS MARCO's, MTEB's and Hugging Face's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ...errors import ConfigurationError
from .sources import Files, Source

_WORDS = {
    "corpus": ("corpus", "documents", "docs", "collection", "passages"),
    "queries": ("queries", "questions", "topics"),
    "qrels": ("qrels", "qrel", "judgements", "judgments"),
}
_FOLDERS = {"corpus": ("corpus",), "queries": ("queries",), "qrels": ("qrels",)}
# Hugging Face's folders of judgements: `data/test-00000-of-00001.parquet`.
_OF_SPLITS = ("data", "default")
_SPLITS = ("train", "dev", "validation", "test")
_ENDINGS = re.compile(
    r"(\.(jsonl|ndjson|json|csv|tsv|txt|trec|qrels|parquet))?(\.gz)?$", re.IGNORECASE
)
_SHARD = re.compile(r"[-._]?\d{4,5}(-of-\d{4,5})?$")


@dataclass(slots=True)
class Part:
    """Files (shards) that are the corpus, the queries, a split of judgements, or all in one.

    Attributes:
        role: `corpus`, `queries`, `qrels`, or `table` for all of them in one.
        top: the folder of the collection that it is a part of.
        rest: what else its name says, e.g. the split.
        names: its files, within the whole.
    """

    role: str
    top: str
    rest: str
    names: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first file's, within the collection."""
        return self.names[0].removeprefix(f"{self.top}/" if self.top else "")

    def sources(self, files: Files) -> list[Source]:
        """Its files."""
        return [files.sources[name] for name in self.names]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the files of one collection are."""

    place: str
    parts: list[Part]
    names: list[str]

    @property
    def is_table(self) -> bool:
        """Whether it has neither a corpus nor queries, but files that may hold all in one."""
        roles = {part.role for part in self.parts}
        return "table" in roles and not roles & {"corpus", "queries"}

    def part(self, role: str, split: str | None, *, usual: tuple[str, ...]) -> Part:
        """The files of a role: that of the split, or the plain one, or the only one.

        Raises:
            ConfigurationError: there is none, or it is not to be known which is meant.
        """
        there = [part for part in self.parts if part.role == role]
        wanted = [split] if split is not None else ["", "test"]
        if role == "corpus" or (role == "queries" and split is not None):
            wanted.append("")
        for rest in wanted:
            found = _preferred([part for part in there if part.rest == rest])
            if len(found) == 1:
                return found[0]
            if found:
                raise self._ambiguous(role, found)
        if len(there) == 1 and (split is None or role != "qrels"):
            return there[0]
        if there and (split is None or role != "qrels"):
            raise self._ambiguous(role, there)
        found_names = ", ".join(part.name for part in there) or ", ".join(sorted(self.names)[:5])
        raise ConfigurationError(
            f"{self.place}: there is no {' or '.join(usual)}"
            + (f"; found: {found_names}." if found_names else ".")
            + f" Name yours with --{role} FILE."
        )

    def _ambiguous(self, role: str, found: list[Part]) -> ConfigurationError:
        names = ", ".join(part.name for part in found)
        advice = f"--{role} FILE" + (", or --split" if role == "qrels" else "")
        return ConfigurationError(f"{self.place}: which is it, {names}? Name one with {advice}.")


def layout_of(files: Files) -> Layout:
    """The layout of the one collection in a folder or archive.

    Raises:
        ConfigurationError: there are several.
    """
    parts = _parts(files.sources)
    tops = {part.top for part in parts if part.role == "corpus"}
    least = min((_depth(top) for top in tops), default=0)
    nearest = sorted(top for top in tops if _depth(top) == least)
    if len(nearest) > 1:
        raise ConfigurationError(
            f"{files.place}: there are {len(nearest)} collections in it: {', '.join(nearest)}; "
            f"name one, as {files.place}/{nearest[0]}."
        )
    top = nearest[0] if nearest else ""
    inside = [part for part in parts if part.top == top]
    return Layout(f"{files.place}/{top}".rstrip("/"), inside, list(files.sources))


def _depth(top: str) -> int:
    return len(PurePosixPath(top).parts)


def _parts(names: Iterable[str]) -> list[Part]:
    found: dict[tuple[str, str, str, str], Part] = {}
    for name in sorted(names):
        for role, top, rest, via in _roles(name):
            part = found.setdefault((role, top, rest, via), Part(role, top, rest))
            part.names.append(name)
    return list(found.values())


def _roles(name: str) -> Iterator[tuple[str, str, str, str]]:
    """Role, folder of the collection, rest of the name, and which files are shards of one."""
    path = PurePosixPath(name)
    plain = _ENDINGS.sub("", path.name)
    base = _SHARD.sub("", plain)
    is_shard = base != plain
    folders = path.parts[:-1]
    for place, folder in enumerate(folders):
        role, rest = _role(folder, _FOLDERS)
        if role is not None:
            inner = [part for part in (*folders[place + 1 :], base) if part not in ("", role)]
            own = [part.removeprefix(f"{role}-") for part in inner]
            yield (
                role,
                "/".join(folders[:place]),
                "/".join([*filter(None, [rest]), *own]),
                (folder if is_shard else name),
            )
            return
    top = "/".join(folders)
    role, rest = _role(base, _WORDS)
    if role is not None:
        yield role, top, rest, base if is_shard else name
        return
    split = base if base in _SPLITS else folders[-1] if folders and not base else ""
    if split in _SPLITS:
        yield "table", "", split, top
    for place, folder in enumerate(folders):
        if folder in _OF_SPLITS and split in _SPLITS:
            for end in {place, place + 1}:
                yield "qrels", "/".join(folders[:end]), split, f"{folder}/"


def _role(base: str, words: Mapping[str, tuple[str, ...]]) -> tuple[str | None, str]:
    for role, known in words.items():
        for word in known:
            if base == word:
                return role, ""
            if base.startswith(word) and base[len(word)] in "._-":
                return role, base[len(word) + 1 :]
            if base.endswith(word) and base[-len(word) - 1] in "._-":
                return role, base[: -len(word) - 1]
    return None, ""


def _preferred(parts: list[Part]) -> list[Part]:
    """Those of BEIR's own form, where the same stands next to it in another."""

    def rank(part: Part) -> tuple[bool, bool]:
        return "/" in part.name and part.role != "qrels", ".jsonl" not in part.name

    best = min(map(rank, parts), default=None)
    return [part for part in parts if rank(part) == best]
