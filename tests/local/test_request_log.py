from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from assisters_rerank.local.http.request_log import MAX_PATH, LoggedRequest, RequestLog


async def logged(path: str, *, status: int | None = 200, **state: object) -> LoggedRequest:
    """What is logged of a request to an application that answers so, or breaks off."""
    lines: list[LoggedRequest] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"].update(state)
        if status is None:
            raise RuntimeError
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        raise AssertionError

    async def send(_: Message) -> None:
        pass

    log = RequestLog(app, lines.append, secret="ask_secret")
    scope = {"type": "http", "method": "GET", "path": path}
    if status is None:
        with pytest.raises(RuntimeError):
            await log(scope, receive, send)
    else:
        await log(scope, receive, send)
    (line,) = lines
    return line


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1/rerank", "/v1/rerank"),
        ("/v1/ask_secret/ask_secret", "/v1/…/…"),
        ("/a\nb\x1b[2J\u2028c", "/a\ufffdb\ufffd[2J\ufffdc"),
        ("/" + "x" * 200, "/" + "x" * (MAX_PATH - 1) + "…"),
    ],
)
async def test_paths(path: str, shown: str) -> None:
    assert (await logged(path)).path == shown


async def test_what_the_endpoint_told_is_in_the_line() -> None:
    line = await logged("/v1/rerank", documents=2, replayed=True)
    assert (line.status, line.documents, line.replayed) == (200, 2, True)


async def test_a_response_that_never_began_is_logged_too() -> None:
    line = await logged("/v1/rerank", status=None)
    assert str(line).startswith("--- GET /v1/rerank  ")


def test_lines() -> None:
    plain = LoggedRequest("GET", "/v1/models", 200, 1.4)
    one = LoggedRequest("POST", "/v1/rerank", 200, 12.6, 1)
    several = LoggedRequest("POST", "/v1/rerank", 200, 0, 3, True)
    embedded = LoggedRequest("POST", "/v1/embeddings", 200, 3, texts=1)
    assert [str(line) for line in (plain, one, several, embedded)] == [
        "200 GET /v1/models  1 ms",
        "200 POST /v1/rerank  1 document  13 ms",
        "200 POST /v1/rerank  3 documents  0 ms  (replayed)",
        "200 POST /v1/embeddings  1 text  3 ms",
    ]
