"""The command `assisters-rerank models`: what the service publishes about its rerankers."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from ..catalogue import CATALOGUE, RerankModel

# In less, words are broken, and then whole columns left out: a model is a paragraph there.
_WIDTH_OF_A_TABLE = 66


def models(
    as_json: Annotated[bool, typer.Option("--json", help="Write JSONL.")] = False,
) -> None:
    """List the service's reranking models: limits, prices, published latencies.

    Nothing is asked of the service. Other ids may be given as `--model` all the same, if the
    server knows them.
    """
    if as_json:
        for model in CATALOGUE.values():
            sys.stdout.write(json.dumps(asdict(model)) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("$ per million", justify="right", no_wrap=True)
    table.add_column("latency", overflow="fold")
    table.add_column("for", overflow="fold")
    rows = [_row(model) for model in CATALOGUE.values()]
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    if console.width >= _WIDTH_OF_A_TABLE:
        console.print(table)
        return
    for row in rows:
        for column, cell in zip(table.columns, row, strict=True):
            console.print(f"{column.header}: {cell}", markup=False)
        console.print()


def _row(model: RerankModel) -> tuple[str, ...]:
    return (
        model.id,
        f"{model.max_tokens:,}",
        f"{model.dollars_per_million_tokens:.2f}",
        _latency(model),
        model.suited_to,
    )


def _latency(model: RerankModel) -> str:
    numbers = "/".join(map(str, model.latency_ms))
    return f"{'/'.join(map(str, model.latency_ms.values()))} ms for {numbers} documents"
