"""What is read and written: every format gives the same queries, and names what is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.bulk import rerank_file
from assisters_rerank.bulk.query_rows import Row
from assisters_rerank.bulk.source import opened
from assisters_rerank.evaluate.data.trec import read_run

from .conftest import no_utf8, write
from .standin import score

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXTS = {f"d{at}": f"text {at}" for at in range(6)}
ROWS = [
    Row("a", "first query", ["text 0", "text 1", "text 2"], ["d0", "d1", "d2"]),
    Row("b", "second query", ["text 5"], ["d5"]),
    Row("c", "third query", ["text 3", "text 1"], ["d3", "d1"]),
]


def nested(folder: Path) -> Path:
    table = pa.table(
        {
            "query_id": [row.query_id for row in ROWS],
            "query": [row.query for row in ROWS],
            "doc_ids": [row.doc_ids for row in ROWS],
            "documents": [row.documents for row in ROWS],
        }
    )
    pq.write_table(table, folder / "in.parquet")
    return folder / "in.parquet"


def in_parts(folder: Path) -> Path:
    table = pq.read_table(nested(folder))
    (folder / "parts").mkdir()
    (folder / "in.parquet").unlink()
    for part in range(3):
        pq.write_table(table.slice(part, 1), folder / "parts" / f"part-{part}.parquet")
    (folder / "parts" / "_SUCCESS").touch()
    return folder / "parts"


def long(folder: Path) -> Path:
    pairs = [(row, at) for row in ROWS for at in range(len(row.documents))]
    table = pa.table(
        {
            "query_id": [row.query_id for row, _ in pairs],
            "query": [row.query for row, _ in pairs],
            "doc_id": [row.doc_ids[at] for row, at in pairs],
            "document": [row.documents[at] for row, at in pairs],
        }
    )
    pq.write_table(table, folder / "in.parquet", row_group_size=2)
    return folder / "in.parquet"


def jsonl(folder: Path) -> Path:
    return write(
        folder / "in.jsonl",
        [
            {
                "query_id": row.query_id,
                "query": row.query,
                "documents": [
                    {"id": name, "text": text}
                    for name, text in zip(row.doc_ids, row.documents, strict=True)
                ],
            }
            for row in ROWS
        ],
    )


def run(folder: Path) -> Path:
    (folder / "beir").mkdir()
    corpus = [{"_id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    write(folder / "beir" / "corpus.jsonl", corpus)  # type: ignore[arg-type]
    queries = [{"_id": row.query_id, "text": row.query} for row in ROWS]
    write(folder / "beir" / "queries.jsonl", queries)  # type: ignore[arg-type]
    # Lines of a query may stand in any order.
    lines = [
        f"{row.query_id} Q0 {name} {rank} {9 - rank} bm25\n"
        for row in ROWS
        for rank, name in reversed(list(enumerate(row.doc_ids, 1)))
    ]
    (folder / "in.run").write_text("".join(lines))
    return folder / "in.run"


@pytest.mark.parametrize("make", [nested, in_parts, long, jsonl, run])
def test_every_format_gives_the_same_rows(make: Any, tmp_path: Path) -> None:
    path = make(tmp_path)
    source = opened(path, tmp_path / "beir" if make is run else None)
    assert [(*row[:2], list(row[2]), list(row[3])) for row in source.rows()] == [
        tuple(row) for row in ROWS
    ]
    assert list(source.query_ids()) == ["a", "b", "c"]
    assert len({row.digest() for row in source.rows()}) == 3


@pytest.mark.parametrize("name", ["id", "_id", "doc_id", "docid", "pid"])
def test_a_documents_id_is_read_by_any_of_its_names(name: str, tmp_path: Path) -> None:
    line: dict[str, object] = {"query": "x", "documents": [{name: "d7", "text": "a"}]}
    (row,) = opened(write(tmp_path / "in.jsonl", [line]), None).rows()
    assert row.doc_ids == ["d7"]


def test_without_ids_the_places_count(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"query": "x", "documents": ["a", "b"]},
        {"query_id": 7, "query": "y", "documents": [{"text": "c"}], "doc_ids": [12]},
    ]
    rows = list(opened(write(tmp_path / "in.jsonl", lines), None).rows())
    assert [(row.query_id, row.doc_ids) for row in rows] == [("0", ["0", "1"]), ("7", ["12"])]
    table = pa.table({"query": ["x", "x", "y"], "document": ["a", "b", "c"]})
    pq.write_table(table, tmp_path / "in.parquet")
    found = opened(tmp_path / "in.parquet", None)
    assert [(row.query_id, row.doc_ids) for row in found.rows()] == [
        ("0", ["0", "1"]),
        ("1", ["0"]),
    ]
    assert list(found.query_ids()) == ["0", "1"]


def test_what_differs_has_another_digest() -> None:
    rows = [
        Row("a", "q", ["x", "y"], ["1", "2"]),
        Row("a", "q ", ["x", "y"], ["1", "2"]),
        Row("a", "q", ["y", "x"], ["1", "2"]),
        Row("a", "q", ["x", "y"], ["2", "1"]),
        Row("a", "q", ["xy", ""], ["1", "2"]),
        Row("a", "q", ["x", "y", "1"], ["2"]),
        Row("a", "q\ud800", ["x", "y"], ["1", "2"]),
    ]
    assert len({row.digest() for row in rows}) == len(rows)
    assert rows[0].digest() == Row("b", "q", ["x", "y"], ["1", "2"]).digest()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "in.jsonl, line 1: malformed JSON"),
        ("[]", "not a JSON object"),
        ('{"documents": []}', "the query must be a string"),
        ('{"query": "x"}', "the documents must be a list"),
        ('{"query": "x", "documents": [1]}', "every document must have a string"),
        ('{"query": "x", "documents": ["a"], "doc_ids": []}', "as many document ids"),
        ('{"query": "x", "query_id": 1.5, "documents": []}', "an id must be a string"),
        ('{"query": "x", "documents": [{"id": null, "text": "a"}]}', "an id must be a string"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(text + "\n")
    with pytest.raises(ConfigurationError, match=problem):
        list(opened(tmp_path / "in.jsonl", None).rows())


def test_parquet_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "in.parquet"
    for table, problem in (
        (pa.table({"query": ["x"], "texts": [["a"]]}), "the column document is missing"),
        (pa.table({"query": ["x"], "documents": [["a"]]}), "the column query_id is missing"),
    ):
        pq.write_table(table, file)
        with pytest.raises(ConfigurationError, match=problem):
            opened(file, None)
    table = pa.table({"query_id": ["a", None], "query": ["x", "y"], "documents": [["a"], ["b"]]})
    pq.write_table(table, file)
    with pytest.raises(ConfigurationError, match=r"in\.parquet, row 1: an id must be"):
        list(opened(file, None).query_ids())
    file.write_text("no parquet")
    with pytest.raises(ConfigurationError, match="cannot be read as parquet"):
        opened(file, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"there is no \.parquet file"):
        opened(tmp_path / "empty", None)


def test_a_run_is_checked_against_its_collection(tmp_path: Path) -> None:
    path = run(tmp_path)
    for line, problem in (
        ("x Q0 d0 1 1 bm25\n", "query 'x' does not exist"),
        ("a Q0 d9 1 1 bm25\n", "document 'd9' does not exist"),
        ("a Q0 d9 1\n", "line 1: 4 columns"),
    ):
        path.write_text(line)
        with pytest.raises(ConfigurationError, match=problem):
            list(opened(path, tmp_path / "beir").query_ids())
    with pytest.raises(ConfigurationError, match="a run has no texts"):
        opened(path, None)
    with pytest.raises(ConfigurationError, match=r"corpus\.jsonl is missing"):
        opened(path, tmp_path)


def test_parquet_has_a_row_for_each_pair(reranker: Reranker, source: Path, tmp_path: Path) -> None:
    rerank_file(source, tmp_path / "out.parquet", reranker)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.names == ["query_id", "doc_id", "rank", "score", "model"]
    rows = found.to_pylist()
    assert len(rows) == 200
    assert [row["rank"] for row in rows[:6]] == [1, 2, 3, 4, 5, 1]
    query, at = rows[7]["doc_id"][1:].split("-")
    assert rows[7]["score"] == score(f"query {query}", f"text {query} {at}")


def test_a_run_is_read_by_others_in_its_order(
    reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    rerank_file(source, tmp_path / "out.run", reranker)
    rerank_file(source, tmp_path / "out.jsonl", reranker)
    lines = list(map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines()))
    written = [float(line.split()[4]) for line in (tmp_path / "out.run").read_text().splitlines()]
    scores = [result["score"] for line in lines for result in line["results"]]
    assert written == pytest.approx(scores, abs=1e-6)  # an equal one is lowered by the least step
    assert read_run(tmp_path / "out.run") == {
        line["query_id"]: [result["doc_id"] for result in line["results"]] for line in lines
    }


@pytest.mark.parametrize("column", ["query_id", "query", "documents", "doc_ids"])
def test_parquet_that_is_no_utf8_is_named(column: str, tmp_path: Path) -> None:
    lists = [["a"], ["b"]]
    table: dict[str, Any] = {"query_id": ["x", "y"], "query": ["x", "y"], "documents": lists}
    table[column] = no_utf8(in_lists=column.startswith("doc"))
    pq.write_table(pa.table(table), tmp_path / "in.parquet")
    with pytest.raises(ConfigurationError, match=r"row 0: the \w+ cannot be read: it is no UTF-8"):
        list(opened(tmp_path / "in.parquet", None).rows())


@pytest.mark.parametrize("column", ["query_id", "query", "document", "doc_id"])
def test_long_parquet_that_is_no_utf8_is_named(column: str, tmp_path: Path) -> None:
    table = {name: ["x", "x"] for name in ("query_id", "query", "document", "doc_id")}
    pq.write_table(pa.table({**table, column: no_utf8()}), tmp_path / "in.parquet")
    with pytest.raises(ConfigurationError, match="row 0: "):
        list(opened(tmp_path / "in.parquet", None).rows())


def test_a_value_beyond_pythons_is_named(tmp_path: Path) -> None:
    """Python's dates end with the year 9999."""
    late = pa.array([2**60], pa.timestamp("us"))
    pairs = pa.StructArray.from_arrays([pa.array(["a"]), late], ["text", "date"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pairs)
    table = pa.table({"query_id": ["x"], "query": ["x"], "documents": lists})
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(ConfigurationError, match="row 0: the documents cannot be read: "):
        list(opened(tmp_path / "in.parquet", None).rows())


def test_what_engines_write_for_themselves_is_no_source(tmp_path: Path) -> None:
    folder = in_parts(tmp_path)
    rest = pq.read_table(folder / "part-0.parquet")
    for inside in ("_temporary/0", ".checkpoints", "_delta_log"):
        (folder / inside).mkdir(parents=True)
        pq.write_table(rest, folder / inside / "part-7.parquet")
    (folder / "part-9.parquet").mkdir()
    (folder / "_day=3").mkdir()  # of data that is parted by a column
    last = rest.set_column(0, "query_id", pa.array(["z"]))
    pq.write_table(last, folder / "_day=3" / "part-0.parquet")
    assert list(opened(folder, None).query_ids()) == ["z", "a", "b", "c"]


@pytest.mark.parametrize("name", ["qid", "_id", "id"])
def test_a_topic_next_to_an_id_is_none(name: str, tmp_path: Path) -> None:
    rows = [
        {name: f"q{place}", "topic": "sports", "query": "q", "documents": ["a"]}
        for place in range(2)
    ]
    file = write(tmp_path / "in.jsonl", rows)
    assert list(opened(file, None).query_ids()) == ["q0", "q1"]
    alone = write(tmp_path / "topics.jsonl", [{"topic": 7, "query": "q", "documents": ["a"]}])
    assert list(opened(alone, None).query_ids()) == ["7"]


@pytest.mark.parametrize("name", ["query_id", "qid", "topic_id", "_id", "id"])
def test_a_querys_id_is_read_by_any_of_its_names(name: str, tmp_path: Path) -> None:
    line: dict[str, object] = {name: "q7", "query": "x", "documents": ["a"]}
    source = opened(write(tmp_path / "in.jsonl", [line]), None)
    assert list(source.query_ids()) == ["q7"]


@pytest.mark.parametrize("name", ["in.jsonl", "in.parquet", "parts"])
def test_only_a_run_is_about_a_collection(name: str, tmp_path: Path) -> None:
    run(tmp_path)
    {"in.jsonl": jsonl, "in.parquet": nested, "parts": in_parts}[name](tmp_path)
    with pytest.raises(ConfigurationError, match="only a TREC run is about a collection"):
        opened(tmp_path / name, tmp_path / "beir")


def test_a_run_with_a_document_twice_or_no_number_is_refused(tmp_path: Path) -> None:
    path = run(tmp_path)
    for lines, problem in (
        ("a Q0 d1 1 2 x\na Q0 d1 2 1 x\n", "line 2: document 'd1' is there a second time"),
        ("a Q0 d1 1 2 x\na Q0 d2 2 nan x\n", "line 2: the score is nan"),
    ):
        path.write_text(lines)
        with pytest.raises(ConfigurationError, match=problem):
            list(opened(path, tmp_path / "beir").query_ids())


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("corpus", b'{"_id": "d0", "text": "\xff"}\n', "line 1: not UTF-8"),
        ("queries", b'{"_id": "a", "text": "\xff"}\n', "line 1: not UTF-8"),
        ("corpus", gzip.compress(b"{}\n"), "packed by gzip; unpack it"),
        ("corpus", b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        ("corpus", b'{"_id": "d0", "text": "a"}\n' * 2, "line 2: the id 'd0' is there a second"),
        ("queries", b'{"_id": "a", "text": "a"}\n' * 2, "line 2: the id 'a' is there a second"),
    ],
    ids=["bytes", "query-bytes", "gzip", "lfs", "twice", "query-twice"],
)
def test_a_collection_that_cannot_be_used_is_named(
    name: str, data: bytes, problem: str, tmp_path: Path
) -> None:
    path = run(tmp_path)
    (tmp_path / "beir" / f"{name}.jsonl").write_bytes(data)
    with pytest.raises(ConfigurationError, match=problem):
        list(opened(path, tmp_path / "beir").query_ids())
