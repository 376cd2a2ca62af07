"""Where the three generations differ, by `wire-contract`: the answers' fields and the limits."""

from __future__ import annotations

import pytest

from assisters_rerank import Reranker
from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer
from assisters_rerank.local.http.generations import GENERATIONS, answer
from assisters_rerank.local.http.server_settings import ServerSettings

from .surroundings import BODY, Steered, connect

FIELDS = {
    1: ["id", "model", "results", "usage"],
    2: ["id", "model", "results", "usage"],
    3: ["id", "results", "meta"],
}


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_the_fields(generation: int) -> None:
    with LocalServer(generation=generation) as server, connect(server) as client:  # type: ignore[arg-type]
        body = client.post("/rerank", json=BODY).json()
        with_documents, without = (
            client.post("/rerank", json=BODY | {"return_documents": wanted}).json()["results"]
            for wanted in (True, False)
        )
    assert list(body) == FIELDS[generation]
    assert body["id"].startswith("rerank-")
    assert body.get("model", "local-embedded") == "local-embedded"
    if generation == 3:
        assert body["meta"] == {"billed_units": {"search_units": 1}}
    else:
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] > 0
    # Said in the request, the choice is kept; else the first generation alone returns them.
    assert body["results"] == (with_documents if generation == 1 else without)
    assert with_documents[0]["document"] == {"text": "Deep learning uses neural networks"}
    assert set(without[0]) == {"index", "relevance_score"}


@pytest.mark.parametrize(
    ("generation", "chosen", "limit"),
    [
        (None, None, 100),
        (1, None, 100),
        (2, None, 1000),
        (3, None, 1000),
        (1, 7, 7),
        (3, 2000, 2000),
    ],
)
def test_the_limit_of_documents(generation: int | None, chosen: int | None, limit: int) -> None:
    settings = ServerSettings(generation=generation, max_documents=chosen)
    assert settings.document_limit == limit


def test_a_thousand_documents_in_the_third() -> None:
    scorer = Steered(len)
    body = BODY | {"documents": ["a"] * 1000}
    with LocalServer(generation=3, scorer=scorer) as server, connect(server) as client:
        taken = client.post("/rerank", json=body)
        refused = client.post("/rerank", json=body | {"documents": ["a"] * 1001})
    assert len(taken.json()["results"]) == 1000
    assert taken.json()["meta"]["billed_units"]["search_units"] == 10
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "documents")


@pytest.mark.parametrize(("documents", "units"), [(1, 1), (100, 1), (101, 2), (1000, 10)])
def test_search_units(documents: int, units: int) -> None:
    body = answer(GENERATIONS[3], id="x", model="m", results=[], documents=documents, tokens=5)
    assert body == {
        "id": "x",
        "results": [],
        "meta": {"billed_units": {"search_units": units}},
    }


@pytest.mark.parametrize("generation", [1, 2, 3])
def test_our_client_reads_them_all_alike(generation: int) -> None:
    texts = ["a cat", "a dog", "the cat sleeps"]
    with (
        LocalServer(generation=generation) as server,  # type: ignore[arg-type]
        LocalServer() as plain,
        Reranker(base_url=server.base_url) as one,
        Reranker(base_url=plain.base_url) as other,
    ):
        ranking, expected = one.rerank("cat", texts), other.rerank("cat", texts)
    assert list(ranking) == list(expected)
    assert ranking.usage.total_tokens == expected.usage.total_tokens > 0
    assert ranking.usage.tokens_estimated == (generation == 3)
    assert (ranking.usage.search_units == 1) == (generation == 3)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"generation": 4}, "generation"), ({"max_documents": 0}, "max_documents")],
)
def test_impossible_settings(wrong: dict[str, int], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        LocalServer(**wrong)  # type: ignore[arg-type]


def test_a_blank_key() -> None:
    with pytest.raises(ConfigurationError, match="api_key"):
        LocalServer(api_key=" ")
    assert "ask_x" not in repr(ServerSettings(api_key="ask_x"))
