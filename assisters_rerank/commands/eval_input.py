"""What `eval` reads: a collection, and candidates of one's own; and a small one to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import typer

if TYPE_CHECKING:
    from ..evaluate import Candidates, Collection

# Of a run's columns only; the collection's files have the others.
_OF_RUNS = ("rank", "score")


class EvalFiles(NamedTuple):
    """What the command line names."""

    collection: Path
    run: Path | None
    corpus: Path | None
    queries: Path | None
    qrels: Path | None
    rerankers: Path | None

    def options(self) -> dict[str, Path | None]:
        """The files by their options."""
        return {
            "DIR" if name == "collection" else f"--{name}": file
            for name, file in self._asdict().items()
        }


def read_input(
    files: EvalFiles, split: str | None, fields: Sequence[str], *, allow_missing: bool
) -> tuple[Collection, Candidates | None]:
    """The collection, and the candidates of a run if one is named."""
    from ..evaluate import read_collection, read_run

    names = _field_names(fields)
    collection = read_collection(
        files.collection,
        split,
        corpus=files.corpus,
        queries=files.queries,
        qrels=files.qrels,
        allow_missing=allow_missing,
        fields={meaning: name for meaning, name in names.items() if meaning not in _OF_RUNS},
    )
    if files.run is None:
        return collection, None
    of_runs = {meaning: name for meaning, name in names.items() if meaning in _OF_RUNS}
    return collection, read_run(files.run, collection, fields=of_runs)


def write_first_collection(folder: Path) -> None:
    """Writes one, and says how to go on."""
    from ..evaluate.data.sample import write_sample

    for file in write_sample(folder):
        typer.echo(file)
    typer.echo(f"Next: assisters-rerank eval {folder} --local")


def identical_of(*, keep: bool, drop_ids: bool) -> Literal["drop", "keep", "drop_ids"]:
    """What is to be done with a query's own document, by the two switches.

    Raises:
        typer.BadParameter: both are given.
    """
    if keep and drop_ids:
        raise typer.BadParameter(
            "--keep-identical and --drop-identical-ids exclude each other",
            param_hint="--keep-identical",
        )
    return "keep" if keep else "drop_ids" if drop_ids else "drop"


def _field_names(given: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for each in given:
        meaning, equals, name = each.partition("=")
        if not equals or meaning in names:
            problem = f"{each}: give MEANING=NAME, each meaning once"
            raise typer.BadParameter(problem, param_hint="--field")
        names[meaning] = name
    return names
