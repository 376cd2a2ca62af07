"""The command `assisters-rerank models`: what the service publishes about its rerankers."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from ..catalogue import CATALOGUE, RerankModel


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSONL.")] = False,
) -> None:
    """List the service's reranking models: limits, prices, published latencies.

    The latency is that of a request with so many documents, in milliseconds. Nothing is asked of
    the service. Other ids may be given as --model all the same, if the server knows them.
    """
    if as_json:
        for model in CATALOGUE.values():
            sys.stdout.write(json.dumps(asdict(model)) + "\n")
        return
    rows = [_row(model) for model in CATALOGUE.values()]
    headings = ("model", "tokens", "$/million", f"ms at {_numbers()}", "for")
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [_line(row, widths) for row in (headings, *rows)]
    # A pipe has no width; there, and where it fits, each model is a line, and else a paragraph.
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        width = max(map(len, lines))
    else:
        width = shutil.get_terminal_size().columns
    if max(map(len, lines)) > width:
        lines = [
            textwrap.fill(
                f"{heading}: {cell}", width, subsequent_indent="  ", break_on_hyphens=False
            )
            for row in rows
            for heading, cell in zip(headings, row, strict=True)
        ]
        paragraph = len(headings)
        for at in range(len(lines), 0, -paragraph):
            lines.insert(at, "")
    sys.stdout.write("\n".join(lines).rstrip("\n") + "\n")


def _numbers() -> str:
    """The numbers of documents whose latency is published, for all models the same."""
    return "/".join(map(str, next(iter(CATALOGUE.values())).latency_ms))


def _row(model: RerankModel) -> tuple[str, ...]:
    return (
        model.id,
        f"{model.max_tokens:,}",
        f"{model.dollars_per_million_tokens:.2f}",
        "/".join(map(str, model.latency_ms.values())),
        model.suited_to,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures, last = (
        f"{cell:<{width}}" if place in (0, len(widths) - 1) else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join((first, *figures, last)).rstrip()
