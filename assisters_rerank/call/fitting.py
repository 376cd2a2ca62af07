"""Decides which documents fit the model's window, which model to use, and how to treat long ones.

Pure functions. A cross-encoder reads query and document together. The service cuts off the text
beyond the window without a notice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..catalogue import AUTO, BGE_RERANKER_V2, CATALOGUE, JINA_RERANKER
from ..errors import ConfigurationError
from ..options.rerank_options import RerankOptions
from ..text.beginnings import beginning
from ..text.blocks import are_large
from ..text.passages import passages
from ..text.tokens import AROUND_A_PAIR, TokenCounter
from .plan import Plan

# Tokens that must remain for a document after the query. Shorter passages contain too little to be
# scored, and would be very many; sent as they are, the service decides.
_LEAST_ROOM = {"as_is": -math.inf, "truncate": 1, "error": 1, "split": 16}

# The estimate is made for one tokenizer; those of other models make up to some per cent more of the
# same text.
_MARGIN_OF_AN_ESTIMATE = 0.15

# Of the room, for a second attempt after the server has found a text too long.
_SMALLER = 0.7

_CUTS = ("truncate", "split")

_NAMED_AT_MOST = 10


@dataclass(slots=True)
class Fitted:
    """The model to ask, the plan with long documents in passages if wanted, and what is cut off.

    `truncated` counts the documents whose ends the service will not read. It is None where the
    model's `window` (tokens of query and document together) is unknown. `count` gives the tokens of
    the query and of the plan's texts, fast. `room` is what texts were cut to, in tokens.
    """

    model: str
    plan: Plan
    truncated: int | None
    count: Callable[[str], int]
    window: int | None = None
    room: float = math.inf


def takes_long(options: RerankOptions, query: str, plan: Plan) -> bool:
    """Whether fitting may take so long that it would block an event loop."""
    if options.count_tokens is not None or options.long_documents in _CUTS:
        return True
    return are_large((query, *plan.texts))


def fit(
    options: RerankOptions,
    query: str,
    plan: Plan,
    check_time: Callable[[], None] = lambda: None,
) -> Fitted:
    """Chooses the model, and treats documents that are too long as `long_documents` says.

    `check_time` is called before each text or piece of a text is counted, and may raise an error.

    Raises:
        ConfigurationError: as `check_fits`.
    """
    _check_options(options)
    counter = TokenCounter(options.count_tokens, check_time)
    model = _chosen_model(options, query, plan, counter)
    window = _window(options, model)
    if window is None:
        return Fitted(model, plan, None, counter.counted([query, *plan.texts]))
    room = _room(options, query, model, window, counter)
    long = counter.too_long(plan.texts, room)
    if long:
        _check_long(options, query, plan, long, model, window, room, counter)
    truncated = 0
    if long and options.long_documents == "split":
        plan = plan.split({place: passages(plan.texts[place], room, counter) for place in long})
    elif long:
        cut = set(long)
        truncated = sum(source in cut for source in plan.source)
    if long and options.long_documents == "truncate":
        plan = plan.cut({place: beginning(plan.texts[place], room, counter) for place in long})
    return Fitted(model, plan, truncated, counter.counted([query, *plan.texts]), window, room)


def check_fits(options: RerankOptions, query: str, plan: Plan) -> None:
    """Checks that `fit` will make a call of this, which takes longer.

    Raises:
        ConfigurationError: a document is too long and `long_documents` is "error", the query leaves
            no room, the model's window is needed and unknown, or options contradict each other.
    """
    _check_options(options)
    counter = TokenCounter(options.count_tokens)
    model = JINA_RERANKER.id if options.model == AUTO else options.model  # the widest of auto's
    window = _window(options, model)
    if window is None:
        return
    room = _room(options, query, model, window, counter)
    if options.long_documents == "error" or room < _LEAST_ROOM[options.long_documents]:
        long = counter.too_long(plan.texts, room)
        if long:
            _check_long(options, query, plan, long, model, window, room, counter)


def smaller(
    options: RerankOptions,
    fitted: Fitted,
    texts: Sequence[str],
    check_time: Callable[[], None] = lambda: None,
) -> list[tuple[int, str]]:
    """Pieces for a second attempt, after the server has found one of these texts too long.

    Each with the position of its text; the best piece's score is the text's. With "truncate" one
    piece a text, with "split" as many as it takes.
    """
    counter = TokenCounter(options.count_tokens, check_time)
    room = int(fitted.room * _SMALLER)
    pieces: list[tuple[int, str]] = []
    for place, text in enumerate(texts):
        if counter.fits(text, room):
            pieces.append((place, text))
        elif options.long_documents == "truncate":
            pieces.append((place, text[: beginning(text, room, counter)]))
        else:
            cuts = passages(text, room, counter)
            pieces += [(place, text[cut.start : cut.end]) for cut in cuts]
    return pieces


def _room(
    options: RerankOptions, query: str, model: str, window: int, counter: TokenCounter
) -> int:
    """Tokens that are left for a text."""
    room = window - counter(query) - AROUND_A_PAIR
    if options.long_documents in _CUTS:
        room = int(room / (1 + _margin(options, model)))
    return room if options.max_passage_tokens is None else min(room, options.max_passage_tokens)


def _check_options(options: RerankOptions) -> None:
    if options.max_passage_tokens is not None and options.long_documents != "split":
        raise ConfigurationError(
            "max_passage_tokens: only long_documents='split' scores passages; give that as well."
        )


def _check_long(
    options: RerankOptions,
    query: str,
    plan: Plan,
    long: Sequence[int],
    model: str,
    window: int,
    room: float,
    counter: TokenCounter,
) -> None:
    if room < _LEAST_ROOM[options.long_documents]:
        raise ConfigurationError(
            f"query: it has {counter(query)} tokens, which leaves no room for a document in "
            f"the {window}-token window of {model}; shorten the query, or give a model with a "
            "larger window."
        )
    if options.long_documents == "error":
        raise ConfigurationError(_refusal(model, window, plan, long))


def _margin(options: RerankOptions, model: str) -> float:
    if options.token_margin is not None:
        return options.token_margin
    known = options.count_tokens is not None or (model in CATALOGUE and options.asks_the_service())
    return 0.0 if known else _MARGIN_OF_AN_ESTIMATE


def _chosen_model(options: RerankOptions, query: str, plan: Plan, counter: TokenCounter) -> str:
    if options.model != AUTO:
        return options.model
    if options.max_tokens is not None:
        raise ConfigurationError(
            "max_tokens: leave it out with model='auto', which uses the windows of its own models."
        )
    room = BGE_RERANKER_V2.max_tokens - counter(query) - AROUND_A_PAIR
    if options.max_passage_tokens is not None and options.max_passage_tokens <= room:
        return BGE_RERANKER_V2.id  # no passage is longer
    return JINA_RERANKER.id if counter.too_long(plan.texts, room) else BGE_RERANKER_V2.id


def _window(options: RerankOptions, model: str) -> int | None:
    if options.max_tokens is not None:
        return options.max_tokens
    if model in CATALOGUE:
        return CATALOGUE[model].max_tokens
    if options.long_documents != "as_is":
        raise ConfigurationError(
            f"max_tokens: long_documents={options.long_documents!r} needs the window of {model!r}, "
            "which is not in the catalogue; give max_tokens."
        )
    return None


def _refusal(model: str, window: int, plan: Plan, long: Sequence[int]) -> str:
    too_long = set(long)
    named = [str(i) for i, source in enumerate(plan.source) if source in too_long]
    more = f" and {len(named) - _NAMED_AT_MOST} more" if len(named) > _NAMED_AT_MOST else ""
    wider = [m.id for m in CATALOGUE.values() if m.max_tokens > window and m.id != model]
    advice = f", or model={wider[0]!r}" if wider else ""
    return (
        f"documents[{', '.join(named[:_NAMED_AT_MOST])}{more}]: longer than the {window}-token "
        f"window of {model}, which holds query and document together; shorten them, or give "
        f"long_documents='split'{advice}."
    )
