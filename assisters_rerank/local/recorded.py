"""What the local server remembers of a request, for tests to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .contract import RerankRequest


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One `POST /v1/rerank` as it arrived, and the status it was answered with.

    The fields of a body that was refused are empty. `headers` are the request's, in lower case.
    `replayed`: it got the answer that its `Idempotency-Key` got before.
    """

    status: int
    request_id: str
    headers: Mapping[str, str] = field(repr=False)  # the key is among them
    model: str = ""
    query: str = ""
    documents: tuple[str, ...] = ()
    top_n: int | None = None
    return_documents: bool = False
    replayed: bool = False


def recorded(
    status: int,
    request_id: str,
    headers: Mapping[str, str],
    asked: RerankRequest | None,
    *,
    replayed: bool = False,
) -> RecordedRequest:
    """`asked` is `None` when the body was refused."""
    if asked is None:
        return RecordedRequest(status, request_id, headers)
    return RecordedRequest(
        status,
        request_id,
        headers,
        asked.model,
        asked.query,
        asked.documents,
        asked.top_n,
        asked.return_documents,
        replayed,
    )
