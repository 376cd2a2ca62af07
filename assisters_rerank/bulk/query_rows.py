"""A query with its candidates, as every format gives it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic_core import PydanticSerializationError, to_json

from ..errors import ConfigurationError
from ..evaluate.data.fields import DOCUMENT_IDS


class Row(NamedTuple):
    """One query; `doc_ids` are as many as `documents`."""

    query_id: str
    query: str
    documents: Sequence[str]
    doc_ids: Sequence[str]

    def digest(self) -> str:
        """The same for the same query, ids and texts, in the same order, and for nothing else."""
        parts = (self.query, self.doc_ids, self.documents)
        try:
            data = to_json(parts)
        except (PydanticSerializationError, UnicodeEncodeError):  # no valid Unicode
            data = json.dumps(parts).encode()
        return hashlib.blake2b(data, digest_size=12).hexdigest()


class Source(Protocol):
    """Where rows come from; it is read from its beginning as often as it is asked."""

    @property
    def files(self) -> Sequence[Path]:
        """All that is read."""
        ...

    def query_ids(self) -> Iterator[str]:
        """The ids of all queries in order, read as cheaply as the format allows."""
        ...

    def rows(self) -> Iterator[Row]:
        """The queries in order.

        Raises:
            ConfigurationError: naming the file and the line or row that cannot be used.
        """
        ...


def values(column: Any) -> list[Any]:
    """The values of an Arrow column; in the place of one that Python cannot hold, the failure."""
    try:
        found: list[Any] = column.to_pylist()
    except Exception:  # no UTF-8, or a date beyond Python's: of one value, and it is not said which
        found = [_value(cell) for cell in column]
    return found


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
    except Exception as error:
        return error


def row(place: str, query_id: str, query: object, documents: object, ids: object) -> Row:
    """A checked row; `place` is how messages call where it stands.

    A document is a text or an object with `text` and an id, by any of `DOCUMENT_IDS`; `ids` may be
    None. What could not be read is the exception that said so, see `values`.
    """
    for name, value in (("query", query), ("documents", documents), ("doc_ids", ids)):
        _check_read(place, name, value)
    if not isinstance(query, str):
        raise ConfigurationError(f"{place}: the query must be a string.")
    if not isinstance(documents, list):
        raise ConfigurationError(f"{place}: the documents must be a list.")
    if any(isinstance(each, dict) for each in documents):
        pairs: list[tuple[Any, Any]] = [
            (_id_in(each, at), each.get("text")) if isinstance(each, dict) else (at, each)
            for at, each in enumerate(documents)
        ]
        documents = [text for _, text in pairs]
        ids = [name for name, _ in pairs] if ids is None else ids
    if not all(isinstance(text, str) for text in documents):
        raise ConfigurationError(f"{place}: every document must have a string as its text.")
    if ids is None:
        return Row(query_id, query, documents, [str(at) for at in range(len(documents))])
    if not isinstance(ids, list) or len(ids) != len(documents):
        raise ConfigurationError(f"{place}: there must be as many document ids as documents.")
    return Row(query_id, query, documents, [as_id(each, place) for each in ids])


def _id_in(document: dict[str, Any], place: int) -> Any:
    return next((document[name] for name in DOCUMENT_IDS if name in document), place)


def _check_read(place: str, name: str, value: object) -> None:
    if isinstance(value, Exception):
        reason = "it is no UTF-8" if isinstance(value, UnicodeDecodeError) else str(value)
        raise ConfigurationError(f"{place}: the {name} cannot be read: {reason.rstrip('.')}.")


def as_id(value: object, place: str) -> str:
    """An id, which may be a whole number."""
    _check_read(place, "id", value)
    if isinstance(value, str) and value:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:  # half of a surrogate pair, which no file can hold
                raise ConfigurationError(
                    f"{place}: the id {value!r} is no valid Unicode."
                ) from None
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ConfigurationError(f"{place}: an id must be a string or a whole number, not {value!r}.")
