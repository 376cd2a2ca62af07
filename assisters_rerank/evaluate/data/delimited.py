"""Files with columns between tabs, commas, semicolons or blanks, with a heading or without."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...usage import count
from .fields import Fields, Record
from .sources import Source, at_line

Columns = Mapping[int, Sequence[str]]
"""For files without a heading: the number of columns, to what they are called; the meanings of
`fields.NAMES`, and `""` for what nobody needs."""

TREC_RUN = "query-id Q0 document-id rank score tag"

_Split = Callable[[str], list[str]]
_Numbered = Iterator[tuple[int, list[str]]]


def delimited_rows(
    source: Source, first: str, fields: Fields, columns: Columns, *, blanks: bool
) -> tuple[Iterator[tuple[int, Record]], bool]:
    """The records of a file whose first line is given, and whether it has a heading."""
    csv.field_size_limit(2**31 - 1)  # the most that Windows takes; Python's own is 128 KB
    separator = _separator(first, fields, blanks=blanks)
    if separator in (",", ";"):
        heading = _commas(separator)(first)
        rows = _quoted_rows(source, separator)
    else:
        split: _Split = _tabs
        heading = split(first)
        counts = {len(heading)} if fields.is_heading(heading) else set(columns)
        if blanks:  # TREC's tools write either, also in one file
            split = _tabs_or_blanks(counts)
            heading = split(first)
        is_headed = fields.is_heading(heading)
        rows = (
            (number, [*map(_unquoted, split(line))] if is_headed else split(line))
            for number, line in source.lines()
        )
    if fields.is_heading(heading):
        return _named(source, rows), True
    return _by_number(source, rows, columns), False


def _separator(first: str, fields: Fields, *, blanks: bool) -> str:
    if "\t" in first:
        return "\t"
    comma = ";" if ";" in first and "," not in first else ","
    if fields.is_heading(_commas(comma)(first)):
        return comma
    parts = len(first.split())
    return " " if blanks and (parts > 2 or (parts == 2 and comma not in first)) else comma


def _commas(separator: str) -> _Split:
    return lambda line: next(csv.reader([line], delimiter=separator), [])


def _tabs(line: str) -> list[str]:
    return [field.strip() for field in line.split("\t")]


def _tabs_or_blanks(counts: set[int]) -> _Split:
    """By tabs if that gives a wanted number of columns, since BEIR's ids may contain blanks."""

    def split(line: str) -> list[str]:
        by_tabs = _tabs(line)
        # `q1 0 d1<tab>1` has blanks between its columns, and a tab before the grade.
        is_mixed = len(by_tabs) == 2 and by_tabs[-1].isdigit()
        return by_tabs if len(by_tabs) in counts and not is_mixed else line.split()

    return split


def _quoted_rows(source: Source, separator: str) -> _Numbered:
    # As RFC 4180 has it: line ends may stand within quotes.
    lines = (f"{line}\n" for _, line in source.lines(blank=True))
    reader = csv.reader(lines, delimiter=separator, strict=True)
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:  # a quote that is never closed runs to the end
        raise at_line(source.label, begins, f"malformed CSV: {error}.") from None


def _named(source: Source, rows: _Numbered) -> Iterator[tuple[int, Record]]:
    number, heading = next(rows)
    names = [name.strip() for name in heading]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise at_line(source.label, number, f"two columns are called {twice!r}; rename one.")
    for number, row in rows:
        if len(row) != len(names):
            problem = f"{count(len(row), 'column')}, but the heading has {len(names)}."
            raise at_line(source.label, number, problem)
        yield number, dict(zip(names, row, strict=True))


def _unquoted(cell: str) -> str:
    # pandas and DPR quote in files with tabs, too, if they have a heading.
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def _by_number(source: Source, rows: _Numbered, columns: Columns) -> Iterator[tuple[int, Record]]:
    before = 0
    for number, row in rows:
        if len(row) not in columns or (before and len(row) != before):
            raise at_line(source.label, number, _counts(len(row), before, columns))
        before = len(row)
        yield number, dict(zip(columns[before], row, strict=True))


def _counts(found: int, before: int, columns: Columns) -> str:
    if before:
        return f"{count(found, 'column')}, but {before} before."
    least, most = min(columns, default=0), max(columns, default=0)
    ways = [
        f"{many} ({', '.join(name or 'any' for name in names)})"
        for many, names in columns.items()
        if not names[0].isdigit()
    ]
    wanted = " or ".join(ways) or f"{least} to {most}, as in {TREC_RUN}"
    return f"{count(found, 'column')} without a heading that is known; there must be " + (
        f"{wanted}, or a heading." if columns else "a heading, such as `question,contexts`."
    )
