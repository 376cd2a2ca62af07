"""LangChain's own standard tests for embeddings, all of them, on `AssistersEmbeddings`."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersEmbeddings

from ..plugins.cases import KEY
from ..plugins.vectors import NOWHERE


class TestAssistersEmbeddingsUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return AssistersEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "e5-large-v2", "api_key": KEY}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"ASSISTERS_BASE_URL": NOWHERE}, {}, {"base_url": NOWHERE}


class TestAssistersEmbeddingsIntegration(EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _address(self, server: LocalServer) -> None:
        self.base_url = server.base_url

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return AssistersEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"base_url": self.base_url}
