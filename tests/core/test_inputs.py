"""What may be ranked, what is refused by its place, and what needs no request at all."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import httpx
import pytest

from assisters_rerank import ConfigurationError, Reranker, arerank, rerank

from ..faults.server import HostileServer


@pytest.fixture
def silent(never_asked: dict[str, httpx.Client]) -> Reranker:
    """A reranker that fails the test when it sends anything."""
    return Reranker(**never_asked)


@pytest.mark.parametrize(
    ("query", "told"),
    [("", "blank"), (" \n\t", "blank"), ("\u2003", "blank"), (None, "NoneType"), (b"q", "bytes"),
     (7, "int"), (["q"], "list"), ({"text": "q"}, "dict")],
)  # fmt: skip
async def test_a_useless_query_is_refused_before_any_request(
    silent: Reranker, query: object, told: str
) -> None:
    for documents in (["a"], []):
        with pytest.raises(ConfigurationError, match=rf"^query: .*{told}"):
            silent.rerank(query, documents)
        with pytest.raises(ConfigurationError, match=rf"^query: .*{told}"):
            await silent.arerank(query, documents)


@pytest.mark.parametrize(
    ("documents", "told"),
    [("a text", "str"), (b"bytes", "bytes"), (None, "NoneType"), (3, "int"),
     ({"text": "a"}, "dict"), (MappingProxyType({"text": "a"}), "mappingproxy"), ("", "str")],
)  # fmt: skip
async def test_one_document_is_no_list(silent: Reranker, documents: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^documents: .*{told}"):
        silent.rerank("q", documents)
    with pytest.raises(ConfigurationError, match=rf"^documents: .*{told}"):
        await silent.arerank("q", documents)


@pytest.mark.parametrize(
    ("document", "told"),
    [(None, "NoneType"), (7, "int"), (b"b", "bytes"), (["a"], "list"), ({}, "'text'"),
     ({"Text": "a"}, "'text'"), ({"text": None}, "'text'"), ({"text": b"a"}, "'text'"),
     ({"text": {"text": "a"}}, "'text'"), (object(), "object")],
)  # fmt: skip
async def test_a_useless_document_is_refused_by_its_place(
    silent: Reranker, document: object, told: str
) -> None:
    documents = ["a", {"text": "b"}, document, None]
    with pytest.raises(ConfigurationError, match=rf"^documents\[2\]: .*{told}"):
        silent.rerank("q", documents)
    with pytest.raises(ConfigurationError, match=rf"^documents\[2\]: .*{told}"):
        await silent.arerank("q", documents)


async def test_nothing_to_rank_needs_no_key_and_no_request(silent: Reranker) -> None:
    for ranking in (
        silent.rerank("q", []),
        await silent.arerank("q", iter(())),
        silent.rerank("q", ["a", "b"], top_n=0),
        await silent.arerank("q", ["a", "b"], top_n=0),
        silent.model_copy(update={"top_n": 0}).rerank("q", ["a"]),
    ):
        assert list(ranking) == []
        assert ranking.model == "bge-reranker-v2"
        assert ranking.usage.requests == 0
        assert not ranking.degraded


async def test_blank_documents_alone_need_no_request(silent: Reranker) -> None:
    documents = ["", {"text": " "}, "\n"]
    for ranking in (silent.rerank("q", documents), await silent.arerank("q", documents)):
        assert [(r.index, r.relevance_score) for r in ranking] == [(0, 0.0), (1, 0.0), (2, 0.0)]
    assert len(silent.rerank("q", documents, top_n=2)) == 2
    assert len(silent.rerank("q", documents, score_threshold=0.1)) == 0


class Lines(Mapping[str, object]):
    """A mapping that is no dict."""

    def __getitem__(self, key: str) -> object:
        return {"text": "from a mapping", "page": 7}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("text", "page"))

    def __len__(self) -> int:
        return 2


class Sentence(str):
    """A string of a type of its own."""

    __slots__ = ()


def test_strings_and_mappings_of_any_kind_come_back_as_they_were(
    honest_server: HostileServer,
) -> None:
    documents = [{"text": "a dict", "id": 3}, Lines(), Sentence("a sentence"), "a string"]
    before = copy.deepcopy(documents[0])
    ranking = Reranker(base_url=honest_server.url).rerank("q", (d for d in documents))
    assert {ranked.index for ranked in ranking} == {0, 1, 2, 3}
    for ranked in ranking:
        assert ranked.document.original is documents[ranked.index]
    assert [ranked.text for ranked in sorted(ranking, key=lambda r: r.index)] == [
        "a dict", "from a mapping", "a sentence", "a string",
    ]  # fmt: skip
    assert documents[0] == before
    assert honest_server.requests[0].payload["documents"] == [
        "a dict", "from a mapping", "a sentence", "a string",
    ]  # fmt: skip


async def test_inputs_are_never_changed(honest_server: HostileServer) -> None:
    documents = ["b", {"text": "a", "metadata": {"tags": ["x"]}}, "", "b", {"text": "\ud83d"}]
    before = copy.deepcopy(documents)
    reranker = Reranker(base_url=honest_server.url, max_documents_per_request=1)
    reranker.rerank("q", documents, top_n=2)
    await reranker.arerank("q", documents, top_n=2)
    assert documents == before


def test_a_calls_own_limits_win_and_none_lifts_them(honest_server: HostileServer) -> None:
    texts = ["a", "b", "c", "d", "e"]
    reranker = Reranker(base_url=honest_server.url, top_n=1, score_threshold=0.4)
    with_options = reranker.rerank("q", texts)
    assert len(with_options) <= 1
    assert len(reranker.rerank("q", texts, top_n=None, score_threshold=None)) == 5
    assert len(reranker.rerank("q", texts, top_n=3, score_threshold=None)) == 3
    assert len(reranker.rerank("q", texts, top_n=None, score_threshold=-9)) == 5
    assert reranker.top_n == 1
    assert reranker.score_threshold == 0.4


@pytest.mark.parametrize("model", [["a"], {"a": 1}, {"a"}, None, 3, ""])
async def test_the_functions_for_scripts_refuse_a_useless_model(model: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^model: "):
        rerank("q", ["a"], model=model)
    with pytest.raises(ConfigurationError, match=r"^model: "):
        await arerank("q", ["a"], model=model)
