"""The time of a whole call, retries and waits included."""

from __future__ import annotations

from dataclasses import dataclass, field

from .ports import Port


@dataclass(slots=True)
class Budget:
    """So many seconds on the port's clock; every attempt gets what is left of them."""

    port: Port
    seconds: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.port.now() + self.seconds

    def left(self) -> float:
        """Seconds left, 0 or less when the time is up."""
        return self.deadline - self.port.now()

    def end(self) -> None:
        """Ends the call's time now, so that requests that nobody waits for stop retrying."""
        self.deadline = self.port.now()
