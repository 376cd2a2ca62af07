"""An evaluation as one self-contained HTML page: no script, nothing to load, light and dark."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ..results import MAIN_MEASURE, Evaluation, ModelResult
from ..verdicts import Verdict
from . import wording
from .answers import Answer, answers, main_verdict
from .markup import html, tag
from .page_curves import by_candidates, by_threshold
from .page_pairs import model_against_model
from .page_queries import moved_queries
from .page_style import STYLE
from .page_tables import behind, gates, measures, published, took
from .plots import interval_plot

_SIGNS = {Verdict.BETTER: "▲ ", Verdict.WORSE: "▼ ", Verdict.SAME: "= "}

_TRAPS = (
    "Labels that the first stage made: if only documents that it had found were judged, what a "
    "reranker lifts from further below counts as not relevant, and it looks worse than it is.",
    "Few queries: the interval tells how far other queries of the same kind may differ; of other "
    "kinds it tells nothing.",
    "Scores do not compare between models: a threshold belongs to its model.",
    "The oracle is the same candidates in the best possible order. What the first stage did not "
    "find, no reranker can put first: that gap asks for a better first stage.",
)


def to_html(evaluation: Evaluation) -> str:
    """The page; write it as UTF-8."""
    collection = wording.one_line(evaluation.collection, 80)
    title = f"Does reranking help on {collection}?"
    return html(
        tag(
            "html",
            tag(
                "head",
                tag("meta", charset="utf-8"),
                tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
                # Whatever a text smuggled in, it could load and run nothing.
                tag(
                    "meta",
                    http_equiv="Content-Security-Policy",
                    content="default-src 'none'; style-src 'unsafe-inline'",
                ),
                tag("title", title),
                tag("style", STYLE),
            ),
            tag("body", tag("main", tag("h1", title), *_body(evaluation))),
            lang="en",
        )
    )


def _body(evaluation: Evaluation) -> list[Element | None]:
    return [
        tag(
            "p",
            f"{wording.queries(evaluation.queries)} over "
            f"{wording.count(evaluation.documents, 'document')}; up to "
            f"{wording.count(evaluation.candidates, 'candidate')} each from "
            f"{wording.one_line(evaluation.first_stage, 60)}. "
            f"Took {wording.seconds(evaluation.seconds)}.",
            class_="soft",
        ),
        _stopped(evaluation),
        *(_card(evaluation, model) for model in evaluation.models),
        None if evaluation.models else tag("p", "No model was evaluated."),
        *model_against_model(evaluation),
        *gates(evaluation),
        *measures(evaluation),
        *behind(evaluation),
        *by_candidates(evaluation),
        *by_threshold(evaluation),
        *moved_queries(evaluation),
        *published(evaluation),
        *took(evaluation),
        tag("h2", "Before you choose"),
        tag("ul", *(tag("li", trap) for trap in _TRAPS)),
    ]


def _stopped(evaluation: Evaluation) -> Element | None:
    if evaluation.stopped is None:
        return None
    return tag(
        "p",
        tag("strong", "Stopped early: "),
        f"{wording.one_line(evaluation.stopped)}. "
        "The figures are of the queries that all models have done.",
        class_="stopped",
    )


def _card(evaluation: Evaluation, model: ModelResult) -> Element:
    told = main_verdict(model)
    return tag(
        "section",
        tag("h2", named(model)),
        tag(
            "dl",
            *(
                tag("div", *_answer(answer, model, told if number == 0 else None, number))
                for number, answer in enumerate(answers(evaluation, model))
            ),
            class_="answers",
        ),
        class_="card",
    )


def _answer(
    answer: Answer, model: ModelResult, told: Verdict | None, number: int
) -> tuple[Element, Element]:
    figure = model.figures.get(MAIN_MEASURE)
    sign = _SIGNS.get(told, "≈ ") if told is not None and figure is not None else ""
    return (
        tag("dt", answer.question),
        tag(
            "dd",
            tag(
                "span",
                sign + answer.short,
                class_=f"short {told.name.lower()}" if told else "short",
            ),
            tag("span", answer.detail, class_="detail"),
            interval_plot(figure) if number == 1 and figure is not None else None,
        ),
    )


def _class(told: Verdict | None) -> tuple[str, ...]:
    return () if told is None else (told.name.lower(),)


def named(model: ModelResult) -> str:
    """The model, and who answered for it."""
    name = wording.one_line(model.model, 60)
    if model.answered_by is None or model.answered_by == model.model:
        return name
    return f"{name} (answered by {wording.one_line(model.answered_by, 60)})"
