"""How a file is read: as its user says, else by its name, else by how it begins.

Lines that only look like text would be ranked, and paid for, with brackets and field names. So a
file that begins like JSON is JSON; if it then cannot be read, that is an error and no other guess.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path

from .records import AS_TEXT, InputError


class InputFormat(StrEnum):
    """How documents stand in a file."""

    AUTO = "auto"
    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


_BY_SUFFIX = {
    ".jsonl": InputFormat.JSONL,
    ".ndjson": InputFormat.JSONL,
    ".csv": InputFormat.CSV,
    ".tsv": InputFormat.TSV,
}

# What Python prints of a dict has single quotes. `{% if %}`, `{{ name }}` and `{/* */}` are text.
_OBJECT = re.compile(r"""\s*\{\s*(["']|\})""")
_ARRAY_OF_OBJECTS = re.compile(r"""\s*\[\s*(\{\s*["']|\n\s*")""")


def format_of(file: str, text: str, wanted: InputFormat) -> InputFormat:
    """The format of one file; never `AUTO`.

    Raises:
        InputError: the file is one JSON value, or its lines are JSON arrays.
    """
    if wanted is not InputFormat.AUTO:
        return wanted
    by_suffix = _BY_SUFFIX.get(Path(file).suffix.lower())
    if by_suffix is not None:
        return by_suffix
    if begins := _OBJECT.match(text):
        if "\n" in text[: begins.end()].lstrip():
            raise _one_value(file, "object")
        return InputFormat.JSONL
    if _ARRAY_OF_OBJECTS.match(text) or (text.lstrip()[:1] == "[" and _is_array(text)):
        raise _one_value(file, "array")
    return InputFormat.TEXT


def _is_array(text: str) -> bool:
    """Whether the whole is a JSON array, or its first line is one with more than numbers in it."""
    if isinstance(_value(text), list):
        return True
    first = _value(text.lstrip().partition("\n")[0])
    return isinstance(first, list) and any(isinstance(each, str | list | dict) for each in first)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _one_value(file: str, kind: str) -> InputError:
    return InputError(
        f"{file}: this is one JSON {kind}, not a document on each line; write objects with a text, "
        f"one on each line (JSONL), or {AS_TEXT}"
    )
