"""The demo's corpus: the docstrings of Python's own standard library, read from its source.

The files under `sysconfig.get_path("stdlib")` are parsed with `ast`: nothing is imported, so no
module's code runs, and nothing is downloaded.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import AssistersError
from .exports import exports, is_exported, parsed

# Other people's code, the interpreter's own tests, programs that nobody imports, character tables,
# and what newer Pythons have dropped.
_LEFT_OUT = frozenset(
    {
        "site-packages",
        "dist-packages",
        "lib-dynload",
        "test",
        "tests",
        "idlelib",
        "lib2to3",
        "distutils",
        "turtledemo",
        "ensurepip",
        "encodings",
        "pydoc_data",
    }
)
# Modules of everyday tasks: the demo reads these, since all would take longer than one waits. Those
# with much code for each docstring (asyncio, argparse, pickle) would be half of the time again.
EVERYDAY = frozenset(
    re.findall(
        r"\w+",
        "base64 calendar configparser contextlib copy csv datetime fnmatch functools getpass glob "
        "gzip hashlib http json logging os pathlib queue random sched shutil signal smtplib socket "
        "sqlite3 statistics string subprocess tempfile textwrap threading timeit urllib zipfile",
    )
)

# Underscored, but the only readable documentation of public modules that are compiled.
_TWINS = {"_pydecimal": "decimal", "_pydatetime": "datetime", "_pyio": "io"}

# bge-reranker-v2 reads 512 tokens of query and passage; the rest would be paid for and not read.
_MAX_CHARACTERS = 1_600
# Shorter docstrings ("Return self.") say no more than the name.
_MIN_WORDS = 4

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class NoStandardLibraryError(AssistersError):
    """This Python has no readable source of its standard library (zipped, or bytecode only)."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One documented module, class, function or method.

    Attributes:
        name: what one imports, e.g. `subprocess.run`; unique within a corpus.
        text: name and signature on the first line, then the docstring, at most 1,600 characters.
        summary: the docstring's first sentence or line.
    """

    name: str
    text: str
    summary: str


def read_passages(
    root: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    only: frozenset[str] | None = None,
) -> list[Passage]:
    """Read every public docstring below `root` (default: the running Python's standard library).

    `only` names the modules and packages to read; without it, all. Files that cannot be read,
    decoded or parsed are passed over. `progress(done, total)` is called with numbers of files.
    Raises `NoStandardLibraryError` when there is nothing to read.
    """
    folder = Path(sysconfig.get_path("stdlib")) if root is None else root
    files = sorted(_source_files(folder, only))
    passages: dict[str, Passage] = {}
    for done, (module, path) in enumerate(files, start=1):
        for passage in _passages_of_file(module, path):
            # The first definition of a name counts: later ones are setters and fallbacks.
            passages.setdefault(passage.name, passage)
        if progress is not None:
            progress(done, len(files))
    if not passages:
        raise NoStandardLibraryError(
            f"no documented Python source found in {folder}: this Python's standard library seems "
            "to be zipped or compiled; run the demo with a Python that has its .py files"
        )
    return list(passages.values())


def _source_files(folder: Path, only: frozenset[str] | None) -> Iterator[tuple[str, Path]]:
    """Modules and their files: the public ones, and private ones inside a public package."""
    for path in _files_below(folder, only):
        parts = path.relative_to(folder).with_suffix("").parts
        if not _LEFT_OUT.isdisjoint(parts):
            continue
        names = [_TWINS.get(part, part) for part in parts if part != "__init__"]
        if not names or not all(name.isidentifier() for name in names):
            continue
        has_to_be_public = names[:-1] or names
        if not any(name.startswith("_") for name in has_to_be_public):
            yield ".".join(names), path


def _files_below(folder: Path, only: frozenset[str] | None) -> Iterator[Path]:
    if only is None:
        yield from folder.rglob("*.py")
        return
    # Not filtered afterwards: below the library lies all that was ever installed.
    for name in only | {twin for twin, public in _TWINS.items() if public in only}:
        yield from folder.glob(f"{name}.py")
        yield from (folder / name).rglob("*.py")


def _passages_of_file(module: str, path: Path) -> Iterator[Passage]:
    tree = parsed(path)
    if tree is None:
        return
    package, _, own_name = module.rpartition(".")
    is_private = own_name.startswith("_")
    is_package = path.stem == "__init__"
    exported = frozenset() if is_package else _exports_of(path.parent).get(own_name, frozenset())

    def scope(name: str) -> str | None:
        if exported and is_exported(name, exported, tree):
            return package
        return None if is_private else module

    if not is_private:
        yield from _passage(module, module, tree)
    yield from _passages_of_body(scope, tree.body, in_class=False)


@lru_cache(maxsize=1)  # files come folder by folder
def _exports_of(folder: Path) -> Mapping[str, frozenset[str]]:
    return exports(parsed(folder / "__init__.py"))


def _passages_of_body(
    scope: Callable[[str], str | None], body: Iterable[ast.stmt], *, in_class: bool
) -> Iterator[Passage]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            # Definitions that depend on the platform.
            handlers = node.handlers if isinstance(node, ast.Try) else []
            inner = [*node.body, *(step for each in handlers for step in each.body), *node.orelse]
            yield from _passages_of_body(scope, inner, in_class=in_class)
        if not isinstance(node, ast.ClassDef | _Function) or node.name.startswith("_"):
            continue
        around = scope(node.name)
        if around is None:
            continue
        name = f"{around}.{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _passage(name, name + _class_signature(node), node)
            yield from _passages_of_body(_always(name), node.body, in_class=True)
        else:
            yield from _passage(name, name + _signature(node, in_class=in_class), node)


def _always(scope: str) -> Callable[[str], str | None]:
    return lambda _: scope


def _passage(
    name: str, heading: str, node: ast.Module | ast.ClassDef | _Function
) -> Iterator[Passage]:
    docstring = ast.get_docstring(node)
    if docstring is None or len(docstring.split()) < _MIN_WORDS:
        return
    text = f"{heading}\n{docstring}"
    if len(text) > _MAX_CHARACTERS:
        text = text[:_MAX_CHARACTERS].rsplit(maxsplit=1)[0]
    yield Passage(name, text, _summary(docstring))


def _summary(docstring: str) -> str:
    """The first paragraph on one line, up to the end of its first sentence."""
    paragraph = " ".join(docstring.split("\n\n", 1)[0].split())
    return re.split(r"(?<=[a-z)]\.)\s", paragraph, maxsplit=1)[0]


def _class_signature(node: ast.ClassDef) -> str:
    for statement in node.body:
        if isinstance(statement, _Function) and statement.name == "__init__":
            return _signature(statement, in_class=True)
    return ""


def _signature(node: _Function, *, in_class: bool) -> str:
    decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
    if decorators & {"property", "functools.cached_property", "cached_property"}:
        return ""
    arguments = ast.unparse(node.args)
    if in_class and "staticmethod" not in decorators:
        # Callers never write `self` or `cls`.
        arguments = re.sub(r"^(self|cls)(, /)?(, |$)", "", arguments)
    return f"({arguments})"
