"""Intents, their steps and fills in memory, and what follows from them: executions and the rows of `trade_records`."""

from bottrader.domain.adoption import Adoption
from bottrader.domain.amendments import StandingTrade, standing_trades, venue_sequence
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution
from bottrader.domain.money import ZERO, Money, Size, exact
from bottrader.domain.orders import (
    ClientOrderId,
    Fill,
    OrderIntent,
    OrderKind,
    OrderState,
    OrderTransition,
    VenueOrderId,
)
from bottrader.domain.signals import Trigger
from bottrader.ports import TradeRecord

_STATUS = {
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "cancelled",
    OrderState.EXPIRED: "cancelled",
    OrderState.REFUSED: "failed",
    OrderState.FAILED: "failed",
}


class Ledger:
    """The facts about orders; nothing in it is ever changed or removed."""

    def __init__(self) -> None:
        self.intents: dict[ClientOrderId, OrderIntent] = {}
        self.steps: dict[ClientOrderId, list[OrderTransition]] = {}
        self.fills: dict[str, Fill] = {}
        self.adoptions: dict[ClientOrderId, Adoption] = {}

    def add_intent(self, intent: OrderIntent) -> None:
        order_id = intent.client_order_id
        self.intents[order_id] = intent
        self.steps[order_id] = [OrderTransition(order_id, OrderState.PLANNED, intent.created_at)]

    def state_of(self, order_id: ClientOrderId) -> OrderState:
        return self.steps[order_id][-1].state

    def venue_id_of(self, order_id: ClientOrderId) -> VenueOrderId | None:
        known = [step.venue_order_id for step in self.steps[order_id] if step.venue_order_id is not None]
        return known[-1] if known else None

    def order_of_venue_id(self, venue_order_id: VenueOrderId) -> ClientOrderId | None:
        """Return our order behind a venue's id, or None when the order is not ours (as far as is known)."""
        for order_id in self.intents:
            if self.venue_id_of(order_id) == venue_order_id:
                return order_id
        return None

    def executions_of(self, order_id: ClientOrderId) -> list[Execution]:
        venue_order_id = self.venue_id_of(order_id)
        fills = [fill for fill in self.fills.values() if fill.venue_order_id == venue_order_id]
        return [_execution(trade, order_id) for trade in standing_trades(fills)]

    def executions(self) -> list[Execution]:
        """Return the executions of our orders and adoptions in ledger order: product, time, sequence, id."""
        owners = {self.venue_id_of(order_id): order_id for order_id in self.intents}
        rows = [
            _execution(trade, owners[trade.executed.venue_order_id])
            for trade in standing_trades(self.fills.values())
            if trade.executed.venue_order_id in owners
        ]
        rows += [adoption.execution for adoption in self.adoptions.values()]
        return sorted(rows, key=lambda row: (row.product_id, row.executed_at, row.sequence, row.execution_id))


def _execution(trade: StandingTrade, order_id: ClientOrderId) -> Execution:
    return Execution(
        trade.executed.trade_id,
        order_id,
        trade.terms.product_id,
        trade.terms.side,
        trade.terms.price,
        trade.terms.size,
        trade.terms.fee,
        trade.executed.traded_at,
        venue_sequence(trade.executed.trade_id),
    )


def refuse_changed_fill(stored: Fill, arrived: Fill) -> None:
    """Raise `InvariantBroken` when a known row of the venue arrives with other content."""
    if stored != arrived:
        raise InvariantBroken(f"trade {stored.fill_id} is stored as {stored} and arrived as {arrived}")


def row_of(books: Ledger, order_id: ClientOrderId) -> TradeRecord:
    """Return the row of `trade_records` that the facts about one order give."""
    intent, last, trades = books.intents[order_id], books.steps[order_id][-1], books.executions_of(order_id)
    filled_at = max((trade.executed_at for trade in trades), default=None)
    if filled_at is None and last.state is OrderState.FILLED:
        filled_at = last.at
    outcome = last.detail if intent.kind is OrderKind.BRACKET_GTC and trades else ""
    with exact():
        return TradeRecord(
            order_id=order_id,
            symbol=intent.product_id,
            side=intent.side.value,
            size=intent.size_base,
            price=intent.limit_price,
            status=_STATUS.get(last.state, "pending"),
            order_time=intent.created_at,
            filled_at=filled_at,
            parent_id=intent.parent_id,
            trigger=intent.trigger.value,
            notes=outcome or intent.note,
            source=_source(books, intent),
            filled_size=Size(sum((trade.size for trade in trades), start=ZERO)),
            filled_value=Money(sum((trade.price * trade.size for trade in trades), start=ZERO)),
            fees=Money(sum((trade.fee for trade in trades), start=ZERO)),
        )


def _source(books: Ledger, intent: OrderIntent) -> str:
    """Return where an order comes from; a sell inherits its parent's source."""
    if intent.parent_id in books.intents:
        return _source(books, books.intents[intent.parent_id])
    if intent.trigger is Trigger.PASSIVE_BUY:
        return "passivemm"
    if intent.trigger is Trigger.MANUAL:
        return "manual"
    return "position_monitor" if intent.signal_id is None else "webhook"
