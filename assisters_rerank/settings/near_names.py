"""What an unknown name may have meant: an option that others name so, or one spelt like it."""

from __future__ import annotations

import difflib
from collections.abc import Collection

# What other rerankers, embedders and clients call the same thing; the first that is there counts.
_ELSEWHERE = {
    "access_token": "api_key",
    "api_base": "base_url",
    "api_url": "base_url",
    "async_client": "async_http_client",
    "auth_token": "api_key",
    "base_compressor": "reranker",
    "batch_size": "max_documents_per_request max_texts_per_request",
    "chunk_size": "max_texts_per_request",
    "client": "http_client",
    "compressor": "reranker",
    "cutoff": "score_threshold",
    "doc_prefix": "passage_prefix",
    "document_prefix": "passage_prefix",
    "endpoint": "base_url",
    "fallback": "on_error",
    "hf_token": "api_key",
    "httpx_async_client": "async_http_client",
    "k": "top_n",
    "key": "api_key",
    "limit": "top_n",
    "max_attempts": "max_retries",
    "max_batch_size": "max_documents_per_request max_texts_per_request",
    "max_length": "max_tokens",
    "max_tokens_per_doc": "long_documents",
    "max_workers": "max_concurrency",
    "min_score": "score_threshold",
    "mode": "metadata_mode model",
    "model_id": "model",
    "model_name": "model",
    "model_name_or_path": "model",
    "n": "top_n",
    "num_results": "top_n",
    "num_workers": "max_concurrency",
    "on_failure": "on_error",
    "proxies": "http_client",
    "proxy": "http_client",
    "query": "query_str",
    "query_instruction": "query_prefix",
    "rank_fields": "text metadata_mode",
    "rerank_model_name": "model",
    "rpm": "requests_per_minute",
    "score_cutoff": "score_threshold",
    "session": "http_client",
    "similarity_cutoff": "score_threshold",
    "similarity_top_k": "top_n",
    "target_token": "max_context_tokens",
    "text_instruction": "passage_prefix",
    "text_prefix": "passage_prefix",
    "token": "api_key",
    "top_k": "top_n",
    "tpm": "tokens_per_minute",
    "truncate": "long_documents",
    "truncate_text": "long_documents",
    "truncation": "long_documents",
    "url": "base_url",
    "user_agent": "extra_headers",
    "verify": "http_client",
}


def near_name(name: str, names: Collection[str]) -> str | None:
    """The one of these names that was probably meant; None if none of them is like it."""
    for other in (*_ELSEWHERE.get(name, "").split(), name.partition("_")[2]):
        if other in names:
            return other
    # A looser comparison finds max_tokens for everything that ends in "token".
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.65)
    return close[0] if close else None
