"""`with_options` of LlamaIndex's components."""

from __future__ import annotations

import pytest

from assisters_rerank import ConfigurationError
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..core.conftest import answer_honestly
from ..faults.server import HostileServer


def test_a_reranker_with_other_options_goes_over_the_same_connection() -> None:
    with HostileServer([answer_honestly]) as server, AssistersRerank(base_url=server.url) as first:
        for top_n in (1, 2, 3):
            other = first.with_options(top_n=top_n, keep_retrieval_score=True)
            assert isinstance(other, AssistersRerank)
            assert len(other.rerank("q", ["a", "b", "c"])) == top_n
        assert server.connections == 1
        assert first.total_usage.requests == 3
        assert other.callback_manager is first.callback_manager


def test_an_embedder_s_model_has_two_names_there_too() -> None:
    first = AssistersEmbedding(model="one", embed_batch_size=7)
    for name in ("model", "model_name"):
        other = first.with_options(**{name: "two"})
        assert (other.model, other.model_name, other.embed_batch_size) == ("two", "two", 7)
        assert other._state is first._state
    with pytest.raises(ConfigurationError, match="give one of them"):
        first.with_options(model="two", model_name="three")
