"""What several tests need of the real collections, and a session computes only once.

A score depends on nothing but its pair, to the last bit, as `test_scorers` shows: so it does not
matter which test has asked for it first. Each test still runs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from assisters_rerank import Embedder
from assisters_rerank.local import LocalServer, load_scorer
from assisters_rerank.local.scorers.scorer import Scorer, ScorerName

from . import beir


class RememberingScorer:
    """Another scorer's scores, each pair scored once; for a server, or without one."""

    def __init__(self, scorer: Scorer) -> None:
        self.name = scorer.name
        self._scorer = scorer
        self._scores: dict[bytes, float] = {}

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        keys = [_key(query, document) for document in documents]
        texts = {
            key: document
            for key, document in zip(keys, documents, strict=True)
            if key not in self._scores
        }
        scores = self._scorer.score(query, list(texts.values()))
        self._scores.update(zip(texts, scores, strict=True))
        return [self._scores[key] for key in keys]


def _key(query: str, document: str) -> bytes:
    # Not the texts themselves: a server makes new ones for every request.
    return blake2b(f"{len(query)} {query}{document}".encode(), digest_size=16).digest()


@cache
def scorer(name: ScorerName) -> RememberingScorer:
    return RememberingScorer(load_scorer(name))


@cache
def collection(name: str) -> beir.Collection:
    return beir.read_collection(beir.FOLDER / f"{name}.tar.gz")


@cache
def first_stage(name: str) -> dict[str, list[str]]:
    """BM25's hundred candidates for each query, best first."""
    return beir.first_stage(collection(name))


@cache
def nearest(name: str) -> dict[str, list[str]]:
    """The hundred documents next to each query by the local server's vectors, best first."""
    documents = {key: text for key, text in collection(name).documents.items() if text.strip()}
    queries, ids = collection(name).queries, list(documents)
    with LocalServer() as server, Embedder(base_url=server.base_url, timeout=600) as embedder:
        index = as_array(embedder.embed_documents(list(documents.values())))
        vectors = as_array([embedder.embed_query(text) for text in queries.values()])
    places = (np.argsort(-(index @ vector), kind="stable")[:100] for vector in vectors)
    return {query: [ids[p] for p in row] for query, row in zip(queries, places, strict=True)}


def as_array(vectors: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    return np.array(vectors, dtype=np.float32)
