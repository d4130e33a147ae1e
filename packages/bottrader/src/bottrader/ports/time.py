"""Time, randomness and the log of what happened."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks, because a replayed market has its own time and a signature does not.

    `now` is venue time: what candles, orders and expiries are dated by. In live trading it is the wall clock; over a
    replayed market it is the time of the newest market message. `wall` is always the real time.
    """

    def now(self) -> datetime:
        """Return venue time, aware UTC; never goes back within a process."""
        ...

    def wall(self) -> datetime:
        """Return real time, aware UTC; for signatures, tokens and log lines only."""
        ...

    def monotonic_s(self) -> float:
        """Return real seconds since some moment; never goes back, whatever is done to the host's clock."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait in real time; for backoff and pacing, never to order events."""
        ...


class Entropy(Protocol):
    """The only source of randomness: jitter and secrets, never ids of orders or signals."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number in `[low, high]`; for backoff jitter."""
        ...

    def secret(self) -> str:
        """Return a fresh unguessable token of at least 256 bits, URL-safe text."""
        ...


class EventLog(Protocol):
    """Where outcomes are told, once, by the layer that decides them. Never raises, blocks or changes a decision.

    `fields` are ids, amounts and times; never a secret.
    """

    def info(self, event: str, **fields: object) -> None:
        """Tell an outcome in the past tense: `order_placed`, `fill_recorded`."""
        ...

    def alarm(self, event: str, **fields: object) -> None:
        """Tell something that a person should look at."""
        ...
