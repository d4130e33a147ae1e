"""A seeded market that behaves like a lively one: volatility comes in clusters, prices jump, spreads widen with both.

Returns per quarter minute are `sigma x z` plus, rarely, a jump. The variance follows GARCH(1,1), as fitted to crypto
returns everywhere: `var' = omega + alpha x r^2 + beta x var`, with `omega` chosen so that its long-run mean is the
asked volatility. `z` is the sum of twelve uniforms minus six (mean 0, variance 1, Irwin-Hall): together with a
multiplicative price this needs only `+ - * /` and the square root, which IEEE 754 rounds alike everywhere, so one seed
gives the same ticks on every machine. Floats stay inside; a price leaves as a whole number of increments, and the path
goes on from that whole number.

Each product has its own generator, so adding a product does not change another's path.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from coinbase_sim.amounts import EXACT, units_nearest
from coinbase_sim.model import Bar, ProductSpec
from coinbase_sim.ticks import DEFAULT_LADDER, INTERLEAVE, TICKS_PER_BAR, LadderMaker, LadderShape, Tick

_BAR = timedelta(minutes=1)
_QUARTERS_PER_YEAR = 365 * 24 * 60 * TICKS_PER_BAR
_QUARTERS_PER_DAY = 24 * 60 * TICKS_PER_BAR
_FIRST_PRICES = {"BTC": Decimal(60_000), "ETH": Decimal(3_000), "SOL": Decimal(150)}
_OTHER_FIRST_PRICE = Decimal(100)
# A path that fell to nothing would have no ladder; it bounces here, far below anything a session reaches.
_PRICE_UNITS_MIN = 100


@dataclass(frozen=True, slots=True)
class SyntheticOptions:
    """The character of the market. The default is hectic on purpose: 160 % a year is 8.4 % a day and 3.4 % in four
    hours, so that stops at -4.5 % and take profits of 3.5 % occur many times within three venue days."""

    volatility_annual: float = 1.6
    shock_weight: float = 0.08
    """GARCH alpha: how much the last move adds to the next variance."""
    memory_weight: float = 0.90
    """GARCH beta: how much of the variance stays; alpha + beta below one."""
    jumps_per_day: float = 4.0
    jump_size: float = 0.01
    """Standard deviation of a jump's return."""
    half_spread_ppm: int = 60
    """Half the spread in millionths of the price when volatility is at its mean; it grows in proportion."""
    volume_quote: float = 60_000.0
    """Typical quote volume of a tick; large moves trade more."""
    ladder: LadderShape = DEFAULT_LADDER

    def __post_init__(self) -> None:
        if not (self.volatility_annual > 0 and self.shock_weight >= 0 and self.memory_weight >= 0):
            raise ValueError("volatility is above zero, and the two GARCH weights are not negative")
        if self.shock_weight + self.memory_weight >= 1:
            raise ValueError("shock_weight + memory_weight stays below one, or volatility would grow without end")


HECTIC = SyntheticOptions()


@dataclass(frozen=True, slots=True)
class _Point:
    """One quarter minute: price and size in increments, half spread in millionths."""

    price_units: int
    size_units: int
    half_spread_ppm: int


class _Path:
    """The random walk of one product, a bar at a time."""

    def __init__(self, seed: int, spec: ProductSpec, options: SyntheticOptions) -> None:
        # Seeding with text hashes it with SHA-512, alike on every machine and Python since 3.2.
        self._random = Random(f"{seed}:{spec.product_id}")  # noqa: S311 - a market is simulated, nothing is secret
        self._options = options
        self._mean_variance = options.volatility_annual * options.volatility_annual / _QUARTERS_PER_YEAR
        self._variance = self._mean_variance
        first = _FIRST_PRICES.get(spec.base_currency, _OTHER_FIRST_PRICE)
        self._price_units = max(_PRICE_UNITS_MIN, units_nearest(first, spec.price_increment))
        unit_value = float(spec.price_increment) * float(spec.base_increment)
        self._volume_units = options.volume_quote / unit_value

    def next_bar(self) -> list[_Point]:
        return [self._next_point() for _ in range(TICKS_PER_BAR)]

    def _next_point(self) -> _Point:
        options, draw = self._options, self._random.random
        deviation = math.sqrt(self._variance)
        move = deviation * self._normal()
        if draw() < options.jumps_per_day / _QUARTERS_PER_DAY:
            move += options.jump_size * self._normal()
        omega = (1 - options.shock_weight - options.memory_weight) * self._mean_variance
        # A jump feeds the variance with at most eight deviations, or one jump would set off a storm of days.
        shock = min(move * move, 64 * self._variance)
        self._variance = omega + options.shock_weight * shock + options.memory_weight * self._variance
        factor = 1 + min(max(move, -0.5), 0.5)
        self._price_units = max(_PRICE_UNITS_MIN, round(round(self._price_units * factor, 6)))
        stress = math.sqrt(self._variance / self._mean_variance)
        activity = (0.25 + draw()) * (0.5 + min(abs(move) / deviation, 10.0))
        return _Point(
            price_units=self._price_units,
            size_units=max(1, int(self._volume_units * activity / self._price_units)),
            half_spread_ppm=int(options.half_spread_ppm * stress),
        )

    def _normal(self) -> float:
        draw = self._random.random
        # A plain loop: since Python 3.12 `sum` compensates its rounding, so it gives other digits than 3.11.
        total = -6.0
        for _ in range(12):
            total += draw()
        return total


class SyntheticMarket:
    """One-minute bars with four ticks each, products a millisecond apart; endless unless `bars` says how many."""

    def __init__(
        self,
        products: Sequence[ProductSpec],
        seed: int,
        start: datetime,
        bars: int | None = None,
        options: SyntheticOptions = HECTIC,
    ) -> None:
        if start.tzinfo is None:
            raise ValueError("a market starts at an aware time; give `start` a time zone")
        self._specs = tuple(products)
        self._makers = [LadderMaker(spec, options.ladder) for spec in products]
        self._seed = seed
        self._start = start
        self._bars = bars
        self._options = options
        self._ticks_per_group = TICKS_PER_BAR * len(self._specs)
        self._rewind()

    def _rewind(self) -> None:
        self._paths = [_Path(self._seed, spec, self._options) for spec in self._specs]
        self._position = 0
        self._groups_drawn = 0
        self._points: list[list[_Point]] = []

    @property
    def product_ids(self) -> tuple[str, ...]:
        return tuple(spec.product_id for spec in self._specs)

    @property
    def started_at(self) -> datetime:
        return self._start

    @property
    def position(self) -> int:
        return self._position

    def next_tick(self) -> Tick | None:
        group, inside = divmod(self._position, self._ticks_per_group)
        if self._bars is not None and group >= self._bars:
            return None
        self._draw_through(group)
        self._position += 1
        quarter, product = divmod(inside, len(self._specs))
        return self._tick(group, quarter, product)

    def seek(self, position: int) -> None:
        if position < 0 or (self._bars is not None and position > self._bars * self._ticks_per_group):
            raise ValueError(f"this market has no position {position}")
        group = position // self._ticks_per_group
        if group < self._groups_drawn - 1:
            self._rewind()
        # At the very end of the data the last group is drawn and no more.
        self._draw_through(group if self._bars is None else min(group, self._bars - 1))
        self._position = position

    def _draw_through(self, group: int) -> None:
        while self._groups_drawn <= group:
            self._points = [path.next_bar() for path in self._paths]
            self._groups_drawn += 1

    def _tick(self, group: int, quarter: int, product: int) -> Tick:
        spec = self._specs[product]
        point = self._points[product][quarter]
        bids, asks = self._makers[product].around(point.price_units, point.half_spread_ppm)
        start = self._start + group * _BAR
        return Tick(
            product_id=spec.product_id,
            at=start + quarter * _BAR / TICKS_PER_BAR + product * INTERLEAVE,
            price=EXACT.multiply(Decimal(point.price_units), spec.price_increment),
            size=EXACT.multiply(Decimal(point.size_units), spec.base_increment),
            bids=bids,
            asks=asks,
            completes=self._bar(spec, start, self._points[product]) if quarter == TICKS_PER_BAR - 1 else None,
        )

    def _bar(self, spec: ProductSpec, start: datetime, points: Sequence[_Point]) -> Bar:
        prices = [point.price_units for point in points]
        opening, high, low, close = (
            EXACT.multiply(Decimal(units), spec.price_increment)
            for units in (prices[0], max(prices), min(prices), prices[-1])
        )
        volume = EXACT.multiply(Decimal(sum(point.size_units for point in points)), spec.base_increment)
        return Bar(spec.product_id, start, opening, high, low, close, volume)
