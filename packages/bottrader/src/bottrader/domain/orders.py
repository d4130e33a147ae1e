"""Orders: the intent that is durable before anything is sent, and the states it moves through.

An order has three possible answers, never two: `Accepted`, `Refused`, `Unknown`. A lost reply is `Unknown`: the order
may be live, so it counts as live for every limit, and a lookup by client order id settles it, never a timer.

The client order id is derived from the decision it carries out. A retry after a crash therefore carries the same id,
and the venue answers with the order it already has instead of opening a second one.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId, base_of
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size
from bottrader.domain.signals import SignalId, Trigger

ClientOrderId = NewType("ClientOrderId", str)
"""`{TRIGGER}-{BASE}-{32 hex}`, ours, known before the request leaves (B53)."""
VenueOrderId = NewType("VenueOrderId", str)
"""The exchange's own id, known only from its answer."""

CLIENT_ORDER_ID = re.compile(r"[A-Z_]+-[A-Z0-9]+-[0-9a-f]{32}")
PROTECTIVE = frozenset(
    {
        Trigger.BRACKET,
        Trigger.HARD_STOP,
        Trigger.PEAK_DRAWDOWN,
        Trigger.PEAK_BREAKEVEN,
        Trigger.SOFT_STOP,
        Trigger.TRAILING_STOP,
        Trigger.FLATTEN,
    }
)
"""Triggers whose orders end a loss or guard against one."""


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderKind(StrEnum):
    """How the order may execute. IOC orders never rest: what does not fill at once is cancelled by the venue.

    GTC orders rest until they fill or are cancelled. A bracket is two of them over one size: a limit order at the take
    profit that turns, once the last trade reaches the stop, into an exit at what the market gives.
    """

    LIMIT_IOC = "limit_ioc"
    MARKET_IOC = "market_ioc"
    LIMIT_GTC = "limit_gtc"
    LIMIT_GTC_POST_ONLY = "limit_gtc_post_only"
    BRACKET_GTC = "bracket_gtc"

    @property
    def rests(self) -> bool:
        """Whether it may stay open at the venue."""
        return self in _RESTING

    @property
    def is_post_only(self) -> bool:
        return self is OrderKind.LIMIT_GTC_POST_ONLY


_RESTING = frozenset({OrderKind.LIMIT_GTC, OrderKind.LIMIT_GTC_POST_ONLY, OrderKind.BRACKET_GTC})


class OrderState(StrEnum):
    """`planned → sent → accepted | refused | unknown`, then one terminal state."""

    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.REFUSED, OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED}
)
_AFTER_ACCEPTANCE = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED, OrderState.FAILED})
_NEXT: dict[OrderState, frozenset[OrderState]] = {
    OrderState.PLANNED: frozenset({OrderState.SENT, OrderState.REFUSED}),
    # The answer may be a terminal state at once: an IOC order is over when its reply arrives.
    OrderState.SENT: frozenset({OrderState.ACCEPTED, OrderState.REFUSED, OrderState.UNKNOWN}) | _AFTER_ACCEPTANCE,
    OrderState.UNKNOWN: frozenset({OrderState.SENT, OrderState.ACCEPTED, OrderState.REFUSED}) | _AFTER_ACCEPTANCE,
    OrderState.ACCEPTED: _AFTER_ACCEPTANCE,
}


def check_transition(before: OrderState, after_: OrderState) -> None:
    """Raise `InvariantBroken` unless an order in state `before` may move to `after_` (S4)."""
    if after_ not in _NEXT.get(before, frozenset()):
        raise InvariantBroken(f"an order in state {before} cannot become {after_}")


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """Exactly what will be sent; its size and price never change after it is stored (M9)."""

    client_order_id: ClientOrderId
    product_id: ProductId
    side: Side
    kind: OrderKind
    size_base: Size
    limit_price: Price | None
    """For a bracket: its take profit."""
    trigger: Trigger
    note: str
    created_at: datetime
    signal_id: SignalId | None = None
    parent_id: ClientOrderId | None = None
    """For an exit: the oldest open buy it closes."""
    parent_ids: tuple[ClientOrderId, ...] = ()
    requested_quote: Money | None = None
    granted_quote: Money | None = None
    snapshot_hash: str | None = None
    stop_price: Price | None = None
    """For a bracket: the last trade that turns it into an exit."""

    def __post_init__(self) -> None:
        if self.size_base <= 0:
            raise InvariantBroken(f"an order intent has a size above zero, was {self.size_base}")
        if not CLIENT_ORDER_ID.fullmatch(self.client_order_id):
            raise InvariantBroken(f"a client order id is TRIGGER-BASE-32 hex, was {self.client_order_id!r}")
        if (self.limit_price is None) != (self.kind is OrderKind.MARKET_IOC):
            raise InvariantBroken(f"a limit order has a limit price and a market order none, was {self.limit_price}")
        self._check_stop()

    def _check_stop(self) -> None:
        if (self.stop_price is not None) != (self.kind is OrderKind.BRACKET_GTC):
            raise InvariantBroken(f"a bracket has a stop price and no other order has one, was {self.stop_price}")
        if self.kind.is_post_only and self.trigger in PROTECTIVE:
            # Refused when it would cross, and crossing is exactly what protection has to do (B75, R19).
            raise InvariantBroken(f"a protective order is never post-only, was {self.trigger}")
        if self.stop_price is None or self.limit_price is None:
            return
        if self.side is not Side.SELL:
            raise InvariantBroken("a bracket protects what is held, so it sells")
        if not ZERO < self.stop_price < self.limit_price:
            raise InvariantBroken(
                f"a bracket's stop is above zero and below its take profit, was {self.stop_price} and"
                f" {self.limit_price}"
            )


def derive_client_order_id(trigger: Trigger, product_id: ProductId, *decision: str) -> ClientOrderId:
    """Return the id of the order that carries out `decision` (the words that identify it, in order)."""
    seed = "|".join(("order", trigger, product_id, *decision))
    return ClientOrderId(f"{trigger}-{base_of(product_id)}-{hashlib.sha256(seed.encode()).hexdigest()[:32]}")


def trigger_of(client_order_id: str) -> Trigger | None:
    """Return the trigger an order id of ours begins with; None when the id is not of our making (B53)."""
    if not CLIENT_ORDER_ID.fullmatch(client_order_id):
        return None
    name = client_order_id.partition("-")[0]
    return Trigger(name) if name in Trigger.__members__ else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order under `venue_order_id`; nothing is said about fills."""

    venue_order_id: VenueOrderId


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue definitely does not have the order."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The order may or may not be live; it counts as live until a lookup settles it."""

    cause: str


Placement = Accepted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class CancelTaken:
    """The venue took the request. The order has not ended by that: a fill may still win (F16), so its end is what the
    venue reports as its state afterwards."""


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The venue did not take the request; the order is as it was, and may have ended by itself."""

    reason: str


Cancellation = CancelTaken | CancelRefused | Unknown
"""What became of the request to cancel one order; `Unknown` may or may not have reached it."""


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the exchange reports it; amounts are cumulative."""

    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId
    product_id: ProductId
    side: Side
    state: OrderState
    filled_size: Size
    filled_value: Money
    total_fees: Money
    created_at: datetime


class FillKind(StrEnum):
    """What a row of the venue's list of fills says; `domain.amendments` tells what follows from it."""

    FILL = "fill"
    REVERSAL = "reversal"
    """Takes back the row whose terms it repeats."""
    CORRECTION = "correction"
    """Books a row that was taken back at its right terms."""
    SYNTHETIC = "synthetic"
    """The venue lists the word and does not say what it stands for: kept as a fact, and counted as nothing."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One row of the venue's list of fills; fee in quote currency.

    A trade id is unique among rows of kind FILL only. Of an amendment `entry_id` is unique, and `traded_at` is when it
    was made, not when the trade took place (Coinbase Advanced Trade, List Fills).
    """

    trade_id: str
    venue_order_id: VenueOrderId
    product_id: ProductId
    side: Side
    price: Price
    size: Size
    fee: Money
    traded_at: datetime
    kind: FillKind = FillKind.FILL
    entry_id: str = ""
    """The venue's id of an amending row; empty for a FILL."""

    def __post_init__(self) -> None:
        if (self.kind is FillKind.FILL) != (self.entry_id == ""):
            raise InvariantBroken(f"an amendment has an entry id and a fill none, was {self.entry_id!r}: {self.kind}")

    @property
    def fill_id(self) -> str:
        """The key of the row as a fact: the trade id, or the kind and the entry id of an amendment."""
        return self.trade_id if self.kind is FillKind.FILL else f"{self.kind}:{self.entry_id}"


@dataclass(frozen=True, slots=True)
class OrderTransition:
    """One append-only step of an order."""

    client_order_id: ClientOrderId
    state: OrderState
    at: datetime
    venue_order_id: VenueOrderId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An intent that has not ended, with where it stands."""

    intent: OrderIntent
    state: OrderState
    venue_order_id: VenueOrderId | None
    sent_at: datetime | None
    confirmed_at: datetime | None = None
    """When the venue itself last said that it is live; what we only believe protects nothing (B110)."""

    @property
    def is_resting(self) -> bool:
        """Whether it is meant to be open, and the venue says it is: then there is nothing left to find out."""
        return self.intent.kind.rests and self.confirmed_at is not None

    @property
    def worst_case_quote(self) -> Decimal:
        """Quote amount, before fees, to count as spent while the outcome is open; zero for sells."""
        if self.intent.side is Side.SELL:
            return Decimal(0)
        if self.intent.granted_quote is not None:
            return self.intent.granted_quote
        # An order by hand has no grant; its limit says what it may cost.
        return EXACT.multiply(self.intent.size_base, self.intent.limit_price or Decimal(0))
