"""The matching engine: takes orders, matches them, moves the money, and says what happened.

Worked example, BTC-USD, maker 0.4 %, taker 0.8 %, 10 000 USD. A limit buy of 0.1 at 50 000 holds 0.1 x 50 000 x 1.008 =
5 040 USD. The ladder asks 0.04 at 49 990: that much is taken at the maker's price, costing 1 999.60 and 15.9968 of fee,
paid from the hold. 0.06 rest at 50 000 and need 3 024 of hold; the 0.4032 too much are released. A print at 49 900
goes through the price, so the rest fills as maker at 50 000: 3 000 and 12 of fee; 12 of the hold come back.
In the end 0.1 BTC cost 4 999.60 + 27.9968 of fees.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ONE, ZERO
from coinbase_sim.book import Book, Plan, Resting, is_beyond
from coinbase_sim.checks import check_notional, checked_product
from coinbase_sim.ids import Ids
from coinbase_sim.ledger import Ledger
from coinbase_sim.model import (
    Event,
    Fill,
    Level,
    Order,
    OrderChanged,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    ProductSpec,
    Side,
    TimeInForce,
    TradePrinted,
)
from coinbase_sim.ticks import Tick


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Fee per quote unit traded."""

    maker: Decimal
    taker: Decimal


class Engine:
    """Orders, books and wallets of one account; runs inside an exact decimal context that the caller sets."""

    def __init__(
        self,
        products: Mapping[str, ProductSpec],
        rates: FeeRates,
        ledger: Ledger,
        ids: Ids,
        emit: Callable[[Event], None],
    ) -> None:
        self.books = {product_id: Book(spec) for product_id, spec in products.items()}
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.ledger = ledger
        self._products = products
        self._rates = rates
        self._ids = ids
        self._emit = emit
        self._by_client_id: dict[str, Order] = {}

    def submit(self, request: OrderRequest, now: datetime) -> Order:
        """Accept and match an order; a known client order id returns the order it names, whatever the body.

        Raises:
            OrderRejected: nothing has changed.
        """
        known = self._by_client_id.get(request.client_order_id)
        if known is not None:
            return known
        spec = checked_product(request, self._products)
        plan = self._plan(spec, request)
        hold = self._reserve(spec, request, plan)
        order = Order(self._ids.next_order_id(), request, now, OrderStatus.PENDING, hold=hold)
        self._add(order)
        self._changed(order, now)
        for take in plan.takes:
            self.books[spec.product_id].consume(request.side, take)
            self._fill(order, take, now, is_maker=False)
        self._settle(order, plan, now)
        return order

    def cancel(self, order_id: str, now: datetime) -> Order:
        """Cancel an open order and release its hold.

        Raises:
            OrderRejected: for an order that is unknown or already ended.
        """
        order = self.orders.get(order_id)
        if order is None:
            raise OrderRejected("UNKNOWN_CANCEL_ORDER", f"there is no order {order_id}")
        if order.status is OrderStatus.FILLED:
            raise OrderRejected("ORDER_IS_FULLY_FILLED", f"order {order_id} is filled")
        if order.status.is_terminal:
            raise OrderRejected("DUPLICATE_CANCEL_REQUEST", f"order {order_id} is already {order.status.lower()}")
        self.books[order.request.product_id].leave(order)
        self._end(order, "User requested cancel", now)
        return order

    def take_print(self, tick: Tick) -> None:
        """Fill resting orders from the tick's print, publish it, and show the new ladder."""
        book = self.books[tick.product_id]
        others = tick.size
        # A print above the last middle is a buyer's, who met a resting seller.
        maker_side = Side.SELL if book.mid is not None and tick.price > book.mid else Side.BUY
        if book.has_resting:
            for match in book.matches(tick):
                if match.resting.limit == tick.price:
                    others -= match.size
                self._fill(match.resting.order, Level(match.resting.limit, match.size), tick.at, is_maker=True)
        if others > ZERO:
            self._emit(
                TradePrinted(self._ids.next_trade_id(), tick.product_id, tick.price, others, maker_side, tick.at)
            )
        book.show(tick)

    def restore(self, orders: Iterable[Order], fills: Iterable[Fill], queues: Mapping[str, Decimal]) -> None:
        """Take over saved orders, oldest first, fills, and the queue ahead of each resting order by order id."""
        for order in orders:
            self._add(order)
            if order.order_id in queues:
                left = _base_size(order.request) - order.filled_size
                ahead = queues[order.order_id]
                resting = Resting(order, _limit_price(order.request), left, ahead, len(self.orders))
                self.books[order.request.product_id].restore(resting)
        self.fills.extend(fills)

    def _add(self, order: Order) -> None:
        assert order.order_id not in self.orders, f"order id {order.order_id} is used twice"
        self.orders[order.order_id] = order
        self._by_client_id[order.request.client_order_id] = order

    def _plan(self, spec: ProductSpec, request: OrderRequest) -> Plan:
        """Return what the order would take now, or refuse it if the state of the book does."""
        book = self.books[spec.product_id]
        if request.order_type is OrderType.MARKET:
            return self._market_plan(book, spec, request)
        size, limit = _base_size(request), _limit_price(request)
        if request.post_only:
            if book.plan_base(request.side, size, limit).takes:
                raise OrderRejected("INVALID_LIMIT_PRICE_POST_ONLY", f"limit_price {limit:f} would take liquidity")
            return Plan((), is_complete=False)
        bound = book.protected_price(request.side)
        worst = bound if bound is not None and is_beyond(request.side, limit, bound) else limit
        plan = book.plan_base(request.side, size, worst)
        if request.time_in_force is TimeInForce.FOK and not plan.is_complete:
            return Plan((), is_complete=False)
        return plan

    def _market_plan(self, book: Book, spec: ProductSpec, request: OrderRequest) -> Plan:
        facing = book.facing(request.side)
        if not facing:
            raise OrderRejected("INVALID_NO_LIQUIDITY", f"nobody offers {spec.product_id} on that side")
        bound = book.protected_price(request.side)
        assert bound is not None, "a ladder came with a tick, and a tick sets the middle"
        if request.base_size is not None:
            check_notional(spec, facing[0].price * request.base_size)
            return book.plan_base(request.side, request.base_size, bound)
        assert request.quote_size is not None, "a market order has one size"
        plan = book.plan_quote(request.quote_size, bound, ONE + self._rates.taker)
        if plan.is_complete and not plan.takes:
            raise OrderRejected(
                "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", f"quote_size {request.quote_size:f} buys no increment"
            )
        return plan

    def _reserve(self, spec: ProductSpec, request: OrderRequest, plan: Plan) -> Decimal:
        """Put aside what the order may cost, and return the amount."""
        currency = spec.base_currency if request.side is Side.SELL else spec.quote_currency
        if request.limit_price is not None:
            amount = self._hold_needed(request, ZERO)
        elif request.quote_size is not None:
            amount = request.quote_size
        elif request.side is Side.BUY:
            amount = plan.value * (ONE + self._rates.taker)
        else:
            amount = _base_size(request)
        if amount > self.ledger.available(currency):
            raise OrderRejected(
                "INSUFFICIENT_FUND",
                f"the order needs {amount:f} {currency}; available is {self.ledger.available(currency):f}",
            )
        self.ledger.reserve(currency, amount)
        return amount

    def _hold_needed(self, request: OrderRequest, filled: Decimal) -> Decimal:
        """Return what the rest of a limit order holds: base for a sell, quote with the taker fee for a buy."""
        left = _base_size(request) - filled
        return left if request.side is Side.SELL else left * _limit_price(request) * (ONE + self._rates.taker)

    def _fill(self, order: Order, take: Level, now: datetime, *, is_maker: bool) -> None:
        """Execute a part of `order` at its counterpart's terms: move the money, publish the trade and the order."""
        request = order.request
        spec = self._products[request.product_id]
        value = take.price * take.size
        fee = value * (self._rates.maker if is_maker else self._rates.taker)
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
            trade_id=self._ids.next_trade_id(),
            order_id=order.order_id,
            client_order_id=request.client_order_id,
            product_id=request.product_id,
            side=request.side,
            price=take.price,
            size=take.size,
            commission=fee,
            is_maker=is_maker,
            at=now,
            sequence=len(self.fills) + 1,
        )
        self.fills.append(fill)
        self._emit_trade(fill)
        self._after_fill(order, now)

    def _emit_trade(self, fill: Fill) -> None:
        taken_from = Side.SELL if fill.side is Side.BUY else Side.BUY
        maker_side = fill.side if fill.is_maker else taken_from
        self._emit(TradePrinted(fill.trade_id, fill.product_id, fill.price, fill.size, maker_side, fill.at))

    def _after_fill(self, order: Order, now: datetime) -> None:
        request = order.request
        if request.base_size is not None and order.filled_size == request.base_size:
            order.status = OrderStatus.FILLED
            self._release(order, order.hold)
        else:
            order.status = OrderStatus.OPEN
            if request.limit_price is not None:
                self._release(order, order.hold - self._hold_needed(request, order.filled_size))
        self._changed(order, now)

    def _settle(self, order: Order, plan: Plan, now: datetime) -> None:
        """Decide what becomes of a new order after its immediate part: done, resting, or the rest cancelled."""
        request = order.request
        if order.status is OrderStatus.FILLED:
            return
        if request.quote_size is not None and plan.is_complete:
            order.status = OrderStatus.FILLED
            self._release(order, order.hold)
            self._changed(order, now)
            return
        if request.time_in_force is TimeInForce.FOK:
            self._end(order, "Fill or kill: the whole size was not available", now)
            return
        book = self.books[request.product_id]
        if self._is_stopped(book, order):
            self._end(order, "Price protection: the rest would trade too far from the market", now)
        elif request.time_in_force is TimeInForce.IOC:
            self._end(order, "Immediate or cancel: no more liquidity", now)
        else:
            book.join(order, _limit_price(request), len(self.orders))
            if order.status is OrderStatus.PENDING:
                order.status = OrderStatus.OPEN
                self._changed(order, now)

    def _is_stopped(self, book: Book, order: Order) -> bool:
        """Tell whether price protection, and nothing else, kept an unfinished taker from going on (§14).

        A limit order stopped so is cancelled rather than rested: at rest it would trade at the price it was kept from.
        """
        request = order.request
        bound = book.protected_price(request.side)
        facing = book.facing(request.side)
        if bound is None or request.post_only:
            return False
        if request.limit_price is None:
            return bool(facing)
        would_take = bool(facing) and not is_beyond(request.side, facing[0].price, request.limit_price)
        return is_beyond(request.side, request.limit_price, bound) and (order.fills_count > 0 or would_take)

    def _end(self, order: Order, message: str, now: datetime) -> None:
        order.status = OrderStatus.CANCELLED
        order.cancel_message = message
        self._release(order, order.hold)
        self._changed(order, now)

    def _release(self, order: Order, amount: Decimal) -> None:
        spec = self._products[order.request.product_id]
        currency = spec.base_currency if order.request.side is Side.SELL else spec.quote_currency
        self.ledger.release(currency, amount)
        order.hold -= amount

    def _changed(self, order: Order, now: datetime) -> None:
        self._emit(OrderChanged(copy(order), now))


def _base_size(request: OrderRequest) -> Decimal:
    assert request.base_size is not None, "every limit order and every sell is sized in base units"
    return request.base_size


def _limit_price(request: OrderRequest) -> Decimal:
    assert request.limit_price is not None, "only a limit order has a price of its own"
    return request.limit_price
