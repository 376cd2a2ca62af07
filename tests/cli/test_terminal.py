"""`assisters-rerank rerank` in a real terminal: the table, the bar, and what a text can't do."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from assisters_rerank.local import LocalServer

from .command import COMMAND, run_in_terminal

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("server"),
    pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal"),
]


def _table(screen: str) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in screen.splitlines()]


def test_the_result_is_a_table_with_the_rank_before_and_after(folder: Path) -> None:
    (folder / "in").write_text("first 0.1\nsecond 0.2 [bold]x[/] :key: 0.2\nthird 0.00001\n")
    screen = run_in_terminal("rerank", "query", "in")
    assert screen.code == 0
    *rows, usage = _table(screen.text)
    assert rows == [
        ["rank", "score", "text"],
        ["2 → 1", "0.2000", "second 0.2 [bold]x[/] :key: 0.2"],
        ["1 → 2", "0.1000", "first 0.1"],
        ["3 → 3", "1.0e-05", "third 0.00001"],
    ]
    assert usage[0].startswith("3 documents, 1 request, ")


def test_several_files_are_named(folder: Path) -> None:
    (folder / "a").write_text("one 0.1\n")
    (folder / "b").write_text('\n{"text": "two 0.2"}\n')
    rows = _table(run_in_terminal("rerank", "query", "a", "b", "-q").text)
    assert rows == [
        ["rank", "score", "from", "text"],
        ["2 → 1", "0.2000", "b:2", "two 0.2"],
        ["1 → 2", "0.1000", "a:1", "one 0.1"],
    ]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_each_document_has_one_line_of_the_terminal(folder: Path, columns: int) -> None:
    (folder / "in").write_text(f"{'wörter 漢字 ' * 100} 0.1\n{'x' * 500} 0.2\n")
    screen = run_in_terminal("rerank", "query", "in", "-q", columns=columns)
    lines = screen.text.splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= columns
    assert all(line.rstrip().endswith("…") for line in lines[1:])


def test_the_passages_of_a_split_document_have_lines_of_their_own(folder: Path) -> None:
    text = " ".join(f"sentence {number} of it." for number in range(12))
    (folder / "in").write_text(f"{text}\nshort\n")
    options = ("--long-documents", "split", "--max-passage-tokens", "16")
    screen = run_in_terminal("rerank", "query", "in", "-q", *options)
    rows = _table(screen.text)[1:]
    (found,) = [at for at, row in enumerate(rows) if len(row) == 4]
    lines = [rows[found][2:], *rows[found + 1 : found + 3]]
    assert max(float(score) for score, _ in lines) == float(rows[found][1])
    assert all(passage in text for _, passage in lines)
    assert ["short"] in [row[2:] for row in rows]
    assert "\x1b[1m" in screen.raw  # the best one


def test_a_document_cannot_command_the_terminal(folder: Path) -> None:
    (folder / "in").write_text('{"text": "\\u001b[2J\\u009b31m\\u202eevil\\u0007\\r\\ntwo 0.5"}\n')
    screen = run_in_terminal("rerank", "query", "in", "-q")
    assert "�[2J�31m�evil� two 0.5" in screen.text
    assert "\x1b[2J" not in screen.raw
    assert not {"\x9b", "\u202e", "\x07"} & set(screen.raw)


def test_an_empty_result_is_no_table(folder: Path) -> None:
    (folder / "in").write_text("a 0.1\n")
    screen = run_in_terminal("rerank", "query", "in", "--threshold", "0.5")
    assert screen.text.startswith("0 of 1 document, 1 request, ")


def test_json_in_a_terminal_is_json(folder: Path) -> None:
    (folder / "in").write_text("a 0.5\n")
    screen = run_in_terminal("rerank", "query", "in", "--json", "-q")
    assert screen.raw.startswith('{"text": "a 0.5", "relevance_score": 0.5, ')


def test_a_long_list_shows_how_far_it_is(folder: Path) -> None:
    (folder / "in").write_text("".join(f"document {number}\n" for number in range(1_050)))
    screen = run_in_terminal("rerank", "query", "in", "--json")
    seen = [int(done) for done in re.findall(r"(\d+)/1050 documents", screen.text)]
    assert seen == sorted(seen)
    assert seen[-1] == 1_050
    assert "\x1b[?25h" in screen.raw  # the cursor is back
    quiet = run_in_terminal("rerank", "query", "in", "--json", "--quiet")
    assert "/1050" not in quiet.text


def test_one_request_has_no_bar(folder: Path) -> None:
    (folder / "in").write_text("document 1\n" * 1_000)
    assert "/" not in run_in_terminal("rerank", "query", "in", "--top-n", "1", "--json").raw


def test_without_a_file_nobody_is_left_waiting(server: LocalServer) -> None:
    screen = run_in_terminal("rerank", "query")
    assert screen.code == 2
    assert screen.text.startswith("assisters-rerank: Invalid value for FILES: name a file, or pipe")
    assert len(screen.text.splitlines()) <= 2  # wrapped by the terminal, not by us


def test_no_colour_when_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "in").write_text("a 0.1\nb 0.2\n")
    assert "\x1b[1;32m" in run_in_terminal("rerank", "query", "in", "-q").raw
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;32m" not in run_in_terminal("rerank", "query", "in", "-q").raw


def test_forced_colour_leaves_a_pipe_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = subprocess.run(
        [COMMAND, "rerank", "query"], input=b"a 1\n" * 3, capture_output=True, check=True
    )
    assert done.stdout == b"1.0\ta 1\n" * 3
    assert b"\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("columns", "shown"), [(80, "…ed/and/deep/install.txt:1"), (40, "…nstall.txt:1")]
)
def test_a_long_path_leaves_room_for_the_rest(folder: Path, columns: int, shown: str) -> None:
    deep = folder / "/".join(["a", "very", "long", "path", "that", "is", "nested"] * 3) / "and/deep"
    deep.mkdir(parents=True)
    (deep / "install.txt").write_text("one 0.1\n")
    (folder / "b").write_text("two 0.2\n")
    files = str(deep.relative_to(folder) / "install.txt"), "b"
    rows = _table(run_in_terminal("rerank", "query", *files, "-q", columns=columns).text)
    assert rows[1] == ["2 → 1", "0.2000", "b:1", "two 0.2"]
    assert rows[2][:2] == ["1 → 2", "0.1000"]
    assert rows[2][2] == shown
    assert rows[2][3] == "one 0.1"
