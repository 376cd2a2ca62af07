"""Which class of error a refusal is: by its status, and by what other servers put into the body.

Some name the reason only in a code (AWS, Google, LiteLLM), some only in words (Cohere, Pinecone).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import (
    AuthenticationError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    StatusError,
    TooLongError,
)

_BY_STATUS: dict[int, type[StatusError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: AuthenticationError,
    404: InvalidRequestError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitError,
}

# In small letters; of AWS without "Exception" at the end. They count for any status below 500.
_BY_CODE: dict[str, type[StatusError]] = {
    **dict.fromkeys(
        (
            "tokens_exhausted",
            "tokens_exhausted_error",
            "insufficient_funds",
            "insufficient_funds_error",
            "insufficient_quota",  # OpenAI's code, which compatible servers use too
            "budget_exceeded",  # LiteLLM
            "arrearage",  # DashScope
            "servicequotaexceeded",  # AWS
            "quota_exceeded",  # Pinecone
        ),
        QuotaExceededError,
    ),
    **dict.fromkeys(
        (
            "accessdenied", "expiredtoken", "invalidsignature", "missingauthenticationtoken",
            "unrecognizedclient",  # AWS
            "api_key_invalid",  # Google, with a 400
        ),
        AuthenticationError,
    ),
    **dict.fromkeys(("throttling", "toomanyrequests"), RateLimitError),  # AWS, also with a 400
}  # fmt: skip

# Of a limit that no call outlasts, in the words of Cohere, Pinecone and Cloudflare (429), and of an
# empty wallet, in those of Jina and SiliconFlow (403).
_LONG_LIMIT = re.compile(r"\bmonth|\bfree allocation\b", re.IGNORECASE)
_EMPTY_WALLET = re.compile(
    r"insufficient (account )?(balance|credit|fund)|balance is (insufficient|not enough)",
    re.IGNORECASE,
)

# 500 is llama.cpp's. The words are those of vLLM, llama.cpp, TEI, OpenAI, Cohere and Voyage.
_TOO_LONG_STATUSES = frozenset({400, 413, 422, 500})
_TOO_LONG = re.compile(
    r"context (length|size|window)|maximum (model |sequence |input )?length"
    r"|must have less than \d+ tokens|too (long|large to process|many tokens)"
    r"|(exceed|longer|more than|over)\D{0,60}(token|max_model_len)"
    r"|token\w* (limit|exceed)|\btokens?\b.{0,80}\bexceed",
    re.IGNORECASE,
)


def error_class(status: int, message: str | None, codes: Iterable[str | None]) -> type[StatusError]:
    """The class for a status, a message, and the codes and types that came with it."""
    said = message or ""
    if status < 500:
        for code in filter(None, codes):
            if found := _BY_CODE.get(_plain(code)):
                return found
    if status in _TOO_LONG_STATUSES and _TOO_LONG.search(said):
        return TooLongError
    if status == 429 and _LONG_LIMIT.search(said):
        return QuotaExceededError
    if status in (403, 429) and _EMPTY_WALLET.search(said):
        return QuotaExceededError
    return _BY_STATUS.get(status, StatusError)


def _plain(code: str) -> str:
    """AWS writes `com.amazonaws.…#ThrottlingException:http://…` for what others call throttling."""
    return code.rpartition("#")[2].partition(":")[0].lower().removesuffix("exception")
