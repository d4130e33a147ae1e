"""What the use cases need from the world outside, as contracts; adapters keep them, and one suite tests every adapter.

Each method says what is promised, what every outcome means, its idempotency key, and what happens when the system
behind it is down. An adapter translates every vendor exception into an `AdapterError`; nothing else escapes.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from bottrader.domain.lots import Allocation, Execution
from bottrader.domain.market import Candle, FeeRates, Granularity, Product, ProductId, Ticker
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import (
    ClientOrderId,
    Fill,
    OpenOrder,
    OrderIntent,
    OrderTransition,
    Placement,
    VenueOrder,
    VenueOrderId,
)
from bottrader.domain.signals import Signal, SignalId, SignalOutcome
from bottrader.domain.strategy import StrategySnapshot


class Clock(Protocol):
    """Two clocks, because a replayed market has its own time and a signature does not.

    `now` is venue time: what candles, orders and expiries are dated by. In live trading it is the wall clock; over a
    replayed market it is the time of the newest market message. `wall` is always the real time.
    """

    def now(self) -> datetime:
        """Return venue time, aware UTC; never goes back within a process."""
        ...

    def wall(self) -> datetime:
        """Return real time, aware UTC; for signatures, tokens and log lines only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait in real time; for backoff and pacing, never to order events."""
        ...


class Entropy(Protocol):
    """The only source of randomness: jitter and secrets, never ids of orders or signals."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number in `[low, high]`; for backoff jitter."""
        ...

    def secret(self) -> str:
        """Return a fresh unguessable token of at least 256 bits, URL-safe text."""
        ...


@dataclass(frozen=True, slots=True)
class Balance:
    """One wallet; the total is `available + hold`."""

    currency: str
    available: Decimal
    hold: Decimal

    @property
    def total(self) -> Decimal:
        return self.available + self.hold


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_id: str


class Exchange(Protocol):
    """The venue's request side. Queries raise `ExchangeUnreachable` when no answer came and `ExchangeRefused` when the
    answer was an error: a failed query is never "none" (D11). All times are venue time."""

    async def place(self, intent: OrderIntent) -> Placement:
        """Send the order once; never raises for what the venue or network did.

        Idempotency key: `client_order_id`; the same id and body again returns the order that exists. `Unknown` means
        the order may be live: the caller records it as live and settles it with `find_order`. Never retried inside.
        """
        ...

    async def find_order(
        self, client_order_id: ClientOrderId, product_id: ProductId, since: datetime
    ) -> VenueOrder | None:
        """Return the order with this client id created at or after `since`, or None when the venue lists no such order.

        A young order may not be listed yet: None within the first seconds is "not yet", not "absent" (F18).
        """
        ...

    async def get_order(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        """Return the order, or None when the venue says it does not know the id."""
        ...

    async def open_orders(self) -> Sequence[VenueOrder]:
        """Return every order of ours that can still fill, pending and queued ones included."""
        ...

    async def fills_of(self, venue_order_id: VenueOrderId) -> Sequence[Fill]:
        """Return all fills of one order, oldest first. May lag the order's own status."""
        ...

    async def fills_since(self, at: datetime) -> Sequence[Fill]:
        """Return all fills dated at or after `at`, oldest first; callers overlap their windows (F19, F28)."""
        ...

    async def balances(self) -> Sequence[Balance]:
        """Return all wallets. May lag fills by seconds."""
        ...

    async def products(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        """Return the products asked for; a pair the venue does not have is `ExchangeRefused` naming it."""
        ...

    async def tickers(self, product_ids: Sequence[ProductId]) -> Sequence[Ticker]:
        """Return last trade and top of book for each pair."""
        ...

    async def candles(
        self, product_id: ProductId, granularity: Granularity, start: datetime, end: datetime
    ) -> Sequence[Candle]:
        """Return the candles opened in `[start, end)`, oldest first, in as many requests as it takes.

        Buckets without a trade are absent. The last one may still be forming: the caller knows from the clock.
        """
        ...

    async def fee_rates(self) -> FeeRates:
        """Return the account's current tier."""
        ...

    async def permissions(self) -> KeyPermissions:
        """Return what the key may do."""
        ...


@dataclass(frozen=True, slots=True)
class CandleUpdate:
    """The state of a bucket so far; the bucket is closed once a later one of the same product appears."""

    candle: Candle
    at: datetime


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Proof that the connection lives; everything sent before it on the same socket has been delivered."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """A hint that an order changed. Facts (fills) are fetched by request: the stream has no trade ids."""

    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId
    product_id: ProductId
    at: datetime


@dataclass(frozen=True, slots=True)
class StreamLive:
    """The first event after every (re)subscription: what happened before it may have been missed, so fill the gap by
    request before the next decision (R39)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The connection is gone or silent; until `StreamLive` the caller is blind and must not open positions (S7)."""

    cause: str


MarketEvent = Ticker | CandleUpdate | Heartbeat | StreamLive | StreamLost
UserEvent = OrderUpdate | Heartbeat | StreamLive | StreamLost


class MarketFeed(Protocol):
    """Market data; reconnects by itself for ever and says so in its events."""

    def events(self, product_ids: Sequence[ProductId]) -> AsyncIterator[MarketEvent]:
        """Yield events in the order the venue sent them, until cancelled."""
        ...


class UserFeed(Protocol):
    """Our own orders' changes; reconnects by itself for ever and says so in its events."""

    def events(self) -> AsyncIterator[UserEvent]:
        """Yield events in the order the venue sent them, until cancelled."""
        ...


class Delivery(StrEnum):
    """What came of one attempt to deliver a signal."""

    ACKNOWLEDGED = "acknowledged"
    """The receiver has it durably."""
    REJECTED = "rejected"
    """The receiver will never take it; do not retry."""
    RETRY = "retry"
    """No or a temporary answer; try again with the same id."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    delivery: Delivery
    detail: str


class SignalSender(Protocol):
    """Carries a signal to the webhook; at least once, the receiver dedupes by signal id."""

    async def send(self, signal: Signal) -> DeliveryReport:
        """Send once; never raises for what the network or receiver did."""
        ...


@dataclass(frozen=True, slots=True)
class InboundSignal:
    """A signal as it arrived: `body_digest` tells a retry from a changed body, `request_digest` a replayed request."""

    signal: Signal
    sender: str
    body_digest: str
    request_digest: str
    received_at: datetime


class Acceptance(StrEnum):
    """What the store made of an inbound signal."""

    ACCEPTED = "accepted"
    """New; it is durable now."""
    DUPLICATE = "duplicate"
    """The same id with the same body was accepted before; nothing changed."""
    CONFLICT = "conflict"
    """The same id was accepted with another body; nothing changed."""
    REPLAYED = "replayed"
    """These exact bytes and signature were seen before: not a retry (which is signed anew) but a replay."""


class CashKind(StrEnum):
    OPENING_BALANCE = "opening_balance"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class CashMovement:
    """Quote currency that came or went without a trade; `amount` is above zero for money in."""

    transaction_id: str
    kind: CashKind
    currency: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class TrailState:
    """The trailing stop of one open position; `anchor_order_id` (its oldest open buy) tells positions apart."""

    product_id: ProductId
    anchor_order_id: ClientOrderId
    high: Price
    stop: Price


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One row of `trade_records`: an order of ours with what became of it."""

    order_id: ClientOrderId
    symbol: ProductId
    side: str
    size: Size
    price: Price | None
    status: str
    order_time: datetime
    filled_at: datetime | None
    parent_id: ClientOrderId | None
    trigger: str
    notes: str
    source: str
    filled_size: Size
    filled_value: Money
    fees: Money


class Lease(Protocol):
    """The right to be the one webhook that acts; `token` grows with every holder and goes into each intent."""

    @property
    def token(self) -> int: ...

    async def is_held(self) -> bool:
        """Tell whether the lease still stands; False means another process may act, so stop."""
        ...


class SignalStore(Protocol):
    """Signals, from birth to outcome. Raises `StoreUnreachable` when the database does not answer: the caller must then
    treat the write as Unknown and repeat it with the same key."""

    async def record_signal(self, signal: Signal) -> bool:
        """Store a signal and its outbox row in one transaction. Key: signal id; False when it was known already."""
        ...

    async def undelivered_signals(self, limit: int) -> Sequence[Signal]:
        """Return signals whose outbox row is open, oldest first, at most `limit`."""
        ...

    async def close_delivery(self, signal_id: SignalId, report: DeliveryReport, at: datetime) -> None:
        """Close the outbox row; a second call changes nothing."""
        ...

    async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
        """Commit the inbound signal with its dedupe keys in one transaction; durable when ACCEPTED is returned."""
        ...

    async def signals_without_outcome(self) -> Sequence[Signal]:
        """Return accepted signals that have no outcome yet, in order of acceptance."""
        ...

    async def record_outcome(self, outcome: SignalOutcome) -> bool:
        """Store how a signal ended (refused, expired). Key: signal id; False when an outcome exists already."""
        ...

    async def outcome_of(self, signal_id: SignalId) -> SignalOutcome | None: ...

    async def activate_snapshot(self, snapshot: StrategySnapshot, at: datetime) -> None:
        """Store the snapshot once and make it the one open activation; A → B → A gives three activations (B278)."""
        ...


class OrderStore(Protocol):
    """Intents, their transitions, and fills: facts, appended and never changed."""

    async def record_intent(self, intent: OrderIntent, fencing_token: int, outcome: SignalOutcome | None) -> bool:
        """Store the intent, its first transition, its trade record, its strategy link and, for a signal, the outcome
        `ordered`, in one transaction. Key: client order id; False when the intent exists already (then nothing is
        written). Raises `InvariantBroken` when a newer lease exists than `fencing_token`."""
        ...

    async def record_transition(self, transition: OrderTransition) -> bool:
        """Append one step. Repeating the current state is a no-op (False); an illegal step raises `InvariantBroken`."""
        ...

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Return every intent whose last state is not terminal, oldest first."""
        ...

    async def record_fills(self, fills: Iterable[Fill]) -> Sequence[Fill]:
        """Append the fills not known yet, in one transaction, and return those. Key: trade id. A fill of an order that
        is not ours is stored as source `manual`. The same trade id with other content raises `InvariantBroken`."""
        ...

    async def executions(self, product_id: ProductId | None = None) -> Sequence[Execution]:
        """Return the executions of our orders (manual ones excluded), in ledger order: product, time, sequence, id."""
        ...

    async def trail_of(self, product_id: ProductId) -> TrailState | None: ...

    async def save_trail(self, trail: TrailState) -> None:
        """Replace the trail of this product."""
        ...

    async def clear_trail(self, product_id: ProductId) -> None: ...


class LedgerStore(Protocol):
    """Cash, allocations and what reports read."""

    async def claim_venue(self, venue: str) -> None:
        """Bind this database to one venue account for ever; raises `LedgerMismatch` when it holds another's books."""
        ...

    async def record_cash(self, movements: Iterable[CashMovement]) -> int:
        """Append movements not known yet and return how many were new. Key: transaction id."""
        ...

    async def cash_movements(self) -> Sequence[CashMovement]: ...

    async def replace_allocations(self, product_id: ProductId, allocations: Sequence[Allocation], at: datetime) -> None:
        """Replace the allocations of one product in the active version and log the run, in one transaction; readers see
        the old rows or the new ones. Unmatched sells are put in the review queue once."""
        ...

    async def allocations(self) -> Sequence[Allocation]:
        """Return the rows of the active version, by sell time."""
        ...

    async def trade_records(self) -> Sequence[TradeRecord]:
        """Return all orders, oldest first."""
        ...

    async def signals_count(self) -> int: ...


class Store(SignalStore, OrderStore, LedgerStore, Protocol):
    """Everything durable, behind one connection pool."""

    def lease(self, role: str) -> AbstractAsyncContextManager[Lease]:
        """Wait until this process is the only holder of `role`, then hold it until the block ends (D6)."""
        ...

    async def ping(self) -> None:
        """Return when the database answers; raises `StoreUnreachable` otherwise."""
        ...
