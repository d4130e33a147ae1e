"""The two clocks: wall time, and the time of a venue that may replay the past."""

import asyncio
from datetime import UTC, datetime
from time import monotonic


class SystemClock:
    """Venue time is wall time: for live trading."""

    def __init__(self) -> None:
        self._newest = self.wall()

    def now(self) -> datetime:
        """Return wall time; it stands still while the host's clock is stepped back (F38)."""
        self._newest = max(self._newest, self.wall())
        return self._newest

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VenueClock:
    """Venue time is the newest time the venue has shown, beginning with `start`: for paper trading at any speed."""

    def __init__(self, start: datetime) -> None:
        self._newest = _aware(start)

    def observe(self, at: datetime) -> None:
        """Take the time of one venue message; an older one than the newest changes nothing."""
        self._newest = max(self._newest, _aware(at))

    def now(self) -> datetime:
        return self._newest

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"venue time has a time zone, was {at.isoformat()}; pass an aware datetime")
    return at.astimezone(UTC)
