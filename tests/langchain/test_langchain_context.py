"""`max_context_tokens`: the returned documents' contents fit into the prompt together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document

from assisters_rerank import Ranking, RerankOptions, estimate_tokens
from assisters_rerank.call.context import within_context
from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Cutting
from langchain_assisters import AssistersRerank
from langchain_assisters.documents import scored, sent

from ..plugins.cases import KEY, QUERY
from ..plugins.long import ANSWER, LONG, OTHER, SHORT
from ..plugins.passage_scores import COUNTERS, THRESHOLDS, ranked_near_a_sum, words
from ..plugins.passage_scores import TEXTS as ANY_TEXTS


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(page_content=OTHER, id="other"),
        Document(page_content=LONG, id="long", metadata={"title": "Commands"}),
        Document(page_content=SHORT, id="short"),
    ]


async def compressed(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> list[Document]:
    if colour == "sync":
        return compressor.compress_documents(documents, QUERY)
    return await compressor.acompress_documents(documents, QUERY)


@pytest.mark.parametrize("content", ["document", "passages"])
@pytest.mark.parametrize("count", [None, words, len])
@pytest.mark.parametrize("most", [5, 10, 40, 300, 10_000])
async def test_the_contents_keep_to_the_budget(
    most: int,
    count: Callable[[str], int] | None,
    content: Any,
    colour: str,
    server: LocalServer,
    documents: list[Document],
) -> None:
    options: dict[str, Any] = {
        "base_url": server.base_url, "api_key": KEY, "long_documents": "split",
        "max_passage_tokens": 40, "content": content,
    }  # fmt: skip
    before = [document.model_copy(deep=True) for document in documents]
    everything = await compressed(colour, AssistersRerank(**options), documents)
    asked = server.requests[-1].documents
    budgeted = AssistersRerank(max_context_tokens=most, count_context_tokens=count, **options)
    kept = await compressed(colour, budgeted, documents)
    assert documents == before
    assert server.requests[-1].documents == asked
    counter = count or estimate_tokens
    assert 0 < sum(counter(document.page_content) for document in kept) <= most
    for found, whole in zip(kept, everything, strict=False):
        if found.metadata.get("context_truncated"):
            assert len(kept) == 1
            assert whole.page_content.startswith(found.page_content)
            text = next(d.page_content for d in documents if d.id == found.id)
            spans = found.metadata["passages"]
            assert " … ".join(text[start:end] for start, end, _ in spans) == found.page_content
        else:
            assert found == whole
    if len(kept) < len(everything) and "context_truncated" not in kept[-1].metadata:
        following = everything[len(kept)].page_content
        assert sum(counter(d.page_content) for d in kept) + counter(following) > most


async def test_passages_are_counted_and_not_the_documents(
    colour: str, server: LocalServer, documents: list[Document]
) -> None:
    compressor = AssistersRerank(
        base_url=server.base_url, api_key=KEY, long_documents="split", max_passage_tokens=40,
        content="passages", max_context_tokens=words(ANSWER) + words(SHORT) + 20,
        count_context_tokens=words,
    )  # fmt: skip
    found = await compressed(colour, compressor, documents)
    assert len(found) >= 2
    assert any(ANSWER in document.page_content for document in found)


async def test_a_passthrough_keeps_to_it_as_well(
    colour: str, dead_url: str, documents: list[Document]
) -> None:
    passing = AssistersRerank(
        base_url=dead_url, on_error="passthrough", max_retries=0, max_context_tokens=50,
        count_context_tokens=words,
    )  # fmt: skip
    [found] = await compressed(colour, passing, documents)
    assert found.metadata["rerank_degraded"] is found.metadata["context_truncated"] is True
    assert found.metadata["passages"] == [[0, len(found.page_content), None]]
    assert OTHER.startswith(found.page_content)
    assert words(found.page_content) <= 50


@settings(max_examples=50)
@given(
    st.lists(ANY_TEXTS.filter(str.strip), min_size=1, max_size=4),
    st.sampled_from(["{t}\n{c}", "{c}\n{t}", "{c}"]),
    THRESHOLDS,
    COUNTERS,
    st.data(),
)
def test_the_budget_is_never_exceeded_by_any_texts_passages_and_counter(
    texts: list[str],
    template: str,
    threshold: float | None,
    count: Callable[[str], int] | None,
    data: st.DataObject,
) -> None:
    documents = [Document(text, metadata={"title": text[:9]}) for text in texts]
    cutting = data.draw(st.sampled_from([None, Cutting(threshold)]))
    given_texts = [
        template.format(t=each.metadata["title"], c=each.page_content) for each in documents
    ]
    originals = sent(documents, given_texts, cutting)
    counter = count or estimate_tokens
    ranked, most = ranked_near_a_sum(given_texts, originals, counter, data)
    options = RerankOptions(count_context_tokens=count)
    kept, total = within_context(options, most, ranked)
    found = scored(documents, Ranking(kept, "m"), cutting)
    assert sum(counter(document.page_content) for document in found) == total <= most
    assert found
    for document, ranking in zip(found, kept, strict=True):
        own = texts[ranking.index]
        spans = document.metadata.get("passages", [[0, len(own), 0]])
        assert document.page_content == " … ".join(own[start:end] for start, end, _ in spans)
