"""How long requests of 1, 10 and 50 documents take."""

from __future__ import annotations

from statistics import median

from .asking import Asking
from .probe_texts import QUERY, passages
from .server_report import SizesFound, TimingsFound

_NUMBERS = (1, 10, 50)
_TIMES = 5
_TIMES_OF_A_SLOW_ONE = 3
_SLOW = 2.0


async def find_latencies(asking: Asking, sizes: SizesFound | None) -> TimingsFound | None:
    """Medians over texts that are new each time, so that no cache of the server's answers."""
    medians: dict[int, float] = {}
    times = _TIMES
    run = 0
    for number in _NUMBERS:
        if sizes is not None and number > sizes.most:
            break
        taken: list[float] = []
        while len(taken) < times:
            run += 1
            reply = await asking.ask(f"{QUERY} {run}", passages(number, run))
            if reply.error is not None:
                break
            taken.append(reply.seconds)
            if reply.seconds > _SLOW:
                times = _TIMES_OF_A_SLOW_ONE
        if not taken:
            break
        medians[number] = 1000 * median(taken)
    if asking.first_seconds is None or not medians:
        return None
    return TimingsFound(1000 * asking.first_seconds, medians, times)
