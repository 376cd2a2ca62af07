"""What is known before the first request: nothing is paid for that could not be measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker, TooLongError
from assisters_rerank.call.fitting import check_fits, fit
from assisters_rerank.call.plan import Plan
from assisters_rerank.evaluate import Collection, evaluate, read_collection
from assisters_rerank.local import LocalServer

from ..servers.standins import standing_in
from ..servers.test_too_long import options, refusing, vllm
from .judged import numbered

DATA = Path(__file__).parents[3] / "shared" / "data"


def with_queries(texts: Mapping[str, str], collection: Collection) -> Collection:
    queries = {**collection.queries, **texts}
    return Collection(collection.name, collection.documents, queries, collection.qrels)


@pytest.mark.parametrize("long_documents", ["split", "truncate", "error"])
def test_a_query_that_leaves_no_room_is_left_out(server: LocalServer, long_documents: str) -> None:
    plain, candidates = numbered(4)
    collection = with_queries({"q1": "word " * 600}, plain)
    with Reranker(base_url=server.base_url, long_documents=long_documents) as reranker:
        found = evaluate(collection, reranker, candidates=candidates)
    assert (found.queries, found.stopped) == (3, None)
    assert list(found.left_out) == ["q1"]
    assert "which leaves no room for a document" in found.left_out["q1"]
    (note,) = found.notes
    assert note.startswith("1 query left out, which cannot be asked ('q1'): query: it has ")
    assert {request.query for request in server.requests} == {"query 0", "query 2", "query 3"}


def test_it_counts_for_no_model(server: LocalServer) -> None:
    """For one of the two it would fit."""
    plain, candidates = numbered(3)
    collection = with_queries({"q1": "word " * 600}, plain)
    models = ("bge-reranker-v2", "jina-reranker")
    rerankers = [
        Reranker(base_url=server.base_url, model=model, long_documents="split") for model in models
    ]
    done: list[int] = []
    found = evaluate(collection, rerankers, candidates=candidates, progress=done.append)
    assert ([result.model for result in found.models], found.queries) == ([*models], 2)
    assert (list(found.left_out), sum(done)) == (["q1"], 6)


def test_no_query_can_be_asked(server: LocalServer) -> None:
    plain, candidates = numbered(2)
    collection = with_queries(dict.fromkeys(plain.queries, "word " * 600), plain)
    with (
        Reranker(base_url=server.base_url, long_documents="split") as reranker,
        pytest.raises(ConfigurationError, match=r"No query can be asked; the first one, 'q0': "),
    ):
        evaluate(collection, reranker, candidates=candidates)
    assert server.requests == []


def test_what_the_server_finds_too_long_is_left_out() -> None:
    """Its window is unknown beforehand."""
    plain, candidates = numbered(5)
    collection = with_queries({"q2": "word " * 300}, plain)
    only = with_queries(dict.fromkeys(plain.queries, "word " * 300), plain)
    with standing_in(refusing(vllm)) as server, Reranker(**options(server.url)) as reranker:
        found = evaluate(collection, reranker, candidates=candidates)
        with pytest.raises(TooLongError):
            evaluate(only, reranker, candidates=candidates)
    assert (found.queries, found.stopped, list(found.left_out)) == (4, None, ["q2"])
    assert found.notes[0].startswith("1 query left out, which cannot be asked ('q2'): ")


@pytest.mark.parametrize("model", ["bge-reranker-v2", "jina-reranker", "auto"])
@pytest.mark.parametrize("long_documents", ["as_is", "split", "truncate", "error"])
@pytest.mark.parametrize("words", [1, 300, 600, 9_000])
@pytest.mark.parametrize("length", [1, 400, 20_000])
def test_the_check_agrees_with_the_call(
    model: str, long_documents: str, words: int, length: int
) -> None:
    reranker = Reranker(model=model, long_documents=long_documents)
    query, plan = "word " * words, Plan.of(["text " * length, "short"])

    def outcome(refuses: object) -> str | None:
        try:
            assert callable(refuses)
            refuses(reranker, query, plan)
        except ConfigurationError as error:
            return str(error)
        return None

    assert outcome(check_fits) == outcome(fit)


def test_no_relevant_document_among_any_candidates(server: LocalServer) -> None:
    collection, candidates = numbered(2)
    with Reranker(base_url=server.base_url) as reranker:
        with pytest.raises(ConfigurationError, match=r"^own\.run: no relevant document is among"):
            evaluate(collection, reranker, candidates=candidates, depth=5, first_stage="own.run")
        for query in collection.qrels:
            assert evaluate(collection, reranker, candidates={query: list(collection.qrels[query])})
    assert len(server.requests) == 2


TWIN = Collection(
    "twin",
    {"q1": "Title  lift and drag", "q2": "drag of something else", "d1": "drag 0.9"},
    {"q1": "lift\nand drag", "q2": "drag"},
    {"q1": {"d1": 1}, "q2": {"d1": 1}},
)


def candidates_of(
    reranker: Reranker, server: LocalServer, collection: Collection, **options: object
) -> tuple[dict[str, list[str]], list[str]]:
    server.requests.clear()
    found = evaluate(collection, reranker, **options)  # type: ignore[arg-type]
    by_query: dict[str, list[str]] = {}
    ids = {text: name for name, text in collection.documents.items()}
    for request in server.requests:
        by_query.setdefault(request.query, []).extend(ids[text] for text in request.documents)
    return {query: sorted(names) for query, names in by_query.items()}, list(found.notes)


def test_a_querys_own_document_is_left_out(reranker: Reranker, server: LocalServer) -> None:
    """By id and text, where blanks and a title before it do not matter."""
    asked, (note,) = candidates_of(reranker, server, TWIN)
    assert asked == {"lift\nand drag": ["d1", "q2"], "drag": ["d1", "q1", "q2"]}
    assert note == (
        "1 of 2 queries have the id and text of a document, which is left out of their "
        "candidates (--keep-identical keeps it)."
    )
    asked, notes = candidates_of(reranker, server, TWIN, identical="keep")
    assert asked == {"lift\nand drag": ["d1", "q1", "q2"], "drag": ["d1", "q1", "q2"]}
    assert notes == []
    asked, (note,) = candidates_of(reranker, server, TWIN, identical="drop_ids")
    assert asked == {"lift\nand drag": ["d1", "q2"], "drag": ["d1", "q1"]}
    assert "2 of 2 queries have the id of a document" in note
    # In a run of one's own, too; and as many candidates are left as were asked for.
    run = {"q1": ["q1", "d1"], "q2": ["d1"]}
    asked, _ = candidates_of(reranker, server, TWIN, candidates=run, depth=1)
    assert asked == {"lift\nand drag": ["d1"], "drag": ["d1"]}
    asked, _ = candidates_of(reranker, server, TWIN, depth=2)
    assert [len(names) for names in asked.values()] == [2, 2]


def test_a_document_that_is_relevant_to_its_own_query_stays(
    reranker: Reranker, server: LocalServer
) -> None:
    own = Collection("own", TWIN.documents, TWIN.queries, {"q1": {"q1": 1}, "q2": {"d1": 1}})
    asked, _ = candidates_of(reranker, server, own)
    assert "q1" in asked["lift\nand drag"]


@pytest.mark.parametrize("name", ["vaswani", "cranfield"])
def test_ids_that_coincide_by_chance(name: str, reranker: Reranker, server: LocalServer) -> None:
    archive = DATA / f"{name}.tar.gz"
    if not archive.exists():
        pytest.skip("the collections do not lie beside the checkout")
    whole = read_collection(archive)
    some = {query: whole.queries[query] for query in list(whole.queries)[:5]}
    collection = Collection(name, whole.documents, some, {q: whole.qrels[q] for q in some})
    run = {query: [query, *whole.qrels[query]] for query in some}
    _, (note,) = candidates_of(reranker, server, collection, candidates=run)
    assert note.startswith("5 of 5 queries have the id of a document with another text; these ")
    assert sum(len(request.documents) for request in server.requests) == sum(
        len(set(names)) for names in run.values()
    )
