"""`as_table`: reranked documents as a table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.documents import Document

from assisters_rerank.plugins import RankedTable, plain_number, ranked_table

from .documents import DEGRADED, SCORE, listed


def as_table(documents: Iterable[Document]) -> RankedTable:
    """A view of reranked documents that a notebook shows as a table.

    Each row has the rank, the score, the text with its passages marked, and the metadata; texts
    are shortened, and there are at most 20 rows. Documents without a score have a dash.

    Args:
        documents: what `compress_documents`, a retriever or a chain gave.

    Raises:
        ConfigurationError: it is not a list of LangChain documents.

    Examples:
        >>> as_table(compressor.compress_documents(documents, question))
    """
    return ranked_table(
        (
            (document.page_content, plain_number(metadata.get(SCORE)), metadata)
            for document in listed(documents)
            for metadata in [document.metadata or {}]
        ),
        DEGRADED,
        hidden=[SCORE],
    )
