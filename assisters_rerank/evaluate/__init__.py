"""Does a rerank help on my data? Gain, certainty, depth, threshold, latency, cost (extra `eval`).

    collection = read_beir("scifact")
    evaluation = evaluate(collection, Reranker(cache=SqliteCache("scores.db")))

`collection`, `beir` and `trec` read, `first_stage` finds candidates, `reranking` scores them,
`measures`, `bootstrap`, `curves` and `changes` compute, `results` holds what was found, and
`terminal`, `page` and `json_report` show it.
"""

from __future__ import annotations

try:
    from .beir import read_beir
    from .collection import Candidates, Collection, Qrels
    from .evaluation import evaluate
    from .first_stage import bm25
    from .qrels import read_qrels
    from .retrievers import collection_from_retriever
    from .trec import read_run, write_run
except ModuleNotFoundError as error:
    if error.name not in ("bm25s", "Stemmer", "ir_measures", "numpy"):
        raise
    raise ModuleNotFoundError(
        'Evaluation needs the extra `eval`: pip install "assisters-rerank[eval]"', name=error.name
    ) from error
from .results import Change, Depth, Evaluation, Figure, ModelResult, Threshold

__all__ = [
    "Candidates",
    "Change",
    "Collection",
    "Depth",
    "Evaluation",
    "Figure",
    "ModelResult",
    "Qrels",
    "Threshold",
    "bm25",
    "collection_from_retriever",
    "evaluate",
    "read_beir",
    "read_qrels",
    "read_run",
    "write_run",
]
