"""An evaluation as one self-contained HTML page: no script, nothing to load, light and dark.

The HTML stands in `templates`: what they insert is escaped, and a name that is none is an error.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from ...text.foreign_text import for_html
from ..results import MAIN_MEASURE, Evaluation
from ..verdicts import Verdict, verdict
from . import facts, wording
from .answers import answers, best_model
from .page_curves import by_candidates, by_threshold
from .plots import interval_plot

_TEMPLATES = Environment(
    loader=PackageLoader("assisters_rerank.evaluate.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.globals |= {
    "facts": facts,
    "wording": wording,
    "main_measure": MAIN_MEASURE,
    "signs": {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.SAME: "="},
}
for _called in (answers, best_model, by_candidates, by_threshold, interval_plot, verdict):
    _TEMPLATES.globals[_called.__name__] = _called


def to_html(evaluation: Evaluation) -> str:
    """The page; write it as UTF-8."""
    # Only here, since no text gets in elsewhere: it may hold what HTML cannot, escaped or not.
    return for_html(_TEMPLATES.get_template("page.html").render(evaluation=evaluation))
