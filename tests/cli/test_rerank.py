"""`assisters-rerank rerank` between pipes: what goes in, what comes out."""

from __future__ import annotations

import json
import random
import re
import socket
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .command import run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]


def test_a_pipe_gets_score_tab_text() -> None:
    done = run("rerank", "query", stdin="low 0.25\n\n\thigh\t0.75\nlow 0.25\n")
    assert done.returncode == 0
    assert done.stdout == "0.75\t\thigh\t0.75\n0.25\tlow 0.25\n0.25\tlow 0.25\n"


def test_usage_goes_to_stderr_in_one_line(server: LocalServer) -> None:
    done = run("rerank", "query", "-n", "1", stdin="a 1\nb 0.5\na 1\n")
    assert re.fullmatch(
        r"1 of 3 documents, 1 request, \d+ tokens, \$0\.0+\d+, \d+\.\d s, model last-number\n",
        done.stderr,
    )
    assert [request.documents for request in server.requests] == [("a 1", "b 0.5")]
    assert run("rerank", "query", "--quiet", stdin="a 1\n").stderr == ""


def test_json_keeps_the_fields_and_adds_its_own(folder: Path) -> None:
    (folder / "a.jsonl").write_text(
        '{"id": 7, "text": "x 0.5", "relevance_score": 9, "tags": ["ü"], "line": "mine"}\n'
        '{"text": "two\\nlines 0.75", "rerank_degraded": true}\n'
    )
    (folder / "b.txt").write_text("\nplain 0.6\n")
    done = run("rerank", "query", "a.jsonl", "b.txt", "--json")
    assert done.returncode == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "text": "two\nlines 0.75",
            "relevance_score": 0.75,
            "index": 1,
            "file": "a.jsonl",
            "line": 2,
        },
        {"text": "plain 0.6", "relevance_score": 0.6, "index": 2, "file": "b.txt", "line": 2},
        {
            "id": 7,
            "text": "x 0.5",
            "tags": ["ü"],
            "line": "mine",
            "relevance_score": 0.5,
            "index": 0,
            "file": "a.jsonl",
        },
    ]
    assert "ü" in done.stdout


def test_json_out_is_json_in() -> None:
    """A second pass tells where a document stood at first."""
    first = run("rerank", "query", "--json", stdin="a 0.1\nb 0.2\n").stdout
    second = run("rerank", "query", "--json", stdin=first).stdout
    for line, again in zip(first.splitlines(), second.splitlines(), strict=True):
        assert json.loads(again) == json.loads(line)


def test_half_characters_come_back_as_they_were() -> None:
    line = '{"text": "cut \\ud83d 1"}\n'
    done = run("rerank", "query", "--json", stdin=line)
    assert json.loads(done.stdout)["text"] == "cut \ud83d 1"
    assert run("rerank", "query", stdin=line).stdout == "1.0\tcut ? 1\n"


def test_json_is_ascii_where_the_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("rerank", "query", "--json", stdin="grün 1\n")
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["text"] == "grün 1"


def test_a_text_over_several_lines_stays_on_one_line_of_a_pipe() -> None:
    done = run("rerank", "query", stdin='{"text": "one\\r\\ntwo\\n 1"}\n')
    assert done.stdout == "1.0\tone two  1\n"


@pytest.mark.parametrize("stdin", [b"", b"\n\n"])
def test_no_documents_is_an_error_and_no_request(server: LocalServer, stdin: bytes) -> None:
    for arguments in ((), ("--json",), ("-",)):
        done = run("rerank", "query", *arguments, stdin=stdin)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("assisters-rerank: -: there are no documents")
    assert server.requests == []


def test_nothing_to_score_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSISTERS_BASE_URL")
    assert run("rerank", "query", stdin='{"text": " "}\n').stdout == "0.0\t \n"
    none_wanted = run("rerank", "query", "--top-n", "0", stdin="a\n")
    assert none_wanted.stderr.startswith("0 of 1 document, 0 requests, ")


def test_a_field_of_csv_is_ranked_and_its_fields_come_back(folder: Path) -> None:
    (folder / "in.csv").write_text("id,body\n7,low 0.1\n8,high 0.9\n")
    done = run("rerank", "query", "in.csv", "--text-field", "body", "--json", "-n", "1")
    assert json.loads(done.stdout) == {
        "id": "8",
        "body": "high 0.9",
        "relevance_score": 0.9,
        "index": 1,
        "file": "in.csv",
        "line": 3,
    }


def test_json_out_is_json_where_python_s_was_not() -> None:
    line = '{"text": "a 1", "n": NaN, "m": {"k": [Infinity, 1.5]}}\n'
    done = run("rerank", "query", "--json", stdin=line)
    written = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (written["n"], written["m"]) == (None, {"k": [None, 1.5]})


def test_a_budget_for_the_prompt_ends_the_list_and_cuts_the_best(server: LocalServer) -> None:
    stdin = "Here is a long first sentence. And more of it 1\nother 0.5\n"
    both = run("rerank", "query", "--max-context-tokens=50", stdin=stdin)
    assert len(both.stdout.splitlines()) == 2
    assert re.search(r"2 documents, .* \d+ tokens of context, ", both.stderr)
    cut = run("rerank", "query", "--max-context-tokens=10", stdin=stdin)
    assert cut.stdout == "1.0\tHere is a long first sentence.\n"
    as_json = run("rerank", "query", "--json", "--max-context-tokens=10", stdin=stdin)
    [found] = map(json.loads, as_json.stdout.splitlines())
    assert (found["text"], found["context"]) == (
        "Here is a long first sentence. And more of it 1",
        "Here is a long first sentence.",
    )


def test_the_threshold_and_top_n_cut() -> None:
    stdin = "".join(f"{number / 10}\n" for number in range(10))
    done = run("rerank", "query", "--threshold", "0.3", "--top-n", "4", stdin=stdin)
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == [
        "0.9",
        "0.8",
        "0.7",
        "0.6",
    ]
    done = run("rerank", "query", "--score-threshold", "0.8", stdin=stdin)
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["0.9", "0.8"]


def test_ten_thousand_lines_are_one_ranking(server: LocalServer, folder: Path) -> None:
    numbers = list(range(10_000))
    random.Random(5).shuffle(numbers)
    (folder / "many").write_text("".join(f"document {number}\n" for number in numbers))
    done = run("rerank", "query", "many", "--timeout", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{number}.0\tdocument {number}" for number in range(9_999, -1, -1)
    ]
    assert done.stderr.startswith("10,000 documents, 100 requests, ")
    assert len(server.requests) == 100


def test_a_query_may_begin_with_a_dash() -> None:
    assert run("rerank", "--", "--verbose", stdin="a 1\n").stdout == "1.0\ta 1\n"


def test_a_blank_query_is_one_line(server: LocalServer) -> None:
    done = run("rerank", " ", stdin="a\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("assisters-rerank: query: it is blank")
    assert server.requests == []


def test_a_broken_file_is_one_line_and_nothing_is_sent(server: LocalServer, folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"text": "a"}\n{"text": "b"\n')
    done = run("rerank", "query", "bad.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("assisters-rerank: bad.jsonl:2:13: not valid JSON")
    assert len(done.stderr.splitlines()) == 1
    assert server.requests == []


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port that the command is sent to, where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port: int = gone.getsockname()[1]
    monkeypatch.setenv("ASSISTERS_BASE_URL", f"http://127.0.0.1:{port}/v1")
    return port


def test_a_server_that_is_down_is_one_line(no_server: int) -> None:
    done = run("rerank", "query", "--max-retries", "0", stdin="a\n")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert str(no_server) in line


def test_passthrough_is_marked(no_server: int) -> None:
    arguments = ("rerank", "query", "--max-retries", "0", "--on-error", "passthrough", "-n", "2")
    stdin = '{"text": "a", "relevance_score": 0.9}\n{"text": "b"}\n{"text": "c"}\n'
    done = run(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "\ta\n\tb\n")
    why, usage = done.stderr.splitlines()
    assert why.startswith(
        "assisters-rerank: Rerank failed; 2 documents are returned unranked, "
        "without relevance scores: "
    )
    assert usage.startswith("2 of 3 documents, 0 requests, ")
    assert usage.endswith("degraded: first order, no scores")
    done = run(*arguments, "--json", stdin=stdin)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"text": "a", "rerank_degraded": True, "index": 0, "file": "-", "line": 1},
        {"text": "b", "rerank_degraded": True, "index": 1, "file": "-", "line": 2},
    ]
