"""Every option that both plugins inherit, away from its default: one that is dropped is noticed."""

from __future__ import annotations

from typing import Any

from assisters_rerank import Dialect, Price

SERVICE: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9/v1",
    "timeout": 7.5,
    "max_retries": 1,
    "max_concurrency": 2,
    "prices": {"jina-reranker": 0.07, "my-model": 0.0, "other": Price(per_request=0.5)},
    "requests_per_minute": 60,
    "tokens_per_minute": 50_000,
    "async_transport": "httpx",
    "extra_body": {"truncation": False, "more": {"a": [1]}},
}
EMBEDDING: dict[str, Any] = {
    **SERVICE,
    "model": "bge-base-en",
    "query_prefix": "ask: ",
    "passage_prefix": "tell: ",
    "max_texts_per_request": 50,
}
RERANK: dict[str, Any] = {
    **SERVICE,
    "model": "jina-reranker",
    "top_n": 3,
    "score_threshold": -0.25,
    "max_documents_per_request": 50,
    "on_error": "passthrough",
    "passthrough_after": 5,
    "long_documents": "split",
    "max_tokens": 256,
    "max_passage_tokens": 64,
    "max_context_tokens": 1500,
    "cache_namespace": "v2",
    "token_margin": 0.25,
    "listwise": False,
    "score_activation": "sigmoid",
    "dialect": Dialect(constants={}),
    "content": "passages",
    "passage_threshold": 0.25,
}

# What no dump holds: secrets, and objects that are alive.
SERVICE_LIVE = {"api_key", "extra_headers", "http_client", "async_http_client", "count_tokens"}
RERANK_LIVE = SERVICE_LIVE | {"cache", "count_context_tokens"}
