"""Error statuses and error bodies: the class, what it carries, and what it advises."""

from __future__ import annotations

import json
import pickle

import httpx
import pytest
from pydantic import SecretStr

from assisters_rerank import (
    AssistersError,
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
)
from assisters_rerank.wire.error_bodies import refusal
from assisters_rerank.wire.messages import Answer, Request

URL = "https://host.test/v1/rerank"


SENT = SecretStr("SECRET")


def refused(status: int, body: object, key: SecretStr | None = SENT, **headers: str) -> StatusError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return refusal(Answer(status, named, data), Request(URL, {}, b"", key))


@pytest.mark.parametrize(
    ("status", "code", "kind", "expected", "advice"),
    [
        (400, "invalid_model", "invalid_request_error", InvalidRequestError, "model"),
        (400, "context_length_exceeded", "invalid_request_error", InvalidRequestError, "documents"),
        (400, "moderation", "content_policy_error", InvalidRequestError, "documents"),
        (401, "invalid_api_key", "authentication_error", AuthenticationError, "ASSISTERS_API_KEY"),
        (401, "api_key_revoked", "authentication_error", AuthenticationError, "api_key"),
        (402, "insufficient_funds", "insufficient_funds_error", QuotaExceededError, "wallet"),
        (403, "origin_not_allowed", None, AuthenticationError, "origin"),
        (404, None, None, InvalidRequestError, "base_url"),
        (413, None, None, InvalidRequestError, "max_documents_per_request"),
        (422, "invalid_parameter", "invalid_request_error", InvalidRequestError, "documents"),
        (429, "rate_limit_exceeded", "rate_limit_error", RateLimitError, "timeout"),
        (429, "x", "tokens_exhausted_error", QuotaExceededError, "waiting does not help"),
        (429, "insufficient_funds", None, QuotaExceededError, "waiting does not help"),
        (307, None, None, StatusError, "base_url"),
        (500, None, "server_error", StatusError, "500"),
        (503, None, "server_error", StatusError, "503"),
    ],
)
def test_status_to_class(
    status: int, code: str | None, kind: str | None, expected: type[StatusError], advice: str
) -> None:
    error = refused(
        status,
        {"error": {"message": "It said why.", "type": kind, "code": code}},
        x_request_id="req-9",
        retry_after="2",
    )
    assert type(error) is expected
    assert (error.status, error.code, error.type) == (status, code, kind)
    assert error.request_id == "req-9"
    assert error.retry_after == 2
    for part in (str(status), URL, "It said why.", advice, "req-9", code or ""):
        assert part in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_without_a_key_no_key_is_to_be_checked(status: int) -> None:
    told = str(refused(status, {}, key=None))
    assert "No key was sent" in told
    assert "ASSISTERS_BASE_URL" in told
    assert "No key was sent" not in str(refused(status, {}))
    assert "No key was sent" not in str(refused(400, {}, key=None))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"error": {"message": "as published"}}, "as published"),
        ({"error": "as a string"}, "as a string"),
        ({"message": "at the top"}, "at the top"),
        ({"detail": "as in FastAPI"}, "as in FastAPI"),
        ({"detail": [{"loc": ["body"], "msg": "as in a FastAPI 422"}]}, "as in a FastAPI 422"),
        (b"<!DOCTYPE html><HTML><body>Bad gateway</body></HTML>", "a web page"),
        (b"upstream connect error", "Status 502"),
        (b"", "Status 502"),
        (b"\xff\xfe\x00", "Status 502"),
        (b"[" * 100_000, "Status 502"),
        ([], "Status 502"),
        (None, "Status 502"),
        ({"error": {}}, "Status 502"),
        ({"error": {"message": 7, "code": 8, "type": []}}, "7"),
    ],
)
def test_any_body_is_read(body: object, told: str) -> None:
    error = refused(502, body)
    assert told in str(error)
    assert type(error) is StatusError
    assert error.code is None
    assert error.type is None


def test_the_key_is_never_repeated() -> None:
    error = refused(
        401,
        {"error": {"message": "key SECRET is bad", "code": "SECRET", "type": "SECRET"}},
        x_request_id="SECRET",
    )
    shown = f"{error}{error!r}{error.args}{vars(error)}"
    assert "SECRET" not in shown
    assert "[api key]" in shown


def test_the_servers_words_are_one_short_printable_line() -> None:
    message = "a\nb\x1b[2J " + "word " * 500
    error = refused(500, {"error": {"message": message}}, x_request_id="req-9")
    assert str(error).isprintable()
    assert len(str(error)) < 600
    assert "req-9" in str(error)


@pytest.mark.parametrize("kind", [StatusError, RateLimitError, QuotaExceededError])
def test_errors_survive_pickling(kind: type[StatusError]) -> None:
    error = kind("why", 429, "code", "type", "req-1", 2.5)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == "why"
    assert isinstance(again, AssistersError)
