"""What a call returns: `Ranking`, a sequence of `RankedDocument`, with `Usage`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload


class Document(NamedTuple):
    """A document as it was given, and the text of it that was scored."""

    text: str
    original: str | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """One document in its place.

    Attributes:
        index: position in the documents that were given.
        relevance_score: the service's score, untouched (in practice 0…1 there; other servers may
            answer in logits); None only in a degraded ranking.
        document: the document.
    """

    index: int
    relevance_score: float | None
    document: Document

    @property
    def text(self) -> str:
        """The document's text, for short."""
        return self.document.text


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took. Tokens and search units are None where the server reports none.

    Attributes:
        requests: requests that were answered; an empty list takes none.
        retries: further attempts that these requests needed.
        prompt_tokens: tokens of queries and documents.
        total_tokens: billed tokens.
        search_units: billed units of the service's third generation.
    """

    requests: int = 0
    retries: int = 0
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    search_units: int | None = None


@dataclass(frozen=True, slots=True)
class Ranking(Sequence[RankedDocument]):
    """Ranked documents, the best first: an immutable sequence.

    Attributes:
        results: the ranked documents, in falling order of score; ties keep their first order.
        model: the model that the server says it used, else the one that was asked for.
        usage: requests and tokens.
        request_ids: the server's ids of the requests, to quote to its support.
        degraded: True if the service could not score them and `on_error="passthrough"` let the
            documents through: in their first order, without scores.
    """

    results: tuple[RankedDocument, ...]
    model: str
    usage: Usage = Usage()
    request_ids: tuple[str, ...] = ()
    degraded: bool = False

    @overload
    def __getitem__(self, place: int) -> RankedDocument: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[RankedDocument, ...]: ...
    def __getitem__(self, place: int | slice) -> RankedDocument | tuple[RankedDocument, ...]:
        return self.results[place]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[RankedDocument]:
        return iter(self.results)

    def _repr_html_(self) -> str:
        from .notebook import ranking_html  # nobody but a notebook needs it

        return ranking_html(self)
