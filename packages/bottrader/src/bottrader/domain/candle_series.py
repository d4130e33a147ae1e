"""Which candles of a stream are closed.

The venue streams the state of a bucket again and again and never says "closed". A bucket is closed once a later one
appears. What a series has not seen itself (before it began, or while the connection was gone) it asks for as a `Gap`,
to be filled by request before the next decision (R39); it never treats a half-seen bucket as whole.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import Candle, Granularity, ProductId


@dataclass(frozen=True, slots=True)
class Gap:
    """Buckets opened in `[start, end)` may exist and were not seen."""

    start: datetime
    end: datetime


def bucket_start(at: datetime, granularity: Granularity) -> datetime:
    """Return the opening time of the bucket that contains `at`."""
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % int(granularity), tz=at.tzinfo)


@dataclass(slots=True)
class CandleSeries:
    """The closed candles of one product, each handed out once, in order of time."""

    product_id: ProductId
    granularity: Granularity
    closed_through: datetime | None = None
    """Opening time of the newest candle handed out."""
    _forming: Candle | None = field(default=None)

    def update(self, candle: Candle) -> tuple[Candle | None, Gap | None]:
        """Take the state of a bucket; return the candle it closes and the gap it reveals, in that order of time."""
        if self.closed_through is not None and candle.opened_at <= self.closed_through:
            return None, None
        forming = self._forming
        if forming is None or candle.opened_at == forming.opened_at:
            self._forming = candle
            return None, self._gap_before(candle) if forming is None else None
        if candle.opened_at < forming.opened_at:
            return None, None
        self.closed_through = forming.opened_at
        self._forming = candle
        return forming, self._gap_before(candle)

    def interrupt(self, at: datetime, lookback_candles: int) -> Gap | None:
        """Forget the half-seen bucket; return what to ask for so that nothing is missing up to `at`.

        A series that never saw a candle asks for `lookback_candles` of history.
        """
        self._forming = None
        current = bucket_start(at, self.granularity)
        start = (
            current - lookback_candles * self.granularity.span
            if self.closed_through is None
            else self.closed_through + self.granularity.span
        )
        return Gap(start, current) if start < current else None

    def fill(self, gap: Gap, candles: list[Candle]) -> list[Candle]:
        """Take what the venue answered for `gap`; return the closed candles to hand out, oldest first."""
        for before, after_ in pairwise(candles):
            if before.opened_at >= after_.opened_at:
                raise InvariantBroken(f"candles of {self.product_id} must ascend, {after_.opened_at} came late")
        fresh = [
            candle
            for candle in candles
            if gap.start <= candle.opened_at < gap.end
            and (self.closed_through is None or candle.opened_at > self.closed_through)
        ]
        if fresh:
            self.closed_through = fresh[-1].opened_at
        return fresh

    def _gap_before(self, candle: Candle) -> Gap | None:
        if self.closed_through is None:
            return None
        expected = self.closed_through + self.granularity.span
        return Gap(expected, candle.opened_at) if expected < candle.opened_at else None
