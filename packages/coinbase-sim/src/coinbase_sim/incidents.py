"""What happens at a venue without an order of the member: its side of the exchange."""

from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ONE, ZERO, exact, units_down
from coinbase_sim.clearing import Clearing
from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.engine import Engine
from coinbase_sim.feed import Feed
from coinbase_sim.ledger import CashTransaction
from coinbase_sim.model import Fill, Order, OrderRejected, ProductChanged, ProductGates, ProductSpec
from coinbase_sim.products import check_spec


class Incidents:
    """The part of a simulator that its operator, or a script of faults, has in hand."""

    _engine: Engine
    _clearing: Clearing
    _feed: Feed
    _specs: dict[str, ProductSpec]
    _now: datetime

    def _tell(self) -> None:
        raise NotImplementedError

    def settle(self, order_id: str) -> Order:
        """Carry out what waits for an order (a queued cancel, the way to the book) and return it as it is then.

        Raises:
            OrderRejected: there is no such order.
        """
        with exact():
            order = self._engine.settle(order_id, self._now).copied()
        self._tell()
        return order

    def waiting(self) -> list[str]:
        """Return the ids of the orders for which something waits to be settled, oldest first."""
        return [order.order_id for order in self._engine.orders.values() if order.is_held or order.is_cancel_queued]

    def fill(self, order_id: str = "", share: Decimal = ONE) -> Order:
        """Fill a resting order at its own price, as if somebody had come for it (F16, F17).

        Args:
            order_id: by default the newest one that rests.
            share: how much of its rest, down to the increment but at least one.

        Raises:
            OrderRejected: there is no such resting order.
        """
        books = (listing.book for listing in self._engine.listings.values())
        found = [one.order for book in books for one in book.resting if order_id in ("", one.order.order_id)]
        if not found:
            raise OrderRejected("ORDER_NOT_FOUND", f"the order {order_id} rests in no book")
        order = max(found, key=lambda one: (one.created_at, one.order_id))
        increment = self._specs[order.request.product_id].base_increment
        with exact():
            size = min(order.left, max(1, units_down(order.left * share, increment)) * increment)
            filled = self._engine.fill(order.order_id, size, self._now).copied()
        self._tell()
        return filled

    def set_product_state(self, product_id: str, gates: ProductGates) -> None:
        """Open and shut a product's gates (F12). Own orders neither fill nor trigger while it is not matching.

        Raises:
            KeyError: there is no such product.
        """
        listing = self._engine.listings[product_id]
        listing.gates = gates
        self._feed.emit(ProductChanged(listing.spec, gates, self._now))
        self._tell()

    def set_product_rules(self, spec: ProductSpec) -> None:
        """Change a product's increments and limits while it trades (F13); orders that rest stay as they are.

        The market's own prices keep their grid.

        Raises:
            KeyError: there is no such product.
            ValueError: it is another pair, or an amount is not above zero.
        """
        listing = self._engine.listings[spec.product_id]
        check_spec(listing.spec, spec)
        listing.book.spec = self._specs[spec.product_id] = spec
        self._feed.emit(ProductChanged(spec, listing.gates, self._now))
        self._tell()

    def set_balance(self, currency: str, available: Decimal) -> None:
        """Set what is available of a currency (F15); what open orders hold stays held.

        Raises:
            ValueError: the amount is negative or not finite.
        """
        if not available.is_finite() or available < ZERO:
            raise ValueError(f"a balance is finite and not negative; was {available} {currency}")
        ledger = self._clearing.ledger
        with exact():
            present = ledger.available(currency) if currency in ledger.currencies else ZERO
            ledger.change(currency, available - present)

    def move_cash(self, currency: str, amount: Decimal, kind: str) -> CashTransaction:
        """Deposit (above zero) or withdraw (below) without an order, and list it among the wallet's transactions.

        Raises:
            ValueError: the amount is zero or not finite, or more than is available.
        """
        ledger = self._clearing.ledger
        if not amount.is_finite() or not amount:
            raise ValueError(f"what is moved is finite and not zero; was {amount} {currency}")
        with exact():
            available = ledger.available(currency) if currency in ledger.currencies else ZERO
            if available + amount < ZERO:
                raise ValueError(f"{-amount:f} {currency} are to go, and {available:f} are available")
            ledger.change(currency, amount)
        transactions = self._clearing.transactions
        number = self._clearing.ids.cash_id(len(transactions) + 1)
        transactions.append(CashTransaction(number, kind, currency, amount, self._now))
        return transactions[-1]

    def set_duplicate_ids(self, meaning: DuplicateIds) -> None:
        """Say what a known client order id means from now on."""
        self._engine.rules.duplicate_ids = meaning

    def reverse_fill(self, trade_id: str) -> Fill:
        """Take back a fill (F29): a REVERSAL row, the money moved back, the order's totals left as executed.

        Raises:
            ValueError: there is no such fill, it is taken back already, or what it brought is not available any more.
        """
        with exact():
            return self._clearing.reverse(trade_id, self._now)

    def correct_fill(self, trade_id: str, price: Decimal, commission: Decimal) -> tuple[Fill, Fill]:
        """Correct a fill's price and commission (F29): a REVERSAL row, then a CORRECTION row with the new terms.

        Raises:
            ValueError: as `reverse_fill` does, or the new terms cannot be paid.
        """
        with exact():
            return self._clearing.correct(trade_id, price, commission, self._now)
