"""An answer's body as it arrives: unpacked piece by piece, and never larger than its limit.

A few kilobytes of gzip can be unpacked to any number of bytes, so nothing is unpacked that has not
been allowed for, and an event loop can do other work between two pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx

from ..errors import ContractError
from ..wire.messages import Answer, Request

# What is unpacked at once: less than a millisecond's work.
_PIECE = 2**18
_FED = 2**16


class Body:
    """Collects one answer's body.

    A refusal's status says enough: a body of it that cannot be read only ends early.
    """

    def __init__(self, request: Request, response: httpx.Response) -> None:
        self._request = request
        self._status = response.status_code
        self._headers = _by_name(response.headers)
        self._refused = not 200 <= self._status < 300
        self._content: bytes | bytearray = bytearray()  # grows in place
        self._packed = 0
        self._head = b""
        self._coding = ""
        self._unpacker: zlib._Decompress | None = None
        self.is_whole = False
        """Whether nothing of the response is to be read any more."""
        try:
            if response.is_stream_consumed:  # by a hook, or a mock: it is unpacked already
                self._check(len(response.content))
                self._content = response.content
                self.is_whole = True
            else:
                self._coding = self._known_coding(self._headers.get("content-encoding", ""))
        except ContractError:
            if not self._refused:
                raise
            self.is_whole = True

    def add(self, part: bytes) -> Iterator[None]:
        """Takes the next part as it came over the wire; pauses after each piece of work.

        Raises:
            ContractError: there is more than an answer to this request can have.
            httpx.DecodingError: it is not packed as its header says.
        """
        try:
            if not self._coding:
                self._keep(part)
                return
            self._packed += len(part)
            self._check(self._packed)
            for start in range(0, len(part), _FED):
                yield from self._unpack(part[start : start + _FED])
        except (zlib.error, ContractError) as error:
            self.is_whole = True
            if not self._refused and isinstance(error, zlib.error):
                raise httpx.DecodingError(str(error)) from None
            if not self._refused:
                raise

    def answer(self) -> Answer:
        """The whole answer.

        Raises:
            httpx.DecodingError: its packed body breaks off.
        """
        if self._packed and not self._refused and not (self._unpacker and self._unpacker.eof):
            raise httpx.DecodingError(f"the {self._coding} body breaks off")
        return Answer(self._status, self._headers, self._content)

    def _known_coding(self, header: str) -> str:
        codings = [coding.strip().lower() for coding in header.split(",")]
        codings = [coding for coding in codings if coding not in ("", "identity")]
        if not codings:
            return ""
        if codings in (["gzip"], ["x-gzip"], ["deflate"]):
            return codings[0]
        raise ContractError(
            f"{self._request.shown_url} answered with the Content-Encoding "
            f"{self._request.redact(header)!r}, but only gzip or deflate is read, and only one of "
            "them once: correct the server, or the proxy in front of it."
        )

    def _unpack(self, packed: bytes) -> Iterator[None]:
        if self._unpacker is None:
            packed = self._head = self._head + packed
            if len(packed) < 2:
                return  # the first two bytes show the format
            self._unpacker = zlib.decompressobj(_window_bits(self._coding, packed))
        while packed and not self._unpacker.eof:
            self._keep(self._unpacker.decompress(packed, _PIECE))
            packed = self._unpacker.unconsumed_tail
            yield

    def _keep(self, part: bytes) -> None:
        self._check(len(self._content) + len(part))
        self._content += part

    def _check(self, size: int) -> None:
        if size > self._request.answer_limit:
            raise ContractError(
                f"{self._request.shown_url} answered with more than "
                f"{self._request.answer_limit} bytes, which no answer to this request has."
            )


def _window_bits(coding: str, head: bytes) -> int:
    """How zlib is to read it. What is called deflate comes with zlib's header, or without."""
    if coding != "deflate":
        return 16 + zlib.MAX_WBITS
    with_header = head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if with_header else -zlib.MAX_WBITS


def _by_name(headers: httpx.Headers) -> dict[str, str]:
    """`dict(headers.items())`, for which httpx goes through all of them several times."""
    found: dict[str, str] = {}
    try:
        for raw_name, raw_value in headers.raw:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode("ascii")
            found[name] = f"{found[name]}, {value}" if name in found else value
    except UnicodeDecodeError:  # which encoding it is, httpx finds out
        return dict(headers.items())
    return found
