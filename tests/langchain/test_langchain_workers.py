"""Worker processes: what a pickle leaves out of LangChain's classes is said."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from assisters_rerank import ConfigurationError, MemoryCache
from assisters_rerank.local import LocalServer
from assisters_rerank.options import pickling
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

from ..plugins.cases import KEY, QUERY


def found(query: str) -> list[Document]:
    return [Document(page_content=query)]


MADE: list[Any] = [
    (AssistersEmbeddings(api_key=KEY), lambda it: it.embed_query(QUERY)),
    (AssistersRerank(api_key=KEY), lambda it: it.compress_documents(found("a"), QUERY)),
    (
        RerankRetriever(
            base_retriever=RunnableLambda(found), reranker=AssistersRerank(api_key=KEY)
        ),
        lambda it: it.invoke(QUERY),
    ),
]


@pytest.mark.parametrize(("made", "call"), MADE)
def test_a_missing_key_is_explained(made: Any, call: Any) -> None:
    with pytest.raises(ConfigurationError, match="its api_key was left out when it was pickled"):
        call(pickle.loads(pickle.dumps(made)))


async def test_other_losses_are_warned_of_once(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pickling, "_TOLD", set())
    first = AssistersRerank(base_url=server.base_url, cache=MemoryCache())
    for _ in range(2):
        twin = pickle.loads(pickle.dumps(first))
        await twin.acompress_documents(found("a"), QUERY)
    (record,) = caplog.records
    assert "AssistersRerank was pickled, which leaves out cache:" in record.getMessage()
