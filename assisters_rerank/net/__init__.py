"""The two worlds that the flow runs in: `Blocking` without an event loop, `Evented` on any loop.

The flow is one coroutine that awaits nothing but its port. `Blocking`'s methods never suspend,
so `run_blocking` finishes the coroutine in a single step: no loop, no thread, and no trouble in a
notebook, where a loop already runs. Both ports turn every failure to get an answer into
`TransportError`; statuses and bodies are the flow's business.

- `port` is what the flow may ask for; `blocking` and `evented` are the two worlds, `events` wake
  who waits there;
- `clients` makes the HTTP clients, `loops` keeps one for each event loop, over `transports` and
  `aiohttp_transport`, as `transport_choice` says; `backends` connect, `sockets` notice a dead
  peer; `threads` are our own; `timeouts` count down;
- `body` bounds an answer, `failures` names what went wrong.
"""

from .blocking import Blocking, run_blocking
from .evented import Evented
from .events import Event
from .port import Port

__all__ = ["Blocking", "Event", "Evented", "Port", "run_blocking"]
