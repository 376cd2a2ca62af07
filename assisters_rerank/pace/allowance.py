"""What an answer's headers report of the rate limit.

- `X-RateLimit-{Limit,Remaining,Reset}-{RPM,TPM}`, the service's own; the end is a Unix time;
- `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, OpenAI's ("Rate limits in headers" of its
  guide) and LiteLLM's ("Response Headers" of its proxy); ends are spans such as `8.64s`, `1m2s`;
- `RateLimit-Policy: "default";q=100;w=60` and `RateLimit: "default";r=50;t=30`, structured fields
  of draft-ietf-httpapi-ratelimit-headers-08 and later; `RateLimit: limit=100, remaining=50,
  reset=5` of draft 07; `RateLimit-{Limit,Remaining,Reset}` of the drafts before.

The first of these that makes sense is taken; what makes none counts as absent.

LiteLLM's `x-litellm-key-{rpm,tpm}-limit` reports only what the key may have in a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..wire.messages import Answer, number_or_none

# The limits are a minute's. An end that is further away means that the clocks differ, where the
# server tells no time of its own, or another kind of limit.
_LONGEST_WINDOW = 65.0
# Smaller numbers are seconds from now, as some servers send them; the service sends Unix times.
_EARLIEST_UNIX_TIME = 1_000_000_000

_UNITS = ("rpm", "tpm")

# The headers of limit, remaining and reset.
_THREE = {
    unit: tuple(f"x-ratelimit-{what}-{unit}" for what in ("limit", "remaining", "reset"))
    for unit in (*_UNITS, "requests", "tokens")
}
_OLD_THREE = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")

_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

# Of a structured list: an item, or a member `name=value` of draft 07, and its parameters.
_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^;,"]*)((?:\s*;\s*[^;,"=]+(?:=(?:"[^"]*"|[^;,"]*))?)*)')
_PARAMETER = re.compile(r';\s*([^;,"=\s]+)\s*=\s*(?:"([^"]*)"|([^;,"\s]*))')


class Allowance(NamedTuple):
    """Of requests or of tokens: what a window allows, what is left of it, seconds to its end.

    `ends` is that end as a Unix time of the server's, the same for the answers of one window.
    """

    limit: int
    remaining: int
    resets_in: float | None
    ends: float | None


def allowances(answer: Answer) -> tuple[Allowance | None, Allowance | None]:
    """The requests and the tokens of this window; None of what the answer reports nothing."""
    return _allowance(answer, "rpm", "requests"), _allowance(answer, "tpm", "tokens")


def minute_limits(answer: Answer) -> tuple[int | None, int | None]:
    """Requests and tokens that the key may have in a minute, of whose use nothing is said."""
    if "x-litellm-call-id" not in answer.headers:  # other servers are not asked for each of them
        return None, None
    rpm, tpm = (
        number_or_none(answer.headers.get(f"x-litellm-key-{unit}-limit")) for unit in _UNITS
    )
    return (int(rpm) if rpm and rpm >= 1 else None, int(tpm) if tpm and tpm >= 1 else None)


def _allowance(answer: Answer, *units: str) -> Allowance | None:
    headers = answer.headers
    for unit in units:
        if _THREE[unit][1] in headers and (allowance := _of_three(answer, _THREE[unit])):
            return allowance
    unit = units[-1]
    if "ratelimit" in headers and (allowance := _of_the_draft(answer, unit)):
        return allowance
    if unit == "requests" and "ratelimit-remaining" in headers:
        return _of_three(answer, _OLD_THREE)
    return None


def _of_three(answer: Answer, names: Sequence[str]) -> Allowance | None:
    limit, remaining, reset = names
    header = answer.headers.get
    return _read(answer, header(limit, ""), header(remaining, ""), header(reset, ""))


def _of_the_draft(answer: Answer, unit: str) -> Allowance | None:
    """The policy with the least left, of those that count this unit."""
    policies = dict(_items(answer.headers.get("ratelimit-policy", "")))
    found: list[Allowance] = []
    old: dict[str, str] = {}
    for name, service in _items(answer.headers["ratelimit"]):
        key, _, value = name.partition("=")
        old[key.strip()] = value.strip()
        policy: Mapping[str, str] = policies.get(name, {})
        if policy.get("qu", "requests") != unit or "r" not in service:
            continue
        # Without its policy, what is left is all that is known of the quota.
        quota = policy.get("q") or ("1" if service["r"] == "0" else service["r"])
        if allowance := _read(answer, quota, service["r"], service.get("t", "")):
            found.append(allowance)
    if not found and unit == "requests" and "remaining" in old:
        return _read(answer, old.get("limit", ""), old["remaining"], old.get("reset", ""))
    return min(found, key=lambda allowance: allowance.remaining, default=None)


def _items(field: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The items of a structured field's list, with their parameters."""
    at = 0
    while at < len(field) and (item := _ITEM.match(field, at)):
        parameters = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(item[2])}
        yield item[1].strip(), parameters
        if item.end() < len(field) and field[item.end()] != ",":
            return  # no list
        at = item.end() + 1


def _read(answer: Answer, limit: str, remaining: str, reset: str) -> Allowance | None:
    allowed, left = number_or_none(limit), number_or_none(remaining)
    if allowed is None or left is None or allowed < 1:
        return None
    return Allowance(int(allowed), int(left), *_reset(answer, reset))


def _reset(answer: Answer, text: str) -> tuple[float, float] | tuple[None, None]:
    reset = number_or_none(text)
    if reset is None:
        if not _SPAN.fullmatch(text.strip()):
            return None, None
        reset = _span(text)
    time = answer.server_time()
    seconds = reset - time if reset >= _EARLIEST_UNIX_TIME else reset
    if seconds > _LONGEST_WINDOW:
        return None, None
    seconds = max(0.0, seconds)
    return seconds, reset if reset >= _EARLIEST_UNIX_TIME else time + seconds


def _span(text: str) -> float:
    """Seconds of a span as Go's `time.Duration` writes it, as `1m2s` or `20ms`."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
