"""What is stored in a notebook, and whether another run shows the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .pages import DOCS, Page

NOTEBOOKS = sorted((DOCS.parent / "examples" / "notebook").glob("*.ipynb"))
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")

Shown = tuple[int, str, str]
"""Cell, kind and text of an output."""


def shown(notebook: Mapping[str, Any]) -> Iterator[Shown]:
    """Each output; streams as one, however they came in pieces."""
    for place, cell in enumerate(notebook["cells"]):
        texts: dict[str, str] = {}
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                name = output["name"]
                texts[name] = texts.get(name, "") + "".join(output["text"])
            else:
                html = "".join(output["data"]["text/html"])
                texts["html"] = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
        for kind, text in sorted(texts.items()):
            yield place, kind, text


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What the one shows and the other does not."""
    before, after = list(shown(stored)), list(shown(now))
    if [output[:2] for output in before] != [output[:2] for output in after]:
        return ["Other cells have outputs."]
    return [
        f"{kind} of cell {place}:\n{was}\nis now\n{text}"
        for (place, kind, was), (_, _, text) in zip(before, after, strict=True)
        if not _alike(was, text)
    ]


def _alike(one: str, other: str) -> bool:
    """Scores have three decimals, and another machine may round the last one differently."""
    return NUMBER.sub("#", one) == NUMBER.sub("#", other) and all(
        math.isclose(a, b, rel_tol=0.01, abs_tol=0.002)
        for a, b in zip(numbers(one), numbers(other), strict=True)
    )


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def as_page(notebook: Path, folder: Path) -> Page:
    """Its text and its code as a page, to be looked at like one."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    page = folder / f"{notebook.stem}.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return Page(page)
