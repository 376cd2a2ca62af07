"""Names that are no option: those of other rerankers and embedders, and slips of the keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from assisters_rerank import ConfigurationError, Embedder, Reranker


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("top_k", "top_n"),  # Voyage
        ("similarity_cutoff", "score_threshold"),  # LlamaIndex's SimilarityPostprocessor
        ("auth_token", "api_key"),  # Text Embeddings Inference
        ("cohere_api_key", "api_key"),
        ("hf_token", "api_key"),
        ("truncate_text", "long_documents"),
        ("max_tokens_per_doc", "long_documents"),  # Cohere
        ("max_length", "max_tokens"),  # sentence-transformers
        ("target_token", "max_context_tokens"),  # LongLLMLingua
        ("httpx_async_client", "async_http_client"),  # Mixedbread
        ("session", "http_client"),  # Jina
        ("api_url", "base_url"),
        ("proxies", "http_client"),
        ("max_attempts", "max_retries"),
        ("max_workers", "max_concurrency"),
        ("user_agent", "extra_headers"),
        ("topn", "top_n"),
        ("max_retry", "max_retries"),
        ("time_out", "timeout"),
        ("scorethreshold", "score_threshold"),
    ],
)
def test_what_was_meant_is_named(name: str, meant: str) -> None:
    options: dict[str, Any] = {name: 1}
    with pytest.raises(ConfigurationError) as caught:
        Reranker(**options)
    assert str(caught.value) == f"Unknown option {name}; did you mean {meant}?"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("query_instruction", "query_prefix"),  # LlamaIndex's HuggingFaceEmbedding
        ("text_instruction", "passage_prefix"),
        ("document_prefix", "passage_prefix"),
        ("chunk_size", "max_texts_per_request"),  # LangChain's OpenAIEmbeddings
    ],
)
def test_what_was_meant_is_named_for_embedders(name: str, meant: str) -> None:
    options: dict[str, Any] = {name: "x"}
    with pytest.raises(ConfigurationError, match=f"did you mean {meant}?"):
        Embedder(**options)


@pytest.mark.parametrize("name", ["device", "use_fp16", "trust_remote_code", "choice_batch_size"])
def test_what_has_no_counterpart_is_answered_with_all_options(name: str) -> None:
    options: dict[str, Any] = {name: 1}
    with pytest.raises(ConfigurationError, match=f"^Unknown option {name}; Reranker takes api_key"):
        Reranker(**options)
