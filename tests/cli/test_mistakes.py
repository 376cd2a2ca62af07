"""What new users type wrongly: one clear line each, the exit code, and nothing sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from assisters_rerank.local import LocalServer

from .command import run, run_here


class Mistake(NamedTuple):
    """A command line, what the line on stderr has to hold, and the exit code."""

    words: tuple[str, ...]
    said: str
    code: int = 1
    stdin: bytes = b"a document\n"
    variables: Mapping[str, str] = {}


KEY = "ask_a_secret_that_nobody_may_see"

MISTAKES = {
    "no query": Mistake(("rerank",), "QUERY", 2),
    "a command": Mistake(("rank", "q"), "Did you mean 'rerank'? See assisters-rerank --help", 2),
    "a blank query": Mistake(("rerank", " "), "query: it is blank"),
    "a missing file": Mistake(("rerank", "q", "nowhere.txt"), "nowhere.txt: No such file"),
    "a folder": Mistake(("rerank", "q", "sub"), "sub: this is a folder; name the files in it"),
    "file before query": Mistake(("rerank", "notes.txt", "q"), "the query comes first", 2),
    "an empty file": Mistake(("rerank", "q", "empty.txt"), "empty.txt: there are no documents"),
    "an empty pipe": Mistake(("rerank", "q"), "-: there are no documents", stdin=b""),
    "a pipe twice": Mistake(("rerank", "q", "-", "-"), "standard input can be read once", 2),
    "a trailing comma": Mistake(("rerank", "q", "comma"), "comma:1:"),
    "Python's own quotes": Mistake(("rerank", "q", "dicts"), "--input-format text"),
    "one JSON array": Mistake(("rerank", "q", "array.json"), "this is one JSON array"),
    "another field": Mistake(("rerank", "q", "body.jsonl"), '"body"; choose one with --text-field'),
    "a field that is not there": Mistake(
        ("rerank", "q", "body.jsonl", "--text-field", "content"), 'there is no field "content"'
    ),
    "a field of plain text": Mistake(
        ("rerank", "q", "notes.txt", "--text-field", "body"), "have no fields"
    ),
    "no such column": Mistake(("rerank", "q", "table.csv"), 'fields with a string: "id", "body"'),
    "a PDF": Mistake(("rerank", "q", "paper.pdf"), "paper.pdf: the file is a PDF"),
    "Latin-1": Mistake(("rerank", "q", "latin.txt"), "latin.txt:1:2: not UTF-8"),
    "an unknown format": Mistake(("rerank", "q", "--input-format", "xml"), "xml", 2),
    "an unknown encoding": Mistake(("rerank", "q", "--encoding", "utf-9"), "utf-9", 2),
    "an unknown command": Mistake(("rank", "q"), "rank", 2),
    "an unknown option": Mistake(("rerank", "q", "--topn", "5"), "--topn", 2),
    "an option without its value": Mistake(
        ("rerank", "q", "--timeout"), "see assisters-rerank rerank --help", 2
    ),
    "a query like an option": Mistake(("rerank", "--verbose"), "--verbose", 2),
    "a word for a number": Mistake(("rerank", "q", "-n", "five"), "valid integer", 2),
    "a negative number": Mistake(("rerank", "q", "-n", "-1"), "--top-n", 2),
    "a threshold that is none": Mistake(("rerank", "q", "--threshold", "nan"), "threshold", 2),
    "two thresholds": Mistake(
        ("rerank", "q", "--threshold", "1", "--threshold", "m=2"), "MODEL=NUMBER for each model", 2
    ),
    "a threshold of no model": Mistake(
        ("rerank", "q", "--threshold", "bge=1"), "there is no number for bge-reranker-v2"
    ),
    "a threshold without a number": Mistake(
        ("rerank", "q", "--threshold", "bge=high"), "bge=high: give a number, or MODEL=NUMBER", 2
    ),
    "an unknown dialect": Mistake(("rerank", "q", "--dialect", "cohere"), "voyage", 2),
    "a dialect without a model": Mistake(("rerank", "q", "--dialect", "tei"), "give base_url and"),
    "the local server in a dialect": Mistake(
        ("rerank", "q", "--local", "--dialect", "tei"), "--local and --dialect", 2
    ),
    "no JSON": Mistake(("rerank", "q", "--extra-body", "priority=1"), "it is not JSON", 2),
    "JSON, but no object": Mistake(("rerank", "q", "--extra-body", "[1]"), "give an object", 2),
    "a field that an option sets": Mistake(
        ("rerank", "q", "--extra-body", '{"query": "b"}'), "leave out query", 2
    ),
    "no time": Mistake(("rerank", "q", "--timeout", "0"), "--timeout", 2),
    "a choice that is none": Mistake(("rerank", "q", "--on-error", "skip"), "passthrough", 2),
    "two servers": Mistake(
        ("rerank", "q", "--local", "--base-url", "http://127.0.0.1:9"), "exclude each other", 2
    ),
    "two caches": Mistake(
        ("rerank", "q", "--cache", "c.db", "--no-cache"), "exclude each other", 2
    ),
    "a cache of a local server": Mistake(
        ("rerank", "q", "--local", "--cache", "c.db"), "--local", 2
    ),
    "a cache that is a folder": Mistake(("rerank", "q", "--cache", "sub"), "sub"),
    "a cache that is none": Mistake(("rerank", "q", "--cache", "notes.txt"), "notes.txt cannot be"),
    "an address that is none": Mistake(("rerank", "q", "--base-url", "example"), "--base-url", 2),
    "an address of another kind": Mistake(("rerank", "q", "--base-url", "ftp://h"), "http", 2),
    "nobody there": Mistake(
        ("rerank", "q", "--base-url", "http://127.0.0.1:9/v1", "--max-retries", "0"),
        "http://127.0.0.1:9/v1/rerank",
    ),
    "an unknown model": Mistake(("rerank", "q", "-m", "gpt-4"), "There is no model 'gpt-4'"),
    "no key": Mistake(
        ("rerank", "q"), "ASSISTERS_API_KEY, or add --local", variables={"ASSISTERS_BASE_URL": ""}
    ),
    "a key with a space": Mistake(
        ("rerank", "q"),
        "ASSISTERS_API_KEY: it contains characters that no key has",
        variables={"ASSISTERS_API_KEY": f"{KEY} x"},
    ),
    "a key on the command line": Mistake(("rerank", "q", "--api-key", KEY), "--api-key", 2),
    "a variable that is no address": Mistake(
        ("rerank", "q"), "ASSISTERS_BASE_URL", variables={"ASSISTERS_BASE_URL": "nowhere"}
    ),
    "an empty question": Mistake(("demo", "--query", " "), "the question is empty", 2),
    "no passages": Mistake(("demo", "--top-n", "0"), "--top-n", 2),
    "no collection": Mistake(("eval", "nowhere"), "nowhere: there is no such folder"),
    "no folder for a report": Mistake(("eval", "sub", "--json", "no/r.json"), "--json", 2),
    "a port that is none": Mistake(("serve", "--port", "99999"), "--port", 2),
    "a server for everybody": Mistake(("serve", "--host", "0.0.0.0"), "--api-key"),
}


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "sub").mkdir()
    for name, content in {
        "notes.txt": b"one line\nanother line\n" * 20,
        "empty.txt": b"\n\n",
        "comma": b'{"text": "a",}\n',
        "dicts": b"{'text': 'a'}\n",
        "array.json": b'[\n {"text": "a"}\n]\n',
        "body.jsonl": b'{"id": 1, "body": "a"}\n',
        "table.csv": b"id,body\n1,a\n",
        "paper.pdf": b"%PDF-1.7\n",
        "latin.txt": b"f\xfcr\n",
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_line(
    files: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    mistake = MISTAKES[name]
    for variable, value in mistake.variables.items():
        monkeypatch.setenv(variable, value)
    done = run_here(*mistake.words, stdin=mistake.stdin)
    assert (done.returncode, done.stdout) == (mistake.code, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("assisters-rerank: ")
    assert mistake.said in line
    assert ("--help" in line) or mistake.code == 1
    assert KEY not in line
    assert [request for request in server.requests if request.status == 200] == []


@pytest.mark.slow
@pytest.mark.usefixtures("server", "files")
@pytest.mark.parametrize("name", ["a trailing comma", "an unknown option"])
def test_the_installed_command_says_the_same(name: str) -> None:
    mistake = MISTAKES[name]
    real, here = run(*mistake.words, stdin=mistake.stdin), run_here(*mistake.words)
    assert (real.returncode, real.stdout, real.stderr) == (here.returncode, "", here.stderr)
