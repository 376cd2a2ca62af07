"""Rows in which the answer is odd but true: the right ranking, at once and by one request."""

from __future__ import annotations

import json

from assisters_rerank.errors import (
    AuthenticationError,
    BudgetExceeded,
    ContractError,
    StatusError,
    TransportError,
)

from .answers import Json, altered, literal, response, right, right_payload, says
from .behaviours import close, gzipped, in_chunks, interim_first, raw, reset, right_then, silent
from .row import KEY, Row
from .rows_retry import NOW
from .rows_status import error_body
from .server import Behaviour, Exchange


def with_extras(payload: Json) -> None:
    """Unknown fields everywhere, some named like things that clients trust."""
    payload.update(object="list", warnings=["x"], error=None, created=1, data=[{"index": 0}])
    for result in payload["results"]:
        result.update(score=0.5, logit=None, rank="first", metadata={"index": 99})


def with_usage(value: object) -> Behaviour:
    """The right answer with this `usage`."""
    return altered(lambda payload: payload.update(usage=value))


def with_meta(value: object) -> Behaviour:
    """The third generation's answer: `meta` in place of `usage`, and no `model`."""

    def change(payload: Json) -> None:
        del payload["usage"], payload["model"]
        payload["meta"] = value

    return altered(change)


def old_style(exchange: Exchange) -> None:
    """HTTP/1.0 without a length: the end of the connection is the end of the body."""
    assert exchange.request is not None
    body = json.dumps(right_payload(exchange.request)).encode()
    raw(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)(exchange)


def called(content_type: str) -> Behaviour:
    """The right answer under another content type."""

    def behave(exchange: Exchange) -> None:
        assert exchange.request is not None
        body = json.dumps(right_payload(exchange.request))
        exchange.send(response(body, content_type=content_type))

    return behave


HONEST: dict[str, Behaviour] = {
    "falling-order": right(),
    "given-order": right("given"),
    "shuffled-order": right("shuffled"),
    "document-as-string": right(document="string"),
    "document-as-object": right(document="object"),
    "document-of-another": altered(
        lambda payload: [x.update(document={"text": "wrong 0.99"}) for x in payload["results"]]
    ),
    "document-null": altered(lambda payload: [x.update(document=None) for x in payload["results"]]),
    "extra-fields": altered(with_extras),
    "score-with-an-exponent": literal("relevance_score", "77e-2"),
    "gzip": gzipped(),
    "chunked": in_chunks(),
    "http-1.0": old_style,
    "closed-after-the-answer": right_then(close),
    "reset-after-the-answer": right_then(reset),
    "interim-answers-first": interim_first,
    "content-type-text": called("text/plain"),
    "content-type-garbage": called(";;; =/="),
    "content-type-other-charset": called("application/json; charset=latin-1"),
    "other-model": altered(lambda payload: payload.update(model="another-model")),
    "model-missing": altered(lambda payload: payload.pop("model")),
    "model-of-another-type": altered(lambda payload: payload.update(model={"id": 5})),
    "model-null": altered(lambda payload: payload.update(model=None)),
    "id-missing": altered(lambda payload: payload.pop("id")),
    "id-of-another-type": altered(lambda payload: payload.update(id=[1])),
    "usage-missing": altered(lambda payload: payload.pop("usage")),
    "usage-total-only": with_usage({"total_tokens": 40}),
    "usage-in-words": with_usage("forty"),
    "usage-null": with_usage(None),
    "usage-list": with_usage([40]),
    "usage-of-words": with_usage({"prompt_tokens": "forty", "total_tokens": None}),
    "usage-negative": with_usage({"prompt_tokens": -1, "total_tokens": -1}),
    "usage-infinite": with_usage({"prompt_tokens": float("inf"), "total_tokens": float("nan")}),
    "usage-fractional": with_usage({"prompt_tokens": 1.5, "total_tokens": True}),
    "usage-huge": with_usage({"total_tokens": 10**400}),
    "meta-search-units": with_meta({"billed_units": {"search_units": 1}}),
    "meta-fractional": with_meta({"billed_units": {"search_units": 0.5}}),
    "meta-null": with_meta(None),
    "meta-in-words": with_meta("one"),
    "meta-units-null": with_meta({"billed_units": None}),
    "meta-units-of-words": with_meta({"billed_units": {"search_units": "one"}}),
}

SHARDED = {"max_documents_per_request": 2}

ROWS = [
    *(Row(name=f"right-{name}", script=[answer]) for name, answer in HONEST.items()),
    Row(name="right-top_n", script=[right()], options={"top_n": 2}),
    Row(name="right-top_n-ignored", script=[right(honour_top_n=False)], options={"top_n": 2}),
    Row(
        name="right-top_n-ignored-and-shuffled",
        script=[right("shuffled", honour_top_n=False)],
        options={"top_n": 2},
    ),
    Row(name="right-top_n-beyond-the-list", script=[right()], options={"top_n": 50}),
    Row(name="right-threshold", script=[right("shuffled")], options={"score_threshold": 0.4}),
    Row(name="shards-right", script=[right("shuffled")], options=SHARDED, requests=3),
    Row(
        name="shards-right-top_n-ignored",
        script=[right(honour_top_n=False)],
        options={**SHARDED, "top_n": 3},
        requests=3,
    ),
    Row(
        name="shards-one-limited-once",
        script=[says(error_body("rate_limit_exceeded"), 429, headers=NOW), right()],
        options=SHARDED,
        requests=4,
    ),
    Row(name="shards-one-reset-once", script=[reset, right()], options=SHARDED, requests=4),
    Row(
        name="shards-one-refused",
        script=[says(error_body("invalid_api_key"), 401), right()],
        options=SHARDED,
        outcome=AuthenticationError,
        attributes={"status": 401},
        requests=None,
    ),
    Row(
        name="shards-one-lies",
        script=[literal("relevance_score", "NaN"), right()],
        options=SHARDED,
        outcome=ContractError,
        requests=None,
    ),
    Row(
        name="shards-scored-by-different-models",
        script=[altered(lambda payload: payload.update(model=KEY)), right()],
        options=SHARDED,
        outcome=ContractError,
        requests=3,
        echo=True,
    ),
    Row(
        name="shards-one-silent",
        script=[silent, right()],
        options=SHARDED,
        outcome=BudgetExceeded,
        requests=3,
        slow=True,
    ),
    Row(
        name="shards-all-broken",
        script=[says(error_body("server_error"), 500)],
        options={**SHARDED, "max_retries": 0},
        outcome=StatusError,
        attributes={"status": 500},
        requests=None,
    ),
    Row(
        name="shards-all-reset",
        script=[reset],
        options={**SHARDED, "max_retries": 0},
        outcome=TransportError,
        requests=None,
    ),
]
