"""The order of the pages: of the menu, and of `llms.txt`, which is for language models."""

from __future__ import annotations

import re
from pathlib import Path

from . import PACKAGES, ROOT
from .api_pages import place_of
from .page import Page

ERRORS = "api/errors.md"
# For those who change the code, in this order.
_PROJECT = ("CONTRIBUTING.md", "docs/architecture.md", "docs/style.md", "docs/releasing.md")
_REFERENCE = "docs/reference.md"
# One for each kind of user, from an empty environment to a result.
_WAYS_IN = "start-"

Menu = dict[str, list[tuple[str, str]]]


def menu(pages: dict[Path, Page]) -> Menu:
    """The sections, each with titles and places; the guides in the order of their index."""
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    listed = [Path("docs") / name for name in re.findall(r"\]\(([\w-]+\.md)\)", index)]
    ways_in = [path for path in listed if path.name.startswith(_WAYS_IN)]
    guides = [
        path
        for path in listed
        if path not in ways_in and path.as_posix() not in (*_PROJECT, _REFERENCE)
    ]
    known = {
        *ways_in,
        *guides,
        *map(Path, _PROJECT),
        Path(_REFERENCE),
        Path("README.md"),
        Path("CHANGELOG.md"),
    }
    others = [path for path in pages if path not in known and path != Path("docs/README.md")]
    examples = [path for path in others if path.parts[0] == "examples"]
    # What tells a story first; the programs as their README lists them.
    examples.sort(key=lambda path: (".md", ".ipynb", ".py").index(path.suffix))
    rest = [path for path in others if path not in examples]

    def entries(paths: list[Path]) -> list[tuple[str, str]]:
        return [(pages[path].title, pages[path].place) for path in dict.fromkeys(paths)]

    return {
        "Start here": entries([Path("README.md"), *ways_in, Path("docs/README.md")]),
        "Guides": entries(guides),
        "Reference": [
            *entries([Path(_REFERENCE)]),
            ("Errors by their message", ERRORS),
            *((package, place_of(package)) for package in PACKAGES),
        ],
        "Examples": entries(examples),
        "Project": entries([Path("CHANGELOG.md"), *map(Path, _PROJECT), *rest]),
    }


def llms_txt(sections: Menu, about: dict[str, str], url: str) -> str:
    """As https://llmstxt.org has it: every page with its address and first sentence."""
    shown = ["# assisters-rerank", f"> {about['index.md']}"]
    for section, entries in sections.items():
        lines = [
            f"- [{title}]({url}{place})" + (f": {about[place]}" if about.get(place) else "")
            for title, place in entries
        ]
        shown.append(f"## {section}\n\n" + "\n".join(lines))
    return "\n\n".join(shown) + "\n"


def first_sentence(text: str) -> str:
    """What a page begins with, without links."""
    for paragraph in text.split("\n\n")[1:]:
        if not re.match(r"[#`|<:]", paragraph):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
            return re.split(r"(?<=[.:?]) ", plain)[0]
    return ""
