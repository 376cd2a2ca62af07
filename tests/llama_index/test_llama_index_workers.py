"""Worker processes: LlamaIndex pickles what an ingestion pipeline is made of."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document
from llama_index.core.callbacks import CallbackManager
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.storage.kvstore import SimpleKVStore

from assisters_rerank import ConfigurationError
from assisters_rerank.local import LocalServer
from assisters_rerank.options import pickling
from llama_index_assisters import AssistersEmbedding, AssistersRerank

from ..plugins.cases import KEY
from .recorder import Legacy

DOCUMENTS = [Document(text=f"Document {place}.") for place in range(4)]


@pytest.fixture
def keyed() -> Iterator[str]:
    with LocalServer(api_key=KEY) as server:
        yield server.base_url


def pipeline(embedding: AssistersEmbedding) -> IngestionPipeline:
    return IngestionPipeline(transformations=[embedding])


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["sync", "async"])
async def test_a_pipeline_with_workers_needs_the_key_in_the_environment(
    colour: str, keyed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> IngestionPipeline:
        return pipeline(AssistersEmbedding(base_url=keyed, api_key=KEY))

    async def run(pipeline: IngestionPipeline) -> Any:
        if colour == "sync":
            return pipeline.run(documents=DOCUMENTS, num_workers=2)
        return await pipeline.arun(documents=DOCUMENTS, num_workers=2)

    with pytest.raises(ConfigurationError) as caught:
        await run(made())
    assert "its api_key was left out when it was pickled: set ASSISTERS_API_KEY" in str(
        caught.value
    )
    monkeypatch.setenv("ASSISTERS_API_KEY", KEY)
    monkeypatch.setenv("ASSISTERS_BASE_URL", keyed)
    nodes = await run(made())
    assert [len(node.embedding) > 0 for node in nodes] == [True] * len(DOCUMENTS)


def test_handlers_and_caches_of_llama_index_are_told_too(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pickling, "_TOLD", set())
    heard: dict[str, Any] = {
        "base_url": server.base_url,
        "callback_manager": CallbackManager([Legacy()]),
    }
    reranker = pickle.loads(pickle.dumps(AssistersRerank(**heard)))
    reranker.rerank("q", ["a"])
    embedding = AssistersEmbedding(embeddings_cache=SimpleKVStore(), **heard)
    pickle.loads(pickle.dumps(embedding)).embed_query("q")
    told = [record for record in caplog.records if "pickled" in record.getMessage()]
    assert [record.getMessage().partition(":")[0] for record in told] == [
        "This AssistersRerank was pickled, which leaves out callback_manager",
        "This AssistersEmbedding was pickled, which leaves out callback_manager and "
        "embeddings_cache",
    ]
    assert {record.levelno for record in told} == {logging.WARNING}


def test_a_manager_without_handlers_is_no_loss(
    server: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    for made in (
        AssistersRerank(base_url=server.base_url, callback_manager=CallbackManager()),
        AssistersEmbedding(base_url=server.base_url),
    ):
        twin = pickle.loads(pickle.dumps(made))
        if isinstance(twin, AssistersRerank):
            twin.rerank("q", ["a"])
        else:
            twin.embed_query("q")
    assert "pickled" not in caplog.text
