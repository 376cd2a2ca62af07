from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer, load_scorer
from assisters_rerank.local.scorers import embedded, scorer, word_vectors
from assisters_rerank.local.scorers.lexical import LexicalScorer
from assisters_rerank.local.scorers.loaded_once import LoadedOnce

from ..core.forked import ended, in_child
from .surroundings import BODY, connect, run_python


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer, "_loaded", LoadedOnce(lambda name: scorer._build_scorer(name)))
    monkeypatch.setattr(word_vectors, "word_vectors", cache(word_vectors.WordVectors))
    monkeypatch.setattr(embedded, "word_vectors", word_vectors.word_vectors)


def test_the_names() -> None:
    assert load_scorer().name == load_scorer("embedded").name == "local-embedded"
    assert load_scorer("lexical").name == "local-lexical"
    with pytest.raises(ConfigurationError, match="lexical"):
        load_scorer("cross")


def test_without_wordllama_terms_alone_are_scored_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(word_vectors, "find_spec", lambda _: None)
    with LocalServer() as server, connect(server) as client:
        answers = [client.post("/rerank", json=BODY).json() for _ in range(2)]
    assert [answer["model"] for answer in answers] == ["local-lexical"] * 2
    expected = LexicalScorer().score(str(BODY["query"]), ["Deep learning uses neural networks"])
    assert answers[0]["results"][0]["relevance_score"] == expected[0]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning.getMessage() for warning in warnings] == [
        "wordllama is not installed: the local server scores by terms only (local-lexical)"
    ]


def test_a_wordllama_without_its_files_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    spec = ModuleSpec("wordllama", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(word_vectors, "find_spec", lambda _: spec)
    assert load_scorer().name == "local-lexical"
    assert "has no file tokenizers/" in caplog.text


@pytest.mark.parametrize("missing", ["tokenizers", "safetensors"])
def test_a_wordllama_without_its_dependencies_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert load_scorer().name == "local-lexical"
    assert f"{missing} is not installed" in caplog.text


def test_a_scorer_is_loaded_once_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[LexicalScorer] = []
    start, nobody = threading.Barrier(4), threading.Event()

    def build(_: str) -> LexicalScorer:
        built.append(LexicalScorer())
        nobody.wait(timeout=0.1)  # leaves the other threads time to come in
        return built[0]

    def load() -> object:
        start.wait(timeout=20)
        return load_scorer()

    monkeypatch.setattr(scorer, "_build_scorer", build)
    with ThreadPoolExecutor(4) as pool:
        loaded = [job.result() for job in [pool.submit(load) for _ in range(4)]]
    assert len(built) == 1
    assert loaded == built * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_while_a_thread_loads_loads_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def build(_: str) -> LexicalScorer:
        begun.set()
        may_end.wait(20)
        return LexicalScorer()

    monkeypatch.setattr(scorer, "_build_scorer", build)
    thread = threading.Thread(target=load_scorer)
    thread.start()
    assert begun.wait(20)

    def load() -> None:
        signal.alarm(2)  # that the lock is held for ever shows sooner
        may_end.set()
        load_scorer()

    child = in_child(load)
    may_end.set()
    thread.join()
    assert ended(child) == 0


def test_loading_says_nothing_and_asks_nobody() -> None:
    printed = run_python(
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from assisters_rerank.local import load_scorer\n"
        "assert 'numpy' not in sys.modules, 'loaded before it was needed'\n"
        "print(load_scorer().score('cat', ['a cat'])[0] > 0.7)\n"
        "print('wordllama' in sys.modules, 'requests' in sys.modules)\n"
    )
    assert printed == "True\nFalse False\n"
