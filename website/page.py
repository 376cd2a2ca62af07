"""One page of the site: where it comes from, where it stands, and its text there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import ROOT
from .notebooks import as_markdown
from .tabs import parts, with_tabs

LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """A file of the repository that is a page of the site."""

    source: Path
    """Relative to the repository."""

    @property
    def place(self) -> str:
        """Its path in the site, as Markdown."""
        named = {"README.md": "index.md", "docs/README.md": "guides.md"}
        path = self.source.as_posix()
        if path in named:
            return named[path]
        path = path.removeprefix("docs/").lower()
        path = re.sub(r"(^|/)readme\.md$", r"\1index.md", path)
        return re.sub(r"\.(py|ipynb)$", ".md", path)

    @property
    def title(self) -> str:
        """What the menu calls it."""
        first = re.search(r"^# (.+)$", self.text, flags=re.MULTILINE)
        assert first, f"{self.source} has no title"
        return first[1].replace("`", "")

    @property
    def text(self) -> str:
        """Its Markdown, still with the links of the repository."""
        text = (ROOT / self.source).read_text(encoding="utf-8")
        if self.source.suffix == ".py":
            # With its folder: both frameworks have an agent with many tools.
            name = self.source.as_posix().removeprefix("examples/")
            return f"# {name}\n\n`{self.source}`\n\n````python\n{text}````\n"
        return as_markdown(text, self.source) if self.source.suffix == ".ipynb" else text

    @property
    def targets(self) -> list[Path]:
        """The files of the repository that it links to."""
        if self.source.suffix == ".py":
            return []
        outside = [line for line, fenced in parts(self.text) if not fenced]
        links = [link.partition("#")[0] for link in LINK.findall("\n".join(outside))]
        return [self._target(link) for link in links if link and "://" not in link]

    def _target(self, link: str) -> Path:
        target = Path(posixpath.normpath((self.source.parent / link).as_posix()))
        if (ROOT / target).is_dir():  # a folder is described in the nearest README
            near = (folder / "README.md" for folder in (target, *target.parents))
            return next(path for path in near if (ROOT / path).is_file())
        return target

    def ready(self, place_of: Callable[[Path], str], tabs: bool = True) -> str:
        """Its Markdown for the site: links lead to the site's pages, sections of faces are tabs."""

        def moved(match: re.Match[str]) -> str:
            link, sharp, anchor = match[1].partition("#")
            if not link or "://" in link:
                return match[0]
            there = posixpath.relpath(
                place_of(self._target(link)), posixpath.dirname(self.place) or "."
            )
            return f"]({there}{sharp}{anchor})"

        if self.source.suffix == ".py":
            return self.text
        text = "".join(
            f"{line if fenced else LINK.sub(moved, line)}\n" for line, fenced in parts(self.text)
        )
        return with_tabs(in_lists(text)) if tabs else text


def in_lists(text: str) -> str:
    """What belongs to an item of a numbered list by three spaces, as on GitHub, has four here."""
    shown, listed = [], False
    for line in text.splitlines():
        if re.match(r"\d+\. ", line):
            listed = True
        elif line and not line.startswith("   "):
            listed = False
        shown.append(f" {line}" if listed and line.startswith("   ") else line)
    return "\n".join(shown) + "\n"
