"""The options of a `Reranker` for a server that was checked, as one would write them."""

from __future__ import annotations

import json

from ..catalogue import CATALOGUE
from ..options.rerank_options import RerankOptions
from ..wire.address import shown
from ..wire.dialects import ASSISTERS_DIALECT, Dialect
from .server_report import ServerReport

# Windows that models have; one that is near the estimate is taken for it.
_WINDOWS = (128, 256, 512, 1024, 2048, 4096, 8192)
_NEARBY = 0.1

_LEAST_WINDOW = 32  # as the option max_tokens has it

_DEFAULT_SIZE: int = RerankOptions.model_fields["max_documents_per_request"].default


def options_for(options: RerankOptions, report: ServerReport) -> dict[str, str]:
    """What this server needs, by name, as Python; `options` has its dialect and address already.

    Secrets are dots.
    """
    given: dict[str, str] = {}
    if options.dialect != ASSISTERS_DIALECT:
        given["dialect"] = _written(options.dialect)
    given["base_url"] = _quoted(shown(options.base_url))
    given["model"] = _quoted(options.model)
    if report.key == "needed":
        given["api_key"] = _quoted("…")
    if options.extra_body:
        given["extra_body"] = repr(options.extra_body)
    if options.extra_headers:
        given["extra_headers"] = repr(dict.fromkeys(options.extra_headers, "…"))
    if report.scores is not None and report.scores.kind == "logits":
        given["score_activation"] = _quoted("sigmoid")
    if report.company is not None and report.company.listwise:
        given["listwise"] = "True"
    return given | _about_requests(report) | _about_long_documents(options.model, report)


def _about_requests(report: ServerReport) -> dict[str, str]:
    company, sizes = report.company, report.sizes
    listwise = company is not None and company.listwise is True
    if sizes is None or (sizes.most >= _DEFAULT_SIZE and not listwise):
        return {}
    return {"max_documents_per_request": str(sizes.most)}


def _about_long_documents(model: str, report: ServerReport) -> dict[str, str]:
    found = report.lengths
    if found is None or found.outcome not in ("cut", "refused") or found.tokens < _LEAST_WINDOW:
        return {}
    window = window_near(found.tokens)
    published = CATALOGUE.get(model)
    given = {"long_documents": _quoted("truncate")} if found.outcome == "refused" else {}
    if published is None or published.max_tokens != window:
        given["max_tokens"] = str(window)
    return given


def window_near(tokens: int) -> int:
    """The usual window near a length that was found by estimated tokens, or that length."""
    near = (window for window in _WINDOWS if abs(tokens - window) <= _NEARBY * window)
    return next(near, tokens)


def _written(dialect: str | Dialect) -> str:
    if isinstance(dialect, str):
        return _quoted(dialect)
    names = (name for name in Dialect.model_fields if name in dialect.model_fields_set)
    return f"Dialect({', '.join(f'{name}={getattr(dialect, name)!r}' for name in names)})"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
