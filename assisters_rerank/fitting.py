"""Pure: what fits into a model's window, which model that asks for, and what becomes of the rest.

A cross-encoder reads query and document together. What is beyond its window, the service cuts off
without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from .errors import ConfigurationError
from .models import AUTO, BGE_RERANKER_V2, CATALOGUE, JINA_RERANKER
from .options import RerankOptions
from .passages import passages
from .plan import Plan
from .tokens import estimate_fits, estimate_tokens

# What XLM-RoBERTa's tokenizer, of which both models are built, puts around a pair:
# <s> query </s></s> document </s>.
_AROUND_A_PAIR = 4

# Shorter passages than this say too little to be scored, and would be very many.
_SHORTEST_PASSAGE = 16

_NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Fitted:
    """The model to ask, the plan with long documents in passages if wanted, and what is cut off.

    `truncated` counts the documents whose ends the service will leave unread; it is None where the
    model's window is unknown. `count` gives the tokens of the query and of the plan's texts, fast.
    """

    model: str
    plan: Plan
    truncated: int | None
    count: Callable[[str], int]


def is_work(options: RerankOptions, plan: Plan) -> bool:
    """Whether fitting may take long enough to be in an event loop's way."""
    if options.count_tokens is not None or options.long_documents == "split":
        return True
    return sum(map(len, plan.texts)) > 1_000_000


def fit(options: RerankOptions, query: str, plan: Plan) -> Fitted:
    """Chooses the model, and deals with documents that are too long as `long_documents` says.

    Raises:
        ConfigurationError: a document is too long and may not be, the query leaves no room, or the
            model's window is not known and has to be.
    """
    counter = _Counter(options.count_tokens)
    model = _chosen_model(options, query, plan, counter)
    window = _window(options, model)
    if window is None:
        return Fitted(model, plan, None, counter.counted(query, plan))
    room = window - counter(query) - _AROUND_A_PAIR
    long = [place for place, text in enumerate(plan.texts) if not counter.fits(text, room)]
    truncated = 0
    if long and options.long_documents == "error":
        raise ConfigurationError(_refusal(model, window, plan, long))
    if long and options.long_documents == "split":
        if room < _SHORTEST_PASSAGE:
            raise ConfigurationError(
                f"query: it has {counter(query)} tokens, which leaves no room for passages beside "
                f"it in the {window} that {model} reads; shorten it, or give a model that reads "
                "more."
            )
        plan = plan.split({place: passages(plan.texts[place], room, counter) for place in long})
    elif long:
        cut = set(long)
        truncated = sum(source in cut for source in plan.source)
    return Fitted(model, plan, truncated, counter.counted(query, plan))


def _chosen_model(options: RerankOptions, query: str, plan: Plan, counter: _Counter) -> str:
    if options.model != AUTO:
        return options.model
    if options.max_tokens is not None:
        raise ConfigurationError(
            "max_tokens: leave it out with model='auto', which goes by the windows of its models."
        )
    room = BGE_RERANKER_V2.max_tokens - counter(query) - _AROUND_A_PAIR
    fits = all(counter.fits(text, room) for text in plan.texts)
    return BGE_RERANKER_V2.id if fits else JINA_RERANKER.id


def _window(options: RerankOptions, model: str) -> int | None:
    if options.max_tokens is not None:
        return options.max_tokens
    if model in CATALOGUE:
        return CATALOGUE[model].max_tokens
    if options.long_documents != "truncate":
        raise ConfigurationError(
            f"max_tokens: how much {model!r} reads is not in the catalogue, and "
            f"long_documents={options.long_documents!r} has to know; give it."
        )
    return None


def _refusal(model: str, window: int, plan: Plan, long: Sequence[int]) -> str:
    too_long = set(long)
    named = [str(i) for i, source in enumerate(plan.source) if source in too_long]
    more = f" and {len(named) - _NAMED_AT_MOST} more" if len(named) > _NAMED_AT_MOST else ""
    wider = [other.id for other in CATALOGUE.values() if other.max_tokens > window]
    advice = f", or model={wider[0]!r}" if wider else ""
    return (
        f"documents[{', '.join(named[:_NAMED_AT_MOST])}{more}]: longer than the {window} tokens "
        f"that {model} reads of query and document together; shorten them, or give "
        f"long_documents='split'{advice}."
    )


class _Counter:
    """Counts tokens as the user wants, or estimates them."""

    def __init__(self, given: Callable[[str], int] | None) -> None:
        self._given = given
        self._counted: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        if self._given is None:
            return estimate_tokens(text)
        if text not in self._counted:
            tokens = self._given(text)
            if type(tokens) is not int or tokens < 0:
                raise ConfigurationError(
                    f"count_tokens: it gave {tokens!r} for a text; it has to give a number of "
                    "tokens as an int."
                )
            self._counted[text] = tokens
        return self._counted[text]

    def fits(self, text: str, room: int) -> bool:
        """Whether the text has no more tokens than there is room."""
        return estimate_fits(text, room) if self._given is None else self(text) <= room

    def counted(self, query: str, plan: Plan) -> Self:
        """Itself, with the query's and the texts' tokens at hand."""
        if self._given is not None:
            for text in (query, *plan.texts):
                self(text)
        return self
