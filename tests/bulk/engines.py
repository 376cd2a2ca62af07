"""The recipes of `docs/engines.md` as programs, run by `test_engines`."""

from __future__ import annotations

import sys


def spark() -> None:
    from typing import Any

    from pyspark.sql import SparkSession

    from assisters_rerank import Reranker
    from assisters_rerank.bulk import BatchReranker

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.speculation", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
        .getOrCreate()
    )
    worker = BatchReranker(Reranker(), concurrency=6)

    def rerank(batches: Any) -> Any:
        for batch in batches:
            yield from worker(batch).to_batches()

    columns = (
        "query_id string, doc_ids array<string>, scores array<double>, model string, error string"
    )
    queries = session.read.parquet("candidates.parquet").coalesce(1)
    queries.mapInArrow(rerank, columns).write.parquet("ranked-by-spark")


def dask() -> None:
    import dask.dataframe as dd
    import pandas as pd
    import pyarrow as pa

    from assisters_rerank import Reranker
    from assisters_rerank.bulk import COLUMNS, BatchReranker

    worker = BatchReranker(Reranker(), concurrency=6)

    def rerank(part: pd.DataFrame) -> pd.DataFrame:
        # Of the types that Dask has for strings, only pyarrow's own are lists again.
        table = pa.Table.from_pandas(part, preserve_index=False)
        return worker(table).to_pandas(types_mapper=pd.ArrowDtype)

    meta = COLUMNS.empty_table().to_pandas(types_mapper=pd.ArrowDtype)
    queries = dd.read_parquet("candidates.parquet", dtype_backend="pyarrow")
    ranked = queries.map_partitions(rerank, meta=meta)
    ranked.to_parquet(
        "ranked-by-dask",
        schema=COLUMNS,
        write_index=False,
        compute_kwargs={"scheduler": "threads"},
    )


def daft() -> None:
    from typing import Any

    import daft
    from daft import DataType, Series, col

    from assisters_rerank import Reranker
    from assisters_rerank.bulk import BatchReranker

    names = ["query_id", "query", "doc_ids", "documents"]
    kind = DataType.struct(
        {
            "query_id": DataType.string(),
            "doc_ids": DataType.list(DataType.string()),
            "scores": DataType.list(DataType.float64()),
            "model": DataType.string(),
            "error": DataType.string(),
        }
    )

    @daft.cls(max_concurrency=1)
    class Rerank:
        def __init__(self, worker: BatchReranker) -> None:
            self.worker = worker

        @daft.method.batch(return_dtype=kind, batch_size=64)
        def rank(self, query_id: Series, query: Series, doc_ids: Series, documents: Series) -> Any:
            import pyarrow as pa

            columns = (query_id, query, doc_ids, documents)
            table = pa.table([column.to_arrow() for column in columns], names=names)
            return pa.array(self.worker(table).to_pylist())

    rerank = Rerank(BatchReranker(Reranker(), concurrency=6))
    queries = daft.read_parquet("candidates.parquet")
    ranked = queries.select(rerank.rank(*map(col, names)).alias("ranked"))
    ranked.select(col("ranked").unnest()).write_parquet("ranked-by-daft")


if __name__ == "__main__":
    {"spark": spark, "dask": dask, "daft": daft}[sys.argv[1]]()
