"""The market as decisions see it: products, candles, tickers, fee rates."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import NewType

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.money import ZERO, Price, Size

ProductId = NewType("ProductId", str)
"""A pair as Coinbase writes it: `BASE-QUOTE`, for example `BTC-USD`."""


class Granularity(IntEnum):
    """Length of a candle in seconds."""

    ONE_MINUTE = 60
    FIVE_MINUTE = 300
    ONE_HOUR = 3600

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=int(self))


@dataclass(frozen=True, slots=True)
class Product:
    """What may be sent to the venue for one pair."""

    product_id: ProductId
    base_currency: str
    quote_currency: str
    base_increment: Decimal
    price_increment: Decimal
    base_size_min: Size
    quote_size_min: Decimal
    is_tradable: bool = True


@dataclass(frozen=True, slots=True)
class Candle:
    """One closed or forming bucket `[opened_at, opened_at + granularity)`; volume in base units."""

    product_id: ProductId
    opened_at: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Size

    def __post_init__(self) -> None:
        if not (ZERO < self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high):
            raise AmountInvalid(
                f"a candle has 0 < low <= open, close <= high, was {self.open} {self.high} {self.low} {self.close}"
                f" of {self.product_id} at {self.opened_at.isoformat()}"
            )


@dataclass(frozen=True, slots=True)
class Ticker:
    """Last trade and top of the book at `at` (venue time)."""

    product_id: ProductId
    price: Price
    bid: Price
    ask: Price
    at: datetime

    @property
    def is_sane(self) -> bool:
        """A crossed book or a non-positive price must neither trigger nor silence a stop (F30)."""
        is_number = self.price.is_finite() and self.bid.is_finite() and self.ask.is_finite()
        return is_number and ZERO < self.bid <= self.ask and self.price > ZERO

    @property
    def mark(self) -> Price:
        """The last trade if it lies within bid and ask, else the nearer of the two; of a sane ticker only."""
        return min(max(self.price, self.bid), self.ask)


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Fee rates as fractions of the quote amount: 0.004 is 0.4 %."""

    maker: Decimal
    taker: Decimal


def base_of(product_id: ProductId) -> str:
    """Return the base currency of a pair: `BTC` of `BTC-USD`."""
    return product_id.partition("-")[0]


def quote_of(product_id: ProductId) -> str:
    """Return the quote currency of a pair: `USD` of `BTC-USD`."""
    return product_id.partition("-")[2]
