"""What is durable: signals, orders and, with `ports.ledger`, the books."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bottrader.domain.lots import Execution
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price
from bottrader.domain.orders import ClientOrderId, Fill, OpenOrder, OrderIntent, OrderTransition, VenueOrderId
from bottrader.domain.peaks import Peak
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import LastSide, Signal, SignalId, SignalOutcome
from bottrader.domain.strategy import StrategySnapshot
from bottrader.ports.delivery import DeliveryReport
from bottrader.ports.ledger import LedgerSnapshot, LedgerStore, TradeRecord
from bottrader.ports.links import StrategyLink
from bottrader.ports.reporting import ReportStore


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


@dataclass(frozen=True, slots=True)
class TrailState:
    """The trailing stop of one open position; `anchor_order_id` (its oldest open buy) tells positions apart."""

    product_id: ProductId
    anchor_order_id: ClientOrderId
    high: Price
    stop: Price


@dataclass(frozen=True, slots=True)
class PeakState:
    """The peak tracking of one open position; `anchor_order_id` (its oldest open buy) tells positions apart."""

    product_id: ProductId
    anchor_order_id: ClientOrderId
    peak: Peak


@dataclass(frozen=True, slots=True)
class SignalHistory:
    """What became of a signal; None for what has not happened. `order` is the one that carried it out."""

    signal: Signal
    delivery: DeliveryReport | None
    accepted_at: datetime | None
    outcome: SignalOutcome | None
    order: TradeRecord | None


class Lease(Protocol):
    """The right to be the one webhook that acts; `token` grows with every holder and goes into each intent."""

    @property
    def token(self) -> int: ...

    async def is_held(self) -> bool:
        """Tell whether the lease still stands; False means another process may act, so stop."""
        ...

    async def cut(self) -> None:
        """Return when the session that holds the lease has ended, at once if it has; a lease may be lost without."""
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

    async def signals_without_outcome(self, product_ids: Collection[ProductId], limit: int) -> Sequence[Signal]:
        """Return accepted signals that have no outcome yet, in order of acceptance: of each of these products the
        oldest, at most `limit`."""
        ...

    async def record_outcome(self, outcome: SignalOutcome) -> bool:
        """Store how a signal ended (refused, expired). Key: signal id; False when an outcome exists already."""
        ...

    async def outcome_of(self, signal_id: SignalId) -> SignalOutcome | None: ...

    async def last_side(self, product_id: ProductId) -> LastSide | None:
        """Return the side of the newest accepted signal of this pair, whatever its outcome; None before the first.

        Follows from the accepted signals alone, so it survives a restart and does not move for a signal that was born
        but never accepted (B164). What a person ordered (MANUAL) is not among them: it is no strategy's word.
        """
        ...

    async def activate_snapshot(self, snapshot: StrategySnapshot, role: str, at: datetime) -> None:
        """Store the snapshot once and make it the one open activation of `role`; A → B → A gives three (B278)."""
        ...


class OrderStore(Protocol):
    """Intents, their transitions, and fills: facts, appended and never changed."""

    async def record_intent(self, intent: OrderIntent, fencing_token: int, outcome: SignalOutcome | None) -> bool:
        """Store the intent, its first transition, its trade record, its strategy link and, for a signal, the outcome
        `ordered`, in one transaction. Key: client order id; False when the intent exists already (then nothing is
        written). Raises `InvariantBroken` when a newer lease exists than `fencing_token`."""
        ...

    async def strategy_links(self) -> Sequence[StrategyLink]:
        """Return the link of every order of ours, oldest order first."""
        ...

    async def record_transition(self, transition: OrderTransition) -> bool:
        """Append one step. Repeating the current state is a no-op (False); an illegal step raises `InvariantBroken`."""
        ...

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Return every intent whose last state is not terminal, oldest first."""
        ...

    async def record_fills(self, fills: Iterable[Fill]) -> Sequence[Fill]:
        """Append the fills not known yet, in one transaction, and return those. Key: `fill_id`, the trade id or, of an
        amendment, its kind and entry id. A fill of an order that is not ours is stored as source `manual`. The same
        key with other content raises `InvariantBroken`. What amendments come to shows at once in executions and
        records (`domain.amendments`)."""
        ...

    async def executions(self, product_id: ProductId | None = None) -> Sequence[Execution]:
        """Return the executions of our orders (manual ones excluded) and those of adoptions, in ledger order: product,
        time, sequence, id.

        A trade that was taken back is not among them; a corrected one has its right terms under its old id and time."""
        ...

    async def executions_of(self, venue_order_ids: Collection[VenueOrderId]) -> Sequence[Execution]:
        """Return the executions of those of our orders that the venue knows by these ids, in ledger order."""
        ...

    async def trail_of(self, product_id: ProductId) -> TrailState | None: ...

    async def save_trail(self, trail: TrailState) -> None:
        """Replace the trail of this product."""
        ...

    async def clear_trail(self, product_id: ProductId) -> None: ...

    async def peak_of(self, product_id: ProductId) -> PeakState | None: ...

    async def save_peak(self, peak: PeakState) -> None:
        """Replace the peak of this product."""
        ...


class SafetyStore(Protocol):
    """The kill switch: facts, appended and never changed."""

    async def record_kill_switch(self, switch: KillSwitch, request_digest: str | None = None) -> bool:
        """Append a throw of the switch; durable when it returns. Key: the digest of the request that asked for it, if
        one did; False when that request was recorded before, so that an old one cannot be replayed."""
        ...

    async def kill_switch(self) -> KillSwitch | None:
        """Return the newest throw, None when the switch was never touched. Raises `StoreUnreachable`: the caller must
        then not buy, since it does not know."""
        ...


class Store(SignalStore, OrderStore, SafetyStore, LedgerStore, ReportStore, Protocol):
    """Everything durable, behind one connection pool."""

    async def snapshot(self) -> LedgerSnapshot:
        """Return executions, cash, allocations, orders and the number of signals as of one moment: what is committed
        while they are read is in none of them."""
        ...

    def lease(self, role: str) -> AbstractAsyncContextManager[Lease]:
        """Wait until this process is the only holder of `role`, then hold it until the block ends (D6)."""
        ...

    async def signal_history(self, signal_id: SignalId) -> SignalHistory | None:
        """Return everything known of one signal, born here or accepted from elsewhere; None for an unknown id."""
        ...

    async def ping(self) -> None:
        """Return when the database answers; raises `StoreUnreachable` otherwise."""
        ...
