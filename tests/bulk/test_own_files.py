"""The files of a run: no source is written over, no link replaced, nothing is paid for in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisters_rerank import ConfigurationError, Reranker
from assisters_rerank.bulk import BulkStopped, rerank_file

from .conftest import QUERIES, entries, write
from .standin import Standin


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.errors.jsonl"])
def test_no_file_of_a_run_is_its_source(
    reranker: Reranker, standin: Standin, tmp_path: Path, name: str
) -> None:
    source = write(tmp_path / name, entries(3))
    (tmp_path / "link.jsonl").symlink_to(source)
    before = source.read_bytes()
    for given in (source, tmp_path / "link.jsonl"):
        with pytest.raises(ConfigurationError, match="would write over its source"):
            rerank_file(given, tmp_path / "out.jsonl", reranker)
    assert source.read_bytes() == before
    assert not standin.seen


def test_a_target_never_becomes_a_part_of_its_source(
    reranker: Reranker, standin: Standin, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "queries"
    folder.mkdir()
    table = pa.table({"query_id": ["a"], "query": ["b"], "documents": [["c"]]})
    pq.write_table(table, folder / "1.parquet")
    with pytest.raises(ConfigurationError, match="would belong to the source"):
        rerank_file(folder, folder / "out.parquet", reranker)
    assert rerank_file(folder, folder / "out.jsonl", reranker).queries == 1


def test_a_link_stays_one(reranker: Reranker, source: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "out.jsonl"
    link.symlink_to(tmp_path / "real" / "out.jsonl")
    report = rerank_file(source, link, reranker)
    assert link.is_symlink()
    assert link.read_bytes().count(b"\n") == QUERIES
    assert report.target == (tmp_path / "real" / "out.jsonl").resolve()


@pytest.mark.parametrize(
    "change", [{"query_id": "a b"}, {"documents": [{"id": "a b", "text": "c"}]}]
)
def test_ids_that_a_run_cannot_hold_are_refused_before_any_request(
    reranker: Reranker, standin: Standin, tmp_path: Path, change: dict[str, object]
) -> None:
    lines = entries(5)
    lines[4] |= change
    source = write(tmp_path / "in.jsonl", lines)
    with pytest.raises(ConfigurationError, match="'a b' cannot stand in a TREC run"):
        rerank_file(source, tmp_path / "out.run", reranker)
    assert not standin.seen
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0


def test_a_document_that_is_there_twice_is_refused_for_a_run(
    reranker: Reranker, standin: Standin, tmp_path: Path
) -> None:
    lines = entries(5)
    lines[4]["doc_ids"] = ["a", "b", "c", "b", "d"]
    source = write(tmp_path / "in.jsonl", lines)
    with pytest.raises(ConfigurationError, match="document 'b' is there a second time for query"):
        rerank_file(source, tmp_path / "out.run", reranker)
    assert not standin.seen
    assert rerank_file(source, tmp_path / "out.jsonl", reranker).failed == 0


@pytest.mark.parametrize("change", [{"query_id": "\ud800"}, {"doc_ids": ["\ud800"] * 5}])
def test_ids_that_no_file_can_hold_are_refused_before_any_request(
    reranker: Reranker, standin: Standin, tmp_path: Path, change: dict[str, object]
) -> None:
    lines = entries(5)
    lines[4] |= change
    source = write(tmp_path / "in.jsonl", lines)
    with pytest.raises(ConfigurationError, match=r"line 5: the id '\\ud800' is no valid Unicode"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert not standin.seen


def test_a_source_that_is_removed_meanwhile_is_noticed(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    standin.on_request = lambda: source.unlink(missing_ok=True)
    with pytest.raises(ConfigurationError, match="changed during the run"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)


def test_a_folder_in_the_place_of_the_failures_is_named(
    standin: Standin, reranker: Reranker, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.jsonl.errors.jsonl").mkdir()
    with pytest.raises(BulkStopped, match=r"errors\.jsonl cannot be removed"):
        rerank_file(source, tmp_path / "out.jsonl", reranker)
    assert not standin.seen
