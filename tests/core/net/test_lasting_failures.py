"""Failures that no retry cures are raised at once, say what to change, and never pass through."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
import trio

from assisters_rerank import (
    BudgetExceeded,
    ConfigurationError,
    Embedder,
    Reranker,
    TransportError,
)
from assisters_rerank.errors import AssistersError
from assisters_rerank.net.failures import failure_to_send
from assisters_rerank.net.timeouts import CountingDown, TimeLeft
from assisters_rerank.wire.messages import Request
from langchain_assisters import AssistersRerank as LangChainRerank
from llama_index_assisters import AssistersRerank as LlamaIndexRerank

from ...faults.server import AtAccept, Exchange, HostileServer
from .conftest import certified

WORLDS = ("sync", "asyncio", "trio")
worlds = pytest.mark.parametrize("world", WORLDS)
on_error = pytest.mark.parametrize("on_error", ["raise", "passthrough"])


def ranked(world: str, **options: Any) -> Any:
    reranker = Reranker(timeout=10, **options)
    if world == "sync":
        return reranker.rerank("q", ["a"])
    if world == "asyncio":
        return asyncio.run(reranker.arerank("q", ["a"]))
    return trio.run(reranker.arerank, "q", ["a"])


def embedded(world: str, **options: Any) -> Any:
    embedder = Embedder(model="m", timeout=10, **options)
    if world == "sync":
        return embedder.embed_query("a")
    if world == "asyncio":
        return asyncio.run(embedder.aembed_query("a"))
    return trio.run(embedder.aembed_query, "a")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's certificate that nobody trusts."""
    return certified(tmp_path_factory.mktemp("tls"), "localhost")[0]


class Listening:
    """Accepts connections, and does to each one thing."""

    def __init__(self, context: ssl.SSLContext | None, reply: bytes = b"") -> None:
        self.accepted = 0
        self._context, self._reply = context, reply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with visitor:
                visitor.settimeout(5)
                try:
                    if self._context is not None:
                        self._context.wrap_socket(visitor, server_side=True).close()
                    else:
                        visitor.recv(65536)
                        visitor.sendall(self._reply)
                except OSError:
                    continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def untrusted(context: ssl.SSLContext) -> Iterator[Listening]:
    listening = Listening(context)
    yield listening
    listening.close()


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[Listening]:
    status = request.param
    reply = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    listening = Listening(None, reply.encode())
    yield listening
    listening.close()


@pytest.mark.usefixtures("each_transport")
@worlds
@on_error
def test_an_untrusted_certificate(untrusted: Listening, world: str, on_error: str) -> None:
    address = f"https://localhost:{untrusted.port}/v1"
    with pytest.raises(TransportError, match=r"SSL_CERT_FILE.*http_client") as caught:
        ranked(world, base_url=address, on_error=on_error)
    assert not caught.value.transient
    assert "self-signed certificate" in str(caught.value)
    assert untrusted.accepted == 1


@pytest.mark.usefixtures("each_transport")
@worlds
def test_an_untrusted_certificate_of_embeddings(untrusted: Listening, world: str) -> None:
    with pytest.raises(TransportError, match="SSL_CERT_FILE") as caught:
        embedded(world, base_url=f"https://localhost:{untrusted.port}/v1")
    assert not caught.value.transient
    assert untrusted.accepted == 1


@worlds
def test_an_untrusted_certificate_with_own_clients(untrusted: Listening, world: str) -> None:
    own = {"http_client": httpx.Client(), "async_http_client": httpx.AsyncClient()}
    with pytest.raises(TransportError, match="verify=") as caught:
        ranked(world, base_url=f"https://localhost:{untrusted.port}/v1", **own)
    assert not caught.value.transient


@pytest.mark.usefixtures("each_transport")
@worlds
def test_a_reset_during_the_handshake_may_pass(world: str) -> None:
    with HostileServer([AtAccept(Exchange.reset)]) as server:
        address = server.url.replace("http:", "https:")
        with pytest.raises(TransportError) as caught:
            ranked(world, base_url=address, max_retries=0)
        assert caught.value.transient
        assert ranked(world, base_url=address, max_retries=0, on_error="passthrough").degraded


@pytest.mark.usefixtures("each_transport")
@worlds
def test_https_to_a_server_of_http_says_so(world: str) -> None:
    """It may pass, since a gateway that is down may answer so: hence it is tried again."""
    listening = Listening(None, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    try:
        address = f"https://127.0.0.1:{listening.port}/v1"
        with pytest.raises(TransportError, match=r"speaks no TLS .*begin with http://") as caught:
            ranked(world, base_url=address, max_retries=0)
    finally:
        listening.close()
    assert caught.value.transient


@pytest.mark.usefixtures("each_transport")
@worlds
def test_a_refused_connection_is_called_that(world: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    try:
        raise FileNotFoundError("what the caller was handling")
    except FileNotFoundError:
        with pytest.raises(TransportError, match="ConnectionRefusedError") as caught:
            ranked(world, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
    assert caught.value.transient


@worlds
@on_error
@pytest.mark.parametrize("proxy", [407, 403], indirect=True)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_refuses_a_tunnel(
    proxy: Listening, world: str, on_error: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(TransportError, match=f"in {variable}") as caught:
        ranked(world, base_url="https://h.test/v1", on_error=on_error)
    assert not caught.value.transient
    assert proxy.accepted == 1


@worlds
@on_error
@pytest.mark.parametrize("proxy", [407], indirect=True)
def test_a_proxy_that_refuses_a_request(
    proxy: Listening, world: str, on_error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(AssistersError, match="HTTP_PROXY") as caught:
        ranked(world, base_url="http://h.test/v1", on_error=on_error)
    assert not caught.value.transient
    assert proxy.accepted == 1


@worlds
@pytest.mark.parametrize("proxy", [502], indirect=True)
def test_a_proxy_that_fails_may_recover(
    proxy: Listening, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(TransportError) as caught:
        ranked(world, base_url="https://h.test/v1", max_retries=0)
    assert caught.value.transient


class OwnError(Exception):
    """What a transport of the user's may raise."""


@worlds
@on_error
@pytest.mark.parametrize(
    "error", [OwnError("broken"), TypeError("no float"), KeyError("x"), httpx.StreamConsumed()]
)
def test_any_other_exception_is_named_and_lasts(
    world: str, on_error: str, error: Exception
) -> None:
    asked = 0

    def fail(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise error

    transport = httpx.MockTransport(fail)
    own = {
        "http_client": httpx.Client(transport=transport),
        "async_http_client": httpx.AsyncClient(transport=transport),
    }
    for call in (ranked, embedded):
        asked = 0
        options = {"on_error": on_error} if call is ranked else {}
        with pytest.raises(TransportError, match=type(error).__name__) as caught:
            call(world, base_url="http://h.test/v1", **options, **own)
        assert not caught.value.transient
        assert asked == 1


def test_an_own_transport_gets_timeouts_that_are_floats() -> None:
    class Reckoning(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            timeouts = request.extensions["timeout"]
            for phase in ("connect", "pool", "write", "read"):
                assert type(timeouts[phase]) is float
                assert 0 < time.monotonic() + timeouts.get(phase) - time.monotonic() <= 10
            return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})

    client = httpx.Client(transport=Reckoning())
    assert len(ranked("sync", base_url="http://h.test/v1", http_client=client)) == 1


def test_our_countdown_serves_sockets_that_ask_for_a_float() -> None:
    """As gevent's and eventlet's do: they take what `__float__` gives, each time anew."""
    timeouts = CountingDown(time.monotonic() + 0.2, 0.2)
    countdown = timeouts.get("read")
    first = float(countdown)
    time.sleep(0.01)
    assert 0 < float(countdown) < first <= 0.2
    assert isinstance(timeouts.get("pool"), float)
    with socket.socket() as plain:
        plain.settimeout(countdown)
        assert plain.gettimeout() == 1
    late = CountingDown(time.monotonic() - 1, 0.2).get("read")
    for ask in (float, int):
        with pytest.raises(TimeoutError):
            ask(late)
    assert TimeLeft(time.monotonic() - 1, 0.2).get("read") == 0.001


ONE_SIDED = {
    "http_client": ("async_http_client", ("asyncio", "trio"), httpx.Client),
    "async_http_client": ("http_client", ("sync",), httpx.AsyncClient),
}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/embeddings"):
        return httpx.Response(200, json={"data": [{"index": 0, "embedding": [1.0]}]})
    return httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 0.5}]})


@pytest.mark.parametrize("given", ONE_SIDED)
def test_a_client_of_one_colour_serves_only_that_colour(
    given: str, honest_server: HostileServer
) -> None:
    missing, refused, kind = ONE_SIDED[given]
    own: dict[str, Any] = {given: kind(transport=httpx.MockTransport(answer))}
    for world in WORLDS:
        for call in (ranked, embedded):
            if world in refused:
                with pytest.raises(ConfigurationError, match=rf"^{missing}: "):
                    call(world, base_url=honest_server.url, **own)
            else:
                assert len(call(world, base_url=honest_server.url, **own)) == 1
    assert honest_server.requests == []


@pytest.mark.parametrize("given", ONE_SIDED)
def test_the_plugins_obey_it_too(given: str, honest_server: HostileServer) -> None:
    from langchain_core.documents import Document
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

    missing, refused, kind = ONE_SIDED[given]
    own: dict[str, Any] = {given: kind(transport=httpx.MockTransport(answer))}
    of_langchain = LangChainRerank(base_url=honest_server.url, **own)
    of_llama_index = LlamaIndexRerank(base_url=honest_server.url, **own)
    nodes, query = [NodeWithScore(node=TextNode(text="a"))], QueryBundle("q")
    calls = {
        "sync": (
            lambda: of_langchain.compress_documents([Document("a")], "q"),
            lambda: of_llama_index.postprocess_nodes(nodes, query),
        ),
        "asyncio": (
            lambda: asyncio.run(of_langchain.acompress_documents([Document("a")], "q")),
            lambda: asyncio.run(of_llama_index.apostprocess_nodes(nodes, query)),
        ),
    }
    for world, of_world in calls.items():
        for call in of_world:
            if world in refused:
                with pytest.raises(ConfigurationError, match=rf"^{missing}: "):
                    call()
            else:
                assert len(call()) == 1
    assert honest_server.requests == []


def test_a_timeout_while_another_thread_imports_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", ModuleType("aiohttp"))  # nothing is in it yet
    request = Request("http://h.test/v1/rerank", {}, b"")
    found = failure_to_send(TimeoutError("late"), request, None, own=False, timed_out=True)
    assert isinstance(found, BudgetExceeded)
