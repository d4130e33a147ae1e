"""A clock that moves only when it is told to."""

import asyncio
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Venue and wall time are one; `sleep` advances it at once and notes how long it would have waited."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = self._now = start
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return (self._now - self._start).total_seconds()

    def advance(self, step: timedelta) -> None:
        """Move forward by `step`, which is not negative: venue time never goes back."""
        if step < timedelta(0):
            raise ValueError(f"a clock goes forward, was told to move by {step}")
        self._now += step

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.advance(timedelta(seconds=seconds))
        # Others get their turn, as they would during a real wait.
        await asyncio.sleep(0)
