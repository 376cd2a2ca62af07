"""An answer's headers by their names, as httpx reads them."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assisters_rerank.net.body import Body
from assisters_rerank.wire.messages import Request

REQUEST = Request("http://h.test/v1/rerank", {}, b"{}")


def read(headers: httpx.Headers) -> dict[str, str]:
    response = httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"{}"))
    assert list(Body(REQUEST, response).add(b"{}")) == []
    return dict(Body(REQUEST, response).answer().headers)


@pytest.mark.parametrize(
    ("given_headers", "expected"),
    [
        ([(b"X-Request-ID", b"r-1"), (b"Date", b"now")], {"x-request-id": "r-1", "date": "now"}),
        ([(b"RateLimit", b"a"), (b"ratelimit", b"b")], {"ratelimit": "a, b"}),
        ([(b"X-A", "Zürich".encode())], {"x-a": "Zürich"}),
        ([(b"X-A", "Zürich".encode("latin-1"))], {"x-a": "Zürich"}),
        ([(b"X-A", "Z\xfcrich".encode()), (b"x-a", b"b")], {"x-a": "Zürich, b"}),
        ([(b"X-A", b"")], {"x-a": ""}),
        ([], {}),
    ],
    ids=["any case", "twice", "UTF-8", "Latin-1", "UTF-8 twice", "empty", "none"],
)
def test_names_are_in_lower_case_and_values_as_they_were_meant(
    given_headers: list[tuple[bytes, bytes]], expected: dict[str, str]
) -> None:
    assert read(httpx.Headers(given_headers)) == expected


NAMES = st.sampled_from([b"X-A", b"x-a", b"Date", b"RETRY-AFTER", b"X-B"])
VALUES = st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")) | st.binary(
    max_size=8
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_any_headers_are_what_httpx_says(given_headers: list[tuple[bytes, bytes]]) -> None:
    headers = httpx.Headers(given_headers)
    assert read(headers) == dict(headers.items())
