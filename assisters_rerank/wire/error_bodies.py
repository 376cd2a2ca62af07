"""Error statuses and error bodies, turned into the error tree with advice on what to change."""

from __future__ import annotations

import html
import json
import re

from ..errors import (
    AuthenticationError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TooLongError,
)
from .address import parts_of
from .destination import API_KEY_VARIABLE, BASE_URL_VARIABLE
from .error_classes import error_class
from .messages import (
    NOT_JSON,
    Answer,
    Request,
    mapping_or_empty,
    number_or_none,
    parsed,
    text_or_none,
    unix_time,
)
from .redaction import BYTES_READ

ADVICE_ON_LIMITS = (
    "set requests_per_minute to what the key allows; or lower max_concurrency, if a gateway limits "
    "parallel requests."
)

ADVICE = {
    400: "Check model, query and documents.",
    401: f"Check api_key, or the variable {API_KEY_VARIABLE}.",
    403: "This key is not allowed to do this from here; check its rights and allowed origins.",
    404: "Check base_url, and that the server knows the model.",
    407: (
        "The proxy wants a user name and password: give them in HTTP_PROXY, or in the proxy of "
        "your http_client."
    ),
    413: "Lower max_documents_per_request, or send shorter documents.",
    422: "Check model and documents.",
    429: f"Raise timeout so that it covers the wait; {ADVICE_ON_LIMITS}",
}
"""What to change, by the status of a refusal."""

_ADVICE_WITHOUT_A_KEY = (
    f"No key was sent: the one in {API_KEY_VARIABLE} goes only to the service and to the host that "
    f"{BASE_URL_VARIABLE} names. Name this host there, or give api_key=…."
)

_ADVICE_ON_LENGTH = (
    "Give long_documents='truncate' or 'split', with max_tokens where the model's window is not "
    "known."
)

_ADVICE_ON_EMBEDDINGS = {
    400: "Check model and texts.",
    413: "Lower max_texts_per_request, or send shorter texts.",
    422: "Check model and texts.",
}


def refusal(answer: Answer, request: Request) -> StatusError:
    """The error that an answer with an error status stands for."""
    content = parsed(answer.body)
    message, code, kind = error_fields(content)
    if content is NOT_JSON:
        message = _plain_text(answer.body)
    refused = error_class(
        answer.status, message, (code, kind, *_further_codes(content), _aws_type(answer))
    )
    of_embeddings = (
        _ADVICE_ON_EMBEDDINGS if parts_of(request.url).path.endswith("/embeddings") else {}
    )
    advice = of_embeddings.get(answer.status, ADVICE.get(answer.status, ""))
    if refused is TooLongError:
        advice = _ADVICE_ON_LENGTH
    if refused is AuthenticationError and answer.status != 403:
        advice = ADVICE[401]
    if refused is AuthenticationError and request.secret is None:
        advice = _ADVICE_WITHOUT_A_KEY
    if refused is RateLimitError:
        advice = ADVICE[429]
    if refused is QuotaExceededError:
        advice = "The plan's tokens or the wallet are used up: top up, since waiting does not help."
    if 300 <= answer.status < 400:
        advice = "Redirects are not followed: give the final address as base_url."
    wait = _retry_after(answer)
    parts = [f"Status {answer.status} from {request.shown_url}"]
    parts += [f" ({request.redact(code)})"] if code else []
    parts += [f": {request.redact(message).rstrip('.')}"] if message else []
    parts += ["."]
    parts += [f" The server asks to wait {wait:g} s."] if wait else []
    parts += [f" {advice}"] if advice else []
    request_id = request.redact(answer.request_id) if answer.request_id else None
    parts += [f" Request id: {request_id}."] if request_id else []
    return refused(
        "".join(parts),
        answer.status,
        request.redact(code) if code else None,
        request.redact(kind) if kind else None,
        request_id,
        wait,
    )


def error_fields(content: object) -> tuple[str | None, str | None, str | None]:
    """Message, code and type of an error body; other servers put the message elsewhere."""
    if isinstance(content, str):
        return content or None, None, None
    body = _first_object(content)
    error = body.get("error") or body.get("errors")
    inner = _first_object(error) or body
    said = (inner.get(name) for name in ("message", "Message", "detail"))
    message = next(filter(None, said), error)
    if message is not None and not isinstance(message, str):
        message = json.dumps(message)
    code = text_or_none(inner.get("code")) or text_or_none(body.get("code"))
    kinds = (inner.get("type"), body.get("error_type"), body.get("__type"), inner.get("status"))
    return message or None, code, next(filter(None, map(text_or_none, kinds)), None)


def _further_codes(content: object) -> list[str]:
    """The reasons in the details of Google's errors, as "API_KEY_INVALID"."""
    details = _first_object(_first_object(content).get("error")).get("details")
    reasons = (mapping_or_empty(each).get("reason") for each in _list_or_empty(details))
    return [reason for reason in reasons if isinstance(reason, str)]


def _aws_type(answer: Answer) -> str | None:
    return answer.headers.get("x-amzn-errortype")


def _list_or_empty(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _first_object(value: object) -> dict[str, object]:
    """A JSON object, or the first one in a list; anything else counts as an empty one."""
    return mapping_or_empty(value[0] if isinstance(value, list) and value else value)


def _plain_text(body: bytes | bytearray) -> str | None:
    """What a body that is not JSON says: a web page its title, a text all of it."""
    text = body[:BYTES_READ].decode("utf-8", "replace")
    if not re.search(r"<(html|head|title|body|!doctype)\b", text, re.IGNORECASE):
        return text.strip() or None
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    named = html.unescape(title[1]).strip() if title else ""
    return (
        f"a web page instead of JSON, with the title {named!r}"
        if named
        else "a web page instead of JSON"
    )


def _retry_after(answer: Answer) -> float | None:
    """Seconds to wait; None if absent or unreadable.

    From `retry-after-ms`, as Azure sends it and openai's client reads it, else from `Retry-After`,
    a number or an HTTP date.
    """
    milliseconds = number_or_none(answer.headers.get("retry-after-ms"))
    if milliseconds is not None and milliseconds > 0:
        return milliseconds / 1000
    value = answer.headers.get("retry-after", "")
    seconds, date = number_or_none(value), unix_time(value)
    if seconds is None and date is not None:
        seconds = date - answer.server_time()
    return None if seconds is None else max(0.0, seconds)
