"""How many documents the server takes in one request."""

from __future__ import annotations

from ..errors import ContractError
from .asking import Asking, Reply
from .probe_texts import QUERY, many_short
from .server_report import SizesFound

_TRIED = (1, 10, 32, 100, 250, 1000)
_MOST_STEPS = 10

# Of the timeout, what a request may be expected to take.
_SHARE_OF_TIMEOUT = 0.5


async def find_sizes(asking: Asking) -> SizesFound | None:
    """Asks for more and more documents, and where that is refused, finds the limit by halves.

    None if not even one document was scored.
    """
    found, refused, reason = 0, None, None
    for number in _TRIED:
        reply = await asking.ask(QUERY, many_short(number))
        if reply.scores:
            found = number
            if _would_take(reply, number) > _SHARE_OF_TIMEOUT * asking.reranker.timeout:
                break
        elif _is_refusal(reply):
            refused, reason = number, str(reply.error)
            break
        else:
            break
    for _ in range(_MOST_STEPS):
        if refused is None or refused - found <= 1:
            break
        number = (found + refused) // 2
        reply = await asking.ask(QUERY, many_short(number))
        if reply.scores:
            found = number
        elif _is_refusal(reply):
            refused, reason = number, str(reply.error)
        else:
            break
    return SizesFound(found, refused, reason) if found else None


def _would_take(reply: Reply, number: int) -> float:
    """Seconds of the next size, if each document takes as long as these did."""
    following = [size for size in _TRIED if size > number]
    return reply.seconds * following[0] / number if following else 0.0


def _is_refusal(reply: Reply) -> bool:
    # Some send only the first results of a long list, which breaks the contract.
    return reply.refusal is not None or isinstance(reply.error, ContractError)
