"""`assisters-rerank check`: the table, the line to copy, JSON, the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assisters_rerank import Reranker

from ..servers.standins import KEY, answering, standing_in
from .command import run_here

MODEL = ("--model", "m")


@pytest.mark.parametrize("columns", [80, 100])
def test_the_table_fits_and_the_line_can_be_copied(columns: int) -> None:
    with standing_in(answering(most=20, window=80, cuts=False)) as server:
        done = run_here("check", server.url, *MODEL, columns=columns)
    assert (done.returncode, done.stderr) == (0, "")
    table, _, line = done.stdout.partition("\nReranker(")
    assert max(map(len, table.splitlines())) <= columns
    for found in (
        "ok    key         none is needed", "dialect     assisters", "8 of 8 easy questions",
        "20 in a request; 21 are refused: 422", "long texts  refused beyond", "Note: It seems to",
    ):  # fmt: skip
        assert found in table
    reranker = eval(f"Reranker({line}", {"Reranker": Reranker})
    assert reranker.base_url == f"{server.url}/v1"
    assert (reranker.max_documents_per_request, reranker.long_documents) == (20, "truncate")


def test_what_is_wrong_ends_with_code_1() -> None:
    with standing_in(answering(lambda query, texts: [0.5] * len(texts), most=5)) as server:
        done = run_here("check", server.url, *MODEL)
        assert done.returncode == 1
        assert "Wrong: All scores are alike" in done.stdout
        as_json = run_here("check", server.url, *MODEL, "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["ranking"]["verdict"] == "alike"


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with standing_in(answering(key=KEY, most=5, window=80)) as server:
        refused = run_here("check", f"{server.url}/v1", *MODEL)
        done = run_here("check", f"{server.url}/v1", *MODEL, "--api-key-variable", "SOME_KEY")
    assert refused.returncode == 1
    assert "needed, and none was sent" in refused.stdout
    assert done.returncode == 0, done.stdout
    assert "needed, and right" in done.stdout
    assert 'api_key=os.environ["SOME_KEY"]' in done.stdout
    assert KEY not in done.stdout


def test_each_address_that_was_tried_is_shown() -> None:
    with standing_in(lambda *_: (404, {"detail": "Not Found"})) as server:
        done = run_here("check", server.url, *MODEL, columns=100)
    assert done.returncode == 1
    for address in (server.url, f"{server.url}/v1"):
        assert f"no answer in any at {address}:" in done.stdout


def test_nobody_listens() -> None:
    done = run_here("check", "http://127.0.0.1:9", "--timeout", "1")
    assert done.returncode == 1
    assert "wrong  reachable   no answer from http://127.0.0.1:9" in done.stdout
    assert "Reranker(" not in done.stdout


def test_the_money_is_bounded() -> None:
    with standing_in(answering(window=80)) as server:
        unknown = run_here("check", server.url, *MODEL, "--max-cost", "1")
        done = run_here("check", server.url, *MODEL, "--max-cost", "0.001", "--price", "10")
    assert unknown.returncode == 1
    assert "max_cost: the price of 'm' is not known" in unknown.stderr
    assert "The check ended early, before more than $0.001 was spent" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--local", "http://127.0.0.1:9"), "--local and a URL exclude each other"),
        (("--api-key-variable", "NO_SUCH_ONE"), "the variable NO_SUCH_ONE is not set"),
        (("not-an-address",), "base_url"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], said: str, folder: Path) -> None:
    done = run_here("check", *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr
