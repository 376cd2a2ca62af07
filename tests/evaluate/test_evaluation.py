"""`evaluate` as a whole: the report's figures against the exported runs, and bad arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval

from assisters_rerank import ConfigurationError, MemoryCache, Reranker
from assisters_rerank.evaluate import (
    Candidates,
    Collection,
    Evaluation,
    collection_from_retriever,
    evaluate,
)
from assisters_rerank.evaluate.export import Export
from assisters_rerank.evaluate.results import Figure
from assisters_rerank.local import LocalServer

from .definitions import all_measures
from .judged import LastNumber, numbered

TREC_EVAL = {
    "nDCG@10": "ndcg_cut_10",
    "Recall@10": "recall_10",
    "Recall@100": "recall_100",
    "P@10": "P_10",
    "MAP": "map",
}


def graded() -> tuple[Collection, Candidates]:
    """With grades, ties, a query without candidates, one too many, and one nobody can answer."""
    collection, candidates = numbered(12)
    documents = {**collection.documents, "tie": "text 0.015", "elsewhere": "never found 0.9"}
    grades: dict[str, dict[str, int]] = {query: dict(g) for query, g in collection.qrels.items()}
    grades["q1"] |= {"d3": 2, "d7": 3, "elsewhere": 1}
    grades["q2"] |= {"tie": 2, "d14": 1}
    grades["q3"] = {"d4": 0}
    found = {**candidates, "q2": [*candidates["q2"][:20], "tie"], "q4": [], "q5": ["d1"]}
    return Collection("graded", documents, collection.queries, grades), found


def read(file: Path) -> dict[str, dict[str, float]]:
    """A run, as anyone would read it."""
    run: dict[str, dict[str, float]] = {}
    for line in file.read_text().splitlines():
        query, _, document, _, score, _ = line.split()
        run.setdefault(query, {})[document] = float(score)
    return run


def agree(
    figures: Mapping[str, Figure], run: dict[str, dict[str, float]], collection: Collection
) -> None:
    """By trec_eval's own binding, and by the definitions."""
    qrels = {
        query: dict(grades)
        for query, grades in collection.qrels.items()
        if any(grade > 0 for grade in grades.values())
    }
    found = pytrec_eval.RelevanceEvaluator(
        qrels, {"ndcg_cut.10", "recall.10,100", "P.10", "map"}
    ).evaluate(run)
    for name, theirs in TREC_EVAL.items():
        total = sum(values[theirs] for values in found.values())
        assert figures[name].mean == pytest.approx(total / len(qrels), abs=1e-6), name
    ranked = {
        q: sorted(run.get(q, {}), key=run.get(q, {}).__getitem__, reverse=True) for q in qrels
    }
    defined = [all_measures(ranked[query], qrels[query]) for query in qrels]
    for name, figure in figures.items():
        mean = sum(values[name] for values in defined) / len(qrels)
        assert figure.mean == pytest.approx(mean, abs=1e-6), name


def test_the_figures_are_those_of_the_exported_runs(reranker: Reranker, tmp_path: Path) -> None:
    collection, candidates = graded()
    found = evaluate(collection, reranker, candidates=candidates, export=tmp_path / "new" / "runs")
    runs = {file.name: read(file) for file in (tmp_path / "new" / "runs").glob("*.run")}
    assert runs.keys() == {"first-stage.run", "bge-reranker-v2.run"}
    agree(found.first, runs["first-stage.run"], collection)
    agree(found.models[0].figures, runs["bge-reranker-v2.run"], collection)
    result = found.models[0]
    assert found.stopped is None
    assert (found.queries, found.documents, found.candidates) == (11, 32, 30)
    assert result.improved + result.worsened + result.unchanged == 11
    for name, figure in result.figures.items():
        assert figure.gain == pytest.approx(figure.mean - found.first[name].mean)
        assert figure.low <= figure.gain + 1e-9
        assert figure.high >= figure.gain - 1e-9
        assert figure.mean <= found.oracle[name].mean + 1e-9
    assert result.depths[-1].ndcg_at_10 == pytest.approx(result.figures["nDCG@10"].mean)


def test_ties_keep_the_first_stages_order(reranker: Reranker, tmp_path: Path) -> None:
    collection, candidates = numbered(1, documents=8)
    documents = {name: f"same {name} 0.5" for name in collection.documents}
    tied = Collection("tied", documents, collection.queries, collection.qrels)
    backwards = {"q0": list(reversed(candidates["q0"]))}
    found = evaluate(tied, reranker, candidates=backwards, export=tmp_path)
    assert list(read(tmp_path / "bge-reranker-v2.run")["q0"]) == backwards["q0"]
    assert found.models[0].unchanged == 1


def test_several_models_and_one_of_them_twice(server: LocalServer, tmp_path: Path) -> None:
    collection, candidates = numbered(4)
    with (
        Reranker(base_url=server.base_url) as one,
        Reranker(base_url=server.base_url, model="rerank-v1") as other,
        Reranker(base_url=server.base_url, long_documents="split") as again,
    ):
        rerankers = [one, other, again]
        found = evaluate(collection, rerankers, candidates=candidates, export=tmp_path)
    assert [result.model for result in found.models] == [each.model for each in rerankers]
    assert {file.name for file in tmp_path.glob("*.run")} == {
        "first-stage.run",
        "bge-reranker-v2.run",
        "rerank-v1.run",
        "bge-reranker-v2-2.run",
    }
    assert list(read(tmp_path / "first-stage.run")["q0"]) == candidates["q0"]


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    exported = Export(tmp_path)
    for name in ("first-stage", "BAAI/bge v2", "first-stage", "../up"):
        exported.write(name, {"q": ["d"]})
    names = {"first-stage.run", "BAAI-bge-v2.run", "first-stage-2.run", "..-up.run"}
    assert {file.name for file in tmp_path.glob("*.run")} == names


def test_the_depths_are_those_of_the_candidates_there_are(reranker: Reranker) -> None:
    collection, candidates = numbered(12)
    found = evaluate(collection, reranker, candidates=candidates, depth=1_000)
    depths = found.models[0].depths
    assert [depth.candidates for depth in depths] == [10, 20, 30]
    assert all(depth.p50_ms is not None for depth in depths)


def test_a_depth_cuts_the_candidates(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(2)
    turned = {query: names[::-1] for query, names in candidates.items()}
    found = evaluate(collection, reranker, candidates=turned, depth=5)
    assert found.candidates == 5
    assert max(len(request.documents) for request in server.requests) == 5


def test_a_threshold_for_a_precision(reranker: Reranker) -> None:
    # The relevant document is always among the last, so the best scores.
    collection, candidates = numbered(3)
    few = evaluate(collection, reranker, candidates=candidates, wanted_precision=0.3).models[0]
    assert (few.threshold_for_precision, few.chosen_threshold) == (None, None)
    last = {query: {"d29": 1} for query in (f"q{number}" for number in range(60))}
    more = Collection("more", collection.documents, {q: f"query {q}" for q in last}, last)
    found = {query: list(collection.documents) for query in last}
    result = evaluate(more, reranker, candidates=found, wanted_precision=0.7).models[0]
    assert result.chosen_threshold is not None
    assert result.threshold_for_precision == result.chosen_threshold.score == 0.029
    assert (result.chosen_threshold.documents, result.chosen_threshold.precision) == (60, 1.0)
    assert 0.029 in [threshold.score for threshold in result.thresholds]


def test_dollars_for_a_thousand_queries(reranker: Reranker, server: LocalServer) -> None:
    collection, candidates = numbered(5)
    result = evaluate(collection, reranker, candidates=candidates).models[0]
    whole = result.depths[-1].dollars_per_1000_queries
    assert whole is not None
    assert result.usage.cost is not None
    assert whole == pytest.approx(result.usage.cost / 5 * 1000, rel=0.15)
    assert result.depths[0].dollars_per_1000_queries == pytest.approx(whole / 3, rel=0.01)
    with Reranker(base_url=server.base_url, model="rerank-v1") as unknown:
        depths = evaluate(collection, unknown, candidates=candidates).models[0].depths
    assert [depth.dollars_per_1000_queries for depth in depths] == [None] * 3
    with Reranker(base_url=server.base_url, model="auto") as auto:
        depths = evaluate(collection, auto, candidates=candidates).models[0].depths
    assert depths[-1].dollars_per_1000_queries == pytest.approx(whole)


def test_bm25_finds_the_candidates_if_none_are_given(reranker: Reranker) -> None:
    collection, _ = numbered(3)
    queries = dict.fromkeys(collection.queries, "text")
    found = evaluate(
        Collection("own", collection.documents, queries, {q: {"d3": 1} for q in queries}),
        reranker,
        depth=10,
    )
    assert (found.first_stage, found.candidates) == ("BM25", 10)


async def test_in_a_running_event_loop(reranker: Reranker) -> None:
    assert asyncio.get_running_loop()
    collection, candidates = numbered(2)
    found = evaluate(collection, reranker, candidates=candidates, at_once=2)
    assert found.models[0].improved == 2


def test_a_partial_result_is_compared_on_its_own_queries(server: LocalServer) -> None:
    collection, candidates = numbered(10)
    prices = {"bge-reranker-v2": 5_000.0}
    with Reranker(base_url=server.base_url, prices=prices) as reranker:
        whole = evaluate(collection, reranker, candidates=candidates)
        some = evaluate(
            collection,
            reranker,
            candidates=candidates,
            max_cost=(whole.models[0].usage.cost or 0) / 2,
        )
    assert some.stopped is not None
    (result,) = some.models
    done = result.improved + result.worsened + result.unchanged
    assert 0 < done < 10
    part = {query: candidates[query] for query in list(candidates)[:done]}
    qrels = {query: collection.qrels[query] for query in part}
    sub = Collection("part", collection.documents, {q: collection.queries[q] for q in part}, qrels)
    with Reranker(base_url=server.base_url) as reranker:
        alone = evaluate(sub, reranker, candidates=part)
    assert result.figures == alone.models[0].figures
    # Nor is it set beside the first stage's and the oracle's figures of other queries.
    assert (some.first, some.oracle, some.queries) == (alone.first, alone.oracle, done)


PRICES = {"bge-reranker-v2": 5_000.0, "jina-reranker": 5_000.0}


def test_all_figures_are_of_the_queries_that_all_models_have_done(server: LocalServer) -> None:
    collection, candidates = numbered(10)
    # What the second model does not get to is what the first stage does best.
    found = {query: list(reversed(ids)) for query, ids in candidates.items()}
    candidates = {**candidates, **{query: found[query] for query in list(found)[5:]}}
    with (
        Reranker(base_url=server.base_url, prices=PRICES) as bge,
        Reranker(base_url=server.base_url, prices=PRICES, model="jina-reranker") as jina,
    ):
        whole = evaluate(collection, bge, candidates=candidates).models[0].usage.cost
        assert whole is not None
        some = evaluate(collection, [bge, jina], candidates=candidates, max_cost=1.55 * whole)
    assert some.stopped is not None
    assert some.stopped.startswith("jina-reranker after ")
    assert 0 < some.queries < 10
    assert len(some.models) == 2
    for result in some.models:
        assert result.improved + result.worsened + result.unchanged == some.queries
        for name, figure in result.figures.items():
            assert figure.gain == pytest.approx(figure.mean - some.first[name].mean), name
            assert figure.mean <= some.oracle[name].mean + 1e-9, name


def test_models_that_have_no_query_in_common(server: LocalServer) -> None:
    collection, candidates = numbered(4)
    texts = list(collection.documents.values())
    with (
        Reranker(base_url=server.base_url, cache=MemoryCache()) as bge,
        Reranker(base_url=server.base_url, model="jina-reranker", cache=MemoryCache()) as jina,
    ):
        bge.rerank(collection.queries["q0"], texts)
        jina.rerank(collection.queries["q3"], texts)
        some = evaluate(collection, [bge, jina], candidates=candidates, max_cost=0)
    assert [result.model for result in some.models] == ["bge-reranker-v2"]
    assert (some.queries, some.first["MRR@10"].gain) == (1, 0)
    assert some.stopped is not None
    assert "jina-reranker has done none of the queries" in some.stopped


def test_published_figures_are_not_set_beside_another_models(server: LocalServer) -> None:
    collection, candidates = numbered(1)
    with Reranker(base_url=server.base_url) as reranker:
        (other,) = evaluate(collection, reranker, candidates=candidates).models
    assert (other.answered_by, other.published) == ("last-number", {})

    class Named(LastNumber):
        name = "bge-reranker-v2"

    with LocalServer(scorer=Named()) as same, Reranker(base_url=same.base_url) as reranker:
        (own,) = evaluate(collection, reranker, candidates=candidates).models
    assert own.published["nDCG@10"] > 0


def test_how_many_calls_the_latencies_are_of(reranker: Reranker) -> None:
    collection, candidates = numbered(21, documents=8)
    (depth,) = evaluate(collection, reranker, candidates=candidates).models[0].depths
    assert depth.calls == 20
    assert depth.p95_ms is not None
    collection, candidates = numbered(20, documents=8)
    (depth,) = evaluate(collection, reranker, candidates=candidates).models[0].depths
    assert (depth.calls, depth.p95_ms) == (19, None)
    assert depth.p50_ms is not None


def test_what_stands_behind_the_figures(reranker: Reranker) -> None:
    collection, candidates = numbered(4, documents=12)
    long = "word " * 600 + "0.5"
    documents = {**collection.documents, "d1": long, "d2": long + " "}
    qrels = {query: {"d11": 1} for query in collection.queries} | {"q3": {"d5": 0, "d11": 1}}
    found = evaluate(
        Collection("long", documents, collection.queries, qrels),
        reranker,
        candidates={**candidates, "q0": ["d1", "d2"]},
    )
    (result,) = found.models
    assert (result.pairs, result.truncated, result.warm_up_calls) == (38, 8, 1)
    assert found.without_relevant == 1
    assert found.judged_at_10 == pytest.approx(1 / 40)
    assert result.judged_at_10 == pytest.approx(4 / 40)
    with Reranker(base_url=reranker.base_url, model="rerank-v1") as unknown:
        (result,) = evaluate(collection, unknown, candidates=candidates).models
    assert (result.pairs, result.truncated) == (48, None)


def test_any_measure_next_to_the_default_ones(reranker: Reranker) -> None:
    collection, candidates = graded()
    names = ("nDCG@5", "RR@10", "ERR@20", "AP(rel=2)@20")
    found = evaluate(collection, reranker, candidates=candidates, measures=names)
    plain = evaluate(collection, reranker, candidates=candidates)
    # RR@10 is MRR@10 by another name.
    assert list(found.first) == [*plain.first, "nDCG@5", "ERR@20", "AP(rel=2)@20"]
    for name, figure in plain.first.items():
        assert found.first[name] == figure
    graded_by = {q: dict(g) for q, g in collection.qrels.items() if any(g.values())}
    run = {q: {d: -float(place) for place, d in enumerate(candidates[q])} for q in graded_by}
    (theirs,) = pytrec_eval_means(graded_by, run, "ndcg_cut.5")
    assert found.first["nDCG@5"].mean == pytest.approx(theirs, abs=1e-6)


def pytrec_eval_means(
    qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]], *names: str
) -> list[float]:
    values = pytrec_eval.RelevanceEvaluator(qrels, set(names)).evaluate(run)
    return [
        sum(each[name.replace(".", "_")] for each in values.values()) / len(qrels) for name in names
    ]


def test_a_higher_relevance_level(reranker: Reranker) -> None:
    collection, candidates = graded()
    found = evaluate(collection, reranker, candidates=candidates, relevance_level=2)
    # q1 and q2 only have a document with a grade of 2 or more.
    assert (found.queries, found.relevance_level) == (2, 2)
    of_two = {q: dict(collection.qrels[q]) for q in ("q1", "q2")}
    run = {q: {d: -float(place) for place, d in enumerate(candidates[q])} for q in of_two}
    values = pytrec_eval.RelevanceEvaluator(
        of_two, {"map", "P.10", "ndcg_cut.10"}, relevance_level=2
    ).evaluate(run)
    for name, theirs in (("MAP", "map"), ("P@10", "P_10"), ("nDCG@10", "ndcg_cut_10")):
        mean = sum(each[theirs] for each in values.values()) / 2
        assert found.first[name].mean == pytest.approx(mean, abs=1e-6), name


def test_dollars_at_the_services_prices(server: LocalServer) -> None:
    collection, candidates = numbered(3)
    free = {"bge-reranker-v2": 0.0}
    with Reranker(base_url=server.base_url, prices=free) as reranker:
        found = evaluate(collection, reranker, candidates=candidates, at_service_prices=True)
        paid = evaluate(collection, reranker, candidates=candidates)
    assert found.models[0].usage.cost == 0
    assert [depth.dollars_per_1000_queries for depth in paid.models[0].depths] == [0.0] * 3
    assert all(depth.dollars_per_1000_queries for depth in found.models[0].depths)
    assert (found.at_service_prices, paid.at_service_prices) == (True, False)


BAD: dict[str, tuple[dict[str, object], str]] = {
    "depth": ({"depth": 0}, "depth: give a whole number from 1 on, not 0"),
    "half a document": ({"depth": 2.5}, "depth: give a whole number from 1 on, not 2.5"),
    "a depth in words": ({"depth": "5"}, "depth: give a whole number from 1 on, not '5'"),
    "at_once": ({"at_once": 0}, "at_once: give a whole number"),
    "precision": ({"wanted_precision": 1.5}, "wanted_precision: give 0 to 1"),
    "cost": ({"max_cost": -1}, "max_cost: give dollars"),
    "measure": ({"measures": ["nDGC@5"]}, "no measure 'nDGC@5'; did you mean nDCG@5?"),
    "in small letters": ({"measures": ["ndcg@20"]}, "did you mean nDCG@20?"),
    "trec_eval's name": ({"measures": ["ndcg_cut_20"]}, "did you mean nDCG@20?"),
    "pytrec_eval's name": ({"measures": ["recall.20"]}, "did you mean Recall@20?"),
    "ranx's name": ({"measures": ["hits@3"]}, "did you mean Success@3?"),
    "several in one": ({"measures": ["nDCG@5,MAP"]}, "no measure 'nDCG@5,MAP'"),
    "no measure at all": ({"measures": ["quality"]}, "no measure 'quality'. Its names"),
    "not installed": (
        {"measures": ["alpha_nDCG@10"]},
        r"'alpha_nDCG@10' cannot be.* pyndeval \(pip install",
    ),
    "without a parameter": ({"measures": ["INSQ"]}, "'INSQ' cannot be computed .*needs max_rel"),
    "without a cutoff": ({"measures": ["Success"]}, r"'Success' .* \(it needs cutoff\)"),
    # trec_eval ends the whole process.
    **{
        name: ({"measures": [name]}, "the cutoff is 0")
        for name in ("P@0", "nDCG@0", "Recall@0", "AP@0", "Success@0", "RR@0", "Judged@0")
    },
    "relevance of a measure": ({"measures": ["P(rel=0)@5"]}, "cannot be computed .*positive"),
    "number beyond all": ({"measures": ["P@9223372036854775808"]}, "cannot be computed"),
    "division by zero": ({"measures": ["Accuracy@1"]}, "cannot be computed .*division by zero"),
    "level": ({"relevance_level": 0}, "relevance_level: give a whole number"),
    "half a level": ({"relevance_level": 1.5}, "relevance_level: give a whole number"),
    "precision in words": ({"wanted_precision": "0.8"}, "wanted_precision: give 0 to 1, not"),
    "cost in words": ({"max_cost": "$2"}, "max_cost: give dollars, 0 or more, not"),
    "one measure": ({"measures": "nDCG@5"}, r"measures: give a list of names, \['nDCG@5'\]"),
    "identical": ({"identical": "no"}, "identical: give one of drop, keep, drop_ids, not 'no'"),
    "level too high": ({"relevance_level": 2}, "no grade is as high as 2; the highest is 1"),
    "not a number": ({"max_cost": float("nan")}, "max_cost: give dollars"),
    "twice": ({"candidates": {"q0": ["d1", "d1"]}}, "query 'q0' has the document 'd1' twice"),
    "unknown": ({"candidates": {"q0": ["d1", "d99"]}}, "'d99', which is not in"),
    "none": ({"candidates": {}}, "there are none for any query"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_said_before_anything_is_asked(
    server: LocalServer, reranker: Reranker, case: str
) -> None:
    collection, candidates = numbered(2)
    arguments, message = BAD[case]
    with pytest.raises(ConfigurationError, match=message):
        evaluate(collection, reranker, **{"candidates": candidates, **arguments})  # type: ignore[arg-type]
    assert server.requests == []


def test_grades_that_a_measure_does_not_take_are_said_before_anything_is_asked(
    server: LocalServer, reranker: Reranker
) -> None:
    collection, candidates = numbered(2)
    high = Collection(
        "h", collection.documents, collection.queries, {**collection.qrels, "q0": {"d1": 9}}
    )
    with pytest.raises(ConfigurationError, match="'ERR@20' cannot be computed"):
        evaluate(high, reranker, candidates=candidates, measures=["ERR@20"])
    assert server.requests == []


def test_collections_that_can_not_be_measured(server: LocalServer, reranker: Reranker) -> None:
    collection, candidates = numbered(2)
    documents, queries, qrels = collection.documents, collection.queries, collection.qrels
    for broken, message in (
        (Collection("c", documents, queries, {"q0": qrels["q0"]}), "must be those that qrels"),
        (Collection("c", documents, queries, {"q0": {}, "q1": {"d1": 0}}), "no document is"),
        (Collection("c", documents, queries, {**qrels, "q1": {"d1": 1_000_001}}), "1,000,000"),
        (Collection("c", documents, {**queries, "q1": " "}, qrels), "text of query 'q1' is blank"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            evaluate(broken, reranker, candidates=candidates)
    with pytest.raises(ConfigurationError, match="rerankers: give at least one"):
        evaluate(collection, [], candidates=candidates)
    wrong: list[tuple[Any, str]] = [
        ("bge", "rerankers: give a list, not str"),
        (None, "rerankers: give a list, not NoneType"),
        (Reranker, "rerankers: give a list, not the class Reranker"),
        (["bge"], "rerankers: give instances of Reranker, not str"),
        ([Reranker], "rerankers: give instances of Reranker, not the class Reranker"),
    ]
    for given, message in wrong:
        with pytest.raises(ConfigurationError, match=message):
            evaluate(collection, given, candidates=candidates)
    with pytest.raises(ConfigurationError, match=r"such as read_collection\('scifact'\)"):
        evaluate("scifact", reranker)  # type: ignore[arg-type]
    with (
        Reranker(base_url=server.base_url, on_error="passthrough") as passing,
        pytest.raises(ConfigurationError, match="on_error"),
    ):
        evaluate(collection, [reranker, passing], candidates=candidates)
    assert server.requests == []


QUESTIONS = [("Which text ends with 9?", ["d9"]), ("Which with 7?", {"d7": 2, "d8": 1})]


def improved(found: Evaluation) -> None:
    assert found.queries == 2
    assert found.first["MRR@10"].mean < found.models[0].figures["MRR@10"].mean
    assert found.models[0].figures["MRR@10"].mean == pytest.approx((1 + 1 / 2) / 2)


def test_with_a_langchain_retriever(reranker: Reranker) -> None:
    core = pytest.importorskip("langchain_core")
    assert core
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    class All(BaseRetriever):
        def _get_relevant_documents(
            self, query: str, *, run_manager: CallbackManagerForRetrieverRun
        ) -> list[Document]:
            return [Document(id=f"d{n}", page_content=f"text 0.{n}") for n in range(10)]

    collection, candidates = collection_from_retriever(All(), QUESTIONS)
    improved(evaluate(collection, reranker, candidates=candidates))


def test_with_a_llama_index_retriever(reranker: Reranker) -> None:
    pytest.importorskip("llama_index.core")
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    class All(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            nodes = [TextNode(id_=f"d{n}", text=f"text 0.{n}") for n in range(10)]
            return [NodeWithScore(node=node, score=1.0) for node in nodes]

    collection, candidates = collection_from_retriever(All(), QUESTIONS)
    improved(evaluate(collection, reranker, candidates=candidates))
