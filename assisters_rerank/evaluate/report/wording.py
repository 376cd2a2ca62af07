"""How figures and foreign texts are written, alike in the terminal and on the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Context
from itertools import combinations

from ...text.foreign_text import for_terminal, on_one_line
from ...usage import Usage, dollars, in_words
from ...usage import count as count
from ..results import MAIN_MEASURE, Evaluation, Figure, Gate, ModelResult, Pair
from ..significance import LEAST_DIFFERING, SIGNIFICANT

SERVICE_PRICES = "Dollars are at the service's prices; what this run took stands below."
UNKNOWN = "\N{EN DASH}"


def one_line(text: str, longest: int = 300) -> str:
    """A foreign text on one line, cut, with nothing in it that a terminal or browser obeys."""
    return for_terminal(on_one_line(text, longest))


def name(model: str) -> str:
    """A model's name."""
    return one_line(model, 60)


def labels(models: Sequence[ModelResult]) -> list[str]:
    """The models' names; one that is there again, with other options, has its number behind it.

    So has another model whose name is shown alike.
    """
    seen: Counter[str] = Counter()
    found = []
    for model in models:
        label = name(model.model)
        seen[label] += 1
        found.append(f"{label} #{seen[label]}" if seen[label] > 1 else label)
    return found


def labelled(models: Sequence[ModelResult]) -> list[tuple[ModelResult, str]]:
    """Each model with its label."""
    return list(zip(models, labels(models), strict=True))


def labelled_pairs(evaluation: Evaluation) -> list[tuple[str, str, Pair]]:
    """Each comparison of two models with their labels."""
    of_two = combinations(labels(evaluation.models), 2)
    return [(*names, pair) for names, pair in zip(of_two, evaluation.pairs, strict=False)]


def labelled_gates(evaluation: Evaluation) -> list[tuple[str, Gate]]:
    """Each model's label with its gate."""
    return list(zip(labels(evaluation.models), evaluation.gates, strict=False))


def named(model: ModelResult, label: str) -> str:
    """The model by its label, and who answered for it."""
    if model.answered_by in (None, model.model):
        return label
    return f"{label} (answered by {name(model.answered_by)})"


def unit(value: float | None) -> str:
    """A value of 0…1."""
    return UNKNOWN if value is None else f"{value:.3f}"


def mean(figures: Mapping[str, Figure], measure: str) -> str:
    """The mean of a measure, if there is one."""
    return unit(figures[measure].mean if measure in figures else None)


def difference(value: float) -> str:
    """A difference of two such values, always with its sign."""
    return f"{value:+.3f}"


_FIVE_DIGITS = Context(prec=5, rounding=ROUND_FLOOR)


def score(value: float) -> str:
    """A relevance score to five digits, rounded down: as a threshold it keeps what has it."""
    return f"{float(_FIVE_DIGITS.create_decimal(repr(value))):.5g}"


def p_value(value: float) -> str:
    """The p-value of a test."""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def p_is(value: float) -> str:
    """The p-value with its name."""
    return "p < 0.001" if value < 0.001 else f"p = {p_value(value)}"


def interval(low: float, high: float) -> str:
    """Both ends of an interval of differences."""
    return f"{difference(low)} to {difference(high)}"


def rows_explained(evaluation: Evaluation) -> str:
    """What the verdicts on all measures rest on."""
    models = evaluation.models
    others = sum(
        figure.differing > 0 and name != MAIN_MEASURE
        for model in models
        for name, figure in model.figures.items()
    )
    return (
        "better, worse: the 95 % interval of the gain excludes zero (paired t), and p is at most "
        f"{SIGNIFICANT} (paired randomisation test). Several rows are several tests (Holm): p of "
        f"the main measure, {MAIN_MEASURE}, is corrected for {count(len(models), 'model')}; that "
        f"of {count(others, 'other row')} for their number, and it is never below the main one's. "
        f"too few: fewer than {LEAST_DIFFERING} queries differ."
    )


def pairs_explained(pairs: int) -> str:
    """What the verdicts on two models rest on."""
    return (
        "Difference: the model's mean less the other's, with its 95 % interval (paired t over the "
        f"queries). p: paired randomisation test, corrected for {count(pairs, 'pair')} (Holm)."
    )


def share(value: float) -> str:
    """A part of a whole, rounded down: 99.6 % is not all of it."""
    return f"{int(round(100 * value, 6))} %"


def milliseconds(value: float | None) -> str:
    """A latency without its unit."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def price(value: float | None) -> str:
    """Dollars."""
    return UNKNOWN if value is None else dollars(value)


def seconds(value: float) -> str:
    """A duration: seconds, or from 90 seconds minutes and seconds."""
    if value < 90:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s"


def queries(number: int) -> str:
    """A number of queries."""
    return count(number, "query", "queries")


def took(usage: Usage) -> list[str]:
    """What the scores of a model took, fact by fact, the money first."""
    money = "price unknown" if usage.cost is None else dollars(usage.cost)
    return [money, *in_words(usage), count(usage.documents_sent, "document") + " sent"]
