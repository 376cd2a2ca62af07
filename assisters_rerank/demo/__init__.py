"""The demo: Python's own documentation, found by BM25 and reranked through both frameworks.

- `corpus` reads the docstrings that `exports` finds, `bm25` is the first stage;
- `langchain_run` and `llama_index_run` ask each framework, over a `metered` reranker, and give an
  `answer`; `tables` shows it.
"""
