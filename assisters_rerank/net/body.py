"""An answer's body as it arrives, which may not grow without end."""

from __future__ import annotations

from ..errors import ContractError
from ..wire.messages import Request

# A thousand embeddings of four thousand dimensions are a hundred million bytes; a few kilobytes of
# gzip can be unpacked to any number.
_MOST_BYTES = 128 * 2**20


class Body:
    """Collects the parts of one answer's body."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._parts: list[bytes] = []
        self._bytes = 0

    def add(self, part: bytes) -> None:
        """The next part, unpacked.

        Raises:
            ContractError: it is more than any answer has.
        """
        self._bytes += len(part)
        if self._bytes > _MOST_BYTES:
            raise ContractError(
                f"{self._request.url} answered with more than {_MOST_BYTES >> 20} MB, which no "
                "answer of this API has."
            )
        self._parts.append(part)

    def whole(self) -> bytes:
        """All parts."""
        return b"".join(self._parts)
