"""What passages bring into a prompt, next to whole documents: the figures of the docs.

A test that fails names the rows that `docs/long-documents.md` should have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

import pytest
from langchain_core.documents import Document

from assisters_rerank import Document as Text
from assisters_rerank import RankedDocument, Reranker, RerankOptions
from assisters_rerank.call.context import within_context
from assisters_rerank.local import LocalServer
from langchain_assisters import AssistersRerank

from ..pages import DOCS
from . import beir, remembered

WINDOW = 512
PASSAGE = 128
BUDGETS = (500, 1_000, 2_000, 4_000)
PARTS = 8

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("collections"),
    pytest.mark.skipif(not beir.FOLDER.is_dir(), reason=f"needs the collections in {beir.FOLDER}"),
]


@dataclass(frozen=True)
class Compound:
    """Documents that consist of judged ones: where each of these begins and ends in them."""

    documents: dict[str, str]
    parts: dict[str, list[tuple[int, int, str]]]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]

    def grades(self, query: str) -> dict[str, int]:
        """The grade of a document is that of its best part."""
        grades = self.relevant[query]
        best = {
            document: max(grades.get(part, 0) for *_, part in parts)
            for document, parts in self.parts.items()
        }
        return {document: grade for document, grade in best.items() if grade}


def every(collection: beir.Collection, name: str, nth: int, parts: int) -> Compound:
    """Every `nth` query, and the documents put together from `parts` of them each."""
    texts = [(f"{name} {key}", text) for key, text in collection.documents.items() if text.strip()]
    count = -(-len(texts) // parts)
    documents, spans = {}, {}
    for first in range(count):
        whole, places = "", []
        for key, text in texts[first::count]:
            whole += "\n\n" if whole else ""
            places.append((len(whole), len(whole) + len(text), key))
            whole += text
        documents[f"{name} {first}"], spans[f"{name} {first}"] = whole, places
    chosen = list(collection.queries)[::nth]
    queries = {f"{name} {query}": collection.queries[query] for query in chosen}
    relevant = {
        f"{name} {query}": {
            f"{name} {key}": grade for key, grade in collection.relevant[query].items() if grade > 0
        }
        for query in chosen
    }
    relevant = {query: grades for query, grades in relevant.items() if grades}
    return Compound(documents, spans, {query: queries[query] for query in relevant}, relevant)


def together(one: Compound, other: Compound) -> Compound:
    return Compound(
        one.documents | other.documents,
        one.parts | other.parts,
        one.queries | other.queries,
        one.relevant | other.relevant,
    )


def kept(
    documents: Sequence[tuple[str, str]], budget: int
) -> tuple[Iterable[tuple[str, str]], int]:
    """The documents (id, text) that fit, as `max_context_tokens` keeps them, and their tokens."""
    ranked = [
        RankedDocument(place, 1.0, Text(text, text)) for place, (_, text) in enumerate(documents)
    ]
    found, tokens = within_context(RerankOptions(), budget, ranked)
    return [(documents[each.index][0], each.context) for each in found], tokens


def measured(collection: Compound, candidates: int) -> list[str]:
    """The rows of the table."""
    first = beir.first_stage(
        beir.Collection(collection.documents, collection.queries, collection.relevant), candidates
    )
    gains: dict[str, list[float]] = {"whole": [], "split": []}
    names = ("whole", "split", "passages")
    recalls: dict[tuple[str, int], list[float]] = {(n, b): [] for n in names for b in BUDGETS}
    tokens: dict[tuple[str, int], list[int]] = {(n, b): [] for n in names for b in BUDGETS}
    with (
        LocalServer(scorer=remembered.scorer("embedded"), max_tokens=WINDOW) as server,
        Reranker(base_url=server.base_url, timeout=600, long_documents="as_is") as reranker,
        AssistersRerank(
            base_url=server.base_url, timeout=600, long_documents="split",
            max_passage_tokens=PASSAGE, content="passages",
        ) as splitting,
    ):  # fmt: skip
        for query, text in collection.queries.items():
            ids = first[query]
            grades, relevant = collection.grades(query), collection.relevant[query]
            ranking = reranker.rerank(text, [collection.documents[key] for key in ids])
            whole = [ids[each.index] for each in ranking]
            given = [Document(collection.documents[key], id=key) for key in ids]
            passages = splitting.compress_documents(given, text)
            split = [str(each.id) for each in passages]
            gains["whole"].append(beir.ndcg_at_10(whole, grades))
            gains["split"].append(beir.ndcg_at_10(split, grades))
            contexts = {
                "whole": [(key, collection.documents[key]) for key in whole],
                "split": [(key, collection.documents[key]) for key in split],
                "passages": [(str(each.id), each.page_content) for each in passages],
            }
            for name, documents in contexts.items():
                for budget in BUDGETS:
                    fitting, used = kept(documents, budget)
                    held = {
                        part for key, context in fitting for part in _held(collection, key, context)
                    }
                    recalls[name, budget].append(len(held & relevant.keys()) / len(relevant))
                    tokens[name, budget].append(used)
    rows = [f"{mean(gains['whole']):.3f} | {mean(gains['split']):.3f}"]
    for budget in BUDGETS:
        cells = []
        for name in names:
            recall = mean(recalls[name, budget])
            cells.append(f"{recall:.2f} ({recall / mean(tokens[name, budget]) * 1_000:.2f})")
        rows.append(f"{budget:,} | {' | '.join(cells)}")
    return rows


def _held(collection: Compound, document: str, context: str) -> Iterable[str]:
    """The parts of which the context has a piece."""
    start = collection.documents[document].find(context)
    assert start >= 0
    for first, last, part in collection.parts[document]:
        if first < start + len(context) and start < last:
            yield part


def collections() -> dict[str, tuple[Compound, int]]:
    """Each with the number of BM25's candidates."""
    scifact, cranfield = remembered.collection("scifact"), remembered.collection("cranfield")
    return {
        "SciFact": (every(scifact, "scifact", 4, 1), 50),
        "Cranfield": (every(cranfield, "cranfield", 3, 1), 50),
        "long": (
            together(every(scifact, "scifact", 8, PARTS), every(cranfield, "cranfield", 6, PARTS)),
            30,
        ),
    }


@pytest.mark.parametrize("name", ["SciFact", "Cranfield", "long"])
def test_the_figures_of_the_docs(name: str) -> None:
    rows = [f"| {name} | {row} |" for row in measured(*collections()[name])]
    page = (DOCS / "long-documents.md").read_text(encoding="utf-8")
    assert [row for row in rows if row not in page] == []
