"""The catalogue: what the service publishes about each reranking model.

Source: the service's page on its reranking models (November 2026). Later generations also name
`assisters-rerank-v1`, `rerank-v1` and `rerank-multilingual`, but publish no figures for them;
any other id may be given as `model` all the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RerankModel:
    """One reranking model as published.

    `max_tokens` counts query and document together; `dollars_per_million_tokens` is the price;
    `latency_ms` maps a number of documents in one request to the published latency; `beir` has the
    published means over BEIR, as fractions of 1; `suited_to` says in the service's words what it
    is for.
    """

    id: str
    provider: str
    max_tokens: int
    dollars_per_million_tokens: float
    latency_ms: dict[int, int]
    beir: dict[str, float]
    suited_to: str


BGE_RERANKER_V2 = RerankModel(
    id="bge-reranker-v2",
    provider="BAAI",
    max_tokens=512,
    dollars_per_million_tokens=0.05,
    latency_ms={10: 50, 50: 150, 100: 300},
    beir={"nDCG@10": 0.542, "Recall@100": 0.783},
    suited_to="short and medium documents, accuracy",
)

JINA_RERANKER = RerankModel(
    id="jina-reranker",
    provider="Jina AI",
    max_tokens=8192,
    dollars_per_million_tokens=0.08,
    latency_ms={10: 80, 50: 250, 100: 500},
    beir={"nDCG@10": 0.528, "Recall@100": 0.761},
    suited_to="long documents: full pages, papers, legal texts",
)

CATALOGUE: dict[str, RerankModel] = {model.id: model for model in (BGE_RERANKER_V2, JINA_RERANKER)}

AUTO = "auto"
"""As `model`: BGE while every pair of query and document fits into its window, Jina beyond."""


LISTWISE = frozenset(
    {
        "jina-reranker-v3",
        "jina-reranker-v3.5",
        "jinaai/jina-reranker-v3",
        "jinaai/jina-reranker-v3-GGUF",
        "jinaai/jina-reranker-v3-mlx",
        "jinaai/jina-reranker-v3.5",
    }
)
"""Others' models that score a document in the company of the others, by their published names.

Source: https://jina.ai/models and the models' pages on the hub (November 2026).
"""


def may_answer(model: str) -> tuple[str, ...]:
    """The models to which calls with this `model` may go."""
    return (BGE_RERANKER_V2.id, JINA_RERANKER.id) if model == AUTO else (model,)
