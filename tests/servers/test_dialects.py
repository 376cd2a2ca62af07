"""Every dialect that has a name: all six ways, sharded, with top_n; wrong answers are refused."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from langchain_core.load import dumps, loads

import langchain_assisters
import llama_index_assisters
from assisters_rerank import (
    AuthenticationError,
    ConfigurationError,
    ContractError,
    Dialect,
    MemoryCache,
    Reranker,
)
from assisters_rerank.commands.progress import ReportingReranker
from assisters_rerank.wire.dialects import ASSISTERS_DIALECT, DIALECTS

from .standins import KEY, MODEL, SHAPES, Answer, Shape, StandIn, best_first, standing_in
from .ways import WAYS, Way

QUERY = "cats eat fish"
TEXTS = ["dogs walk", "cats eat fish daily", "cats sleep", "rain", "fish swim where cats are"]
MANY = [f"{text} {i}" for i in range(50) for text in TEXTS]
PATHS = {"sglang": "/v1", "voyage": "/v1", "mixedbread": "/v1"}
NAMED = sorted(DIALECTS.keys() - {ASSISTERS_DIALECT})

each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
each_dialect = pytest.mark.parametrize("name", NAMED)


@pytest.fixture
def server(name: str) -> Iterator[StandIn]:
    with standing_in(SHAPES[name]) as running:
        yield running


def options(server: StandIn, name: str, **more: Any) -> dict[str, Any]:
    address = server.url + PATHS.get(name, "")
    return {"base_url": address, "dialect": name, "model": MODEL, "api_key": KEY, **more}


def order(texts: list[str], most: int | None = None) -> list[int]:
    return [index for index, _ in best_first(QUERY, texts, most)]


@each_dialect
@each_way
@pytest.mark.parametrize("top_n", [None, 2])
def test_each_way_gets_the_servers_ranking(
    name: str, way: Way, top_n: int | None, server: StandIn
) -> None:
    assert way(QUERY, TEXTS, options(server, name, top_n=top_n)) == order(TEXTS, top_n)
    assert len(server.seen) == 1


@each_dialect
@each_way
def test_long_lists_are_sharded_as_the_server_takes_them(
    name: str, way: Way, server: StandIn
) -> None:
    found = way(QUERY, MANY, options(server, name, max_documents_per_request=120))
    assert found == order(MANY)
    limit = min(120, DIALECTS[name].max_documents or 120)  # type: ignore[index]
    assert len(server.seen) == -(-len(MANY) // limit)


@pytest.mark.parametrize("top_n", [None, 15])
def test_a_server_with_few_results_by_default_is_asked_for_all(top_n: int | None) -> None:
    texts = MANY[:40]
    with standing_in(SHAPES["mixedbread"]) as server:
        reranker = Reranker(**options(server, "mixedbread"))
        ranking = reranker.rerank(QUERY, texts, top_n=top_n)
    assert [ranked.index for ranked in ranking] == order(texts, top_n)


def replied(content: object) -> Shape:
    def shape(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        return 200, content

    return shape


def wrapped(name: str, results: object) -> object:
    way = DIALECTS[name].results  # type: ignore[index]
    for field in reversed(way):
        results = {field: results}
    return results


@each_dialect
@pytest.mark.parametrize(
    ("index", "found", "said"),
    [
        (0, "0.5", "a string, not a finite number"),
        (0, None, "missing or null, not a finite number"),
        (9, 0.5, "outside the 5 documents sent"),
        ("0", 0.5, "a string, not an integer"),
        (0, 0.5, "scores for 1 of 5 documents"),
    ],
)
def test_wrong_answers_are_refused(name: str, index: object, found: object, said: str) -> None:
    dialect = DIALECTS[name]  # type: ignore[index]
    entry = {dialect.index: index, dialect.score: found}
    with standing_in(replied(wrapped(name, [entry]))) as server:
        reranker = Reranker(**options(server, name))
        with pytest.raises(ContractError, match=said):
            reranker.rerank(QUERY, TEXTS)
        with pytest.raises(ContractError, match=said):
            asyncio.run(reranker.arerank(QUERY, TEXTS))


@each_dialect
@pytest.mark.parametrize("content", [{}, [], {"results": []}, "text", {"error": "overloaded"}])
def test_answers_of_another_shape_are_refused(name: str, content: object) -> None:
    with standing_in(replied(content)) as server, pytest.raises(ContractError):
        Reranker(**options(server, name)).rerank(QUERY, TEXTS)


def test_the_default_dialect_does_not_understand_the_others() -> None:
    with standing_in(SHAPES["voyage"]) as server:
        reranker = Reranker(base_url=f"{server.url}/v1", api_key=KEY, model=MODEL)
        with pytest.raises(ContractError, match="`results` is missing"):
            reranker.rerank(QUERY, TEXTS)


# --- what belongs together ---


@each_dialect
@pytest.mark.parametrize("left_out", ["base_url", "model"])
def test_another_server_needs_its_address_and_its_model(name: str, left_out: str) -> None:
    given = {"base_url": "http://127.0.0.1:9", "model": MODEL, "dialect": name}
    del given[left_out]
    home = DIALECTS[name].base_url  # type: ignore[index]
    if left_out == "base_url" and home is not None:
        assert Reranker(**given).base_url == home
        return
    with pytest.raises(ConfigurationError, match=f"dialect: .*{left_out}"):
        Reranker(**given)


def test_the_base_url_of_the_variable_is_not_another_servers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASSISTERS_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(ConfigurationError, match="base_url"):
        Reranker(dialect="tei", model=MODEL)
    assert Reranker(dialect="voyage", model=MODEL).base_url == "https://api.voyageai.com/v1"


def test_auto_chooses_among_this_services_models_only() -> None:
    with pytest.raises(ConfigurationError, match="auto"):
        Reranker(dialect="voyage", model="auto")


def test_options_that_follow_one_another_are_checked_together() -> None:
    reranker = Reranker(api_key=KEY)
    other = reranker.with_options(dialect="tei", base_url="http://127.0.0.1:9", model=MODEL)
    assert other.dialect == "tei"
    with pytest.raises(ConfigurationError, match="base_url"):
        reranker.with_options(dialect="tei", model=MODEL)


@pytest.mark.parametrize("name", ["voyage", "mixedbread", "pinecone"])
def test_a_providers_key_comes_from_its_own_variable(
    name: str, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTERS_API_KEY", "ask_of_this_service")
    monkeypatch.setenv("ASSISTERS_BASE_URL", server.url)
    variable = DIALECTS[name].api_key_variable  # type: ignore[index]
    assert variable is not None
    monkeypatch.setenv(variable, KEY)
    hosted = Reranker(dialect=name, model=MODEL)  # type: ignore[arg-type]
    key = hosted.resolve_api_key()
    assert key is not None
    assert key.get_secret_value() == KEY
    # Not to a host that is not the provider's own, and never the service's.
    elsewhere = Reranker(**options(server, name, api_key=None))
    with pytest.raises(AuthenticationError):
        elsewhere.rerank(QUERY, TEXTS)
    sent = str(server.seen[0].headers)
    assert KEY not in sent
    assert "ask_of_this_service" not in sent
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=variable):
        hosted.rerank(QUERY, TEXTS)


# --- a dialect of the user's own ---


def nim(path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
    """https://docs.nvidia.com/nim/nemo-retriever/text-reranking: POST /v1/ranking."""
    if path != "/v1/ranking":
        return 404, {"detail": "Not Found"}
    texts = [passage["text"] for passage in body["passages"]]
    ranked = best_first(body["query"]["text"], texts)
    return 200, {"rankings": [{"index": i, "logit": s * 20 - 10} for i, s in ranked]}


NIM = Dialect(
    path="/ranking",
    query_text="text",
    documents="passages",
    document_text="text",
    top_n=None,
    constants={"truncate": "END"},
    results=("rankings",),
    score="logit",
)


@each_way
@pytest.mark.parametrize("ending", ["", "/ranking"])
def test_a_dialect_of_ones_own(way: Way, ending: str) -> None:
    with standing_in(nim) as server:
        address = f"{server.url}/v1{ending}"
        found = way(QUERY, TEXTS, {"base_url": address, "model": MODEL, "dialect": NIM})
    assert found == order(TEXTS)
    assert server.seen[0].body["truncate"] == "END"


@pytest.mark.filterwarnings("ignore:The function .loads?. is in beta")
def test_a_dialect_of_ones_own_comes_through_dumps_and_copies() -> None:
    given: dict[str, Any] = {"base_url": "http://127.0.0.1:9/v1", "model": MODEL, "dialect": NIM}
    core = Reranker(**given)
    compressor = langchain_assisters.AssistersRerank(**given)
    postprocessor = llama_index_assisters.AssistersRerank(**given)
    trust: dict[str, Any] = {"valid_namespaces": ["langchain_assisters"]}
    if "allowed_objects" in inspect.signature(loads).parameters:  # not in langchain-core 1.0
        trust["allowed_objects"] = [langchain_assisters.AssistersRerank]
    came_back = [
        pickle.loads(pickle.dumps(core)),
        copy.deepcopy(core),
        Reranker(**core.model_dump()),
        Reranker.model_validate_json(core.model_dump_json()),
        loads(dumps(compressor), **trust),
        pickle.loads(pickle.dumps(compressor)),
        llama_index_assisters.AssistersRerank.from_dict(postprocessor.to_dict()),
        llama_index_assisters.AssistersRerank.from_json(postprocessor.to_json()),
    ]
    assert [each.dialect for each in came_back] == [NIM] * len(came_back)


def test_a_dialect_of_ones_own_cannot_be_changed_and_takes_no_unknown_names() -> None:
    with pytest.raises(ConfigurationError, match="path"):
        NIM.path = "/other"  # type: ignore[misc]
    with pytest.raises(ConfigurationError, match="Unknown option document; did you mean"):
        Dialect(document="passages")  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="path"):
        Dialect(path="rerank")


def test_scores_are_cached_by_dialect_and_further_fields() -> None:
    cache = MemoryCache()
    with standing_in(SHAPES["tei"]) as server:
        ask = Reranker(**options(server, "tei", cache=cache))
        ask.rerank(QUERY, TEXTS)
        ask.rerank(QUERY, TEXTS)
        assert len(server.seen) == 1
        raw = Reranker(**options(server, "tei", cache=cache, extra_body={"raw_scores": True}))
        raw.rerank(QUERY, TEXTS)
        assert len(server.seen) == 2
        assert server.seen[1].body["raw_scores"] is True


@each_dialect
def test_the_command_counts_what_was_answered(name: str, server: StandIn) -> None:
    counted: list[int] = []
    given = options(server, name, max_documents_per_request=2, max_concurrency=1)
    with ReportingReranker(**given) as reranker:
        ranking = reranker.rerank_watched(QUERY, TEXTS, counted.append)
    assert (len(ranking), counted) == (len(TEXTS), [2, 2, 1])
