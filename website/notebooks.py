"""A notebook as Markdown: its cells and the outputs that are kept in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def as_markdown(notebook: str, source: Path) -> str:
    """The cells in order; of an output its HTML if it has one, else its text."""
    shown = []
    for cell in json.loads(notebook)["cells"]:
        text = "".join(cell["source"]).rstrip()
        if cell["cell_type"] == "markdown":
            shown.append(text)
        elif cell["cell_type"] == "code":
            shown.append(f"````python\n{text}\n````")
            shown += [part for output in cell["outputs"] if (part := _output(output))]
    if not any(re.match(r"# ", part) for part in shown):
        shown.insert(0, f"# {source.name}")
    return "\n\n".join(shown) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        # In one block: Markdown would end a block of HTML at a blank line.
        lines = "".join(data["text/html"]).splitlines()
        return (
            '<div class="output">\n'
            + "\n".join(line for line in lines if line.strip())
            + "\n</div>"
        )
    text = "".join(output.get("text") or data.get("text/plain", "")).rstrip()
    return f"````text\n{text}\n````" if text else ""
