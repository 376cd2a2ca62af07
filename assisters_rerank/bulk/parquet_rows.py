"""Queries from parquet: a row for each query with lists, or a row for each query and document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigurationError
from .query_rows import Row, as_id, row, values

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        'Parquet needs the extra `bulk`: pip install "assisters-rerank[bulk]"', name=missing.name
    ) from missing

# Rows that are read at a time: of queries with their lists, and of single documents.
_QUERIES, _DOCUMENTS = 64, 4096


_LONG = ("query_id", "query", "document", "doc_id")


class _Cell(NamedTuple):
    """A long row, and what it belongs to."""

    place: str
    key: object
    query: object
    document: object
    doc_id: object


class Parquet:
    """One file, or all `*.parquet` of a folder in the order of their names.

    Columns are `query_id`, `query`, `documents` and perhaps `doc_ids`; or `query`, `document`, and
    perhaps `query_id` and `doc_id`, where neighbouring rows of one query belong together. Without
    query ids the query's place counts, without documents' ids theirs, both from 0.
    """

    def __init__(self, path: Path) -> None:
        self.files: Sequence[Path] = (path,)
        if path.is_dir():
            found = sorted(path.rglob("*.parquet"))
            self.files = [file for file in found if _is_data(file.relative_to(path), file)]
            if not self.files:
                raise ConfigurationError(f"{path}: there is no .parquet file in it.")
        self._names = self._columns()
        self._is_long = "documents" not in self._names
        wanted = ("query", "document" if self._is_long else "documents")
        if len(set(self._names)) < len(self._names):
            raise ConfigurationError(
                f"{path}: two columns have one name; it has: " + ", ".join(self._names) + "."
            )
        if lacking := [name for name in wanted if name not in self._names]:
            raise ConfigurationError(
                f"{path}: the column {lacking[0]} is missing; there must be query_id, query and "
                "documents, or query and document; it has: " + ", ".join(self._names) + "."
            )
        if not self._is_long and "query_id" not in self._names:
            raise ConfigurationError(f"{path}: the column query_id is missing.")

    def query_ids(self) -> Iterator[str]:
        """See `Source`."""
        if self._is_long:
            key = "query_id" if "query_id" in self._names else "query"
            for place, (name, group) in enumerate(groupby(self._long([key]), lambda c: c.key)):
                where = next(group).place
                yield as_id(name, where) if key == "query_id" else str(place)
        else:
            for file, first, table in self._batches(["query_id"], _DOCUMENTS):
                for at, name in enumerate(values(table["query_id"]), first):
                    yield as_id(name, f"{file}, row {at}")

    def rows(self) -> Iterator[Row]:
        """See `Source`."""
        return self._grouped() if self._is_long else self._nested()

    def _nested(self) -> Iterator[Row]:
        has_ids = "doc_ids" in self._names
        names = ["query_id", "query", "documents", *(["doc_ids"] if has_ids else [])]
        for file, first, table in self._batches(names, _QUERIES):
            columns = [values(table[name]) for name in names]
            for at, cells in enumerate(zip(*columns, strict=True), first):
                where = f"{file}, row {at}"
                ids = cells[3] if has_ids else None
                yield row(where, as_id(cells[0], where), cells[1], cells[2], ids)

    def _grouped(self) -> Iterator[Row]:
        names = [name for name in _LONG if name in self._names]
        for place, (name, group) in enumerate(groupby(self._long(names), lambda cell: cell.key)):
            cells = list(group)
            first = cells[0]
            query_id = as_id(name, first.place) if "query_id" in names else str(place)
            ids = [cell.doc_id for cell in cells] if "doc_id" in names else None
            documents = [cell.document for cell in cells]
            found = row(first.place, query_id, first.query, documents, ids)
            if other := next((cell for cell in cells if cell.query != first.query), None):
                raise ConfigurationError(f"{other.place}: query id {name!r} has another query.")
            yield found

    def _long(self, names: list[str]) -> Iterator[_Cell]:
        for file, first, table in self._batches(names, _DOCUMENTS):
            columns: dict[str, list[Any]] = {name: values(table[name]) for name in names}
            nothing: list[Any] = [None] * table.num_rows
            keys = columns["query_id" if "query_id" in columns else "query"]
            others = (columns.get(name, nothing) for name in ("query", "document", "doc_id"))
            for at, cells in enumerate(zip(keys, *others, strict=True), first):
                yield _Cell(f"{file}, row {at}", *cells)

    def _columns(self) -> list[str]:
        names: list[str] | None = None
        for file in self.files:
            try:
                found = list(pq.read_schema(file).names)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(file, error) from None
            if names is not None and set(found) != set(names):
                raise ConfigurationError(
                    f"{file}: its columns ({', '.join(found)}) are not those of {self.files[0]}."
                )
            names = names or found
        return names or []

    def _batches(self, names: list[str], size: int) -> Iterator[tuple[Path, int, Any]]:
        """Each file's tables of some rows, with the number of their first row."""
        for file in self.files:
            try:
                # One reader at a time, and no row groups ahead: memory stays a few batches.
                with pq.ParquetFile(file, pre_buffer=False, memory_map=True) as opened:
                    first = 0
                    for batch in opened.iter_batches(size, columns=names, use_threads=False):
                        yield file, first, batch
                        first += batch.num_rows
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(file, error) from None


def _is_data(inside: Path, file: Path) -> bool:
    """Not what engines write for themselves, as `_temporary` and `_delta_log`, nor a folder."""
    own = (part.startswith((".", "_")) and "=" not in part for part in inside.parts)
    return not any(own) and file.is_file()


def _unreadable(file: Path, error: Exception) -> ConfigurationError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ConfigurationError(f"{file} cannot be read as parquet: {reason.strip().rstrip('. ')}.")
