"""The markets that the exchange can run on: recorded candles, a seeded synthetic path, or prices set by hand."""

import bisect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from coinbase_sim.amounts import EXACT, units_nearest
from coinbase_sim.model import Bar, Level, ProductSpec
from coinbase_sim.replay import bar_width_s
from coinbase_sim.synthetic import SyntheticMarket, SyntheticOptions
from coinbase_sim.ticks import DEFAULT_LADDER, INTERLEAVE, TICKS_PER_BAR, LadderMaker, LadderShape, Market, Tick

__all__ = [
    "CandleMarket",
    "LadderShape",
    "ManualMarket",
    "Market",
    "SyntheticMarket",
    "SyntheticOptions",
    "Tick",
]


class CandleMarket:
    """Replays recorded bars: four ticks a bar, at its start and after each quarter of its width.

    The path is open, low, high, close when the bar rises (or stands), and open, high, low, close when it falls. Prices
    are rounded half-even to the price increment and volumes to the base increment, since market data is nobody's
    money; the four sizes sum to the bar's volume. Bars of several products that start together are interleaved, a
    millisecond apart.
    """

    def __init__(
        self, products: Sequence[ProductSpec], bars: Sequence[Bar], shape: LadderShape = DEFAULT_LADDER
    ) -> None:
        """Take the bars of all products, in any order between products, in time order within each.

        Raises:
            ValueError: without bars, for a bar of another product, for products of different bar widths, and for a
                price that the increment rounds to zero.
        """
        self._specs = {spec.product_id: spec for spec in products}
        self._makers = {spec.product_id: LadderMaker(spec, shape) for spec in products}
        self._shape = shape
        self._quarter = timedelta(seconds=_common_width_s(self._specs, bars)) / TICKS_PER_BAR
        self._ranks = {product_id: place for place, product_id in enumerate(self._specs)}
        by_start: dict[datetime, list[Bar]] = {}
        for bar in bars:
            by_start.setdefault(bar.start, []).append(bar)
        self._groups = [
            sorted(by_start[start], key=lambda bar: self._ranks[bar.product_id]) for start in sorted(by_start)
        ]
        self._firsts = [0]
        for group in self._groups:
            self._firsts.append(self._firsts[-1] + len(group) * TICKS_PER_BAR)
        self._position = 0
        self._group = 0
        self._pending: list[Tick] = []

    @property
    def product_ids(self) -> tuple[str, ...]:
        return tuple(self._specs)

    @property
    def started_at(self) -> datetime:
        return self._groups[0][0].start

    @property
    def position(self) -> int:
        return self._position

    def next_tick(self) -> Tick | None:
        if not self._pending:
            if self._group == len(self._groups):
                return None
            self._pending = self._ticks_of(self._groups[self._group])
            self._group += 1
        self._position += 1
        return self._pending.pop()

    def seek(self, position: int) -> None:
        if not 0 <= position <= self._firsts[-1]:
            raise ValueError(f"a position of this market lies between 0 and {self._firsts[-1]}; was {position}")
        self._group = min(bisect.bisect_right(self._firsts, position) - 1, len(self._groups))
        self._position = self._firsts[self._group]
        self._pending = []
        while self._position < position:
            self.next_tick()

    def _ticks_of(self, group: Sequence[Bar]) -> list[Tick]:
        """Return the ticks of the bars that start together, last first, so that `pop` takes them in order."""
        paths = [self._path_of(bar) for bar in group]
        return [path[k] for k in reversed(range(TICKS_PER_BAR)) for path in reversed(paths)]

    def _path_of(self, bar: Bar) -> list[Tick]:
        spec = self._specs[bar.product_id]
        units = [units_nearest(price, spec.price_increment) for price in (bar.open, bar.high, bar.low, bar.close)]
        opening, high, low, close = units
        inner = (low, high) if close >= opening else (high, low)
        volume = units_nearest(bar.volume, spec.base_increment)
        quarter = volume // TICKS_PER_BAR
        sizes = (quarter, quarter, quarter, volume - 3 * quarter)
        prices = {number: EXACT.multiply(Decimal(number), spec.price_increment) for number in units}
        total = EXACT.multiply(Decimal(volume), spec.base_increment)
        rounded = Bar(
            bar.product_id, bar.start, prices[opening], prices[high], prices[low], prices[close], volume=total
        )
        ticks = []
        rank = self._ranks[bar.product_id]
        for k, (price_units, size_units) in enumerate(zip((opening, *inner, close), sizes, strict=True)):
            bids, asks = self._makers[bar.product_id].around(price_units, self._shape.half_spread_ppm)
            ticks.append(
                Tick(
                    product_id=bar.product_id,
                    at=bar.start + k * self._quarter + rank * INTERLEAVE,
                    price=prices[price_units],
                    size=EXACT.multiply(Decimal(size_units), spec.base_increment),
                    bids=bids,
                    asks=asks,
                    completes=rounded if k == TICKS_PER_BAR - 1 else None,
                )
            )
        return ticks


def _common_width_s(specs: dict[str, ProductSpec], bars: Sequence[Bar]) -> int:
    by_product: dict[str, list[Bar]] = {}
    for bar in bars:
        by_product.setdefault(bar.product_id, []).append(bar)
    if not by_product:
        raise ValueError("a candle market needs bars to replay; none were given")
    for product_id, own in by_product.items():
        if product_id not in specs:
            raise ValueError(f"there are bars of {product_id} but no such product; give its rules with `products`")
        lowest = min(bar.low for bar in own)
        if units_nearest(lowest, specs[product_id].price_increment) <= 0:
            raise ValueError(f"the price {lowest} of {product_id} is too small for its price increment")
    widths = {bar_width_s(own) for own in by_product.values()}
    if len(widths) > 1:
        raise ValueError(f"all products of a candle market share one bar width; there were {sorted(widths)} seconds")
    return widths.pop()


class ManualMarket:
    """A market for tests: each call queues one tick, one second after the tick before, and a one-tick bar with it."""

    def __init__(
        self, products: Sequence[ProductSpec], start: datetime = datetime(2026, 1, 1, tzinfo=UTC), position: int = 0
    ) -> None:
        """Begin after `position` ticks that an earlier market took up to `start`; nobody can play those again."""
        self._specs = {spec.product_id: spec for spec in products}
        self._start = start
        self._skipped = timedelta(0)
        self._ticks: list[Tick] = []
        self._first = self._position = position

    @property
    def product_ids(self) -> tuple[str, ...]:
        return tuple(self._specs)

    @property
    def started_at(self) -> datetime:
        return self._start

    @property
    def position(self) -> int:
        return self._position

    def skip(self, time: timedelta) -> None:
        """Let so much time pass without a tick before the next one that is queued."""
        if time < timedelta(0):
            raise ValueError(f"venue time does not go back; was asked to skip {time}")
        self._skipped += time

    def set_price(
        self,
        product_id: str,
        price: Decimal,
        *,
        bid_size: Decimal = Decimal(1000),
        ask_size: Decimal = Decimal(1000),
        size: Decimal = Decimal(1),
    ) -> None:
        """Queue a print of `size` at `price`, with one bid an increment below and one ask an increment above it.

        A size of zero leaves that side empty.
        """
        increment = self._spec(product_id).price_increment
        bids = (Level(EXACT.subtract(price, increment), bid_size),) if bid_size else ()
        asks = (Level(EXACT.add(price, increment), ask_size),) if ask_size else ()
        self.set_book(product_id, price, bids, asks, size=size)

    def set_book(
        self,
        product_id: str,
        price: Decimal,
        bids: Sequence[Level],
        asks: Sequence[Level],
        *,
        size: Decimal = Decimal(1),
    ) -> None:
        """Queue a print of `size` at `price` that leaves this ladder, best first."""
        self._spec(product_id)
        at = self._start + self._skipped + timedelta(seconds=len(self._ticks) + 1)
        bar = Bar(product_id, at, price, price, price, price, size)
        self._ticks.append(Tick(product_id, at, price, size, tuple(bids), tuple(asks), bar))

    def _spec(self, product_id: str) -> ProductSpec:
        if product_id not in self._specs:
            raise ValueError(f"this market has {', '.join(self._specs)}; there is no {product_id}")
        return self._specs[product_id]

    def next_tick(self) -> Tick | None:
        taken = self._position - self._first
        if taken == len(self._ticks):
            return None
        self._position += 1
        return self._ticks[taken]

    def seek(self, position: int) -> None:
        last = self._first + len(self._ticks)
        if not self._first <= position <= last:
            raise ValueError(f"a position of this market lies between {self._first} and {last}; was {position}")
        self._position = position
