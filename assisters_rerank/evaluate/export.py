"""Where an evaluation's runs go: one file for the first stage, and one for each model."""

from __future__ import annotations

import re
from itertools import count
from os import PathLike
from pathlib import Path

from .data.collection import Candidates
from .data.trec import write_run


class Export:
    """A folder that takes runs in TREC's format; without one, nothing is written."""

    def __init__(self, folder: str | PathLike[str] | None) -> None:
        self._folder = None if folder is None else Path(folder)
        self._taken: set[str] = set()

    def write(self, name: str, ranked: Candidates) -> None:
        """Writes `NAME.run`, or `NAME-2.run` if there was one of that name before."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        tag = base = re.sub(r"[^\w.-]+", "-", name)  # a model's id may hold a slash
        for number in count(2):  # one model may be there twice, with other settings
            if tag not in self._taken:
                break
            tag = f"{base}-{number}"
        self._taken.add(tag)
        write_run(self._folder / f"{tag}.run", ranked, tag)
