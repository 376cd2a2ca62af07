"""Collections in BEIR's layout, BM25's candidates, and nDCG@10 from its definition."""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bm25s

FOLDER = Path(__file__).parents[3] / "shared" / "data"


@dataclass(frozen=True)
class Collection:
    """Texts by document id, queries by query id, and the relevant documents' grades."""

    documents: dict[str, str]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


def read_collection(archive: Path) -> Collection:
    """Reads `NAME.tar.gz` without unpacking it; keeps the queries that were judged."""
    name = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as tar:

        def lines(file: str) -> list[str]:
            member = tar.extractfile(f"{name}/{file}")
            assert member is not None
            return member.read().decode().splitlines()

        entries = map(json.loads, lines("corpus.jsonl"))
        documents = {e["_id"]: f"{e['title']} {e['text']}".strip() for e in entries}
        queries = {e["_id"]: e["text"] for e in map(json.loads, lines("queries.jsonl"))}
        relevant: dict[str, dict[str, int]] = {}
        for line in lines("qrels.tsv")[1:]:
            query, document, grade = line.split("\t")
            relevant.setdefault(query, {})[document] = int(grade)
    return Collection(documents, {query: queries[query] for query in relevant}, relevant)


@cache
def _stem() -> Callable[[str], str]:
    from nltk.stem.snowball import SnowballStemmer  # not for all who collect: it brings scipy

    return cache(SnowballStemmer("english").stem)


def first_stage(collection: Collection, candidates: int = 100) -> dict[str, list[str]]:
    """BM25's candidates for each query, best first."""
    stem = _stem()

    def tokens(texts: Iterable[str]) -> object:
        return bm25s.tokenize(
            list(texts),
            stopwords="en",
            stemmer=lambda words: [stem(word) for word in words],
            show_progress=False,
        )

    index = bm25s.BM25(k1=1.2, b=0.75)
    index.index(tokens(collection.documents.values()), show_progress=False)
    found, _ = index.retrieve(
        tokens(collection.queries.values()), k=candidates, show_progress=False
    )
    ids = list(collection.documents)
    return {
        query: [ids[position] for position in row]
        for query, row in zip(collection.queries, found, strict=True)
    }


def ndcg_at_10(ranked: Sequence[str], grades: dict[str, int]) -> float:
    """Normalised discounted cumulative gain of the first ten (Järvelin and Kekäläinen, 2002)."""

    def gain(values: Iterable[int]) -> float:
        return sum(value / math.log2(rank + 2) for rank, value in enumerate(values))

    ideal = sorted(grades.values(), reverse=True)[:10]
    return gain(grades.get(document, 0) for document in ranked[:10]) / gain(ideal)
