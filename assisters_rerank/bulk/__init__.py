"""Files of many queries: reranked once each, whatever ends a run (extra `bulk` for parquet).

    report = rerank_file("candidates.parquet", "ranked.parquet", Reranker(), concurrency=32)

- `file_runs` is the way for one machine, from a file to a file; `bulk_run` asks for the queries
  that are not known yet, `answering` says what a failure means for the others;
- `source` opens what is read, `query_rows` says what a query is; `parquet_rows`, `line_rows` and
  `run_rows` read parquet, JSONL, and a TREC run;
- `journal` keeps what was paid for, under a `file_lock`; `target` writes the result of it;
- `batches` is for engines that distribute tables of queries, `ray` for Ray Data;
- `outcome` holds what is reported: the progress, the failures, the end; `dry_run` counts only.
"""

from __future__ import annotations

from ..lazy_names import lazy_names

TYPE_CHECKING = False  # as type checkers know it, without the time that `typing` takes
if TYPE_CHECKING:
    from .batches import COLUMNS, BatchReranker
    from .dry_run import Estimate, estimate_file
    from .file_runs import arerank_file, rerank_file
    from .outcome import BulkProgress, BulkReport, BulkStopped

__all__ = [
    "COLUMNS",
    "BatchReranker",
    "BulkProgress",
    "BulkReport",
    "BulkStopped",
    "Estimate",
    "arerank_file",
    "estimate_file",
    "rerank_file",
]

if not TYPE_CHECKING:  # type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(
        __name__,
        __all__,
        {
            "COLUMNS": "batches",
            "BatchReranker": "batches",
            "BulkProgress": "outcome",
            "BulkReport": "outcome",
            "BulkStopped": "outcome",
            "Estimate": "dry_run",
            "arerank_file": "file_runs",
            "estimate_file": "dry_run",
            "rerank_file": "file_runs",
        },
    )
