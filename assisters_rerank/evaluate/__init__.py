"""Does a rerank help on my data? Gain, certainty, depth, threshold, latency, cost (extra `eval`).

    collection = read_collection("scifact")
    evaluation = evaluate(collection, Reranker(cache=SqliteCache("scores.db")))

- `evaluation` goes through it from end to end, after `checks` and `preparation` before any
  request; `own_documents` finds queries that are documents themselves;
- `data` reads files, `retrievers` asks a retriever; `first_stage` is BM25;
- `reranker_scores` goes through the rerankers, `collection_scores` through the queries,
  `query_scores` puts one to a reranker, `cost_limit` keeps to the money;
- `measures` with `significance`, `comparisons` of models, `curves` over depth and threshold,
  `split_half` with `pooled` scores to choose from them, `changes`, `verdicts`;
- `model_results` makes of all that what `results` holds, `export` writes it as runs,
  `recommended_settings` as a file for `Reranker.from_file`, `report` shows it;
- `baseline` compares it with an earlier run's, for a gate in CI.

The names below are loaded at first use. `read_beir` is `read_collection` by its name from before it
read other layouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

if TYPE_CHECKING:
    from .baseline import Baseline, write_baseline
    from .data.collection import Candidates, Collection, Qrels
    from .data.collection_files import read_beir, read_collection
    from .data.qrels import read_qrels
    from .data.trec import read_run, write_run
    from .evaluation import evaluate
    from .first_stage import bm25
    from .recommended_settings import save_settings
    from .results import (
        Change,
        ChosenDepth,
        ChosenThreshold,
        Depth,
        Evaluation,
        Figure,
        Gate,
        ModelResult,
        Pair,
        Threshold,
    )
    from .retrievers import collection_from_retriever

__all__ = [
    "Baseline",
    "Candidates",
    "Change",
    "ChosenDepth",
    "ChosenThreshold",
    "Collection",
    "Depth",
    "Evaluation",
    "Figure",
    "Gate",
    "ModelResult",
    "Pair",
    "Qrels",
    "Threshold",
    "bm25",
    "collection_from_retriever",
    "evaluate",
    "read_beir",
    "read_collection",
    "read_qrels",
    "read_run",
    "save_settings",
    "write_baseline",
    "write_run",
]

_MODULES = {
    "Baseline": "baseline",
    "Candidates": "data.collection",
    "Change": "results",
    "ChosenDepth": "results",
    "ChosenThreshold": "results",
    "Collection": "data.collection",
    "Depth": "results",
    "Evaluation": "results",
    "Figure": "results",
    "Gate": "results",
    "ModelResult": "results",
    "Pair": "results",
    "Qrels": "data.collection",
    "Threshold": "results",
    "bm25": "first_stage",
    "collection_from_retriever": "retrievers",
    "evaluate": "evaluation",
    "read_beir": "data.collection_files",
    "read_collection": "data.collection_files",
    "read_qrels": "data.qrels",
    "read_run": "data.trec",
    "save_settings": "recommended_settings",
    "write_baseline": "baseline",
    "write_run": "data.trec",
}

_NEEDS = (
    'Evaluation needs the extra `eval`: pip install "assisters-rerank[eval]"',
    ("bm25s", "Stemmer", "ir_measures", "jinja2", "numpy", "scipy", "tomli_w"),
)

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _MODULES, needs=_NEEDS)
