"""Records of JSONL, CSV and TSV, and the field of each that holds the document's text."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO

from ...errors import AssistersError
from ...usage import count

TEXT_FIELD = "text"
AS_TEXT = "--input-format text takes every line as it is"
_MOST_NAMES = 12


class InputError(AssistersError):
    """A file cannot be read as documents; the message begins with `file:line:column`."""


@dataclass(frozen=True, slots=True)
class Input:
    """One document, and where it stands: a file as it was named, and a line counted from 1.

    `fields` are those of its record, the text among them; None for a line of text.
    """

    text: str
    file: str
    line: int
    fields: Mapping[str, object] | None = None


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers. A file without a newline may end its in CR."""
    for number, line in enumerate(text.split("\n" if "\n" in text else "\r"), start=1):
        if line and not line.isspace():
            yield number, line.removesuffix("\r")


def from_jsonl(text: str, file: str, field: str) -> Iterator[Input]:
    """One document for each line."""
    for number, line in lines_of(text):
        place = f"{file}:{number}"
        try:
            record = json.loads(line, parse_float=_finite)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{place}:{error.colno}: not valid JSON ({error.msg}); {AS_TEXT}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}:1: not valid JSON ({error}); {AS_TEXT}") from None
        if not isinstance(record, dict):
            raise InputError(f"{place}:1: not a JSON object; {AS_TEXT}")
        yield Input(_text_in(record, field, place), file, number, record)


def from_table(text: str, file: str, field: str, *, tabs: bool) -> Iterator[Input]:
    """One document for each row below the heading, which names the columns.

    CSV is read as RFC 4180 has it, with semicolons where the heading has no comma. TSV knows no
    quotes: what stands between two tabs is a field, as text/tab-separated-values has it.
    """
    csv.field_size_limit(2**31 - 1)  # the most that Windows takes; Python's own is 128 KB
    heading, _, _ = text.lstrip("\r\n").partition("\n")
    separator = "\t" if tabs else ";" if ";" in heading and "," not in heading else ","
    rows = csv.reader(
        StringIO(text, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=True,
    )
    columns: list[str] | None = None
    line = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            # It names the first line of a row: a quote that is never closed runs to the end.
            raise InputError(
                f"{file}:{line}: not valid {'TSV' if tabs else 'CSV'} ({error}); {AS_TEXT}"
            ) from None
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            pass
        elif columns is None:
            columns = _columns(row, f"{file}:{line}")
        else:
            place = f"{file}:{line}"
            if len(row) != len(columns):
                raise InputError(
                    f"{place}:{len(row)}: the row has {count(len(row), 'field')}, and the heading "
                    f"{len(columns)}; put quotes around fields with a separator in them, or "
                    f"{AS_TEXT}"
                )
            record = dict(zip(columns, row, strict=True))
            yield Input(_text_in(record, field, place), file, line, record)
        line = rows.line_num + 1


def _columns(row: list[str], place: str) -> list[str]:
    names = [name.strip() for name in row]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{place}: two columns have the name {_quoted(twice)}; rename one")
    return names


def _text_in(record: Mapping[str, object], field: str, place: str) -> str:
    value: object = record.get(field, _MISSING)
    if value is _MISSING and "." in field:
        value = record
        for name in field.split("."):
            value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
    if isinstance(value, str):
        return value
    names = [_quoted(name) for name in _names(record)]
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    there = ", ".join(names[:_MOST_NAMES]) + more if names else "none"
    what = (
        f"there is no field {_quoted(field)}"
        if value is _MISSING
        else f"the field {_quoted(field)} holds {_kind(value)}, not a string"
    )
    raise InputError(
        f"{place}:1: {what}; fields with a string: {there}; choose one with --text-field"
    )


_MISSING = object()


def _names(record: Mapping[str, object], before: str = "", depth: int = 4) -> Iterator[str]:
    """The fields that hold strings, those of objects in objects with a dot between."""
    for name, value in record.items():
        if isinstance(value, str):
            yield f"{before}{name}"
        elif isinstance(value, Mapping) and depth:
            yield from _names(value, f"{before}{name}.", depth - 1)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    return "an array" if isinstance(value, list) else "an object"


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        # It is a number in JSON; what Python would make of it could not be written again.
        raise ValueError(f"{number} is out of range")
    return value
