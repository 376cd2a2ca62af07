"""The page's queries: those that moved most, with their first documents before and after."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from ..results import MAIN_MEASURE, Change, Evaluation, ModelResult
from . import wording
from .markup import tag


def moved_queries(evaluation: Evaluation) -> list[Element]:
    """For each model the queries that moved most, and the ids of all that got worse."""
    models = [model for model in evaluation.models if model.changes or model.worse]
    if not models:
        return []
    return [
        tag("h2", "The queries that moved most"),
        tag("p", f"{MAIN_MEASURE} before → after the rerank.", class_="soft"),
        *(part for model in models for part in _of(evaluation, model)),
    ]


def _of(evaluation: Evaluation, model: ModelResult) -> list[Element]:
    first_stage = wording.one_line(evaluation.first_stage, 30)
    parts = [
        tag("h3", wording.one_line(model.model, 60)),
        tag(
            "p",
            f"{model.improved:,} improved, {model.worsened:,} worsened, "
            f"{model.unchanged:,} unchanged.",
        ),
        *(_change(change, first_stage) for change in model.changes),
    ]
    if model.worse:
        ids = ", ".join(wording.one_line(query, 80) for query in model.worse)
        parts.append(
            tag(
                "details",
                tag("summary", f"All that got worse ({len(model.worse):,}), the worst first"),
                tag("p", ids, dir="auto"),
            )
        )
    return parts


def _change(change: Change, first_stage: str) -> Element:
    better = change.after > change.before
    move = f"{'▲' if better else '▼'} {change.before:.2f} → {change.after:.2f}"
    return tag(
        "details",
        tag(
            "summary",
            tag("span", move, class_=f"move {'better' if better else 'worse'}"),
            " ",
            tag("bdi", wording.one_line(change.text) or "(no text)"),
            " ",
            tag("bdi", wording.one_line(change.query, 80), class_="soft"),
        ),
        tag(
            "div",
            _documents(f"Before: {first_stage}", change.top_before),
            _documents("After: reranked", change.top_after),
            class_="sides",
        ),
    )


def _documents(title: str, documents: Sequence[tuple[str, str, int]]) -> Element:
    return tag(
        "div",
        tag("h4", title),
        tag("ol", *(_document(*document) for document in documents))
        if documents
        else tag("p", "No documents.", class_="soft"),
    )


def _document(document: str, text: str, grade: int) -> Element:
    badge = f"✓ relevant{f', grade {grade}' if grade > 1 else ''}"
    return tag(
        "li",
        tag("span", badge, class_="relevant") if grade > 0 else None,
        " ",
        tag("bdi", wording.one_line(document, 80), class_="id"),
        " ",
        tag("bdi", wording.one_line(text)),
    )
