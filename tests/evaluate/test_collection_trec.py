"""Qrels and runs as TREC's and BEIR's tools write them, and what is refused in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytrec_eval

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate.data.collection import Collection
from assisters_rerank.evaluate.data.qrels import read_qrels
from assisters_rerank.evaluate.data.trec import read_run, write_run

WINGS = Collection(
    "wings",
    {"d1": "lift", "d2": "drag", "d3": "heat"},
    {"q1": "lift?", "q2": "heat?"},
    {"q1": {"d1": 1}, "q2": {"d3": 1}},
)


def written(at: Path, text: str) -> Path:
    file = at / "file"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        "query-id\tcorpus-id\tscore\nq1\td 1\t2\nq1\td2\t0\n",
        "q1\td 1\t2\nq1\td2\t0\n",
        "q1\t0\td 1\t2.0\nq1\t0\td2\t-2\n",  # TREC's junk is not relevant
        "q1\td 1\t2\nq1\td2\t0\nq1\td 1\t2\n",  # said twice, and the same
    ],
)
def test_qrels(tmp_path: Path, text: str) -> None:
    assert read_qrels(written(tmp_path, text)) == {"q1": {"d 1": 2, "d2": 0}}


def test_qrels_with_blanks_between_columns(tmp_path: Path) -> None:
    assert read_qrels(written(tmp_path, "q1 0  d1\t1\nq2 Q0 d2 3\n")) == {
        "q1": {"d1": 1},
        "q2": {"d2": 3},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "q1\td1\t1\nq1\td2\n",
            "line 2: 2 columns, but 3 before.",
        ),
        (
            "q1\td1\tyes\n",
            "line 1: the grade is 'yes'; it must be a number. "
            "If this is a heading, name its columns with --field.",
        ),
        (
            "q1 0 a d1 1\n",
            "line 1: 5 columns without a heading that is known; there must be 2 "
            "(query_id, document_id) or 3 (query_id, document_id, grade) or 4 (query_id, any, "
            "document_id, grade), or a heading.",
        ),
        (
            "query_id,pid,note,grade\nq1,d1,x,1\n\nq1,d2\n",
            "line 4: 2 columns, but the heading has 4.",
        ),
        (
            "q1\td1\tnan\n",
            "line 1: the grade is 'nan'; it must be a number. "
            "If this is a heading, name its columns with --field.",
        ),
        (
            "q1\td1\t1\nq\tc\tscore\n",
            "line 2: the grade is 'score'; it must be a number. "
            "If this is a heading, name its columns with --field.",
        ),
        ("q1\t\t1\n", "line 1: an empty id."),
        ("q1\td1\t1\n\nq1\td1\t2\n", "line 3: query 'q1', document 'd1': grade 2, but 1 above."),
    ],
)
def test_bad_qrels(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_qrels(file)
    assert str(caught.value) == f"{file}, {message}"


def test_qrels_with_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"file: no grade is above 0, so there is nothing"):
        read_qrels(written(tmp_path, "q1\td1\t0\n"))
    with pytest.raises(ConfigurationError, match=r"none cannot be read: No such file"):
        read_qrels(tmp_path / "none")


RUN = (
    "q2 Q0 d3 2 1.5 bm25\n"
    "q2 Q0 d1 1 1.5 bm25\n"  # the same score: by rank
    "q2 Q0 d2 3 2e1 bm25\n"  # a score decides over the rank
    "q7 Q0 d3 1 1 bm25\n"
)


def test_run(tmp_path: Path) -> None:
    file = written(tmp_path, RUN)
    assert read_run(file) == {"q2": ["d2", "d1", "d3"], "q7": ["d3"]}
    assert read_run(file, depth=2) == {"q2": ["d2", "d1"], "q7": ["d3"]}


def test_run_about_a_collection(tmp_path: Path) -> None:
    """All judged queries and no others, in the collection's order."""
    run = read_run(written(tmp_path, RUN), WINGS)
    assert list(run.items()) == [("q1", []), ("q2", ["d2", "d1", "d3"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "q1\td1\n",
            ", line 1: 2 columns without a heading that is known; there must be 3 to 7, as in "
            "query-id Q0 document-id rank score tag, or a heading.",
        ),
        (
            "q1 x d1 1 1 t\n",
            ", line 1: 6 columns, the second of which is no Q0; TREC's are query-id Q0 document-id "
            "rank score tag.",
        ),
        ("q1 Q0 d1 1 x t\n", ", line 1: rank and score must be numbers, and not '1' and 'x'."),
        ("q1 Q0 d1 a 1 t\n", ", line 1: rank and score must be numbers, and not 'a' and '1'."),
        ("q1 Q0 d1 1 nan t\n", ", line 1: the score is 'nan'; it must be a number."),
        (
            RUN + "q2 Q0 d1 4 0 t\n",
            ", line 5: document 'd1' is there a second time for query 'q2'.",
        ),
        ("q1 Q0 d9 1 1 t\n", ", line 1: document 'd9' does not exist in wings's corpus."),
        (
            "q7 Q0 d1 1 1 t\n",
            ": none of its queries is judged: they look like 'q7', those of wings like 'q1'; "
            "give the run of these.",
        ),
        ("\n", ": there is nothing in it."),
    ],
)
def test_bad_run(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_run(file, WINGS)
    assert str(caught.value) == f"{file}{message}"


def test_run_and_depth(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="depth: give at least 1, not"):
        read_run(written(tmp_path, RUN), depth=0)


def test_written_runs_keep_their_order(tmp_path: Path) -> None:
    """For us, and for trec_eval, which breaks ties by document id."""
    candidates = {"q1": ["d1", "d3", "d2"], "q2": ["d2"], "q3": []}
    file = tmp_path / "run"
    write_run(file, candidates, "mine")
    assert file.read_text() == (
        "q1 Q0 d1 1 3 mine\nq1 Q0 d3 2 2 mine\nq1 Q0 d2 3 1 mine\nq2 Q0 d2 1 1 mine\n"
    )
    assert read_run(file) == {"q1": ["d1", "d3", "d2"], "q2": ["d2"]}
    with file.open() as stream:
        run = pytrec_eval.parse_run(stream)
    judge = pytrec_eval.RelevanceEvaluator({"q1": {"d3": 1}}, {"recip_rank"})
    assert judge.evaluate(run)["q1"]["recip_rank"] == 0.5


@pytest.mark.parametrize(
    ("candidates", "tag"),
    [({"q 1": ["d1"]}, "t"), ({"q1": ["d\t1"]}, "t"), ({"q1": ["d1"]}, ""), ({"q1": [" d"]}, "t")],
)
def test_runs_that_the_format_cannot_hold(
    tmp_path: Path, candidates: dict[str, list[str]], tag: str
) -> None:
    with pytest.raises(ConfigurationError, match="cannot stand in a TREC run"):
        write_run(tmp_path / "run", candidates, tag)
    assert not (tmp_path / "run").exists()


def test_a_run_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"run cannot be written: No such file"):
        write_run(tmp_path / "none" / "run", {"q1": ["d1"]}, "t")
