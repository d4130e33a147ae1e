"""Clearing: what an execution, or an amendment of one, moves between the order and the wallets.

A fill is never changed. What the venue takes back is a new REVERSAL row with the terms of the old one, and what it
corrects is a REVERSAL followed by a CORRECTION row with the right terms. The order's own totals stay as executed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ZERO
from coinbase_sim.ids import Ids
from coinbase_sim.ledger import CashTransaction, Ledger
from coinbase_sim.model import Fill, Level, Order, OrderRejected, ProductSpec, Side, TradeType


class Clearing:
    """Fills and wallets of one account."""

    def __init__(self, products: Mapping[str, ProductSpec], ledger: Ledger, ids: Ids) -> None:
        self.fills: list[Fill] = []
        self.transactions: list[CashTransaction] = []
        self.ledger = ledger
        self._products = products
        self.ids = ids

    def hold_currency(self, product_id: str, side: Side) -> str:
        """Return the currency that an order of this side holds."""
        spec = self._products[product_id]
        return spec.base_currency if side is Side.SELL else spec.quote_currency

    def require(self, product_id: str, side: Side, amount: Decimal) -> None:
        """Refuse an order that needs more than is available."""
        currency = self.hold_currency(product_id, side)
        available = self.ledger.available(currency)
        if amount > available:
            raise OrderRejected(
                "INSUFFICIENT_FUND", f"the order needs {amount:f} {currency}; available is {available:f}"
            )

    def hold(self, order: Order, amount: Decimal) -> None:
        """Bring the order's hold to `amount`, from or to what is available."""
        currency = self.hold_currency(order.request.product_id, order.request.side)
        if amount > order.hold:
            self.ledger.reserve(currency, amount - order.hold)
        elif amount < order.hold:
            self.ledger.release(currency, order.hold - amount)
        order.hold = amount

    def execute(self, order: Order, take: Level, now: datetime, *, is_maker: bool) -> Fill:
        """Book a part of `order` at its counterpart's terms and return the fill."""
        request = order.request
        spec = self._products[request.product_id]
        value = take.price * take.size
        fee = value * (order.maker_rate if is_maker else order.taker_rate)
        if request.side is Side.BUY:
            paid = value + fee
            self.ledger.spend(spec.quote_currency, paid)
            self.ledger.receive(spec.base_currency, take.size)
        else:
            paid = take.size
            self.ledger.spend(spec.base_currency, paid)
            self.ledger.receive(spec.quote_currency, value - fee)
        self.ledger.fees += fee
        order.hold -= paid
        order.filled_size += take.size
        order.filled_value += value
        order.total_fees += fee
        order.fills_count += 1
        order.last_fill_at = now
        fill = Fill(
            self.ids.next_trade_id(),
            order.order_id,
            request.client_order_id,
            request.product_id,
            request.side,
            take.price,
            take.size,
            fee,
            is_maker,
            now,
            len(self.fills) + 1,
        )
        self.fills.append(fill)
        return fill

    def reverse(self, trade_id: str, now: datetime) -> Fill:
        """Take back a fill: a REVERSAL row, and the money moved the other way.

        Raises:
            ValueError: there is no such fill, it is taken back already, or what it brought is no longer available.
        """
        row = self._amendable(trade_id)
        self._move(row, direction=-1)
        return self._amend(row, TradeType.REVERSAL, row.price, row.commission, now)

    def correct(self, trade_id: str, price: Decimal, commission: Decimal, now: datetime) -> tuple[Fill, Fill]:
        """Take back a fill and book it again at another price and commission; returns both rows.

        Raises:
            ValueError: as for `reverse`, or the corrected terms cannot be paid.
        """
        if not (price.is_finite() and price > ZERO and commission.is_finite() and commission >= ZERO):
            raise ValueError(f"a corrected fill has a positive price and a commission of zero or more; was {price}")
        row = self._amendable(trade_id)
        corrected = replace(row, price=price, commission=commission)
        self._move(row, direction=-1)
        try:
            self._move(corrected, direction=1)
        except ValueError:
            self._move(row, direction=1)
            raise
        reversal = self._amend(row, TradeType.REVERSAL, row.price, row.commission, now)
        return reversal, self._amend(row, TradeType.CORRECTION, price, commission, now)

    def _amendable(self, trade_id: str) -> Fill:
        for row in self.fills:
            if row.amends == trade_id and row.trade_type is TradeType.REVERSAL:
                raise ValueError(f"the fill {trade_id} has been taken back already, by {row.trade_id}")
        for row in self.fills:
            if row.trade_id == trade_id and row.trade_type is not TradeType.REVERSAL:
                return row
        raise ValueError(f"there is no fill {trade_id} that could be taken back")

    def _move(self, row: Fill, direction: int) -> None:
        """Move what the row traded; `direction` is -1 to take it back. Raises ValueError and moves nothing if short."""
        spec = self._products[row.product_id]
        sign = direction if row.side is Side.BUY else -direction
        base = sign * row.size
        quote = -sign * row.price * row.size - direction * row.commission
        for currency, change in ((spec.base_currency, base), (spec.quote_currency, quote)):
            if self.ledger.available(currency) + change < ZERO:
                raise ValueError(
                    f"{-change:f} {currency} have to go back, and {self.ledger.available(currency):f} are available; "
                    "raise the balance first"
                )
        self.ledger.change(spec.base_currency, base)
        self.ledger.change(spec.quote_currency, quote)
        self.ledger.fees += direction * row.commission

    def _amend(self, row: Fill, kind: TradeType, price: Decimal, commission: Decimal, now: datetime) -> Fill:
        amended = replace(
            row,
            trade_id=self.ids.next_trade_id(),
            price=price,
            commission=commission,
            at=now,
            sequence=len(self.fills) + 1,
            trade_type=kind,
            amends=row.trade_id,
        )
        self.fills.append(amended)
        return amended
