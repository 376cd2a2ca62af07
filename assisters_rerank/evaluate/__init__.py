"""Does a rerank help on my data? Gain, certainty, depth, threshold, latency, cost (extra `eval`).

    collection = read_beir("scifact")
    evaluation = evaluate(collection, Reranker(cache=SqliteCache("scores.db")))

`evaluation` goes through it from end to end. Where to look for what:

- a `collection` comes from `beir`, `trec`, `qrels` (files: `sources`) or `retrievers`;
- candidates come from `first_stage`, or a run in `trec`; `checks` looks at them before any request;
- scores: `reranking` goes through the queries, `asking` puts one to a reranker, `purse` pays;
- figures: `measures` with `bootstrap`, `curves` over depth and threshold, `changes` by query;
- `results` holds what was found, `export` writes it as runs, `json_report` as JSON;
- in words: `verdicts` and `answers`, written as `wording` has it;
- `terminal` shows it through `terminal_output`;
- `page` is made of `page_tables`, `page_curves`, `page_queries` and `page_style`, with `plots` on
  `scales`, and written by `markup`.
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
