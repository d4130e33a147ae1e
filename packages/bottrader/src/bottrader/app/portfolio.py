"""What the bot holds and owes, in memory, for decisions that cannot wait for a query.

It is a view: every figure is rebuilt from the store's facts at start and after each recorded fill, never counted along.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.domain.exits import Trail
from bottrader.domain.lots import Allocation, ledger_key
from bottrader.domain.market import FeeRates, Product, ProductId, Ticker
from bottrader.domain.money import EXACT, ZERO, Price, Size, exact
from bottrader.domain.orders import ClientOrderId, OpenOrder, OrderKind, Side, VenueOrderId
from bottrader.domain.performance import realized_pnl
from bottrader.domain.positions import LotBook, Position
from bottrader.ports import Store, TrailState

# A resting order is asked about every ten seconds; twice without an answer it is not known to be open any more.
CONFIRMATION_AGE_MAX = timedelta(seconds=20)


class Portfolio:
    """Positions, open orders, trails and the last price of each product this process trades."""

    def __init__(self, store: Store, product_ids: Sequence[ProductId]) -> None:
        self._store = store
        self.product_ids = tuple(product_ids)
        self.products: dict[ProductId, Product] = {}
        self.fee_rates: FeeRates | None = None
        self.tickers: dict[ProductId, Ticker] = {}
        self.atrs: dict[ProductId, Decimal] = {}
        """Average true range in price units, where enough closed candles are known."""
        self._positions: dict[ProductId, Position | None] = {}
        self._open_orders: dict[ClientOrderId, OpenOrder] = {}
        self._trails: dict[ProductId, TrailState] = {}
        self._exits_count: dict[ClientOrderId, int] = {}
        self._realized: dict[ProductId, Decimal] = {}
        self._filled: dict[ProductId, dict[ClientOrderId, Decimal]] = {}
        self._entry_prices: dict[ProductId, Decimal | None] = {}

    async def load(self) -> None:
        """Rebuild everything from the store; called once, at start."""
        self._open_orders = {order.intent.client_order_id: order for order in await self._store.open_orders()}
        self._exits_count = {}
        for record in await self._store.trade_records():
            if record.parent_id is not None:
                self._exits_count[record.parent_id] = self._exits_count.get(record.parent_id, 0) + 1
        for product_id in self.product_ids:
            await self.refresh(product_id)
            trail = await self._store.trail_of(product_id)
            if trail is not None:
                self._trails[product_id] = trail

    async def refresh(self, product_id: ProductId) -> list[Allocation]:
        """Rebuild one product's position from its executions; return the allocations that follow from them."""
        book = LotBook(product_id)
        allocations: list[Allocation] = []
        filled: dict[ClientOrderId, Decimal] = {}
        for execution in sorted(await self._store.executions(product_id), key=ledger_key):
            allocations += book.apply(execution)
            filled[execution.order_id] = EXACT.add(filled.get(execution.order_id, ZERO), execution.size)
        self._filled[product_id] = filled
        self._positions[product_id] = book.position()
        self._entry_prices[product_id] = book.entry_price
        self._realized[product_id] = realized_pnl(allocations)
        return allocations

    def realized_pnl(self) -> Decimal:
        """Return what the closed part of all products' trades has earned, fees deducted."""
        with exact():
            return sum(self._realized.values(), ZERO)

    def position(self, product_id: ProductId) -> Position | None:
        return self._positions.get(product_id)

    def positions(self) -> list[Position]:
        return [position for position in self._positions.values() if position is not None]

    def open_orders(self, product_id: ProductId | None = None) -> list[OpenOrder]:
        """Return orders that may still be live, unknown ones included."""
        orders: Iterable[OpenOrder] = self._open_orders.values()
        return [order for order in orders if product_id is None or order.intent.product_id == product_id]

    def open_sells(self, product_id: ProductId) -> list[OpenOrder]:
        """Return the sells of this product that may still be live, brackets and unknown ones included."""
        return [order for order in self.open_orders(product_id) if order.intent.side is Side.SELL]

    def size_left(self, order: OpenOrder) -> Size:
        """Return what an open order may still fill; from the same executions as the position, so they agree (F17)."""
        filled = self._filled.get(order.intent.product_id, {}).get(order.intent.client_order_id, ZERO)
        return Size(EXACT.subtract(order.intent.size_base, filled))

    def bracketed_size(self, product_id: ProductId, now: datetime) -> Decimal:
        """Return how much brackets sell that the venue lately confirmed to be open; others protect nothing (B110)."""
        with exact():
            return sum((self.size_left(order) for order in self._live_brackets(product_id, now)), ZERO)

    def bracket_stop(self, product_id: ProductId, now: datetime) -> Price | None:
        """Return the lowest stop of the brackets that the venue lately confirmed to be open, None without one."""
        stops = [order.intent.stop_price for order in self._live_brackets(product_id, now)]
        return min((stop for stop in stops if stop is not None), default=None)

    def _live_brackets(self, product_id: ProductId, now: datetime) -> list[OpenOrder]:
        return [
            order
            for order in self.open_sells(product_id)
            if order.intent.kind is OrderKind.BRACKET_GTC
            and order.confirmed_at is not None
            and now - order.confirmed_at <= CONFIRMATION_AGE_MAX
        ]

    def entry_price(self, product_id: ProductId) -> Decimal | None:
        """Return the mean price of the open lots, fees left out, to 28 digits; None without a position."""
        return self._entry_prices.get(product_id)

    def unsettled_orders(self) -> list[OpenOrder]:
        """Return the open orders about which something is left to find out; one that rests confirmed is not."""
        return [order for order in self.open_orders() if not order.is_resting]

    def note_order(self, order: OpenOrder) -> None:
        """Take the new state of an order that has not ended."""
        is_new = order.intent.client_order_id not in self._open_orders
        if is_new and order.intent.parent_id is not None:
            parent = order.intent.parent_id
            self._exits_count[parent] = self._exits_count.get(parent, 0) + 1
        self._open_orders[order.intent.client_order_id] = order

    def drop_order(self, client_order_id: ClientOrderId) -> None:
        """Forget an order that has ended."""
        self._open_orders.pop(client_order_id, None)

    def withdraw_order(self, order: OpenOrder) -> None:
        """Take back an order that was noted but did not become durable: it never was."""
        self.drop_order(order.intent.client_order_id)
        if order.intent.parent_id is not None:
            self._exits_count[order.intent.parent_id] -= 1

    async def adopt_orders(self, product_id: ProductId) -> None:
        """Take up orders that are durable but not known here: the answer to their commit was lost (F42)."""
        for order in await self._store.open_orders():
            if order.intent.product_id == product_id and order.intent.client_order_id not in self._open_orders:
                self.note_order(order)

    def knows(self, client_order_id: ClientOrderId) -> bool:
        """Tell whether this order of ours is open."""
        return client_order_id in self._open_orders

    def order_with(self, venue_order_id: VenueOrderId, client_order_id: ClientOrderId) -> OpenOrder | None:
        """Return our open order that the venue means by these ids."""
        order = self._open_orders.get(client_order_id)
        if order is not None:
            return order
        return next((o for o in self._open_orders.values() if o.venue_order_id == venue_order_id), None)

    def exits_count(self, anchor_order_id: ClientOrderId) -> int:
        """Return how many exits this position has had so far: it numbers the next one, so that ids never repeat."""
        return self._exits_count.get(anchor_order_id, 0)

    def exposure_quote(self, *, besides: ProductId) -> Decimal:
        """Return what all positions cost plus what open buys of products other than `besides` may cost (S3)."""
        with exact():
            held = sum((position.cost for position in self.positions()), ZERO)
            return held + self._worst_case(order for order in self.open_orders() if order.intent.product_id != besides)

    def open_buys_quote(self, product_id: ProductId | None = None) -> Decimal:
        """Return what the open buys of a product (or all) may cost, fees included."""
        with exact():
            return self._worst_case(self.open_orders(product_id))

    def has_unsettled(self, product_id: ProductId, side: Side | None = None) -> bool:
        """Tell whether an order of this product (and side) may still be live."""
        return any(side is None or order.intent.side is side for order in self.open_orders(product_id))

    def trail(self, position: Position) -> Trail | None:
        """Return the trailing stop of this very position; one of an earlier position does not count."""
        state = self._trails.get(position.product_id)
        if state is None or state.anchor_order_id != position.anchor_order_id:
            return None
        return Trail(state.high, state.stop)

    async def set_trail(self, position: Position, trail: Trail) -> None:
        """Keep a raised trail, durable first, so that a restart loses nothing."""
        state = TrailState(position.product_id, position.anchor_order_id, trail.high, trail.stop)
        await self._store.save_trail(state)
        self._trails[position.product_id] = state

    def _worst_case(self, orders: Iterable[OpenOrder]) -> Decimal:
        assert self.fee_rates is not None, "reconciliation reads the fee rates before anything is decided"
        return sum((order.worst_case_quote for order in orders), ZERO) * (1 + self.fee_rates.taker)
