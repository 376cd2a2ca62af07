from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from assisters_rerank.errors import ConfigurationError
from assisters_rerank.local import LocalServer, RateLimits

from .surroundings import BODY, Steered, connect, run_python


@pytest.mark.timed
def test_nothing_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    threads = set(threading.enumerate())
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with LocalServer() as server, connect(server) as client:
        assert client.post("/rerank", json=BODY).status_code == 200
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
        began = time.monotonic()
        server.stop()  # while the client still holds its connection open
        took = time.monotonic() - began
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{client.base_url.port}/v1/models", trust_env=False)
    assert took < 1.5
    assert set(threading.enumerate()) == threads
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_stopping_twice_and_starting_again() -> None:
    server = LocalServer()
    server.stop()
    for _ in range(2):
        server.start()
        with connect(server) as client:
            assert client.post("/rerank", json=BODY).status_code == 200
        server.stop()
        server.stop()
    assert len(server.requests) == 2


def test_use_before_the_start_and_two_starts() -> None:
    server = LocalServer()
    with pytest.raises(RuntimeError, match="start"):
        _ = server.base_url
    with server, pytest.raises(RuntimeError, match="already"):
        server.start()


def test_several_at_once() -> None:
    with (
        LocalServer(scorer=Steered(lambda _: 0.1)) as one,
        LocalServer(scorer=Steered(lambda _: 0.2)) as two,
    ):
        assert one.base_url != two.base_url
        for server, expected in ((one, 0.1), (two, 0.2)):
            with connect(server) as client:
                results = client.post("/rerank", json=BODY).json()["results"]
            assert {result["relevance_score"] for result in results} == {expected}
        assert (len(one.requests), len(two.requests)) == (1, 1)


async def test_inside_a_running_loop() -> None:
    with LocalServer() as server:
        async with httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client:
            responses = await asyncio.gather(*(client.post("/rerank", json=BODY) for _ in range(8)))
    assert len({tuple(map(str, response.json()["results"])) for response in responses}) == 1


def test_a_port_of_ones_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = LocalServer(port=port)
        with pytest.raises(OSError, match="in use"):
            server.start()
    with server:
        assert server.base_url == f"http://127.0.0.1:{port}/v1"
        assert httpx.get(f"{server.base_url}/models", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("api_key", 5),
        ("api_key", " \n"),
        ("scorer", "embeded"),
        ("scorer", None),
        ("scorer", lambda query, documents: [0.5]),
        ("scorer", Steered),  # the class, not one of its objects
        ("encoder", "statik"),
        ("encoder", Steered(lambda _: 0.5)),
        ("port", 70_000),
        ("port", -1),
        ("port", "8000"),
        ("port", True),
        ("max_documents", "5"),
        ("max_documents", 0),
        ("generation", 4),
        ("generation", True),
        ("limits", {"requests_per_minute": 1}),
        ("limits", RateLimits(requests_per_minute=1.5)),  # type: ignore[arg-type]
        ("limits", 5),
        ("latency", "no"),
        ("max_tokens", 3.5),
    ],
)
def test_a_setting_that_no_server_can_have_is_named(setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{setting}: "):
        LocalServer(**{setting: value})  # type: ignore[arg-type]


def test_a_key_is_taken_as_a_header_can_carry_it() -> None:
    headers = {"Authorization": "Bearer ask_local"}
    with LocalServer(api_key=" ask_local\n") as server, connect(server) as client:
        assert client.post("/rerank", json=BODY, headers=headers).status_code == 200


@pytest.mark.timed
def test_requests_are_scored_side_by_side() -> None:
    both = threading.Barrier(2)

    def together(_: str) -> float:
        both.wait(timeout=20)
        return 0.5

    body = BODY | {"documents": ["a"]}
    with (
        LocalServer(scorer=Steered(together)) as server,
        connect(server) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = list(pool.map(lambda _: client.post("/rerank", json=body), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.timed
def test_a_busy_scorer_keeps_nobody_waiting() -> None:
    busy, done = threading.Event(), threading.Event()

    def slowly(_: str) -> float:
        busy.set()
        assert done.wait(timeout=20)
        return 0.5

    body = BODY | {"documents": ["a"]}
    with (
        LocalServer(scorer=Steered(slowly)) as server,
        connect(server) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        pending = pool.submit(client.post, "/rerank", json=body)
        assert busy.wait(timeout=20)
        try:
            assert client.get("/models").status_code == 200
            assert server.requests == []
        finally:
            done.set()
        assert pending.result().status_code == 200


def test_a_script_that_forgets_to_stop_ends_quietly() -> None:
    printed = run_python(
        "import httpx\n"
        "from assisters_rerank.local import LocalServer\n"
        "server = LocalServer()\n"
        "server.start()\n"
        f"with httpx.Client() as client:\n"
        f"    answer = client.post(server.base_url + '/rerank', json={BODY!r}).json()\n"
        "print(answer['model'])\n"
    )
    assert printed == "local-embedded\n"


def test_logging_is_left_as_it_was() -> None:
    printed = run_python(
        "import httpx, logging\n"
        "from assisters_rerank.local import LocalServer\n"
        "with LocalServer() as server, httpx.Client() as client:\n"
        f"    client.post(server.base_url + '/rerank', json={BODY!r})\n"
        "names = ['', 'uvicorn', 'uvicorn.error', 'uvicorn.access', 'asyncio']\n"
        "print([len(logging.getLogger(name).handlers) for name in names])\n"
        "print(logging.getLogger().level == logging.WARNING)\n"
    )
    assert printed == "[0, 0, 0, 0, 0]\nTrue\n"


@pytest.mark.timed
@pytest.mark.parametrize("connections", [0, 2])
def test_it_stops_at_once(connections: int) -> None:
    """Right after its start too, when uvicorn has just begun to wait for its next tick."""

    def seconds() -> float:
        server = LocalServer(scorer="lexical")
        server.start()
        address = ("127.0.0.1", int(server.base_url.rpartition(":")[2].partition("/")[0]))
        with ExitStack() as stack:
            for _ in range(connections):
                kept_alive = stack.enter_context(socket.create_connection(address, 5))
                kept_alive.sendall(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert kept_alive.recv(20).startswith(b"HTTP/1.1 200")
            begun = time.perf_counter()
            server.stop()
            return time.perf_counter() - begun

    assert min(seconds() for _ in range(3)) < 0.15
