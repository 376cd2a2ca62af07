"""Lists within a field: JSON's own, or written as text in a CSV file, by JSON or by Python."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from itertools import pairwise

from .fields import Record
from .rows import Rows


def listed(rows: Rows, number: int, record: Record, meaning: str) -> list[object]:
    """What stands in a field: the entries of its list, or the one text or object; none for null.

    Raises:
        ConfigurationError: naming file and line: it looks like a list, and cannot be read.
    """
    name = rows.fields.name(meaning, record)
    value = None if name is None else record[name]
    if isinstance(value, str) and value.lstrip()[:1] == "[" and value.rstrip()[-1:] == "]":
        value = _parsed(value.strip())
        if value is None:
            raise rows.at(
                number,
                f"`{name}` looks like a list, and is neither JSON nor Python; write it by "
                "json.dumps, or the file as JSONL.",
            )
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _parsed(text: str) -> list[object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _of_python(text)
    return value if isinstance(value, list) else None


def _of_python(text: str) -> object:
    try:
        value = ast.literal_eval(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (ValueError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError):
        return None
    # What numpy prints has no commas, and Python would join its strings to one.
    strings = [token.type == tokenize.STRING for token in tokens if token.type != tokenize.NL]
    joined = any(one and other for one, other in pairwise(strings))
    return None if joined else value
