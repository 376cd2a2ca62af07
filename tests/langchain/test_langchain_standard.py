"""LangChain's own standard tests for retrievers, all of them, on `RerankRetriever`."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import RetrieversIntegrationTests

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank, RerankRetriever

from ..plugins.cases import QUERY, TEXTS


class TestRerankRetrieverStandard(RetrieversIntegrationTests):
    @pytest.fixture(autouse=True)
    def _address(self, server: LocalServer) -> None:
        self.base_url = server.base_url

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return RerankRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        store = InMemoryVectorStore(DeterministicFakeEmbedding(size=16))
        store.add_texts(list(TEXTS))
        return {
            "base_retriever": store.as_retriever(search_kwargs={"k": len(TEXTS)}),
            "reranker": AssistersRerank(base_url=self.base_url),
        }

    @property
    def retriever_query_example(self) -> str:
        return QUERY

    @property
    def num_results_arg_name(self) -> str:
        return "top_n"
