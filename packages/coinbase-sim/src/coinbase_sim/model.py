"""The nouns of the simulated exchange: products, orders, fills, accounts, and the events that tell of changes.

All amounts are `Decimal`, all times are venue time (aware UTC). The module decides nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """Trading rules of one pair; a price or size must be an exact multiple of its increment."""

    product_id: str
    base_currency: str
    quote_currency: str
    base_increment: Decimal
    price_increment: Decimal
    base_min_size: Decimal
    base_max_size: Decimal
    quote_min_size: Decimal
    quote_max_size: Decimal
    price_protection_rate: Decimal
    """A taker stops at mid x (1 ± rate); the rest is cancelled."""


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class TimeInForce(StrEnum):
    IOC = "IMMEDIATE_OR_CANCEL"
    GTC = "GOOD_UNTIL_CANCELLED"
    FOK = "FILL_OR_KILL"


class OrderStatus(StrEnum):
    """Coinbase's own words; a partly filled order is OPEN."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"

    @property
    def is_terminal(self) -> bool:
        return self not in (OrderStatus.PENDING, OrderStatus.OPEN)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as asked for: exactly one of `base_size` and `quote_size`; `limit_price` for limit orders only."""

    client_order_id: str
    product_id: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal | None = None
    post_only: bool = False


class OrderRejected(Exception):
    """The venue refuses the order: `reason` is Coinbase's code, `message` a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(slots=True)
class Order:
    """An accepted order and what has become of it; amounts are cumulative and exact."""

    order_id: str
    request: OrderRequest
    created_at: datetime
    status: OrderStatus = OrderStatus.OPEN
    filled_size: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    total_fees: Decimal = Decimal(0)
    fills_count: int = 0
    last_fill_at: datetime | None = None
    hold: Decimal = Decimal(0)
    """What is held for the rest: quote incl. fee for a buy, base for a sell."""
    cancel_message: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order; `commission` in quote currency, unrounded."""

    trade_id: str
    order_id: str
    client_order_id: str
    product_id: str
    side: Side
    price: Decimal
    size: Decimal
    commission: Decimal
    is_maker: bool
    at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Account:
    """One wallet; the total is `available + hold`."""

    account_id: str
    currency: str
    available: Decimal
    hold: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """A candle of market data, in or out."""

    product_id: str
    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Level:
    """A price level of the displayed book."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class TickerChanged:
    """Last trade and top of book after a tick."""

    product_id: str
    at: datetime
    price: Decimal
    best_bid: Level
    best_ask: Level
    volume_24h: Decimal
    low_24h: Decimal
    high_24h: Decimal
    price_change_24h_pct: Decimal


@dataclass(frozen=True, slots=True)
class BucketChanged:
    """The five-minute bucket so far; sent at its first tick and whenever a source bar completes."""

    bar: Bar
    at: datetime


@dataclass(frozen=True, slots=True)
class TradePrinted:
    """A public trade; `maker_side` is the side of the resting order."""

    trade_id: str
    product_id: str
    price: Decimal
    size: Decimal
    maker_side: Side
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order's state after a change (a copy taken at that moment)."""

    order: Order
    at: datetime


Event = TickerChanged | BucketChanged | TradePrinted | OrderChanged


@dataclass(frozen=True, slots=True)
class Books:
    """The exchange's own ledger, the truth a bot's books must equal: totals by currency (available + hold) and the
    fees charged so far, in quote currency."""

    totals: dict[str, Decimal] = field(default_factory=dict)
    fees: Decimal = Decimal(0)
