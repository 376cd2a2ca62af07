"""What is read: the format by the name, a limit on the queries, and whether it has changed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..errors import ConfigurationError
from .query_rows import Row, Source

_JSON = (".jsonl", ".ndjson")
_RUN = (".run", ".trec", ".txt")


def opened(path: Path, collection: Path | None) -> Source:
    """The source at this path, by its suffix; a run needs the collection that it is about.

    Raises:
        ConfigurationError: there is no such file, its format is not known, or its columns are not
            what is needed.
    """
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such file or folder.")
    suffix = path.suffix.lower()
    if collection is not None:
        if path.is_dir() or suffix in (".parquet", *_JSON):
            raise ConfigurationError(
                f"collection: {path} has its texts itself; only a TREC run is about a collection."
            )
        from .run_rows import Run

        return Run(path, collection)
    if path.is_dir() or suffix == ".parquet":
        from .parquet_rows import Parquet  # needs the extra `bulk`

        return Parquet(path)
    if suffix in _JSON:
        from .line_rows import JsonLines

        return JsonLines(path)
    if suffix in _RUN:
        raise ConfigurationError(
            f"{path}: a run has no texts; give the BEIR folder that it is about as `collection`."
        )
    raise ConfigurationError(
        f"{path}: give a .parquet file or a folder of them, .jsonl, or a TREC run with its "
        "collection."
    )


class Queries:
    """The queries of a source, or the first `limit` of them, in its order.

    Raises:
        ConfigurationError: at `check`, for a query id that is there twice, or an unusable line.
    """

    def __init__(self, source: Source, limit: int | None) -> None:
        self._source = source
        self._limit = limit
        self._state = self._state_now()
        self.number = 0
        """How many there are, once they are checked."""
        self.is_cut = False
        """Whether the source has more than `limit`."""

    def check(self) -> None:
        """Reads the ids, before anything is paid for."""
        seen: set[str] = set()
        for name in self._source.query_ids():
            if self._limit is not None and len(seen) == self._limit:
                self.is_cut = True
                break
            if name in seen:
                raise ConfigurationError(
                    f"{self._source.files[0]}: the query id {name!r} is there a second time; give "
                    "each query an id of its own, and let the rows of a query follow each other."
                )
            seen.add(name)
        self.number = len(seen)

    def rows(self) -> Iterator[Row]:
        """The queries from the first on."""
        return islice(self._source.rows(), self._limit)

    def check_unchanged(self) -> None:
        """Raises `ConfigurationError` if a file has changed since the beginning."""
        if self._state_now() != self._state:
            raise ConfigurationError(
                f"{self._source.files[0]} changed during the run. Run it again: what was paid for "
                "is kept, and only what changed is asked for."
            )

    def _state_now(self) -> list[tuple[str, int, int]]:
        return [_state_of(file) for file in self._source.files]


def _state_of(file: Path) -> tuple[str, int, int]:
    try:
        stat = file.stat()
    except OSError:  # it was removed meanwhile
        return str(file), -1, -1
    return str(file), stat.st_size, stat.st_mtime_ns
