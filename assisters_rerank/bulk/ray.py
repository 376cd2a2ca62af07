"""`rerank` for Ray Data: a dataset of queries in, a dataset of rankings out (extra `ray`)."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from importlib import import_module
from os import PathLike
from typing import Any

from ..errors import ConfigurationError
from ..reranker import Reranker
from .batches import BatchReranker, Factory

__all__ = ["rerank"]

# A block is what is paid for again when a worker dies, and what a checkpoint saves: it is small.
_BLOCK = 64

# Of a worker: one that is asked for and one that waits. All that it has is asked for after the
# death of the job's own process, too, until Ray ends the worker.
_BLOCKS_AT_ONCE = 2


def rerank(
    dataset: Any,
    reranker_factory: Factory | Reranker,
    *,
    concurrency: int = 16,
    num_workers: int = 1,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
    checkpoint: str | PathLike[str] | None = None,
) -> Any:
    """The rankings of a dataset of queries, a row for each: a `ray.data.Dataset` again.

    Args:
        dataset: with the columns of `BatchReranker`.
        reranker_factory: see `BatchReranker`.
        concurrency: queries under way at once in each worker.
        num_workers: actors. One is enough for all published plans, and keeps the account's limits
            as the server reports them. More of them know nothing of each other, so each needs its
            share of a limit.
        requests_per_minute: most requests in any minute, of all workers together; it is divided
            among them. Needed with more than one worker, or `tokens_per_minute` is.
        tokens_per_minute: most tokens in any minute, in the same way.
        checkpoint: a folder in which Ray keeps which queries are written; a later run of the same
            job passes them over. They are known by `query_id`, which keeps its type. What is
            answered and not written yet when a job is killed is paid for again.

    Raises:
        ConfigurationError: several workers without a limit, or with less than 1 for each; an
            address as a `Path`, which has lost a slash.
        ModuleNotFoundError: Ray is not installed.
    """
    data = _ray_data()
    if not num_workers >= 1:
        raise ConfigurationError(f"num_workers: give at least 1, not {num_workers}.")
    if num_workers > 1 and requests_per_minute is None and tokens_per_minute is None:
        raise ConfigurationError(
            "num_workers: several workers cannot know together what the account has left; give "
            "requests_per_minute or tokens_per_minute, which is divided among them."
        )
    limits = {
        name: _share(name, limit, num_workers)
        for name, limit in (
            ("requests_per_minute", requests_per_minute),
            ("tokens_per_minute", tokens_per_minute),
        )
        if limit is not None
    }
    worker = BatchReranker(reranker_factory, concurrency=concurrency)
    if limits:
        worker = BatchReranker(_Limited(reranker_factory, limits), concurrency=concurrency)
    ranked = dataset.repartition(target_num_rows_per_block=_BLOCK).map_batches(
        _Actor,
        fn_constructor_args=(worker,),
        batch_size=_BLOCK,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(
            size=num_workers, max_tasks_in_flight_per_actor=_BLOCKS_AT_ONCE
        ),
    )
    if checkpoint is not None:
        config = import_module("ray.data.checkpoint").CheckpointConfig(
            id_column="query_id",
            checkpoint_path=_for_ray(os.fspath(checkpoint)),
            delete_checkpoint_on_success=False,
        )
        # Of the dataset itself: what is set for the process is not looked at any more.
        ranked.context.checkpoint_config = config
    return ranked


def _for_ray(path: str) -> str:
    """Ray takes addresses and absolute paths; its workers have another working folder."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)", path):
        raise ConfigurationError(
            f"checkpoint: {path!r} is no address, since a Path has one slash only; give it as text."
        )
    return path if "://" in path else os.path.abspath(path)


class _Actor:
    """What Ray runs in a worker; it hands over several batches at once, and the bound is ours."""

    def __init__(self, worker: BatchReranker) -> None:
        self._worker = worker

    async def __call__(self, table: Any) -> AsyncIterator[Any]:
        ranked = await asyncio.wrap_future(self._worker.submit(table))
        # As they came, numbers too: by them Ray knows what is written already.
        yield ranked.set_column(0, "query_id", table.column("query_id"))


class _Limited:
    """Makes a reranker with a worker's share of the limits."""

    def __init__(self, factory: Factory | Reranker, limits: dict[str, int]) -> None:
        self._factory = factory
        self._limits = limits

    def __call__(self) -> Reranker:
        factory = self._factory
        made = factory if isinstance(factory, Reranker) else factory()
        return made.with_options(**self._limits)


def _share(name: str, limit: int, num_workers: int) -> int:
    if limit < num_workers:
        raise ConfigurationError(
            f"{name}: {limit} is less than 1 for each of {num_workers} workers; give fewer workers."
        )
    return limit // num_workers


def _ray_data() -> Any:
    try:
        return import_module("ray.data")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Ray Data needs the extra `ray`: pip install "assisters-rerank[ray]"', name=error.name
        ) from error
