"""Rankings to look at."""

from __future__ import annotations

from collections.abc import Sequence

from assisters_rerank import Document, Passage, RankedDocument, Ranking, ScoredPassage, Usage

ONE_REQUEST = Usage(requests=1, total_tokens=1_234)


def ranking(
    *rows: tuple[int, float | None, str],
    usage: Usage = ONE_REQUEST,
    degraded: str | None = None,
) -> Ranking:
    """A ranking of (index, score, text)."""
    results = tuple(RankedDocument(i, score, Document(text, text)) for i, score, text in rows)
    about = "bge-reranker-v2", usage, ("req-1",)
    return Ranking(results, *about, degraded is not None, degraded_reason=degraded)


def long_ranking(documents: int) -> Ranking:
    """Numbered documents, in reverse order."""
    last = documents - 1
    return ranking(*((last - i, 1 - i / documents, f"document {i}") for i in range(documents)))


def split_ranking(text: str, *passages: tuple[int, int, float], end: int | None = None) -> Ranking:
    """One document that was split; the scores of its passages."""
    scored = tuple(ScoredPassage(*each) for each in passages)
    best = max(scored, key=lambda each: each.score)
    document = Document(text, text)
    span = Passage(best.start, best.end)
    found = RankedDocument(0, best.score, document, span, scored, end)
    return Ranking((found,), "bge-reranker-v2", ONE_REQUEST)


# What may go wrong on a page: a cut text, markup, other directions, logits, no scores, no rows.
ALL: Sequence[Ranking] = (
    ranking(
        (2, 0.97, "The module lets you spawn new processes and connect to their pipes. " * 9),
        (0, 0.71, "<b>not bold</b> & <script>console.error('ran')</script> costs $5, not $10"),
        (1, 0.3, "مرحبا بالعالم"),
        (3, 0.0000123, "x" * 300),
    ),
    ranking((1, 8.25, "a logit"), (0, 0.0, "another"), (2, -11.5, "and another")),
    ranking((0, None, "first"), (1, None, "second"), usage=Usage(), degraded="Status <503>."),
    ranking(usage=Usage()),
    long_ranking(30),
    split_ranking(
        "Cats eat fish. <i>Dogs</i> need a walk. Birds sing.",
        (0, 14, 0.93),
        (15, 40, 0.08),
        (41, 52, 0.4),
    ),
)
