"""Keeps the client under the venue's request limit, and lets cancels pass before orders and orders before questions.

A token bucket: `burst` tokens at most, `rate_per_s` new ones each second, one request takes one. Questions leave the
last `ORDER_RESERVE` tokens untouched, so a burst of questions never delays an order, and a waiting order goes first.
Before all goes a waiting cancel: it takes risk away, and the exit of a position may wait for it.
"""

from enum import Enum, auto

from bottrader.ports import Clock

ORDER_RESERVE = 2
SHORTEST_NAP_S = 0.001


class Priority(Enum):
    CANCEL = auto()
    ORDER = auto()
    QUERY = auto()


class TokenBucket:
    """One bucket for one API key; `burst` is above `ORDER_RESERVE`."""

    def __init__(self, rate_per_s: float, burst: int, clock: Clock) -> None:
        if rate_per_s <= 0 or burst <= ORDER_RESERVE:
            raise ValueError(
                f"a bucket has a rate above 0 and a burst above {ORDER_RESERVE}, was {rate_per_s}, {burst}"
            )
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock = clock
        self._tokens = self._burst
        self._filled_at = clock.wall()
        self._waiting_cancels = 0

    async def take(self, priority: Priority) -> None:
        """Return when the request may be sent."""
        if priority is not Priority.CANCEL:
            await self._wait(priority)
            return
        self._waiting_cancels += 1
        try:
            await self._wait(priority)
        finally:
            self._waiting_cancels -= 1

    async def _wait(self, priority: Priority) -> None:
        while (missing := self._needed(priority) - self._refilled()) > 0:
            await self._clock.sleep(max(SHORTEST_NAP_S, missing / self._rate_per_s))
        self._tokens -= 1

    def _needed(self, priority: Priority) -> int:
        """Return how many tokens must be there: its own and those that are kept for who goes first."""
        match priority:
            case Priority.CANCEL:
                return 1
            case Priority.ORDER:
                return 1 + self._waiting_cancels
            case Priority.QUERY:
                return 1 + ORDER_RESERVE + self._waiting_cancels

    def _refilled(self) -> float:
        now = self._clock.wall()
        # A clock stepped back gives nothing and takes nothing; stepped forward, at most a full bucket (F38).
        elapsed_s = max(0.0, (now - self._filled_at).total_seconds())
        self._filled_at = now
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._rate_per_s)
        return self._tokens
