"""What a market is to the exchange: a deterministic sequence of ticks, each with a print and the ladder after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from coinbase_sim.amounts import EXACT, units_down
from coinbase_sim.model import Bar, Level, ProductSpec

TICKS_PER_BAR = 4
INTERLEAVE = timedelta(milliseconds=1)
"""Ticks of several products that would share a moment follow each other at this distance: no two ticks have one time,
so a client that has seen a time has seen every tick up to it."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tick:
    """One point of the market's path, for one product."""

    product_id: str
    at: datetime
    price: Decimal
    size: Decimal
    """Base units that trade at this point; zero means that nothing traded."""
    bids: tuple[Level, ...]
    """Displayed ladder after the trade, best first; so are the asks."""
    asks: tuple[Level, ...]
    completes: Bar | None
    """The source bar of which this tick is the close, else None."""


class Market(Protocol):
    """A source of ticks whose times never go back."""

    @property
    def product_ids(self) -> tuple[str, ...]: ...

    @property
    def started_at(self) -> datetime:
        """Venue time before the first tick."""

    @property
    def position(self) -> int:
        """Ticks taken so far."""

    def next_tick(self) -> Tick | None:
        """Return the next tick, or None when the data has ended."""

    def seek(self, position: int) -> None:
        """Go to `position`: the same ticks follow as on the first pass."""


@dataclass(frozen=True, slots=True)
class LadderShape:
    """The displayed book around a price; level k (from 1) shows k x `level_quote` quote units."""

    levels: int = 8
    half_spread_ppm: int = 100
    """Distance of best bid and ask from the price, in millionths of it; at least one price increment."""
    level_quote: Decimal = Decimal(5_000)


DEFAULT_LADDER = LadderShape()


class LadderMaker:
    """Builds the ladder of one product around a price, in whole increments."""

    def __init__(self, spec: ProductSpec, shape: LadderShape) -> None:
        self._price_increment = spec.price_increment
        self._base_increment = spec.base_increment
        self._levels = shape.levels
        # Divided by a price in increments, this gives the first level's size in increments.
        self._quote_units = units_down(shape.level_quote, EXACT.multiply(spec.price_increment, spec.base_increment))

    def around(self, price_units: int, half_spread_ppm: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return (bids, asks), best first, around a price given in price increments."""
        half = max(1, price_units * half_spread_ppm // _MILLION)
        sizes = [
            EXACT.multiply(Decimal(max(1, self._quote_units * k // price_units)), self._base_increment)
            for k in range(1, self._levels + 1)
        ]
        bids = self._side(range(price_units - half, 0, -half), sizes)
        asks = self._side(range(price_units + half, price_units + half * (self._levels + 1), half), sizes)
        return bids, asks

    def _side(self, prices: range, sizes: Sequence[Decimal]) -> tuple[Level, ...]:
        increment = self._price_increment
        # A price close to zero leaves room for fewer bids than sizes; the shorter of the two decides.
        return tuple(
            Level(EXACT.multiply(Decimal(units), increment), size) for units, size in zip(prices, sizes, strict=False)
        )
