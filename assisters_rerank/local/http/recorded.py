"""What the local server remembers of a request, for tests to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class RecordedEmbedding:
    """One `POST /v1/embeddings`, in the same way; `texts` is its `input`, prefixes included."""

    status: int
    request_id: str
    headers: Mapping[str, str] = field(repr=False)
    model: str = ""
    texts: tuple[str, ...] = ()
    encoding_format: str = ""
    replayed: bool = False
