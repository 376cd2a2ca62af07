"""LangChain's own standard tests for vector stores, all of them, on a store with our embeddings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.vectorstores import InMemoryVectorStore, VectorStore
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersEmbeddings

from ..plugins.cases import KEY


class TestVectorStoreWithAssistersEmbeddings(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, server: LocalServer) -> Iterator[VectorStore]:  # type: ignore[override]
        before = len(server.embedding_requests)
        with AssistersEmbeddings(base_url=server.base_url, api_key=KEY) as embeddings:
            yield InMemoryVectorStore(embeddings)
        for request in server.embedding_requests[before:]:
            assert request.status == 200
