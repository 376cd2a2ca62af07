"""What can go wrong, as a tree. Sync and async calls raise the same class for the same failure.

    AssistersError
    ├── ConfigurationError            no key, impossible options or input (a ValueError too)
    ├── TransportError                no answer: DNS, TCP, TLS, a broken body
    │   └── BudgetExceeded            the call's own time ran out (a TimeoutError too)
    ├── StatusError                   .status .code .type .request_id .retry_after
    │   ├── AuthenticationError       401, 403
    │   ├── InvalidRequestError       400, 404, 413, 422
    │   │   └── TooLongError          a document, or the query, is too long for the server
    │   ├── RateLimitError            429 that ends after a wait
    │   └── QuotaExceededError        402, or an empty quota, budget or wallet: not retried
    └── ContractError                 a 200 that breaks the contract

`error.transient` says whether the same call may succeed later: it decides what is retried, and
what `on_error="passthrough"` lets pass.
"""

from __future__ import annotations


class AssistersError(Exception):
    """Base class of everything this package raises on purpose."""

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later."""
        return False


class ConfigurationError(AssistersError, ValueError):
    """The call cannot be made: no key, an impossible option, unusable input."""


class TransportError(AssistersError):
    """No usable answer arrived: DNS, TCP, TLS, a connection that broke, a body that broke off."""

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self._transient = transient

    @property
    def transient(self) -> bool:
        """False for what lasts: an untrusted certificate, a refusing proxy, a failing transport."""
        return self._transient


class BudgetExceeded(TransportError, TimeoutError):  # noqa: N818 - the design's name
    """The call used up its own `timeout`, retries and waits included."""


class StatusError(AssistersError):
    """The server answered with an error status.

    Attributes:
        status: HTTP status code.
        code: the body's `error.code`, e.g. `"rate_limit_exceeded"`.
        type: the body's `error.type`, e.g. `"rate_limit_error"`.
        request_id: `X-Request-ID`, to quote to the service's support.
        retry_after: seconds that the server asked to wait.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str | None = None,
        type: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        # Everything goes into `args`, or the error would not survive pickling (process pools).
        super().__init__(message, status, code, type, request_id, retry_after)
        self.message = message
        self.status = status
        self.code = code
        self.type = type
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message

    @property
    def transient(self) -> bool:
        """True for 408 and 5xx, from which a server may recover."""
        return self.status == 408 or self.status >= 500


class AuthenticationError(StatusError):
    """401 or 403: the key is missing, wrong or revoked, or not allowed to do this."""


class InvalidRequestError(StatusError):
    """400, 404, 413 or 422: the server refuses this request and would refuse it again."""


class TooLongError(InvalidRequestError):
    """The server refuses a document or the query for its length, with whatever status it has."""

    @property
    def transient(self) -> bool:
        """Always false: the same text is as long the next time."""
        return False


class RateLimitError(StatusError):
    """429: too many requests or tokens in this window; `retry_after` says how long it lasts."""

    @property
    def transient(self) -> bool:
        """Always true: the window passes."""
        return True


class QuotaExceededError(StatusError):
    """402, or a used-up month or budget, or an empty wallet: waiting does not help."""

    @property
    def transient(self) -> bool:
        """Always false: only a top-up or the next month helps."""
        return False


class ContractError(AssistersError):
    """The server answered 200, but its answer breaks the contract; no ranking is made of it."""
