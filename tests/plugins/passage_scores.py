"""Documents in passages with scores, as the flow gives them to a plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from assisters_rerank import Document, Passage, RankedDocument, ScoredPassage
from assisters_rerank.plugins import FrameworkDocument
from assisters_rerank.text.passages import passages

_SCRAPS = ("A b. ", "c", " … ", "\n", "{x} ", "Long word. ")
TEXTS = st.lists(st.sampled_from(_SCRAPS), max_size=20).map("".join) | st.text(max_size=60)
THRESHOLDS = st.sampled_from([None, -2.0, 0.3, 0.9])


def ranking_of(
    sent: str, data: st.DataObject, original: str | FrameworkDocument | None = None
) -> RankedDocument:
    """What the flow would give for a text in passages of some length, with some scores."""
    document = Document(sent, sent if original is None else original)
    cuts = passages(sent, data.draw(st.integers(5, 30)), len)
    scored = tuple(
        ScoredPassage(*cut, data.draw(st.sampled_from([-1.0, 0.3, 0.5]))) for cut in cuts
    )
    if len(scored) < 2:
        return RankedDocument(0, 0.5, document)
    best = max(scored, key=lambda each: each.score)
    place = Passage(best.start, best.end)
    return RankedDocument(0, best.score, document, place, scored)


def ranked_near_a_sum(
    sent: Sequence[str],
    originals: Sequence[FrameworkDocument],
    count: Callable[[str], int],
    data: st.DataObject,
) -> tuple[list[RankedDocument], int]:
    """The flow's documents, and a budget for them about which one token more or less decides."""
    pairs = enumerate(zip(sent, originals, strict=True))
    ranked = [replace(ranking_of(text, data, one), index=index) for index, (text, one) in pairs]
    sizes = [count(one.shown(each).prompt) for each, one in zip(ranked, originals, strict=True)]
    some = sum(sizes[: data.draw(st.integers(1, len(sizes)))])
    return ranked, max(4, some + data.draw(st.integers(-3, 1)))


def words(text: str) -> int:
    return len(text.split())


def odd_lengths_dearer(text: str) -> int:
    """As a real tokenizer's may, its count shrinks when a letter is added."""
    return len(text) + 3 * (len(text) % 2)


COUNTERS = st.sampled_from([None, words, len, odd_lengths_dearer])
