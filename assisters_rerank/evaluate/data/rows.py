"""Rows of JSONL, JSON, CSV, TSV and Parquet files as records; what is in a file says what it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from ...errors import ConfigurationError
from .delimited import Columns, delimited_rows
from .fields import Fields, Record, id_of, lacks
from .parquet import MAGIC, parquet_rows
from .sources import Source, at_line

# Lists of records within one JSON object: LlamaIndex's LabelledRagDataset, and web services'.
_LISTS = ("examples", "data", "rows", "documents")


@dataclass(frozen=True, slots=True)
class Rows:
    """A file's records, each with its number, and what the numbers count: lines, rows, entries."""

    label: str
    unit: str
    fields: Fields
    records: Iterator[tuple[int, Record]]
    headed: bool = True

    def at(self, number: int, problem: str) -> ConfigurationError:
        """The error for what is wrong with a record."""
        return ConfigurationError(f"{self.label}, {self.unit} {number}: {problem}")

    def id(self, number: int, record: Record, meaning: str) -> str:
        """The id that stands in the field of this meaning.

        Raises:
            ConfigurationError: naming file and line: there is none.
        """
        name = self.fields.name(meaning, record)
        found = None if name is None else id_of(record[name])
        if found is not None:
            return found
        if name is not None and record[name] == "":
            raise self.at(number, "an empty id.")
        raise self.at(number, lacks(meaning, record, "a string", name))


def rows_of(source: Source, fields: Fields, columns: Columns, *, blanks: bool = False) -> Rows:
    """The records of a file.

    Args:
        source: it.
        fields: by whose names a heading is known.
        columns: for files without a heading.
        blanks: columns may stand between blanks, as in TREC's files.

    Raises:
        ConfigurationError: naming file and line: malformed JSON, no JSON object, another number
            of columns; or the file cannot be read.
    """
    with source.opened() as stream:
        is_parquet = stream.read(len(MAGIC)) == MAGIC
    if is_parquet:
        return Rows(source.label, "row", fields, parquet_rows(source))
    lines = source.lines()
    beginning = list(islice(lines, 2))
    if not beginning:
        return Rows(source.label, "line", fields, iter(()))
    first = beginning[0][1].strip()
    if first[0] not in ("[", "{"):
        records, headed = delimited_rows(source, first, fields, columns, blanks=blanks)
        return Rows(source.label, "line", fields, records, headed=headed)
    if first[0] == "{" and first[-1] == "}":
        record = _object(source.label, *beginning[0])
        if len(beginning) == 2 or fields.is_heading(list(record)):
            return Rows(
                source.label, "line", fields, _json_lines(source.label, chain(beginning, lines))
            )
    return Rows(source.label, "entry", fields, enumerate(_entries(source, load_json(source)), 1))


def load_json(source: Source) -> object:
    """The one JSON value that the whole file is.

    Raises:
        ConfigurationError: naming file and line: malformed JSON; or the file cannot be read.
    """
    text = "\n".join(line for _, line in source.lines(blank=True))
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        problem = f"malformed JSON at column {error.colno}: {error.msg}."
        raise at_line(source.label, error.lineno, problem) from None
    except (ValueError, RecursionError) as error:
        raise at_line(source.label, 1, f"malformed JSON: {error}.") from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Only the last one would count, and the judgements of the others be lost.
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise ValueError(f"the name {twice!r} is there a second time in one object")
    return found


def of_mapping(label: str, mapping: Mapping[str, object]) -> Iterator[Record]:
    """The records of an object by id: texts, records, or judgements by document."""
    for place, (name, value) in enumerate(mapping.items(), 1):
        if isinstance(value, str):
            yield {"id": name, "text": value}
        elif isinstance(value, list):  # LlamaIndex's relevant_docs, and rankings without scores
            for rank, document in enumerate(value, 1):
                yield {"query_id": name, "document_id": document, "rank": rank}
        elif isinstance(value, dict) and not any(map(_is_number, value.values())):
            yield {"id": name, **value}
        elif isinstance(value, dict):
            for document, grade in value.items():
                yield {"query_id": name, "document_id": document, "score": grade}
        else:
            problem = f"{name!r} has neither a text nor an object nor a list."
            raise ConfigurationError(f"{label}, entry {place}: {problem}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _entries(source: Source, whole: object) -> Iterator[Record]:
    if isinstance(whole, dict):
        lists = [whole[name] for name in _LISTS if isinstance(whole.get(name), list)]
        if not lists:
            yield from of_mapping(source.label, whole)
            return
        whole = lists[0]
    for place, entry in enumerate(whole if isinstance(whole, list) else [whole], 1):
        if not isinstance(entry, dict):
            raise ConfigurationError(f"{source.label}, entry {place}: not a JSON object.")
        yield entry


def _object(label: str, number: int, line: str) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        problem = f"malformed JSON at column {error.colno}: {error.msg}."
        raise at_line(label, number, problem) from None
    except (ValueError, RecursionError) as error:
        raise at_line(label, number, f"malformed JSON: {error}.") from None
    if not isinstance(entry, dict):
        raise at_line(label, number, "not a JSON object.")
    return entry


def _json_lines(label: str, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Record]]:
    for number, line in lines:
        yield number, _object(label, number, line)
