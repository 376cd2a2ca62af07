"""The rerankers that `eval` compares: models of one server, or those of a file, of any servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ..catalogue import BGE_RERANKER_V2


def check_rerankers_only(file: Path | None, named: Mapping[str, object]) -> None:
    """Raises `typer.BadParameter` for an option that says what a file of rerankers says."""
    for option, given in named.items():
        if file is not None and given:
            raise typer.BadParameter(
                f"--rerankers and {option} exclude each other: the file names models and servers",
                param_hint="--rerankers",
            )


def options_of_each(
    file: Path | None, models: Sequence[str] | None, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The options of each reranker; those in the file take the place of the command's.

    Raises:
        ConfigurationError: as `read_rerankers`.
    """
    if file is None:
        return [{**settings, "model": model} for model in models or [BGE_RERANKER_V2.id]]
    from ..options.settings_file import read_rerankers

    return [{**settings, **options} for options in read_rerankers(file)]
