"""Does a rerank help on my data? Gain, certainty, depth, threshold, latency, cost (extra `eval`).

    collection = read_collection("scifact")
    evaluation = evaluate(collection, Reranker(cache=SqliteCache("scores.db")))

- `evaluation` goes through it from end to end, after `checks` and `preparation` before any
  request; `own_documents` finds queries that are documents themselves;
- `data` reads files, `retrievers` asks a retriever; `first_stage` is BM25;
- `collection_scores` goes through the queries, `query_scores` puts one to a reranker, `cost_limit`
  keeps to the money;
- `measures` with `significance`, `comparisons` of models, `curves` over depth and threshold,
  `split_half` with `pooled` scores to choose from them, `changes`, `verdicts`;
- `model_results` makes of all that what `results` holds, `export` writes it as runs,
  `recommended_settings` as a file for `Reranker.from_file`, `report` shows it.
"""

from __future__ import annotations

try:
    from .data.collection import Candidates, Collection, Qrels
    from .data.collection_files import read_collection
    from .data.qrels import read_qrels
    from .data.trec import read_run, write_run
    from .evaluation import evaluate
    from .first_stage import bm25
    from .recommended_settings import save_settings
    from .retrievers import collection_from_retriever
except ModuleNotFoundError as error:
    if error.name not in ("bm25s", "Stemmer", "ir_measures", "numpy", "scipy"):
        raise
    raise ModuleNotFoundError(
        'Evaluation needs the extra `eval`: pip install "assisters-rerank[eval]"', name=error.name
    ) from error
from .results import (
    Change,
    ChosenDepth,
    ChosenThreshold,
    Depth,
    Evaluation,
    Figure,
    ModelResult,
    Pair,
    Threshold,
)

read_beir = read_collection  # the name from before it read other layouts

__all__ = [
    "Candidates",
    "Change",
    "ChosenDepth",
    "ChosenThreshold",
    "Collection",
    "Depth",
    "Evaluation",
    "Figure",
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
    "write_run",
]
