"""No answer takes more memory or time than its request can ask for, however it is packed."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import trio

from assisters_rerank import (
    AssistersError,
    BudgetExceeded,
    ContractError,
    Embedder,
    Reranker,
    TransportError,
)
from assisters_rerank.net.body import Body
from assisters_rerank.wire import rerank_contract
from assisters_rerank.wire.messages import Request

from ...faults.server import Exchange, HostileServer

RIGHT = json.dumps({"results": [{"index": 0, "relevance_score": 0.5}]}).encode()
VECTOR = json.dumps({"data": [{"index": 0, "embedding": [1.0, 2.0]}]}).encode()


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


READ: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "capitals": ("GZIP", gzip.compress),
    "gzip and identity": ("identity, gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", raw_deflate),
    "something behind the end": ("gzip", lambda content: gzip.compress(content) + b"\0" * 9),
}
REFUSED = ("br", "zstd", "compress", "gzip, gzip", "gzip, deflate", "br, gzip", "unheard-of")
BROKEN: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "cut off": ("gzip", lambda content: gzip.compress(content)[:-9]),
    "without its checksum": ("gzip", lambda content: gzip.compress(content)[:-8]),
    "with a wrong length": ("gzip", lambda content: gzip.compress(content)[:-4] + b"\1\2\3\4"),
    "only begun": ("gzip", lambda content: b"\x1f"),
    "deflate cut off": ("deflate", lambda content: zlib.compress(content)[:-5]),
    "plain": ("gzip", bytes),
}


def packed(coding: str, body: bytes, status: int = 200) -> Callable[[Exchange], None]:
    def behave(exchange: Exchange) -> None:
        header = f"Content-Encoding: {coding}\r\n" if coding else ""
        head = f"HTTP/1.1 {status} OK\r\n{header}Content-Length: {len(body)}\r\n\r\n"
        exchange.send(head.encode() + body)

    return behave


class Unread(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A mock's body that nobody has read yet."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), 7000):
            yield self._body[start : start + 7000]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def own_clients(coding: str, body: bytes, status: int = 200, *, read: bool) -> dict[str, Any]:
    """Both clients of a user's, over a mock that is unread, or that a hook has read."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "gzip, deflate"
        headers = {"content-encoding": coding} if coding else {}
        return httpx.Response(status, headers=headers, stream=Unread(body))

    async def aread(response: httpx.Response) -> None:
        await response.aread()

    hooks, ahooks = ([httpx.Response.read], [aread]) if read else ([], [])
    transport = httpx.MockTransport(answer)
    return {
        "base_url": "https://h.test/v1",
        "http_client": httpx.Client(transport=transport, event_hooks={"response": hooks}),
        "async_http_client": httpx.AsyncClient(
            transport=transport, event_hooks={"response": ahooks}
        ),
    }


def asked(world: str, embeds: bool, **options: Any) -> Any:
    """One call in this world: a ranking's scores, or a vector."""
    options = {"max_retries": 0, "timeout": 10, **options}
    if embeds:
        embedder = Embedder(model="m", **options)
        sync, evented = embedder.embed_query, embedder.aembed_query
        arguments: tuple[Any, ...] = ("a",)
    else:
        reranker = Reranker(**options)
        sync, evented = reranker.rerank, reranker.arerank  # type: ignore[assignment]
        arguments = ("q", ["a"])
    if world == "sync":
        return sync(*arguments)
    if world == "asyncio":
        return asyncio.run(evented(*arguments))
    return trio.run(evented, *arguments)


worlds = pytest.mark.parametrize("world", ["sync", "asyncio", "trio"])
both = pytest.mark.parametrize("embeds", [False, True], ids=["rerank", "embeddings"])
pytestmark = pytest.mark.usefixtures("each_transport")


@worlds
@both
@pytest.mark.parametrize("how", READ)
def test_one_layer_is_unpacked(world: str, embeds: bool, how: str) -> None:
    coding, pack = READ[how]
    body = pack(VECTOR if embeds else RIGHT)
    with HostileServer([packed(coding, body)]) as server:
        assert len(asked(world, embeds, base_url=server.url)) == (2 if embeds else 1)
    assert server.requests[0].headers["accept-encoding"] == "gzip, deflate"
    own = own_clients(coding, body, read=False)
    assert len(asked(world, embeds, **own)) == (2 if embeds else 1)


@worlds
@pytest.mark.parametrize("coding", REFUSED)
def test_other_codings_are_refused(world: str, coding: str) -> None:
    body = gzip.compress(gzip.compress(RIGHT))
    with (
        HostileServer([packed(coding, body)]) as server,
        pytest.raises(ContractError, match="only gzip or deflate"),
    ):
        asked(world, embeds=False, base_url=server.url)
    with pytest.raises(ContractError, match="only gzip or deflate"):
        asked(world, embeds=False, **own_clients(coding, body, read=False))


@worlds
@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_packed_as_announced_may_be_asked_for_again(world: str, how: str) -> None:
    coding, pack = BROKEN[how]
    with (
        HostileServer([packed(coding, pack(RIGHT))]) as server,
        pytest.raises(TransportError, match="DecodingError") as caught,
    ):
        asked(world, embeds=False, base_url=server.url)
    assert caught.value.transient


@worlds
@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"\x8b\x00"),
        ("gzip, gzip", b"x"),
        ("gzip", b"plain"),
        ("gzip", b""),
        ("", b"x" * 9**7),
    ],
)
def test_of_a_refusal_the_status_is_enough(world: str, coding: str, body: bytes) -> None:
    with (
        HostileServer([packed(coding, body, 503)]) as server,
        pytest.raises(AssistersError, match="503") as caught,
    ):
        asked(world, embeds=False, base_url=server.url)
    assert caught.value.transient


@worlds
@pytest.mark.parametrize("coding", ["gzip", "deflate", ""])
@both
def test_more_than_any_answer_has_is_refused(world: str, coding: str, embeds: bool) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[coding]
    body = pack(b" " * 3_000_000)
    with (
        HostileServer([packed(coding, body)]) as server,
        pytest.raises(ContractError, match="more than"),
    ):
        asked(world, embeds, base_url=server.url)
    for read in (False, True):
        with pytest.raises(ContractError, match="more than"):
            asked(world, embeds, **own_clients(coding, body, read=read))


@worlds
@pytest.mark.parametrize("coding", ["gzip", ""])
def test_what_an_own_client_has_read_is_taken_as_it_is(world: str, coding: str) -> None:
    body = gzip.compress(RIGHT) if coding else RIGHT
    assert len(asked(world, embeds=False, **own_clients(coding, body, read=True))) == 1


@worlds
def test_the_limit_grows_with_what_was_sent(world: str) -> None:
    body = RIGHT + b" " * 2_500_000
    with HostileServer([packed("", body)]) as server:
        options = {"base_url": server.url, "max_retries": 0}
        reranker = Reranker(**options)
        if world == "sync":
            ranking = reranker.rerank("q", ["a" * 900_000])
        elif world == "asyncio":
            ranking = asyncio.run(reranker.arerank("q", ["a" * 900_000]))
        else:
            ranking = trio.run(reranker.arerank, "q", ["a" * 900_000])
    assert len(ranking) == 1


def test_no_more_is_unpacked_than_fits() -> None:
    bomb = zlib.compressobj(1, zlib.DEFLATED, 31)
    first, again = (bomb.compress(b"\0" * 2**20) + bomb.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    wire = first + 299 * again  # each begins anew, and so all but the first are alike
    body = Body(
        Request("https://h.test", {}, b"", None, 2**22),
        httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Unread(wire)),
    )
    pieces: list[None] = []
    with pytest.raises(ContractError, match="more than 4194304 bytes"):
        pieces.extend(body.add(wire))
    assert len(body._content) <= 2**22


@pytest.mark.parametrize("world", ["asyncio", "trio"])
def test_a_large_answer_is_decoded_out_of_the_loops_way(
    world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    decode = rerank_contract.decode

    def noting(*arguments: Any) -> rerank_contract.Scores:
        threads.append(threading.get_ident())
        return decode(*arguments)

    monkeypatch.setattr(rerank_contract, "decode", noting)
    for blanks in (10, 900_000):
        with HostileServer([packed("gzip", gzip.compress(RIGHT + b" " * blanks))]) as server:
            assert len(asked(world, embeds=False, base_url=server.url)) == 1
    small, large = threads
    assert small == threading.get_ident() != large


@worlds
def test_unpacking_is_part_of_the_time(world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_end(self: Body, part: bytes) -> Iterator[None]:
        while True:
            yield

    monkeypatch.setattr(Body, "add", without_end)
    with pytest.raises(BudgetExceeded):
        asked(world, embeds=False, timeout=0.1, **own_clients("gzip", RIGHT, read=False))
