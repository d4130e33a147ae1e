"""Public market data of one product as it unfolds: candles, and the statistics of the last 24 hours.

Two series are kept, one-minute bars and five-minute buckets, the last 2 000 of each; wider candles are put together
from the buckets on request. The account's own trades leave no mark here, so a replay's candles equal the file's. The
24-hour figures are kept up to date tick by tick (sums, and falling or rising queues for the extremes) instead of being
recomputed from 288 buckets each time.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from coinbase_sim.amounts import EXACT, ZERO, percent_change
from coinbase_sim.model import Bar, Level, TickerChanged
from coinbase_sim.ticks import Tick

MINUTE_S = 60
BUCKET_S = 300
WIDTHS_S = (60, 300, 900, 1800, 3600, 7200, 14400, 21600, 86400)
BARS_KEPT = 2_000
_DAY_S = 86_400
_NOBODY = Level(ZERO, ZERO)


@dataclass(slots=True)
class Bucket:
    """A candle in the making; `start` in unix seconds."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def add(self, other: "Bucket") -> None:
        """Join what came after."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume = EXACT.add(self.volume, other.volume)


class ProductHistory:
    """Candles and 24-hour statistics of one product."""

    def __init__(self, product_id: str) -> None:
        self.ticker: TickerChanged | None = None
        """As of the last tick."""
        self._product_id = product_id
        self._minutes: deque[Bucket] = deque(maxlen=BARS_KEPT)
        self._buckets: deque[Bucket] = deque(maxlen=BARS_KEPT)
        self._day: deque[Bucket] = deque()
        self._highs: deque[tuple[int, Decimal]] = deque()
        self._lows: deque[tuple[int, Decimal]] = deque()
        self._volume_24h = ZERO

    def add(self, at: datetime, price: Decimal, size: Decimal) -> bool:
        """Take in one tick; returns True when it opened a five-minute bucket."""
        second = int(at.timestamp())
        _extend(self._minutes, Bucket(second - second % MINUTE_S, price, price, price, price, size))
        return self._extend_buckets(Bucket(second - second % BUCKET_S, price, price, price, price, size))

    def quote(self, tick: Tick) -> TickerChanged:
        """Keep and return the ticker after a tick that has been added."""
        self.ticker = TickerChanged(
            product_id=self._product_id,
            at=tick.at,
            price=tick.price,
            best_bid=tick.bids[0] if tick.bids else _NOBODY,
            best_ask=tick.asks[0] if tick.asks else _NOBODY,
            volume_24h=self.volume_24h,
            low_24h=self.low_24h,
            high_24h=self.high_24h,
            price_change_24h_pct=self.price_change_24h_pct,
        )
        return self.ticker

    def load(self, minutes: Iterable[Bucket], buckets: Iterable[Bucket]) -> None:
        """Take over saved series, oldest first."""
        self._minutes.extend(minutes)
        for bucket in buckets:
            self._extend_buckets(bucket)

    def saved(self) -> tuple[Sequence[Bucket], Sequence[Bucket]]:
        """Return (one-minute bars, five-minute buckets), oldest first."""
        return tuple(self._minutes), tuple(self._buckets)

    def current_bucket(self) -> Bar:
        """Return the five-minute bucket so far; there has been a tick."""
        return self._bar(self._buckets[-1])

    @property
    def volume_24h(self) -> Decimal:
        return self._volume_24h

    @property
    def high_24h(self) -> Decimal:
        return self._highs[0][1]

    @property
    def low_24h(self) -> Decimal:
        return self._lows[0][1]

    @property
    def price_change_24h_pct(self) -> Decimal:
        return percent_change(self._day[0].open, self._day[-1].close)

    def candles(self, width_s: int, start: datetime, end: datetime) -> list[Bar]:
        """Return the candles that start from `start` to `end`, both inclusive, oldest first, the forming one included.

        Buckets without a tick are omitted. Raises ValueError for a width that Coinbase does not have.
        """
        if width_s not in WIDTHS_S:
            raise ValueError(f"a candle is {', '.join(map(str, WIDTHS_S))} seconds wide; was {width_s}")
        series = self._minutes if width_s == MINUTE_S else self._buckets
        first, last = start.timestamp(), end.timestamp()
        wide: deque[Bucket] = deque()
        for bucket in series:
            begins = bucket.start - bucket.start % width_s
            # The oldest wide candle may have lost its beginning to the limit of the history: then it is left out.
            is_cut = begins < series[0].start and len(series) == BARS_KEPT
            if first <= begins <= last and not is_cut:
                _extend(wide, Bucket(begins, bucket.open, bucket.high, bucket.low, bucket.close, bucket.volume))
        return [self._bar(bucket) for bucket in wide]

    def _extend_buckets(self, latest: Bucket) -> bool:
        if not _extend(self._buckets, latest):
            self._extend_day(latest)
            return False
        self._day.append(self._buckets[-1])
        self._extend_day(latest)
        return True

    def _extend_day(self, latest: Bucket) -> None:
        """Bring the 24-hour figures up to date with a part that is already in the last bucket."""
        self._volume_24h = EXACT.add(self._volume_24h, latest.volume)
        start, oldest = latest.start, latest.start - _DAY_S
        while self._day[0].start <= oldest:
            self._volume_24h = EXACT.subtract(self._volume_24h, self._day.popleft().volume)
        # A value that a later one reaches or passes can never be the extreme again; of one bucket, one value is enough.
        while self._highs and self._highs[-1][1] <= latest.high:
            self._highs.pop()
        if not self._highs or self._highs[-1][0] != start:
            self._highs.append((start, latest.high))
        while self._highs[0][0] <= oldest:
            self._highs.popleft()
        while self._lows and self._lows[-1][1] >= latest.low:
            self._lows.pop()
        if not self._lows or self._lows[-1][0] != start:
            self._lows.append((start, latest.low))
        while self._lows[0][0] <= oldest:
            self._lows.popleft()

    def _bar(self, bucket: Bucket) -> Bar:
        start = datetime.fromtimestamp(bucket.start, UTC)
        return Bar(self._product_id, start, bucket.open, bucket.high, bucket.low, bucket.close, bucket.volume)


def _extend(series: deque[Bucket], latest: Bucket) -> bool:
    """Join `latest` to the last bucket if it is of the same time, else append it; returns True when appended."""
    if series and series[-1].start == latest.start:
        series[-1].add(latest)
        return False
    series.append(latest)
    return True
