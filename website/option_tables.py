"""The options of a class as a table, from its fields: what is shown is what is checked."""

from __future__ import annotations

import html
import inspect

from pydantic import BaseModel

_BAR = "&#124;"  # which is no end of a cell


def option_table(model: type[BaseModel]) -> str:
    """Name, type, default and meaning of each option, in the order of the class."""
    rows = ["| option | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, each in inspect.signature(model).parameters.items():
        default = "required" if each.default is each.empty else _code(repr(each.default))
        if default == _code("<factory>"):
            default = "made for each"
        meaning = html.escape(model.model_fields[name].description or "").replace("|", _BAR)
        rows.append(f"| {_code(name)} | {_code(each.annotation)} | {default} | {meaning} |")
    # Small screens show the cells of a row below one another, by the class.
    return "\n".join(['<div class="options" markdown>', "", *rows, "", "</div>"])


def _code(text: str) -> str:
    return f"<code>{html.escape(text, quote=False).replace('|', _BAR)}</code>"
