"""Sections for the three ways to use the library become tabs, which the reader chooses once."""

from __future__ import annotations

import re

FACES = ("Plain Python", "LangChain", "LlamaIndex")
"""The titles that make tabs, where sections of the third level or below follow one another."""

_HEADING = re.compile(r"^(#{1,6}) (.+)$")


def parts(text: str) -> list[tuple[str, bool]]:
    """The lines of a page, each with whether it is inside a fenced block or its fence."""
    found, fence = [], ""
    for line in text.splitlines():
        opening = re.match(r" *(`{3,})", line)
        if fence:
            found.append((line, True))
            if line.strip() == fence:
                fence = ""
        elif opening:
            fence = opening[1]
            found.append((line, True))
        else:
            found.append((line, False))
    return found


def with_tabs(text: str) -> str:
    """The page with its sections for several faces as tabs.

    A section that stands by itself stays one: there is nothing to choose.
    """
    lines = parts(text)
    starts = [_level_of_face(line, fenced) for line, fenced in lines]
    shown: list[str] = []
    place = 0
    while place < len(lines):
        level = starts[place]
        ends = _ends(lines, starts, place, level) if level else []
        if len(ends) < 2:
            shown.append(lines[place][0])
            place += 1
            continue
        for end in ends:
            title = lines[place][0].lstrip("# ")
            shown += [f'=== "{title}"', ""]
            shown += [f"    {line}" if line else "" for line, _ in lines[place + 1 : end]]
            shown.append("")
            place = end
    return "\n".join(shown) + "\n"


def _level_of_face(line: str, fenced: bool) -> int:
    heading = None if fenced else _HEADING.match(line)
    level = len(heading[1]) if heading else 0
    return level if heading and level > 2 and heading[2] in FACES else 0


def _ends(lines: list[tuple[str, bool]], starts: list[int], place: int, level: int) -> list[int]:
    """Where each of the sections ends that follow one another from here, all of them of faces."""
    ends = []
    while place < len(lines) and starts[place] == level:
        place += 1
        while place < len(lines) and not (
            not lines[place][1]
            and (heading := _HEADING.match(lines[place][0]))
            and len(heading[1]) <= level
        ):
            place += 1
        ends.append(place)
    return ends
