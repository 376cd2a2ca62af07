from __future__ import annotations

import time
from collections.abc import Sequence

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assisters_rerank import Reranker, estimate_tokens
from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer, load_scorer
from assisters_rerank.local.http.server_settings import ServerSettings
from assisters_rerank.local.scorers.windows import WindowedScorer, beginning, windowed

from .surroundings import BODY, connect
from .texts import lists, prose, texts

long_texts = st.lists(texts, max_size=8).map(" ".join) | st.sampled_from(
    ["-" * 400, "a" + "-" * 400, " " * 4000 + "end", "\n" * 99 + "word " * 99, "中文" * 99]
)


class Reading:
    """A scorer that keeps what it is given to read."""

    name = "reading"

    def __init__(self) -> None:
        self.read: list[str] = []

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        self.read += documents
        return [0.5] * len(documents)


@given(text=long_texts, tokens=st.integers(-5, 150))
@example("-" * 400, 9)  # eight marks in a row are fewer tokens than seven
def test_a_beginning_is_as_long_as_there_is_room(text: str, tokens: int) -> None:
    cut = beginning(text, tokens)
    assert text.startswith(cut)
    if tokens >= estimate_tokens(text) or tokens < 1:
        assert cut == (text if tokens >= 1 else "")
    else:
        assert estimate_tokens(cut) <= tokens < estimate_tokens(text[: len(cut) + 1])


def test_a_scorer_reads_what_fits_beside_the_query() -> None:
    scorer = Reading()
    document = "one after the other " * 50
    WindowedScorer(scorer, 64).score("how do they come", [document, "short", ""])
    first, *others = scorer.read
    assert document.startswith(first)
    # The query, what stands around a pair, and the document.
    assert estimate_tokens("how do they come") + 4 + estimate_tokens(first) == 64
    assert others == ["short", ""]


def test_a_query_that_fills_the_window_leaves_nothing() -> None:
    scorer = Reading()
    WindowedScorer(scorer, 32).score("word " * 40, ["a document"])
    assert scorer.read == [""]


@given(query=prose, documents=lists, tokens=st.integers(1, 60))
def test_a_score_does_not_depend_on_the_other_documents(
    query: str, documents: list[str], tokens: int
) -> None:
    scorer = windowed(load_scorer("lexical"), tokens)
    alone = [scorer.score(query, [document])[0] for document in documents]
    assert scorer.score(query, documents) == alone


@pytest.mark.timed
@pytest.mark.xdist_group("busy")
def test_a_document_of_a_megabyte_is_cut_at_once() -> None:
    began = time.perf_counter()
    for text in ("word " * 200_000, " " * 10**6 + "end " * 10, "中" * 10**6, "-" * 10**6):
        beginning(text, 8)
        beginning(text, 8000)
    assert time.perf_counter() - began < 2


def test_what_the_client_takes_to_fit_is_read_to_its_end() -> None:
    """And so are all its passages."""
    scorer = Reading()
    words = [f"word{i}" for i in range(400)]
    documents = [" ".join(words[:count]) for count in range(1, 90)] + [" ".join(words) + ". End"]
    with (
        LocalServer(scorer=scorer, max_tokens=128) as server,
        Reranker(base_url=server.base_url, max_tokens=128, long_documents="split") as reranker,
    ):
        ranking = reranker.rerank("which of these words", documents)
    (request,) = server.requests
    assert list(request.documents) == scorer.read
    assert len(scorer.read) > len(documents)
    with (
        LocalServer(scorer=scorer, max_tokens=128) as server,
        Reranker(base_url=server.base_url, max_tokens=128) as reranker,
    ):
        scorer.read.clear()
        ranking = reranker.rerank("which of these words", documents)
    cut = sum(read != sent for read, sent in zip(scorer.read, documents, strict=True))
    assert ranking.truncated == cut > 1


def test_the_answer_and_the_catalogue_tell_the_window() -> None:
    with LocalServer(max_tokens=100) as server, connect(server) as client:
        assert client.post("/rerank", json=BODY).json()["model"] == "local-embedded/100-tokens"
        model = client.get("/models/jina-reranker").json()
        assert model["limits"] == {"max_tokens": 100, "max_documents": 100}
        listed = client.get("/models").json()["data"]
    rerankers = [each for each in listed if each["type"] == "rerank"]
    assert {each["limits"]["max_tokens"] for each in rerankers} == {100}


def test_tokens_that_are_not_read_are_counted(client: httpx.Client) -> None:
    body = BODY | {"documents": ["word " * 1000]}
    everything = client.post("/rerank", json=body).json()["usage"]
    with LocalServer(max_tokens=64) as server, connect(server) as windowed_client:
        assert windowed_client.post("/rerank", json=body).json()["usage"] == everything


def test_without_a_window_a_scorer_is_left_as_it_is() -> None:
    scorer = Reading()
    assert windowed(scorer, None) is scorer


@pytest.mark.parametrize("tokens", [0, -1])
def test_an_impossible_window(tokens: int) -> None:
    with pytest.raises(ConfigurationError, match="max_tokens"):
        ServerSettings(max_tokens=tokens)
    with pytest.raises(ConfigurationError, match="max_tokens"):
        LocalServer(max_tokens=tokens)
