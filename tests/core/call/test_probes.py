"""The threads that find out whether the service is back, in all worlds and over real sockets."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import httpx
import pytest

from assisters_rerank import AuthenticationError, Ranking, Reranker
from assisters_rerank.local import LocalServer

from ...faults.answers import says
from ...faults.behaviours import reset, silent
from ...faults.faces import KINDS
from ...faults.server import Behaviour, Exchange, HostileServer
from ..answers import scored
from ..conftest import answer_honestly
from ..forked import ended, in_child
from ..fresh_interpreter import run

WORLDS = ("sync", "asyncio", "trio")
worlds = pytest.mark.parametrize("world", WORLDS)
DOWN: dict[str, Behaviour] = {"resets": reset, "503": says("{}", 503), "stalls": silent}
TEXTS = ["a", "b"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes come soon, and short timeouts count."""
    monkeypatch.setattr("assisters_rerank.call.breaker.OPEN_FOR", 0.05)
    monkeypatch.setattr("assisters_rerank.call.attempts._PATIENT", 0.05)
    monkeypatch.setattr("assisters_rerank.call.attempts._WAITED", 0.05)


@dataclass
class Service:
    """A server that is down until it is told to be up."""

    down: Behaviour
    up: bool = False
    searches: int = 0
    probes: int = 0

    def __call__(self, exchange: Exchange) -> None:
        assert exchange.request is not None
        probes = len(exchange.request.payload["documents"]) == 1
        self.searches += not probes
        self.probes += probes
        (answer_honestly if self.up else self.down)(exchange)


def searched(world: str, reranker: Reranker, times: int = 1) -> list[Ranking]:
    """Searches at once."""
    rankings: list[Ranking] = []

    async def search() -> None:
        rankings.append(await reranker.arerank("q", TEXTS))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(times):
                group.start_soon(search)

    if world == "sync":
        threads = [
            threading.Thread(target=lambda: rankings.append(reranker.rerank("q", TEXTS)))
            for _ in range(times)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        anyio.run(main, backend=world)
    assert len(rankings) == times
    return rankings


def soon_true(fact: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def passing(**options: Any) -> Reranker:
    return Reranker(**{"on_error": "passthrough", "max_retries": 0, "timeout": 10, **options})


def probing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rerank-probe"]


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    if probing():
        gc.collect()
    assert soon_true(lambda: not probing())


@worlds
@pytest.mark.parametrize("down", DOWN.values(), ids=DOWN)
def test_a_probe_finds_out_when_the_service_is_back(
    down: Behaviour, world: str, soon: None, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service(down)
    caplog.set_level(logging.INFO, "assisters_rerank")
    timeout = 0.5 if down is silent else 10
    with (
        HostileServer([service]) as server,
        closing(passing(base_url=server.url, timeout=timeout)) as reranker,
    ):
        assert all(ranking.degraded for ranking in searched(world, reranker, 3))
        assert service.searches == 3
        assert soon_true(lambda: service.probes > 0)
        assert all(ranking.degraded for ranking in searched(world, reranker, 5))
        assert service.searches == 3  # they waited for nothing
        service.up = True
        assert soon_true(lambda: not reranker.rerank("q", TEXTS).degraded)
        assert [ranking.degraded for ranking in searched(world, reranker, 2)] == [False] * 2
        probe = next(r for r in server.requests if len(r.payload["documents"]) == 1)
        assert probe.payload["query"] == "q"
        assert probe.payload["documents"] == ["a"]
        # The probe that was answered is paid for as well.
        assert reranker.total_usage.requests == 4
        assert reranker.total_usage.documents_sent == 7
    told = [r.getMessage() for r in caplog.records if not r.getMessage().startswith("Rerank")]
    assert len(told) == 2
    assert told[0].startswith("3 calls in a row")
    assert told[1].startswith("Searches ask")


@worlds
def test_a_server_that_was_not_there(world: str, soon: None) -> None:
    with LocalServer(scorer="lexical") as server:
        address, port = server.base_url, int(server.base_url.rsplit(":", 1)[1].split("/")[0])
    with closing(passing(base_url=address)) as reranker:
        assert all(ranking.degraded for ranking in searched(world, reranker, 4))
        with LocalServer(scorer="lexical", port=port):
            assert soon_true(lambda: not searched(world, reranker)[0].degraded)


def test_one_probe_at_a_time(soon: None, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = [0], [0]

    def stall(request: httpx.Request) -> httpx.Response:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.1 if len(json.loads(request.content)["documents"]) == 1 else 0)
        under_way[0] -= 1
        return httpx.Response(503)

    with httpx.Client(transport=httpx.MockTransport(stall)) as own:
        reranker = passing(base_url="http://h.test/v1", http_client=own, passthrough_after=1)
        reranker.rerank("q", TEXTS)
        until = time.monotonic() + 0.4
        while time.monotonic() < until:
            assert all(ranking.degraded for ranking in searched("sync", reranker, 4))
        reranker.close()
    assert most == [1]


@pytest.mark.parametrize("answered", [200, 401, 429])
def test_probes_go_through_an_own_client(answered: int, soon: None) -> None:
    asked: list[httpx.Request] = []
    status = 503

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=scored(json.loads(request.content)))

    with httpx.Client(transport=httpx.MockTransport(answer), headers={"X-Own": "yes"}) as own:
        reranker = passing(base_url="https://h.test/v1", http_client=own, api_key="ask_secret")
        searched("sync", reranker, 3)
        status = answered
        if answered == 401:
            with pytest.raises(AuthenticationError):
                soon_true(lambda: not reranker.rerank("q", TEXTS))
        elif answered == 429:
            # It is back, and a call waits for its turn, or is refused: both are the pace's.
            assert soon_true(lambda: "calls in a row" not in reason(reranker))
        else:
            assert soon_true(lambda: not reranker.rerank("q", TEXTS).degraded)
        reranker.close()
    assert {request.headers["x-own"] for request in asked} == {"yes"}
    assert {request.headers["authorization"] for request in asked} == {"Bearer ask_secret"}


def reason(reranker: Reranker) -> str:
    return reranker.rerank("q", TEXTS).degraded_reason or ""


@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_only_an_own_async_client_means_that_a_call_probes(world: str, soon: None) -> None:
    down = True

    async def answer(request: httpx.Request) -> httpx.Response:
        assert threading.current_thread() is threading.main_thread()
        return httpx.Response(503 if down else 200, json=scored(json.loads(request.content)))

    async def main() -> None:
        nonlocal down
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as own:
            reranker = passing(base_url="http://h.test/v1", async_http_client=own, timeout=5)
            for _ in range(4):
                assert (await reranker.arerank("q", TEXTS)).degraded
            assert not probing()
            down = False
            await anyio.sleep(0.06)
            assert not (await reranker.arerank("q", TEXTS)).degraded

    anyio.run(main, backend=world)


def broken(reranker: Reranker) -> Reranker:
    for _ in range(3):
        reranker.rerank("q", TEXTS)
    return reranker


@pytest.fixture
def down() -> Iterator[tuple[Service, HostileServer]]:
    service = Service(says("{}", 503))
    with HostileServer([service]) as server:
        yield service, server


def test_closing_ends_the_probes(down: tuple[Service, HostileServer]) -> None:
    _, server = down
    reranker = broken(passing(base_url=server.url))
    elsewhere = broken(reranker.with_options(api_key="ask_other", base_url=server.url))
    assert len(probing()) == 2
    elsewhere.close()  # which closes nothing
    assert len(probing()) == 2
    reranker.close()
    assert soon_true(lambda: not probing())
    assert reranker.rerank("q", TEXTS).degraded
    assert len(probing()) == 1  # a later call begins anew
    asyncio.run(reranker.aclose())
    assert soon_true(lambda: not probing())


def test_the_thread_keeps_no_reranker_alive(
    down: tuple[Service, HostileServer], soon: None, caplog: pytest.LogCaptureFixture
) -> None:
    _, server = down
    caplog.set_level(logging.CRITICAL, "assisters_rerank")  # a record has an error, and its frames
    broken(passing(base_url=server.url))
    assert soon_true(lambda: gc.collect() >= 0 and not probing())


def test_it_ends_when_nobody_searches(
    down: tuple[Service, HostileServer], soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, server = down
    monkeypatch.setattr("assisters_rerank.call.probes._SEARCHED_WITHIN", 0.0)
    with closing(broken(passing(base_url=server.url))) as reranker:
        assert soon_true(lambda: not probing())
        assert service.probes == 0
        monkeypatch.undo()
        service.up = True
        assert reranker.rerank("q", TEXTS).degraded
        assert soon_true(lambda: not reranker.rerank("q", TEXTS).degraded)


def test_searches_pass_where_no_thread_can_start(
    down: tuple[Service, HostileServer], soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, server = down

    start = threading.Thread.start

    def no_more(self: threading.Thread) -> None:
        if self.name == "rerank-probe":
            raise RuntimeError("can't start new thread")
        start(self)

    with closing(passing(base_url=server.url)) as reranker:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", no_more)
            broken(reranker)
            assert reranker.rerank("q", TEXTS).degraded
        service.up = True
        assert soon_true(lambda: not reranker.rerank("q", TEXTS).degraded)


def test_whatever_keeps_a_probe_from_asking_shows_itself(
    down: tuple[Service, HostileServer], soon: None
) -> None:
    _, server = down

    def fail(text: str) -> int:
        raise ZeroDivisionError

    counting = partial(passing, base_url=server.url, tokens_per_minute=10_000)
    with closing(counting(count_tokens=len)) as reranker:
        broken(reranker)
        reranker.close()
        failing = reranker.with_options(count_tokens=fail)
        state = reranker._state
        assert state.breaker.row.outage is not None
        from assisters_rerank.call import probes, rerank_flow

        outage = state.breaker.row.outage
        assert soon_true(lambda: bool(outage.unwatched))
        probes.watch(outage, state, failing, rerank_flow.rerank)
        assert soon_true(lambda: state.breaker.row.outage is None)


COPIES: dict[str, Callable[[Reranker], Reranker]] = {
    "model_copy": lambda reranker: reranker.model_copy(),
    "deep model_copy": lambda reranker: reranker.model_copy(deep=True),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda reranker: pickle.loads(pickle.dumps(reranker)),
    "with another key": lambda reranker: reranker.with_options(api_key="ask_other"),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies_ask_the_service(
    copied: Callable[[Reranker], Reranker], down: tuple[Service, HostileServer]
) -> None:
    service, server = down
    with closing(broken(passing(base_url=server.url))) as reranker:
        assert service.searches == 3
        copied(reranker).rerank("q", TEXTS)
        assert service.searches == 4
        assert reranker.with_options(top_n=1).rerank("q", TEXTS).degraded
        assert service.searches == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_asks_the_service(down: tuple[Service, HostileServer]) -> None:
    service, server = down
    with closing(broken(passing(base_url=server.url))) as reranker:
        service.up = True

        def work() -> None:
            assert not reranker.rerank("q", TEXTS).degraded
            reranker.close()

        assert ended(in_child(work)) == 0
        assert reranker.rerank("q", TEXTS).degraded


SCRIPT = """
    import sys, time
    from assisters_rerank import Reranker
    from assisters_rerank.call import breaker
    breaker.OPEN_FOR = float(sys.argv[2])
    reranker = Reranker(base_url=sys.argv[1], on_error="passthrough", max_retries=0, timeout=5)
    for _ in range(4):
        reranker.rerank("q", ["a", "b"])
    time.sleep(0.3)
    print(time.monotonic(), flush=True)
"""


@pytest.mark.parametrize("open_for", ["30", "0.01"], ids=["waiting", "stalled"])
def test_a_script_ends_at_once(open_for: str) -> None:
    def stall_probes(exchange: Exchange) -> None:
        assert exchange.request is not None
        (silent if len(exchange.request.payload["documents"]) == 1 else reset)(exchange)

    with HostileServer([stall_probes]) as server:
        script = run(SCRIPT, server.url, open_for, seconds=20)
        assert time.monotonic() - float(script.out) < 2
        assert server.played == 3 + (open_for == "0.01")
    assert script.code == 0
    assert len(script.err.splitlines()) == 4, script.err


def test_a_probe_is_short_and_never_blank(down: tuple[Service, HostileServer], soon: None) -> None:
    service, server = down
    with closing(passing(base_url=server.url)) as reranker:
        for _ in range(3):
            reranker.rerank("q", ["\n" * 300 + "word " * 1000, "b"])
        assert soon_true(lambda: service.probes > 0)
        probe = server.requests[-1].payload["documents"]
        assert probe == [("word " * 1000)[:200]]


def searches_under_load(world: str) -> None:
    """50 searches a second, while the service stalls for seconds and every probe too."""
    service = Service(silent)
    seconds: list[float] = []
    with (
        HostileServer([service]) as server,
        closing(passing(base_url=server.url, timeout=1)) as reranker,
    ):
        assert all(ranking.degraded for ranking in searched(world, reranker, 3))
        until = time.monotonic() + 3

        async def search() -> None:
            began = time.monotonic()
            assert (await reranker.arerank("q", TEXTS)).degraded
            seconds.append(time.monotonic() - began)

        async def main() -> None:
            async with anyio.create_task_group() as group:
                while time.monotonic() < until:
                    group.start_soon(search)
                    await anyio.sleep(0.02)

        if world == "sync":
            while time.monotonic() < until:
                began = time.monotonic()
                assert reranker.rerank("q", TEXTS).degraded
                seconds.append(time.monotonic() - began)
                time.sleep(0.02)
        else:
            anyio.run(main, backend=world)
        assert service.searches == 3
        assert service.probes > 0
        assert len(seconds) > 50
        assert sorted(seconds)[-3] < 0.05  # the machine may be busy for once
        service.up = True
        assert soon_true(lambda: not reranker.rerank("q", TEXTS).degraded)


@pytest.mark.slow
@pytest.mark.timed
def test_under_load_no_search_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no world; each has a service of its own, and all wait for theirs at once."""
    monkeypatch.setattr("assisters_rerank.call.breaker.OPEN_FOR", 1.0)
    with ThreadPoolExecutor(len(WORLDS)) as threads:
        ran = {world: threads.submit(searches_under_load, world) for world in WORLDS}
        assert {world: each.exception() for world, each in ran.items()} == dict.fromkeys(WORLDS)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("name", ["langchain", "llamaindex"])
def test_in_the_frameworks(
    name: str, colour: str, down: tuple[Service, HostileServer], soon: None
) -> None:
    service, server = down
    kind = KINDS[name]
    reranker = kind.make(
        {"base_url": server.url, "on_error": "passthrough", "max_retries": 0, "top_n": 2}
    )

    def search(texts: Sequence[str] = TEXTS) -> bool:
        if colour == "sync":
            return kind.read(kind.call(reranker, texts)).degraded
        return kind.read(asyncio.run(kind.acall(reranker, texts))).degraded

    with closing(reranker):
        assert [search() for _ in range(5)] == [True] * 5
        assert service.searches == 3
        service.up = True
        assert soon_true(lambda: not search())
