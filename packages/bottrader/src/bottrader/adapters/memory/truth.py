"""What reconciliations find out, in memory: cash, corrections, orders of others, and what to look at."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from bottrader.adapters.memory.books import Ledger
from bottrader.domain.amendments import StandingTrade, standing_trades
from bottrader.domain.cash import CashKind, CashMovement, CashRoute, opened_at, record_fault
from bottrader.domain.corrections import Correction, CorrectionKind, news_among
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation
from bottrader.domain.market import base_of, quote_of
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size, exact
from bottrader.domain.orders import ClientOrderId, OrderState, Side, VenueOrder, VenueOrderId
from bottrader.ports import OrderSource, ReviewItem, TradeRecord

_STATUS = {OrderState.FILLED: "filled", OrderState.CANCELLED: "cancelled", OrderState.EXPIRED: "cancelled"}
REST = "rest_api"


def review_of_unmatched(row: Allocation, at: datetime) -> ReviewItem:
    """Return the question that a sell without a buy puts to a person."""
    subject = f"{row.sell_order_id}/{row.sell_execution_id}"
    detail = f"{row.size} of the sell {row.sell_order_id} has no earlier buy"
    return ReviewItem("unmatched_sell", row.product_id, subject, detail, "medium", at)


class MemoryTruth:
    """The part of the `LedgerStore` in memory that reconciliations write."""

    _books: Ledger

    def __init__(self) -> None:
        super().__init__()
        self._cash: dict[str, CashMovement] = {}
        self._review: dict[tuple[str, str], ReviewItem] = {}
        self._corrections: list[Correction] = []
        self._foreign: dict[VenueOrderId, TradeRecord] = {}
        self._reconciled: dict[str, datetime] = {}

    async def record_cash(self, movements: Iterable[CashMovement]) -> int:
        new: dict[str, CashMovement] = {}
        for movement in movements:
            fault = record_fault(movement)
            if fault:
                raise InvariantBroken(f"cash movement {movement.transaction_id}: {fault}")
            known = self._cash.get(movement.transaction_id) or new.setdefault(movement.transaction_id, movement)
            if known != movement:
                raise InvariantBroken(
                    f"transaction {movement.transaction_id} is stored as {known} and arrived as {movement}"
                )
        self._cash.update(new)
        return len(new)

    async def cash_movements(self) -> Sequence[CashMovement]:
        adopted = [
            CashMovement(transaction_id, CashKind.ADOPTION, currency, amount, adoption.recorded_at)
            for adoption in self._books.adoptions.values()
            for transaction_id, currency, amount in adoption.movements
        ]
        opened = opened_at(self._cash.values())
        foreign = [
            leg
            for order_id in self._foreign
            for trade in self._trades_of(order_id)
            if opened is None or trade.executed.traded_at > opened
            for leg in _legs(trade)
        ]
        movements = [*self._cash.values(), *adopted, *foreign]
        return sorted(movements, key=lambda movement: (movement.at, movement.transaction_id))

    async def queue_review(self, items: Iterable[ReviewItem]) -> int:
        before = len(self._review)
        for item in items:
            self._review.setdefault((item.issue, item.subject), item)
        return len(self._review) - before

    async def review_items(self) -> Sequence[ReviewItem]:
        return sorted(self._review.values(), key=lambda item: item.created_at)

    async def record_corrections(self, corrections: Sequence[Correction]) -> int:
        before = len(self._corrections)
        for correction in corrections:
            if not news_among([correction], self._corrections):
                continue
            self._corrections.append(correction)
            if correction.kind is CorrectionKind.ORDER:
                self._reconciled[correction.subject] = correction.at
            elif correction.kind is CorrectionKind.FILL and correction.subject in self._books.fills:
                fill = self._books.fills[correction.subject]
                order_id = self._books.order_of_venue_id(fill.venue_order_id)
                if order_id is not None:
                    self._reconciled[order_id] = correction.at
        return len(self._corrections) - before

    async def corrections(self) -> Sequence[Correction]:
        return list(self._corrections)

    async def unclaimed_orders(self) -> Sequence[VenueOrderId]:
        listed = {fill.venue_order_id for fill in self._books.fills.values()}
        foreign = [each for each in sorted(listed) if self._books.order_of_venue_id(each) is None]
        return [each for each in foreign if self._is_unclaimed(each)]

    async def record_foreign_order(self, order: VenueOrder, source: OrderSource, at: datetime) -> bool:
        intent_id = ClientOrderId(order.client_order_id)
        is_open = intent_id in self._books.intents and not self._books.state_of(intent_id).is_terminal
        if is_open or self._books.order_of_venue_id(order.venue_order_id) is not None:
            return False
        trades = self._trades_of(order.venue_order_id)
        known = self._foreign.get(order.venue_order_id)
        if not trades and known is None:
            return False
        row = _record(order, source, trades, at)
        if known is not None:
            row = replace(row, source=known.source, order_time=known.order_time, notes=known.notes)
            row = row if trades else replace(row, size=known.size)
            if replace(row, last_reconciled_at=known.last_reconciled_at) == known:
                return False
        self._foreign[order.venue_order_id] = row
        return True

    def _marked(self, row: TradeRecord) -> TradeRecord:
        at = self._reconciled.get(row.order_id)
        return row if at is None else replace(row, last_reconciled_at=at, last_reconciled_via=REST)

    def _trades_of(self, venue_order_id: VenueOrderId) -> list[StandingTrade]:
        return standing_trades([f for f in self._books.fills.values() if f.venue_order_id == venue_order_id])

    def _is_unclaimed(self, venue_order_id: VenueOrderId) -> bool:
        row, trades = self._foreign.get(venue_order_id), self._trades_of(venue_order_id)
        if row is None:
            return bool(trades)
        figures = (_size(trades), _value(trades), _fees(trades))
        return row.status == "pending" or figures != (row.filled_size, row.filled_value, row.fees)


def _record(order: VenueOrder, source: OrderSource, trades: Sequence[StandingTrade], at: datetime) -> TradeRecord:
    # An average of several prices could not be exact.
    prices = {trade.terms.price for trade in trades}
    return TradeRecord(
        order_id=ClientOrderId(order.venue_order_id),
        symbol=order.product_id,
        side=order.side.value,
        size=_size(trades),
        price=Price(prices.pop()) if len(prices) == 1 else None,
        status=_STATUS.get(order.state, "pending"),
        order_time=order.created_at,
        filled_at=max((trade.executed.traded_at for trade in trades), default=None),
        parent_id=None,
        trigger="MANUAL",
        notes=f"client order id {order.client_order_id}",
        source=source.value,
        filled_size=_size(trades),
        filled_value=_value(trades),
        fees=_fees(trades),
        ingest_via="reconciled",
        last_reconciled_at=at,
        last_reconciled_via=REST,
    )


def _legs(trade: StandingTrade) -> tuple[CashMovement, CashMovement]:
    terms, at = trade.terms, trade.executed.traded_at
    bought = terms.size if terms.side is Side.BUY else EXACT.minus(terms.size)
    spent = EXACT.fma(terms.price, bought, terms.fee)
    key = f"trade:{trade.executed.trade_id}"
    kind, route = CashKind.FOREIGN_TRADE, CashRoute.API
    return (
        CashMovement(f"{key}/cash", kind, quote_of(terms.product_id), EXACT.minus(spent), at, route),
        CashMovement(f"{key}/coins", kind, base_of(terms.product_id), bought, at, route),
    )


def _size(trades: Sequence[StandingTrade]) -> Size:
    with exact():
        return Size(sum((trade.terms.size for trade in trades), start=ZERO))


def _value(trades: Sequence[StandingTrade]) -> Money:
    with exact():
        return Money(sum((trade.terms.price * trade.terms.size for trade in trades), start=ZERO))


def _fees(trades: Sequence[StandingTrade]) -> Money:
    with exact():
        return Money(sum((trade.terms.fee for trade in trades), start=ZERO))
