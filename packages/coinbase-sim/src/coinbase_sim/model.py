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
    STOP_LIMIT = "STOP_LIMIT"
    BRACKET = "BRACKET"


class TimeInForce(StrEnum):
    IOC = "IMMEDIATE_OR_CANCEL"
    GTC = "GOOD_UNTIL_CANCELLED"
    GTD = "GOOD_UNTIL_DATE_TIME"
    FOK = "FILL_OR_KILL"


class StopDirection(StrEnum):
    """Whether a stop waits for the last trade to rise to its price or to fall to it."""

    UP = "STOP_DIRECTION_STOP_UP"
    DOWN = "STOP_DIRECTION_STOP_DOWN"


class TriggerStatus(StrEnum):
    """Coinbase's words; INVALID_ORDER_TYPE is what an order without a trigger says."""

    NONE = "INVALID_ORDER_TYPE"
    PENDING = "STOP_PENDING"
    TRIGGERED = "STOP_TRIGGERED"


class TradeType(StrEnum):
    """A REVERSAL row takes back the row it names; a CORRECTION row then books the corrected terms."""

    FILL = "FILL"
    REVERSAL = "REVERSAL"
    CORRECTION = "CORRECTION"


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
class AttachedBracket:
    """The exit that an entry brings along: take profit and stop over whatever the entry has filled when it ends.

    `base_size` must stay None; it is here so that a size that was sent can be refused.
    """

    limit_price: Decimal
    stop_trigger_price: Decimal
    end_time: datetime | None = None
    base_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as asked for: exactly one of `base_size` and `quote_size`; `limit_price` for all but market orders.

    `end_time` goes with GTD; `stop_price` and `stop_direction` with a stop-limit order; `stop_trigger_price` with a
    bracket, of which `limit_price` is the take profit.
    """

    client_order_id: str
    product_id: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    base_size: Decimal | None = None
    quote_size: Decimal | None = None
    limit_price: Decimal | None = None
    post_only: bool = False
    end_time: datetime | None = None
    stop_price: Decimal | None = None
    stop_direction: StopDirection | None = None
    stop_trigger_price: Decimal | None = None
    attached: AttachedBracket | None = None


@dataclass(frozen=True, slots=True)
class EditRequest:
    """New terms of an open order: both `price` (the limit) and `size` (the whole, filled part included) are needed.

    `stop_price` moves the trigger of a stop-limit order; None leaves it.
    """

    order_id: str
    price: Decimal
    size: Decimal
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Terms that an order was given after its placement."""

    price: Decimal
    size: Decimal
    at: datetime


class OrderRejected(Exception):
    """The venue refuses the order: `reason` is Coinbase's code, `message` a sentence."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


@dataclass(slots=True)
class Order:
    """An accepted order and what has become of it; amounts are cumulative and exact.

    `request` holds the present terms: an edit replaces it and leaves its mark in `edits`.
    """

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
    reject_reason: str = ""
    """Coinbase's code when `status` is FAILED."""
    reject_message: str = ""
    """The sentence to that code."""
    maker_rate: Decimal = Decimal(0)
    taker_rate: Decimal = Decimal(0)
    """Fee rates of the tier at order time."""
    hold_unit: Decimal = Decimal(0)
    """What is held per base unit left; zero when the hold is a fixed amount (market orders)."""
    trigger_status: TriggerStatus = TriggerStatus.NONE
    exit_price: Decimal | None = None
    """The limit of a bracket once its stop has triggered."""
    originating_order_id: str = ""
    """The entry that brought this order along."""
    attached_order_id: str = ""
    """The order that this entry brought along; empty until it exists."""
    edits: tuple[Edit, ...] = ()
    is_held: bool = False
    """Accepted and PENDING: it reaches the book when it is settled."""
    is_cancel_queued: bool = False
    """A cancel was accepted and not carried out: it is still live until it is settled."""

    def copied(self) -> "Order":
        """Return the order as it is now, for others to keep; several times as fast as `copy.copy`."""
        twin = object.__new__(Order)
        for name in _ORDER_FIELDS:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def left(self) -> Decimal:
        """Base units not yet filled; only for orders sized in base units."""
        size = self.request.base_size
        assert size is not None, "an order sized in quote units has no rest in base units"
        return size - self.filled_size

    @property
    def working_price(self) -> Decimal:
        """The limit it works at now: a bracket's take profit becomes its exit limit when its stop has triggered."""
        if self.exit_price is not None and self.trigger_status is TriggerStatus.TRIGGERED:
            return self.exit_price
        assert self.request.limit_price is not None, "a market order has no price of its own"
        return self.request.limit_price

    @property
    def told_status(self) -> str:
        """The status in the venue's words, which has one more for an order whose cancel is queued."""
        return "CANCEL_QUEUED" if self.is_cancel_queued else self.status.value

    @property
    def is_waiting(self) -> bool:
        """Whether it is a stop-limit order that is not in the book yet."""
        return self.trigger_status is TriggerStatus.PENDING and self.request.order_type is OrderType.STOP_LIMIT


_ORDER_FIELDS = tuple(Order.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order, or an amendment of one; `commission` in quote currency, unrounded.

    A REVERSAL repeats side, price, size and commission of the row that `amends` names and moves the money back; the
    rows of an account add up to its balances when reversals count negatively.
    """

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
    trade_type: TradeType = TradeType.FILL
    amends: str = ""
    """Trade id of the row that a REVERSAL or CORRECTION amends."""


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


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """A level of the displayed book has a new absolute size, own resting orders included; zero removes it.

    `side` BUY is a bid.
    """

    side: Side
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class BookChanged:
    """The levels that one change of the exchange has left different, bids before asks, best first.

    Sent only to listeners that asked for it.
    """

    product_id: str
    levels: tuple[LevelChanged, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ProductGates:
    """What may be done with a product at the moment (coinbase.md §5); the default is an ordinary trading day."""

    status: str = "online"
    """online, offline or delisted."""
    is_disabled: bool = False
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False

    def __post_init__(self) -> None:
        if self.status not in {"online", "offline", "delisted"}:
            raise ValueError(f"a product is online, offline or delisted; was {self.status!r}")

    @property
    def is_matching(self) -> bool:
        """Whether own orders fill and trigger; in an auction they gather without a match."""
        halted = self.is_disabled or self.trading_disabled or self.cancel_only or self.auction_mode or self.view_only
        return self.status == "online" and not halted


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product's rules or gates have changed."""

    spec: ProductSpec
    gates: ProductGates
    at: datetime


Event = TickerChanged | BucketChanged | TradePrinted | OrderChanged | BookChanged | ProductChanged


@dataclass(frozen=True, slots=True)
class Books:
    """The exchange's own ledger, the truth a bot's books must equal: totals by currency (available + hold) and the
    fees charged so far, in quote currency."""

    totals: dict[str, Decimal] = field(default_factory=dict)
    fees: Decimal = Decimal(0)
