"""How the server refuses: the error body of the published contract."""

from __future__ import annotations

from typing import TypedDict

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ErrorFields(TypedDict):
    """The inside of an error body."""

    message: str
    type: str
    code: str
    param: str | None


class ErrorBody(TypedDict):
    """The whole error body."""

    error: ErrorFields


class Refusal(Exception):  # noqa: N818 - an answer of the server, not a failure of it
    """A request that gets an error instead of scores: raised anywhere, answered in one place.

    `retry_after` is in seconds.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(status, code, message, param, retry_after)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after = retry_after

    def body(self) -> ErrorBody:
        """The error in the contract's words."""
        otherwise = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": _KINDS.get(self.status, otherwise),
                "code": self.code,
                "param": self.param,
            }
        }
