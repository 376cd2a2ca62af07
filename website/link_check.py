"""Reads a finished site: whether each inner link leads somewhere, and no Markdown was left over."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class _Read(HTMLParser):
    """Links, anchors and the text outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.prose: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        for name in ("href", "src"):
            if value := found.get(name):
                self.links.append(value)
        if tag in ("pre", "code", "script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[-1]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.prose.append(data)


def problems(site: Path) -> list[str]:
    """Dead links, dead anchors, and Markdown that was not understood, by page."""
    read = {path.resolve(): _read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in read.items():
        name = path.relative_to(site.resolve())
        if name.name == "404.html":  # its links are absolute, for whatever address was not found
            continue
        found += [
            f"{name}: {link} leads nowhere" for link in page.links if not _leads(link, path, read)
        ]
        left = re.findall(
            r"^ *```.*|\]\([^)\s]+\)|^ *(?:===|:::) .*", "".join(page.prose), re.MULTILINE
        )
        found += [f"{name}: Markdown is left over: {text.strip()}" for text in left]
    return found


def _read(path: Path) -> _Read:
    read = _Read()
    read.feed(path.read_text(encoding="utf-8"))
    return read


def _leads(link: str, path: Path, read: dict[Path, _Read]) -> bool:
    address, anchor = urldefrag(link)
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return True  # another site's; the check needs no network
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return not anchor or target not in read or unquote(anchor) in read[target].anchors
