"""Rows in which a 200 breaks the contract: never a ranking, and never a second try."""

from __future__ import annotations

import json

from assisters_rerank.errors import ContractError

from .answers import Json, altered, instead, literal, right, right_payload, says
from .row import KEY, RIGHT, Row
from .rows_status import HTML, error_body
from .server import Behaviour, Exchange


def results(change: object) -> Behaviour:
    """The right answer with `results` replaced, or edited in place by a callable."""

    def edit(payload: Json) -> None:
        if callable(change):
            change(payload["results"])
        else:
            payload["results"] = change

    return altered(edit)


def without(field: str) -> Behaviour:
    """The right answer, its second result without the field."""
    return results(lambda entries: entries[1].pop(field))


def cut_off(exchange: Exchange) -> None:
    """A well-formed answer whose JSON ends early."""
    assert exchange.request is not None
    says(json.dumps(right_payload(exchange.request))[:-30])(exchange)


def index(value: str) -> Behaviour:
    """The second result's index, letter by letter."""
    return literal("index", value)


def score(value: str) -> Behaviour:
    """The second result's score, letter by letter."""
    return literal("relevance_score", value)


LIES: dict[str, Behaviour] = {
    "html": says(HTML.format("Please sign in"), content_type="text/html"),
    "html-called-json": says(HTML.format("Please sign in")),
    "empty-body": says(""),
    "blank-body": says("  \n"),
    "cut-off-json": cut_off,
    "two-json-documents": says('{"results": []}{"results": []}'),
    "null": says("null"),
    "list": says("[]"),
    "list-of-results": instead(lambda payload: payload["results"]),
    "string": says('"ok"'),
    "number": says("7"),
    "true": says("true"),
    "object-without-anything": says("{}"),
    "error-object": says(error_body("server_error", "server_error")),
    "error-object-beside-null-results": altered(
        lambda payload: payload.update(results=None, error={"message": "no"})
    ),
    "deep-json": says("[" * 100_000),
    "deep-json-in-results": says('{"results": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "invalid-utf8": says(b'{"results": [], "model": "\xff\xfe"}'),
    "invalid-utf8-throughout": says(b"\xff\xfe\x00\x9f"),
    "results-missing": altered(lambda payload: payload.pop("results")),
    "results-null": results(None),
    "results-string": results("none"),
    "results-number": results(5),
    "results-object": results({"0": 0.5}),
    "results-empty": results([]),
    "results-of-numbers": results([0.1, 0.2, 0.3, 0.4, 0.5]),
    "results-of-nulls": results([None] * 5),
    "results-too-short": results(lambda entries: entries.pop()),
    "results-too-long": results(lambda e: e.append({"index": 5, "relevance_score": 0.1})),
    "index-repeated": results(lambda e: e[1].update(index=e[0]["index"])),
    "result-repeated-besides-all": results(lambda entries: entries.append(entries[0])),
    "index-missing": without("index"),
    "index-null": index("null"),
    "index-out-of-range": index("5"),
    "index-far-out-of-range": index("4000000000"),
    "index-huge": index("1" + "0" * 5000),
    "index-negative": index("-1"),
    "index-as-string": index('"3"'),
    # The first result's index is 1, which Python's True equals; the fourth's is 0.
    "index-as-true": results(lambda entries: entries[0].update(index=True)),
    "index-as-false": results(lambda entries: entries[3].update(index=False)),
    "index-as-float": index("3.0"),
    "index-as-exponent": index("3e0"),
    "index-as-fraction": index("2.5"),
    "index-as-list": index("[3]"),
    "index-nan": index("NaN"),
    "indexes-from-one": results(lambda e: [x.update(index=x["index"] + 1) for x in e]),
    "score-missing": without("relevance_score"),
    "score-under-another-name": results(lambda e: e[1].update(score=e[1].pop("relevance_score"))),
    "score-null": score("null"),
    "score-nan": score("NaN"),
    "score-infinite": score("Infinity"),
    "score-minus-infinite": score("-Infinity"),
    "score-1e999": score("1e999"),
    "score-minus-1e999": score("-1e999"),
    "score-words": score('"very relevant"'),
    "score-numeric-string": score('"0.77"'),
    "score-nan-string": score('"nan"'),
    "score-bool": score("true"),
    "score-huge-integer": score("1" + "0" * 400),
    "score-integer-of-5000-digits": score("1" + "0" * 5000),
    "score-list": score("[0.77]"),
    "score-object": score('{"value": 0.77}'),
    "key-echoed-in-an-error-object": says(error_body(message=f"Bad key {KEY}")),
    "key-echoed-in-html": says(HTML.format(KEY)),
    "key-echoed-as-index": index(f'"{KEY}"'),
    "key-echoed-as-score": score(f'"{KEY}"'),
    "key-echoed-as-a-field": instead(lambda payload: {KEY: payload}),
    "key-echoed-as-results": results(KEY),
    "key-echoed-in-cut-off-json": says('{"' + f"{KEY} " * 99),
}

ROWS = [
    *(
        Row(name=f"200-{name}", script=[behaviour], outcome=ContractError, echo="echo" in name)
        for name, behaviour in LIES.items()
    ),
    Row(
        name="200-fewer-results-than-top_n",
        script=[results(lambda entries: entries.pop())],
        options={"top_n": 3},
        outcome=ContractError,
    ),
    Row(
        name="200-contract-broken-once-is-not-asked-again",
        script=[score("null"), right()],
        outcome=ContractError,
    ),
    Row(
        name="200-byte-order-mark",
        script=[altered(lambda _: None, encoding="utf-8-sig")],
        outcome=RIGHT,
        or_else=(ContractError,),
    ),
    Row(
        name="200-utf16",
        script=[altered(lambda _: None, encoding="utf-16")],
        outcome=RIGHT,
        or_else=(ContractError,),
    ),
    Row(
        name="200-deep-json-in-an-extra-field",
        script=[says('{"x": ' + "[" * 100_000 + "]" * 100_000 + ', "results": []}')],
        outcome=ContractError,
    ),
]
