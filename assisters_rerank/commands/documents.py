"""Documents from files and standard input: lines of text, or JSONL with `text` in each object.

A file is JSONL if its first line that is not blank is a JSON object; then every line has to be
one. Text and JSONL files may be mixed. Blank lines are skipped, but counted. UTF-8, with or without
a byte order mark.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from ..errors import AssistersError

STANDARD_INPUT = "-"

_AS_TEXT = "--input-format text takes every line as it is"


class InputFormat(StrEnum):
    """How a line is read."""

    AUTO = "auto"
    TEXT = "text"
    JSONL = "jsonl"


class InputError(AssistersError):
    """A file cannot be read as documents; the message begins with `file:line`."""


@dataclass(frozen=True, slots=True)
class Input:
    """One document, and where it stands: a file as it was named, and a line counted from 1."""

    document: str | dict[str, object]
    file: str
    line: int


def read_documents(files: Sequence[str], form: InputFormat = InputFormat.AUTO) -> list[Input]:
    """The documents of all files, in their order; `-` is standard input.

    Raises:
        InputError: a file cannot be read, is not UTF-8, or is broken JSONL.
    """
    return [found for file in files for found in _documents(file, form)]


def _documents(file: str, form: InputFormat) -> Iterator[Input]:
    text = _text(file)
    lines = [
        (number, line.removesuffix("\r"))
        for number, line in enumerate(text.split("\n"), start=1)
        if line and not line.isspace()
    ]
    if not lines:
        return
    is_jsonl = form is InputFormat.JSONL
    if form is InputFormat.AUTO:
        is_jsonl = isinstance(_json_or_none(lines[0][1]), dict)
        if not is_jsonl:
            _refuse_one_value(file, text)
    for number, line in lines:
        yield Input(_object(file, number, line) if is_jsonl else line, file, number)


def _text(file: str) -> str:
    if file == STANDARD_INPUT and sys.stdin is None:
        raise InputError(f"{file}: standard input is closed")
    try:
        data = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file}:{number}: not UTF-8 (byte 0x{data[error.start]:02x}); convert the file first"
        ) from None


def _object(file: str, number: int, line: str) -> dict[str, object]:
    try:
        content = _parsed(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}:{number}: not valid JSON ({error}); {_AS_TEXT}") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}:{number}: not a JSON object; {_AS_TEXT}")
    if not isinstance(content.get("text"), str):
        raise InputError(f'{file}:{number}: the JSON object has no string under "text"')
    return content


def _refuse_one_value(file: str, text: str) -> None:
    # Taken as lines, a JSON file would be ranked as brackets and commas.
    content = _json_or_none(text) if text.lstrip().startswith(("[", "{")) else None
    if isinstance(content, list | dict):
        kind = "array" if isinstance(content, list) else "object"
        raise InputError(
            f"{file}: the file is one JSON {kind}; write one object with a text on each line "
            f"(JSONL), or {_AS_TEXT}"
        )


def _json_or_none(text: str) -> object:
    try:
        return _parsed(text)
    except (ValueError, RecursionError):
        return None


def _parsed(text: str) -> object:
    return json.loads(text, parse_float=_finite, parse_constant=_refuse_constant)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is out of range")
    return value


def _refuse_constant(name: str) -> NoReturn:
    # Python would read NaN and Infinity, and write them into output that would not be JSON.
    raise ValueError(f"{name} is not JSON")
