"""A person's order from outside the bot: hand it to the running webhook, and find out what became of it (ADR 16).

Only the webhook that holds the lease sends orders, so this one only asks, by a signal, and then reads the books. An
order whose reply was lost is UNKNOWN until the bot has found out: never failed, and never sent a second time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bottrader.domain.orders import OrderState
from bottrader.domain.signals import OutcomeKind, Signal, SignalId
from bottrader.domain.validation import Refusal
from bottrader.ports import Clock, Delivery, SignalHistory, SignalSender, Store, TradeRecord

ATTEMPTS_MAX = 5
ATTEMPT_PAUSE_S = 1.0
LOOK_PAUSE_S = 0.2


class FateKind(StrEnum):
    """What became of a person's order."""

    FILLED = "filled"
    """All of it, or what the market had."""
    ACCEPTED = "accepted"
    UNFILLED = "unfilled"
    """The exchange took it and nothing of it was filled."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may be live, nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How far an order has come; `code` is for machines, `message` one sentence for people."""

    signal_id: SignalId
    kind: FateKind
    code: str
    message: str
    order: TradeRecord | None = None
    is_final: bool = False


class OrderErrand:
    """Carries one order to the webhook and follows it."""

    def __init__(self, store: Store, sender: SignalSender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock

    async def send(self, signal: Signal) -> Refusal | None:
        """Deliver the signal, signed anew at each attempt; return why the webhook will not take it, else None.

        None does not say that it arrived: after the last attempt without an answer the books tell, or nobody does.
        """
        for attempt in range(ATTEMPTS_MAX):
            if attempt > 0:
                await self._clock.sleep(ATTEMPT_PAUSE_S)
            report = await self._sender.send(signal)
            if report.delivery is Delivery.ACKNOWLEDGED:
                return None
            if report.delivery is Delivery.REJECTED:
                return Refusal("NOT_TAKEN", f"the webhook does not take the order: {report.detail}")
        return None

    async def follow(self, signal_id: SignalId, patience_s: float, on_unknown: Callable[[Fate], None]) -> Fate:
        """Return what became of the order, or how far it is after so many real seconds.

        `on_unknown` is called once when the exchange's answer to the order was lost.
        """
        until = self._clock.monotonic_s() + patience_s
        is_told = False
        while True:
            fate = await self._look(signal_id)
            if fate.code == "ORDER_UNKNOWN" and not is_told:
                is_told = True
                on_unknown(fate)
            if fate.is_final or self._clock.monotonic_s() >= until:
                return fate
            await self._clock.sleep(LOOK_PAUSE_S)

    async def _look(self, signal_id: SignalId) -> Fate:
        history = await self._store.signal_history(signal_id)
        order = None if history is None else history.order
        state = None
        if order is not None and order.status == "pending":
            open_orders = await self._store.open_orders()
            state = next((each.state for each in open_orders if each.intent.client_order_id == order.order_id), None)
        return fate_of(signal_id, history, state)


def fate_of(signal_id: SignalId, history: SignalHistory | None, state: OrderState | None) -> Fate:
    """Return what the books tell of an order; `state` is that of an open one."""
    if history is None or history.accepted_at is None:
        message = "nobody knows whether the webhook took it; repeat it with the same --id, which sends it at most once"
        return Fate(signal_id, FateKind.UNKNOWN, "NOT_ACKNOWLEDGED", message)
    outcome, order = history.outcome, history.order
    if outcome is None:
        return Fate(signal_id, FateKind.UNKNOWN, "NOT_DECIDED", "the webhook has it and has not decided yet")
    if outcome.kind is not OutcomeKind.ORDERED or order is None:
        return Fate(signal_id, FateKind.REFUSED, outcome.code, outcome.message, is_final=True)
    return _of_open(signal_id, order, state) if order.status == "pending" else _of_ended(signal_id, order)


def _of_ended(signal_id: SignalId, order: TradeRecord) -> Fate:
    if order.filled_size > 0:
        share = "filled" if order.status == "filled" else "partly filled, the rest cancelled"
        return Fate(signal_id, FateKind.FILLED, "SUCCESS", share, order, is_final=True)
    if order.status == "cancelled":
        message = "nothing was filled at this price, and the exchange cancelled it"
        return Fate(signal_id, FateKind.UNFILLED, "UNFILLED", message, order, is_final=True)
    message = "the exchange does not have the order; the log says why"
    return Fate(signal_id, FateKind.REFUSED, "ORDER_REFUSED", message, order, is_final=True)


def _of_open(signal_id: SignalId, order: TradeRecord, state: OrderState | None) -> Fate:
    if state is OrderState.ACCEPTED:
        return Fate(signal_id, FateKind.ACCEPTED, "ACCEPTED", "the exchange has it; its fills are not known yet", order)
    if state is OrderState.UNKNOWN:
        message = (
            "the exchange's answer was lost, so the order may be live: it counts as live, and the bot finds out; do not"
            " send another one"
        )
        return Fate(signal_id, FateKind.UNKNOWN, "ORDER_UNKNOWN", message, order)
    return Fate(signal_id, FateKind.UNKNOWN, "ORDER_ON_ITS_WAY", "the order is on its way to the exchange", order)
