"""What the exit code of `eval` says: a model below its baseline, or a run that a failure ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from ..evaluate import Baseline, Collection, Evaluation

BELOW = 1
FAILED = 3
"""A failure ended the run before all queries were done; the report is of those that were."""


def baseline_for(
    file: Path | None,
    measure: str | None,
    collection: Collection,
    models: Sequence[str],
    relevance_level: int,
) -> Baseline | None:
    """The baseline, once it is known that the run can be compared with it.

    Raises:
        typer.BadParameter: it cannot.
    """
    if file is None:
        if measure is not None:
            raise typer.BadParameter("give --gate, too", param_hint="--gate-measure")
        return None
    from ..evaluate import Baseline
    from ..evaluate.results import MAIN_MEASURE

    try:
        found = Baseline.read(file)
        queries = list(collection.queries)
        found.check(
            collection.name,
            queries,
            models,
            measure or MAIN_MEASURE,
            relevance_level,
            collection.asked(),
        )
    except ConfigurationError as error:
        raise typer.BadParameter(str(error), param_hint="--gate") from None
    return found


def exit_code(evaluation: Evaluation) -> int:
    """Of the whole command."""
    if evaluation.failed:
        return FAILED
    return 0 if all(gate.passed for gate in evaluation.gates) else BELOW
