"""Which files of the repository are pages: the guides, and all that they link to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import ROOT
from .page import Page

_ROOTS = (Path("README.md"), Path("docs/README.md"), Path("CHANGELOG.md"), Path("CONTRIBUTING.md"))
_SHOWN = {".md", ".py", ".ipynb"}


def found() -> tuple[dict[Path, Page], list[Path]]:
    """The pages by their source, in the order of their links, and the files to copy as they are."""
    pages: dict[Path, Page] = {}
    copied: list[Path] = []
    waiting = [*_ROOTS, *_guides()]
    while waiting:
        source = waiting.pop(0)
        if source in pages or source in copied:
            continue
        if not (ROOT / source).is_file():
            raise SystemExit(f"A page links to {source}, which is no file.")
        if source.suffix not in _SHOWN:
            copied.append(source)
            continue
        pages[source] = Page(source)
        waiting += pages[source].targets
    return pages, copied


def _guides() -> Iterator[Path]:
    return (path.relative_to(ROOT) for path in sorted((ROOT / "docs").glob("*.md")))


def place_of(source: Path) -> str:
    """Where a file of the repository stands in the site."""
    return Page(source).place if source.suffix in _SHOWN else source.as_posix()
