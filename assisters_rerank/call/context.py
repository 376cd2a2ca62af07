"""What fits into a prompt: the best documents that together have at most `max_context_tokens`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import ConfigurationError
from ..options.rerank_options import RerankOptions
from ..ranking import Document, RankedDocument
from ..text.beginnings import beginning, sentence_end
from ..text.tokens import TokenCounter
from ..usage import count as number_of
from .fitting import Fitted


class Shown(NamedTuple):
    """A ranked document's own text as it is returned, and all of it that reaches a prompt."""

    content: str
    prompt: str


class FrameworkDocument(dict[str, object]):
    """A framework's document as its plugin gives it to `rerank`, with the text to score.

    Args:
        sent: the text to score.
        own: the document's own text, which is a part of it.
        shown: what a ranked document becomes in the framework.
    """

    def __init__(self, sent: str, own: str, shown: Callable[[RankedDocument], Shown]) -> None:
        super().__init__(text=sent)
        self.own = own
        self.shown = shown


def fitting_alone(
    options: RerankOptions,
    fitted: Fitted,
    documents: Sequence[Document],
    check_time: Callable[[], None],
) -> set[int]:
    """The frameworks' documents that were split only because of what is sent around their text.

    They are not to be cut: what comes back of a document would be cut again in a second rerank.
    """
    count = TokenCounter(options.count_tokens, check_time)
    split = {document for document, passage in fitted.plan.parts or () if passage is not None}
    return {
        place
        for place in split
        if isinstance(original := documents[place].original, FrameworkDocument)
        and count.fits(original.own, int(fitted.room))
    }


def within_context(
    options: RerankOptions,
    most: int,
    ranked: Sequence[RankedDocument],
    check_time: Callable[[], None] = lambda: None,
) -> tuple[tuple[RankedDocument, ...], int]:
    """The first documents that have at most `most` tokens together, and how many they have.

    If the first one has more, it is cut off, at a sentence end if its second half has one.
    `check_time` is called before each text is counted, and may raise an error.

    Raises:
        ConfigurationError: not even the beginning of the first document fits.
    """
    given = options.count_context_tokens
    count = (
        TokenCounter(options.count_tokens, check_time)
        if given is None
        else TokenCounter(given, check_time, "count_context_tokens")
    )
    total = 0
    for place, each in enumerate(ranked):
        tokens = count(_shown(each).prompt)
        if total + tokens > most:
            return (tuple(ranked[:place]), total) if place else _beginning(each, most, count)
        total += tokens
    return tuple(ranked), total


def _shown(ranked: RankedDocument) -> Shown:
    original = ranked.document.original
    if isinstance(original, FrameworkDocument):
        return original.shown(ranked)
    return Shown(ranked.context, ranked.context)


def _beginning(
    ranked: RankedDocument, most: int, count: Callable[[str], int]
) -> tuple[tuple[RankedDocument, ...], int]:
    content = _shown(ranked).content

    def tokens(end: int) -> int:
        return count(_shown(replace(ranked, context_end=end)).prompt)

    end = beginning(content, most, lambda text: tokens(len(text)))
    end = len(content[:end].rstrip()) or end
    whole_sentences = sentence_end(content, end)
    if whole_sentences > end / 2:
        end = whole_sentences
    # A counter may find more tokens in a shorter text.
    while end > 0 and tokens(end) > most:
        end //= 2
    if end == 0:
        raise ConfigurationError(
            f"max_context_tokens: the best document, documents[{ranked.index}], has more than "
            f"{number_of(most, 'token')} however much of it is cut off (its metadata count too); "
            "give more."
        )
    return (replace(ranked, context_end=end),), tokens(end)
