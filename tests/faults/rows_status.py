"""Rows in which the server refuses with a status, whatever its body looks like."""

from __future__ import annotations

import json

from assisters_rerank.errors import (
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
)

from .answers import says
from .behaviours import redirect
from .row import KEY, Outcome, Row, among
from .server import Behaviour

HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"


def error_body(code: object = None, type: object = None, message: object = "Not this way.") -> str:
    """The documented error body; None leaves a field out."""
    fields = {"message": message, "type": type, "code": code}
    return json.dumps({"error": {name: v for name, v in fields.items() if v is not None}})


def fails(
    status: int, code: str | None = None, type: str | None = None, **headers: str
) -> Behaviour:
    """Always this documented error; `retry_after="0"` becomes the header `Retry-After: 0`."""
    fields = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return says(error_body(code, type), status, headers=fields)


def refused(
    name: str,
    status: int,
    outcome: Outcome,
    code: str | None = None,
    type: str | None = None,
    says: str = r"\S",
) -> Row:
    """A documented error that is not retried, although retries are allowed."""
    carried = {"status": status, "code": code, "type": type, "request_id": "req-1"}
    return Row(
        name=name,
        script=[fails(status, code, type)],
        outcome=outcome,
        attributes=carried,
        says=says,
    )


REFUSALS = [
    refused(f"400-{code}", 400, InvalidRequestError, code, "invalid_request_error")
    for code in (
        "invalid_model",
        "invalid_request",
        "missing_parameter",
        "invalid_parameter",
        "context_length_exceeded",
    )
] + [
    refused("400-moderation", 400, InvalidRequestError, None, "content_policy_error"),
    refused("401", 401, AuthenticationError, "invalid_api_key", "authentication_error", says="key"),
    refused("401-revoked", 401, AuthenticationError, "api_key_revoked", says="key"),
    refused("402", 402, QuotaExceededError, "insufficient_funds", "insufficient_funds_error"),
    refused("402-without-code", 402, QuotaExceededError),
    refused("403", 403, AuthenticationError, "origin_not_allowed"),
    refused("404", 404, InvalidRequestError, "not_found", says="base_url|model"),
    refused("405", 405, StatusError),
    refused("409", 409, StatusError),
    refused("410", 410, StatusError),
    refused("413", 413, InvalidRequestError, says="max_documents_per_request|large|long"),
    refused("415", 415, StatusError),
    refused("422", 422, InvalidRequestError),
    refused("431", 431, StatusError),
    *(
        refused(f"429-{name}", 429, QuotaExceededError, code, type, says="quota|wallet|plan|top up")
        for name, code, type in (
            ("tokens-exhausted", "tokens_exhausted", "tokens_exhausted_error"),
            ("tokens-exhausted-as-code-only", "tokens_exhausted", None),
            ("tokens-exhausted-as-type-only", None, "tokens_exhausted_error"),
            ("tokens-exhausted-type-as-code", "tokens_exhausted_error", None),
            ("insufficient-funds", "insufficient_funds", "insufficient_funds_error"),
            ("insufficient-funds-as-code-only", "insufficient_funds", None),
            ("insufficient-funds-as-type-only", None, "insufficient_funds_error"),
            ("insufficient-funds-type-as-code", "insufficient_funds_error", None),
        )
    ),
    Row(
        name="429-quota-with-retry-after",
        script=[fails(429, "tokens_exhausted", retry_after="0")],
        outcome=QuotaExceededError,
        attributes={"status": 429, "code": "tokens_exhausted"},
    ),
]

NOT_JSON = [
    Row(
        name=f"{status}-{name}",
        script=[says(body, status, content_type)],
        outcome=outcome,
        attributes={"status": status, "request_id": "req-1", "code": None, "type": None},
        options={"max_retries": 0},
    )
    for name, body, content_type in (
        ("html", HTML, "text/html"),
        ("plain-text", "upstream connect error", "text/plain"),
        ("empty", "", "application/json"),
        ("cut-off-json", '{"error": {"message": "a', "application/json"),
        ("invalid-utf8", b"\xff\xfe\xfd", "text/plain; charset=utf-8"),
        ("unknown-charset", "no", "text/plain; charset=klingon"),
        ("json-string", '"oops"', "application/json"),
        ("json-list", "[1, 2]", "application/json"),
        ("error-as-null", '{"error": null}', "application/json"),
        ("error-as-string", '{"error": "oops"}', "application/json"),
        ("error-as-list", '{"error": [{}]}', "application/json"),
        ("deep-json", "[" * 100_000, "application/json"),
        ("huge", "x" * 1_000_000, "text/plain"),
        ("fastapi-detail", '{"detail": [{"loc": ["body"], "msg": "no"}]}', "application/json"),
        ("fields-of-other-types", error_body([1], {"a": 1}, 5), "application/json"),
    )
    for status, outcome in ((403, AuthenticationError), (502, StatusError))
]

REDIRECTS = [
    Row(
        name=f"redirect-{status}",
        script=[redirect(status)],
        outcome=StatusError,
        attributes={"status": status},
        says="redirect|base_url",
    )
    for status in (301, 302, 303, 307, 308)
]

ECHOES = [
    Row(
        name=f"key-echoed-in-{name}",
        script=[says(body, status, headers=headers)],
        outcome=outcome,
        attributes={"status": status},
        options={"max_retries": 0},
        echo=True,
    )
    for name, status, outcome, body, headers in (
        ("the-message", 401, AuthenticationError, error_body(message=f"Bad key: {KEY}."), {}),
        ("the-code", 401, AuthenticationError, error_body(code=KEY), {}),
        ("the-type", 401, AuthenticationError, error_body(type=f"x-{KEY}"), {}),
        ("html", 502, StatusError, HTML.format(f"Authorization: Bearer {KEY}"), {}),
        ("plain-text-many-times", 500, StatusError, f"{KEY} " * 500, {}),
        ("a-long-message", 400, InvalidRequestError, error_body(message=f"{KEY},x" * 99), {}),
        ("escapes", 403, AuthenticationError, error_body(message=KEY).replace("a", "\\u0061"), {}),
        ("the-request-id", 401, AuthenticationError, error_body(), {"X-Request-ID": KEY}),
        ("retry-after", 429, RateLimitError, error_body(), {"Retry-After": KEY}),
        ("the-status-quota", 402, QuotaExceededError, error_body(KEY, KEY, KEY), {}),
    )
]

OTHER = [
    *(
        Row(
            name=f"{status}-html",
            script=[says(HTML, status, "text/html")],
            outcome=outcome,
            attributes={"status": status, "code": None},
            options={"max_retries": 0},
        )
        for status, outcome in (
            (401, AuthenticationError),
            (404, InvalidRequestError),
            (413, InvalidRequestError),
            (429, RateLimitError),
            (503, StatusError),
        )
    ),
    Row(
        name="304-not-modified",
        script=[says("", 304)],
        outcome=StatusError,
        attributes={"status": 304},
    ),
    Row(
        name="401-without-request-id",
        script=[says(error_body(), 401, headers={"X-Request-ID": ""})],
        outcome=AuthenticationError,
        attributes={"status": 401, "request_id": among(None, "")},
    ),
]

ROWS = [
    *REFUSALS,
    *NOT_JSON,
    *REDIRECTS,
    *ECHOES,
    *OTHER,
]
