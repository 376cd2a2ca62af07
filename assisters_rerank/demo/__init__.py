"""The demo: Python's own documentation, found by BM25 and reranked through both frameworks."""
