"""Parquet files, as MTEB and Hugging Face store data sets; pyarrow reads them, if installed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ...errors import ConfigurationError
from .fields import Record
from .sources import Source

MAGIC = b"PAR1"
_AT_ONCE = 1024


class _Batch(Protocol):
    def to_pylist(self) -> Sequence[Record]: ...


class _ParquetFile(Protocol):
    def iter_batches(self, batch_size: int) -> Iterator[_Batch]: ...


class _Table(Protocol):
    def from_pylist(self, rows: Sequence[Record]) -> object: ...


class _Pyarrow(Protocol):
    Table: _Table


class _Parquet(Protocol):
    # pyarrow ships no types.
    def ParquetFile(self, source: object) -> _ParquetFile: ...  # noqa: N802 - pyarrow's name
    def write_table(self, table: object, where: str) -> None: ...


def parquet_rows(source: Source) -> Iterator[tuple[int, Record]]:
    """Its rows, numbered from 1, some at a time.

    Raises:
        ConfigurationError: pyarrow is not installed, or the file cannot be read.
    """
    try:
        parquet = cast("_Parquet", import_module("pyarrow.parquet"))
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"{source.label}: this is a Parquet file, which needs pyarrow: pip install pyarrow"
        ) from None
    number = 0
    with source.opened() as stream:
        # An archive's files cannot be read from their end without reading them whole.
        whole = stream if isinstance(stream, io.BufferedReader) else io.BytesIO(stream.read())
        try:
            for batch in parquet.ParquetFile(whole).iter_batches(batch_size=_AT_ONCE):
                for number, record in enumerate(batch.to_pylist(), number + 1):  # noqa: B020
                    yield number, record
        except ValueError as error:  # pyarrow's own errors are such
            reason = str(error).splitlines()[0].rstrip(".")
            raise ConfigurationError(f"{source.label} cannot be read: {reason}.") from error


def write_parquet(path: Path, rows: Sequence[Record]) -> None:
    """Writes a table, if pyarrow is installed."""
    try:
        pyarrow = cast("_Pyarrow", import_module("pyarrow"))
        parquet = cast("_Parquet", import_module("pyarrow.parquet"))
    except ModuleNotFoundError:
        return
    parquet.write_table(pyarrow.Table.from_pylist(rows), str(path))
