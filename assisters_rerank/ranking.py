"""What a call returns: a `Ranking` of documents, or a `Selection` of items of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, overload

from .text.passages import Passage
from .usage import Usage

if TYPE_CHECKING:
    from .notebook import Piece

_NOTHING = Usage()

T = TypeVar("T")


class Document(NamedTuple):
    """A document as it was given, and the text of it that was scored."""

    text: str
    original: str | Mapping[str, object]


class ScoredPassage(NamedTuple):
    """The span `text[start:end]` of a document, in characters, and the score of that passage."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True, init=False)
class RankedDocument:
    """One document in its place.

    Attributes:
        index: position in the documents that were given.
        relevance_score: the service's score, untouched (in practice 0…1 there; other servers may
            answer in logits); None only in a degraded ranking.
        document: the document.
        passage: with `long_documents="split"`, where in a long text the passage stands that the
            score belongs to (characters); None if the text was scored as a whole.
        split: every scored passage of a text that was split; `passages` says it of any text.
        context_end: where the text of the best document has to be cut off so that it keeps to
            `max_context_tokens`; None: it fits. In a plugin it counts in the returned text.
    """

    index: int
    relevance_score: float | None
    document: Document
    passage: Passage | None = None
    split: tuple[ScoredPassage, ...] = field(default=(), repr=False)
    context_end: int | None = None

    # The constructor of a frozen dataclass looks up each field by its name again, which of many
    # documents takes as long as all else that is done with their scores.
    def __init__(
        self,
        index: int,
        relevance_score: float | None,
        document: Document,
        passage: Passage | None = None,
        split: tuple[ScoredPassage, ...] = (),
        context_end: int | None = None,
    ) -> None:
        _set_index(self, index)
        _set_relevance_score(self, relevance_score)
        _set_document(self, document)
        _set_passage(self, passage)
        _set_split(self, split)
        _set_context_end(self, context_end)

    @property
    def context(self) -> str:
        """The text that fits into the prompt: all of it, unless `context_end` is given."""
        return self.document.text[: self.context_end]

    @property
    def passages(self) -> tuple[ScoredPassage, ...]:
        """Every passage that was scored, in the document's order.

        Its whole text is one if it was not split; there is none in a degraded ranking.
        """
        if self.split or self.relevance_score is None:
            return self.split
        return (ScoredPassage(0, len(self.document.text), self.relevance_score),)

    @property
    def text(self) -> str:
        """The document's text, for short."""
        return self.document.text

    @property
    def passage_text(self) -> str:
        """The text that the score belongs to: of the best passage, else of the whole document."""
        if self.passage is None:
            return self.document.text
        return self.document.text[self.passage.start : self.passage.end]


(
    _set_index,
    _set_relevance_score,
    _set_document,
    _set_passage,
    _set_split,
    _set_context_end,
) = (vars(RankedDocument)[field.name].__set__ for field in fields(RankedDocument))


@dataclass(frozen=True, slots=True, repr=False)
class Ranking(Sequence[RankedDocument]):
    """Ranked documents, the best first: an immutable sequence.

    Attributes:
        results: the ranked documents, in falling order of score; ties keep their first order.
        model: the model that the server says it used, else the one that was asked for.
        usage: requests, documents, tokens, dollars.
        request_ids: the server's ids of the requests, to quote to its support.
        degraded: True if the service could not score them and `on_error="passthrough"` let the
            documents through: in their first order, without scores.
        truncated: how many documents were longer than the model reads, so that the service left
            their ends unread; None if the model's window is not known.
        degraded_reason: of a degraded ranking, what went wrong.
        context_tokens: how many tokens the documents have together, as `max_context_tokens` counts
            them; None without that option.
    """

    results: tuple[RankedDocument, ...]
    model: str
    usage: Usage = _NOTHING
    request_ids: tuple[str, ...] = ()
    degraded: bool = False
    truncated: int | None = None
    degraded_reason: str | None = None
    context_tokens: int | None = None

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

    def __repr__(self) -> str:
        # Without the texts: notebooks store it next to the table, and logs hold it.
        scores = [ranked.relevance_score for ranked in self.results]
        best = f", best={scores[0]}" if scores and scores[0] is not None else ""
        degraded = ", degraded" if self.degraded else ""
        return f"<Ranking of {len(scores)} by {self.model}{best}{degraded}>"

    def _repr_html_(self) -> str:
        from .notebook import Row, ranking_facts, table_html  # only a notebook needs it

        rows = [Row(r.index, r.relevance_score, shown_pieces(r)) for r in self.results]
        reason = self.degraded_reason or "" if self.degraded else None
        facts = ranking_facts(self.model, self.usage, self.context_tokens)
        return table_html(rows, facts, degraded=reason)


@dataclass(frozen=True, slots=True)
class Selection(Sequence[T], Generic[T]):
    """Selected items of any kind, the best first: an immutable sequence.

    Attributes:
        items: the items themselves, in falling order of score.
        ranking: their scores, model and usage; `ranking[n].index` is the position of item n in the
            items that were given.
    """

    items: tuple[T, ...]
    ranking: Ranking

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self.items[place]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


def shown_pieces(ranked: RankedDocument) -> list[Piece]:
    """What a table shows of a document: its best passages if it was split, else its text."""
    from .notebook import pieces_of

    spans = ranked.split
    if not spans and ranked.passage is not None and ranked.relevance_score is not None:
        spans = (ScoredPassage(*ranked.passage, ranked.relevance_score),)
    text = ranked.context
    kept = [(start, min(end, len(text)), score) for start, end, score in spans if start < len(text)]
    return pieces_of(text, kept)
