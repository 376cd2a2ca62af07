"""Checks that an answer with status 200 keeps the contract, and says how a broken one does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

from ..errors import ContractError
from .error_bodies import error_fields, refusal
from .messages import NOT_JSON, Answer, Request, mapping_or_empty, parsed, text_or_none
from .redaction import BYTES_READ

T = TypeVar("T")

# No request has so many tokens, and no sum of such counts is too large to be priced.
_MORE_THAN_ANY = 2**53


class BrokenContractError(Exception):
    """How an answer breaks the contract; may quote the server."""


def validated(answer: Answer, request: Request, read: Callable[[dict[str, object]], T]) -> T:
    """What `read` makes of the answer's JSON object; or its `BrokenContractError`.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer breaks the contract.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer, request)
    try:
        return read(_object(answer))
    except BrokenContractError as breach:
        problem = request.redact(str(breach))
    # Crash reporters print the frame's variables.
    request_id = request.redact(answer.request_id or "")
    named = f" (request id {request_id})" if request_id else ""
    raise ContractError(f"{request.url} answered, but {problem}{named}.")


def _object(answer: Answer) -> dict[str, object]:
    if not answer.body:
        raise BrokenContractError("the body is empty")
    content = parsed(answer.body)
    if content is NOT_JSON:
        start = answer.body[:BYTES_READ].decode("utf-8", "replace")
        raise BrokenContractError(f"the body is not JSON; it starts: {start}")
    if not isinstance(content, dict):
        raise BrokenContractError(f"the body is {kind(content)} instead of an object")
    if content.get("error"):
        message = error_fields(content)[0] or "no message"
        raise BrokenContractError(f"it reports an error under status {answer.status}: {message}")
    return content


def listed(content: dict[str, object], field: str) -> list[object]:
    """The list in this field."""
    value = content.get(field)
    if not isinstance(value, list):
        raise BrokenContractError(f"`{field}` is {kind(value)} instead of a list")
    return value


def numbered(
    entries: list[object], field: str, count: int, what: str, done: str
) -> list[tuple[int, dict[str, object]]]:
    """Each entry with its `index`, which lies within `count` and comes once.

    `what` the entries are about, and what was `done` to it, are for the message of a breach.
    """
    seen: set[int] = set()
    found = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise BrokenContractError(f"{field}[{place}] is {kind(entry)} instead of an object")
        index = entry.get("index")
        if type(index) is not int:  # exactly: True is an int too
            raise BrokenContractError(f"{field}[{place}].index is {kind(index)}, not an integer")
        if not 0 <= index < count:
            raise BrokenContractError(
                f"{field}[{place}].index is {index}, outside the {count} {what}s sent"
            )
        if index in seen:
            raise BrokenContractError(f"{what} {index} is {done} twice")
        seen.add(index)
        found.append((index, entry))
    return found


def request_id(answer: Answer, request: Request, content: dict[str, object]) -> str | None:
    """The server's id of the request, from the header or else the body."""
    reported = answer.request_id or text_or_none(content.get("id"))
    return request.redact(reported) if reported else None


def reported_model(content: dict[str, object]) -> str | None:
    """The model that the server says it used, in its own words; redact it when it is shown."""
    return text_or_none(content.get("model"))


def one_model(
    models: Iterable[str | None], done: str, results: str, redact: Callable[[str], str]
) -> str | None:
    """The one model that the answers to the parts of a list name; None if none of them does.

    Raises:
        ContractError: they name several.
    """
    reported = {model for model in models if model}
    if len(reported) > 1:
        names = ", ".join(map(redact, sorted(reported)))
        del models, reported  # crash reporters print the frame's variables
        raise ContractError(
            f"The parts of the list were {done} by different models ({names}), whose "
            f"{results} cannot be compared. Give a model id that always names one model."
        )
    return next(iter(reported), None)


def total_tokens(content: dict[str, object]) -> int | None:
    """Billed tokens; an impossible number counts as not reported."""
    usage = mapping_or_empty(content.get("usage"))
    total = count(usage.get("total_tokens"))
    return count(usage.get("prompt_tokens")) if total is None else total


def count(value: object) -> int | None:
    """A number of things, if it can be one."""
    return value if type(value) is int and 0 <= value < _MORE_THAN_ANY else None


def kind(value: object) -> str:
    """What a value of JSON is, in words."""
    if value is None:
        return "missing or null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    names = {bool: "a bool", str: "a string", int: "an integer", float: "a fraction"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
