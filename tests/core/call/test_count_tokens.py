"""The user's own `count_tokens`: asked once a text, off the loop, and not believed blindly."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from itertools import repeat

import anyio
import numpy as np
import pytest
import trio

from assisters_rerank import BudgetExceeded, ConfigurationError, Reranker, estimate_tokens
from assisters_rerank.text import tokens

from ...faults.server import HostileServer
from ..answers import honest
from ..scripted_port import ScriptedPort, rank

TEXTS = ["a b c", "d", "", "a b c", " ", "e f"]


class Counting:
    """Counts words, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.threads: set[int] = set()

    def __call__(self, text: str) -> int:
        self.asked[text] += 1
        self.threads.add(threading.get_ident())
        return len(text.split())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": "auto"},
        {"model": "my-own"},
        {"long_documents": "error"},
        {"long_documents": "split"},
        {"tokens_per_minute": 1000},
        {"max_documents_per_request": 1},
    ],
)
def test_every_distinct_text_is_counted_once(options: dict[str, object]) -> None:
    count = Counting()
    rank(ScriptedPort(repeat(honest)), TEXTS, count_tokens=count, **options)
    assert count.asked == dict.fromkeys(["a query", "a b c", "d", "e f"], 1)


def test_without_it_every_distinct_text_is_estimated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()

    def estimate(text: str) -> int:
        asked[text] += 1
        return estimate_tokens(text)

    monkeypatch.setattr(tokens, "estimate_tokens", estimate)
    long = "a longer one " * 50
    # The window, the pace and the usage all go by it.
    ranking = rank(
        ScriptedPort(repeat(honest)),
        ["short", long, "short"],
        model="auto",
        tokens_per_minute=10_000,
    )
    assert ranking.usage.tokens_estimated
    assert asked.pop("a query") <= 4  # it is short, and each use asks for itself
    assert asked == {"short": 1, long: 1}


def test_of_a_split_document_the_whole_is_counted_once_and_so_is_each_piece() -> None:
    pytest.importorskip("semantic_text_splitter")
    count = Counting()
    text = " ".join(f"Sentence {i} is here." for i in range(60))
    ranking = rank(
        ScriptedPort([honest]), [text, "b"], count_tokens=count, max_tokens=32,
        long_documents="split",
    )  # fmt: skip
    assert ranking.usage.documents_sent > 5
    assert count.asked[text] == 1
    assert set(count.asked.values()) == {1}


def test_blank_lists_need_no_tokenizer() -> None:
    def never(text: str) -> int:
        raise AssertionError(text)

    for texts, top_n in (([], None), (["a"], 0)):
        assert len(rank(ScriptedPort([]), texts, top_n, count_tokens=never)) == 0


@pytest.mark.parametrize("value", [-1, 1.0, True, "3", None, np.int64(3), [1, 2]])
def test_what_is_no_number_of_tokens_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="count_tokens") as caught:
        rank(ScriptedPort([]), ["SECRET"], count_tokens=lambda _: value)
    assert repr(value) in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_zero_tokens_are_a_number_of_tokens() -> None:
    assert rank(ScriptedPort([honest]), ["a"], count_tokens=lambda _: 0).truncated == 0


class OwnError(Exception):
    pass


@pytest.mark.parametrize("error", [OwnError("mine"), KeyError("x"), TimeoutError("the tokenizer")])
@pytest.mark.parametrize("world", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
def test_its_own_exceptions_pass_through(
    error: Exception, world: str, on_error: str, never_asked: dict[str, object]
) -> None:
    def fail(text: str) -> int:
        raise error

    reranker = Reranker(
        base_url="https://h.test/v1", count_tokens=fail, on_error=on_error, **never_asked
    )
    with pytest.raises(type(error)) as caught:
        call_in(world, reranker)
    assert caught.value is error


def call_in(world: str, reranker: Reranker) -> None:
    async def call() -> None:
        await reranker.arerank("q", ["a"])

    if world == "sync":
        reranker.rerank("q", ["a"])
    elif world == "trio":
        trio.run(call)
    else:
        anyio.run(call)


@pytest.mark.parametrize("run", [anyio.run, trio.run], ids=["asyncio", "trio"])
def test_it_is_never_called_on_the_event_loop(
    run: Callable[..., object], honest_server: HostileServer
) -> None:
    count = Counting()
    reranker = Reranker(base_url=honest_server.url, count_tokens=count)

    async def main() -> None:
        await reranker.arerank("q", ["a", "b"])
        assert threading.get_ident() not in count.threads

    run(main)
    assert count.asked == {"q": 1, "a": 1, "b": 1}


def test_a_sync_call_counts_in_its_own_thread(honest_server: HostileServer) -> None:
    count = Counting()
    Reranker(base_url=honest_server.url, count_tokens=count).rerank("q", ["a", "b"])
    assert count.threads == {threading.get_ident()}


@pytest.mark.parametrize("run", [anyio.run, trio.run], ids=["asyncio", "trio"])
def test_one_that_hangs_is_held_to_the_budget(
    run: Callable[..., object], never_asked: dict[str, object]
) -> None:
    done = threading.Event()

    def hang(text: str) -> int:
        done.wait(10)
        return 1

    reranker = Reranker(
        base_url="https://h.test/v1", count_tokens=hang, timeout=0.05, **never_asked
    )

    async def main() -> None:
        with pytest.raises(BudgetExceeded, match=r"timeout=0\.05"):
            await reranker.arerank("q", ["a"])
        done.set()

    run(main)


def test_a_slow_one_takes_from_a_sync_calls_budget() -> None:
    port = ScriptedPort([honest])

    def slow(text: str) -> int:
        port.clock += 2
        return 1

    with pytest.raises(BudgetExceeded, match="timeout=5"):
        rank(port, ["a", "b", "c"], count_tokens=slow, timeout=5)
    assert port.sent == []
