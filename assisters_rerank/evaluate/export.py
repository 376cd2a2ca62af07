"""Where an evaluation's results go: a run for the first stage and each model, and all values.

- `NAME.run`: TREC's format, for a model with its real scores;
- `per-query.json`: each measure of each query, for every run;
- `per-query.parquet`: the same as a table, where pyarrow is installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import count
from os import PathLike
from pathlib import Path

from .data.collection import Candidates, Scores
from .data.parquet import write_parquet
from .data.trec import write_run
from .results import PerQuery

_FORMAT = "assisters-rerank per query"


class Export:
    """A folder that takes the results; without one, nothing is written."""

    def __init__(self, folder: str | PathLike[str] | None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._taken: set[str] = set()

    def write(self, name: str, ranked: Candidates, scores: Scores | None = None) -> str:
        """Writes `NAME.run`, or `NAME-2.run` if there was one of that name before; gives the name.

        Raises:
            ConfigurationError: as `write_run`.
        """
        tag = base = re.sub(r"[^\w.-]+", "-", name)  # a model's id may hold a slash
        for number in count(2):  # one model may be there twice, with other settings
            if tag not in self._taken:
                break
            tag = f"{base}-{number}"
        self._taken.add(tag)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_run(self._folder / f"{tag}.run", ranked, tag, scores)
        return tag

    def write_values(self, runs: Mapping[str, PerQuery]) -> None:
        """Writes the values of every measure for each query, by the runs' names."""
        if self._folder is None:
            return
        content = {"format": _FORMAT, "version": 1, "runs": runs}
        text = json.dumps(content, indent=1)
        (self._folder / "per-query.json").write_text(f"{text}\n", encoding="utf-8")
        write_parquet(
            self._folder / "per-query.parquet",
            [
                {"run": run, "measure": measure, "query": query, "value": value}
                for run, measures in runs.items()
                for measure, values in measures.items()
                for query, value in values.items()
            ],
        )
