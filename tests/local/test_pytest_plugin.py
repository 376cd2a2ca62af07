"""The fixture for users' tests, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from .surroundings import environment_without_proxies, run_python

MODULE = "pytest_assisters"

USERS_TESTS = """
import os
import sys

from assisters_rerank import Reranker

seen = []
before = dict(os.environ)


def test_the_server_answers(assisters_server):
    with Reranker(base_url=assisters_server.base_url) as reranker:
        assert reranker.rerank("cat", ["a dog", "a cat"])[0].index == 1
    assert [request.query for request in assisters_server.requests] == ["cat"]
    seen.append(assisters_server)


def test_every_test_has_its_own(assisters_server):
    assert assisters_server is not seen[0]
    assert assisters_server.requests == []


def test_nothing_else_is_set(assisters_server, assisters_session_server):
    changed = set(before.items()) ^ set(os.environ.items())
    assert {name for name, _ in changed} <= {"PYTEST_CURRENT_TEST"}
    seen.append(assisters_session_server)


def test_the_run_has_one(assisters_session_server, assisters_server):
    assert assisters_session_server is seen[1]
    with Reranker(base_url=assisters_session_server.base_url) as reranker:
        reranker.rerank("cat", ["a cat"])
    assert len(assisters_session_server.requests) == 1
    assert assisters_server.requests == []
"""


def test_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_users.py").write_text(USERS_TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", MODULE, "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment_without_proxies() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_pytest_finds_it_by_itself() -> None:
    (found,) = entry_points(group="pytest11", name="assisters_rerank")
    assert found.value == MODULE


def test_pytest_loads_nothing_of_ours_before_a_test_asks() -> None:
    printed = run_python(
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        f"import {MODULE}\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    assert printed == f"{[MODULE]}\n"
