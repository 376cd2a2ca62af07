"""The result in its file: parquet, JSONL or a TREC run, by the suffix.

It is written to a temporary file, which then takes the target's place: nobody sees half of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic_core import to_json

from ..errors import ConfigurationError
from ..evaluate.data.trec import check_id, lines_for
from .outcome import BulkStopped
from .query_rows import Row

# Lines of parquet that are gathered before they are written.
_MOST = 50_000


class Result(NamedTuple):
    """One query's documents, the best first."""

    query_id: str
    doc_ids: Sequence[str]
    scores: Sequence[float]
    model: str


Write = Callable[[Result], None]


def check_target(path: Path) -> None:
    """Checks what is to be written, before anything is paid for.

    Raises:
        ConfigurationError: the suffix is not known, or the file could not be written there.
    """
    if path.suffix.lower() not in _FORMATS:
        raise ConfigurationError(
            f"{path}: give the target one of the suffixes {', '.join(_FORMATS)}."
        )
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: the folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written; choose another folder.")
    if path.suffix.lower() == ".parquet":
        from . import parquet_rows  # noqa: F401 - says which extra is missing


def check_apart(target: Path, source: Path, files: Sequence[Path]) -> None:
    """Checks that no file of the run is one of the source, nor becomes one.

    Raises:
        ConfigurationError: it is, or would.
    """
    own = {
        target.with_name(target.name + suffix).resolve()
        for suffix in ("", ".part", ".tmp", ".errors.jsonl")
    }
    for file in files:
        if file.resolve() in own:
            raise ConfigurationError(
                f"{target}: the run would write over its source, {file}; choose another target."
            )
    is_parquet = target.suffix.lower() == ".parquet"
    if is_parquet and source.is_dir() and source.resolve() in target.resolve().parents:
        raise ConfigurationError(
            f"{target} would belong to the source, which is the folder {source}; choose another "
            "folder."
        )


def check_names(target: Path, rows: Iterable[Row]) -> None:
    """Checks that a TREC run can hold these ids, before anything is paid for.

    Raises:
        ConfigurationError: one has a blank in it, or is a second document's of its query.
    """
    if _FORMATS[target.suffix.lower()] is _run:
        for row in rows:
            for name in (row.query_id, *row.doc_ids):
                check_id(name)
            if len(set(row.doc_ids)) < len(row.doc_ids):
                twice = next(name for name in row.doc_ids if row.doc_ids.count(name) > 1)
                raise ConfigurationError(
                    f"{target}: document {twice!r} is there a second time for query "
                    f"{row.query_id!r}, which a TREC run cannot hold."
                )


@contextmanager
def replaced(path: Path) -> Iterator[Write]:
    """Takes results in the block, and puts them in the target's place at its end.

    Raises:
        BulkStopped: it cannot be written.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with _FORMATS[path.suffix.lower()](temporary) as write:
            yield write
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise BulkStopped(
                f"{path} cannot be written: {error.strerror or error}. Nothing is lost: make room "
                "and run it again."
            ) from None
        raise


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema: Any = pa.schema(
        [
            ("query_id", pa.string()),
            ("doc_id", pa.string()),
            ("rank", pa.int32()),
            ("score", pa.float64()),
            ("model", pa.string()),
        ]
    )
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}

    def flush() -> None:
        writer.write_table(pa.table(columns, schema))
        for column in columns.values():
            column.clear()

    def write(result: Result) -> None:
        number = len(result.doc_ids)
        columns["query_id"] += [result.query_id] * number
        columns["doc_id"] += result.doc_ids
        columns["rank"] += range(1, number + 1)
        columns["score"] += result.scores
        columns["model"] += [result.model] * number
        if len(columns["rank"]) >= _MOST:
            flush()

    with path.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield write
        flush()


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("wb") as file:

        def write(result: Result) -> None:
            ranked = zip(result.doc_ids, result.scores, strict=True)
            results = [
                {"doc_id": doc_id, "rank": rank, "score": score}
                for rank, (doc_id, score) in enumerate(ranked, 1)
            ]
            line = {"query_id": result.query_id, "model": result.model, "results": results}
            file.write(to_json(line) + b"\n")

        yield write


@contextmanager
def _run(path: Path) -> Iterator[Write]:
    file: IO[str]
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(result: Result) -> None:
            # A model's id may have a blank in it, which the format cannot hold.
            tag = "-".join(result.model.split()) or "-"
            file.write(lines_for(result.query_id, result.doc_ids, tag, result.scores))

        yield write


_FORMATS = {".parquet": _parquet, ".jsonl": _jsonl, ".run": _run, ".trec": _run}
