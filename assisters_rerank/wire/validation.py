"""Checks that an answer with status 200 keeps the contract, and says how a broken one does not."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ..errors import ContractError
from .error_bodies import error_fields, refusal
from .messages import NOT_JSON, Answer, Request, mapping_or_empty, parsed, text_or_none
from .redaction import BYTES_READ

T = TypeVar("T")


class BrokenContractError(Exception):
    """How an answer breaks the contract; may quote the server."""


def validated(
    answer: Answer,
    request: Request,
    read: Callable[[dict[str, object]], T],
    list_as: str | None = None,
) -> T:
    """What `read` makes of the answer's JSON object.

    Of a server that answers with a list it is an object with the list in the field `list_as`.

    Raises:
        StatusError: the server refused; the subclass says what kind of refusal.
        ContractError: the server agreed, but its answer breaks the contract.
    """
    if not 200 <= answer.status < 300:
        raise refusal(answer, request)
    try:
        return read(_object(answer, list_as))
    except BrokenContractError as breach:
        problem = request.redact(str(breach))
    # Crash reporters print the frame's variables.
    request_id = request.redact(answer.request_id or "")
    named = f" (request id {request_id})" if request_id else ""
    raise ContractError(f"{request.shown_url} answered, but {problem}{named}.")


def _object(answer: Answer, list_as: str | None) -> dict[str, object]:
    if not answer.body:
        raise BrokenContractError("the body is empty")
    content = parsed(answer.body)
    if content is NOT_JSON:
        start = answer.body[:BYTES_READ].decode("utf-8", "replace")
        raise BrokenContractError(f"the body is not JSON; it starts: {start}")
    if mapping_or_empty(content).get("error"):
        message = error_fields(content)[0] or "no message"
        raise BrokenContractError(f"it reports an error under status {answer.status}: {message}")
    if list_as is not None and isinstance(content, list):
        return {list_as: content}
    if list_as is not None or not isinstance(content, dict):
        wanted = "an object" if list_as is None else "a list"
        raise BrokenContractError(f"the body is {kind(content)} instead of {wanted}")
    return content


def listed(content: dict[str, object], field: str) -> list[object]:
    """The list in this field."""
    value = content.get(field)
    if not isinstance(value, list):
        raise BrokenContractError(f"`{field}` is {kind(value)} instead of a list")
    return value


def numbered(
    entries: list[object], field: str, count: int, what: str, done: str, name: str = "index"
) -> Iterator[tuple[int, dict[str, object]]]:
    """Each entry with its index (in the field `name`), which lies within `count` and comes once.

    `what` the entries are about, and what was `done` to it, are for the message of a breach.
    """
    seen: set[int] = set()
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise BrokenContractError(f"{field}[{place}] is {kind(entry)} instead of an object")
        index = entry.get(name)
        if type(index) is not int:  # exactly: True is an int too
            raise BrokenContractError(f"{field}[{place}].{name} is {kind(index)}, not an integer")
        if not 0 <= index < count:
            raise BrokenContractError(
                f"{field}[{place}].{name} is {index}, outside the {count} {what}s sent"
            )
        if index in seen:
            raise BrokenContractError(f"{what} {index} is {done} twice")
        seen.add(index)
        yield index, entry


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


def kind(value: object) -> str:
    """What a value of JSON is, in words."""
    if value is None:
        return "missing or null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if type(value) is int and abs(value) > sys.float_info.max:
        return "an integer that is too large for a float"
    names = {bool: "a bool", str: "a string", int: "an integer", float: "a fraction"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")
