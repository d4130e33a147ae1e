"""What the bot holds and owes, in memory, for decisions that cannot wait for a query.

It is a view: every figure follows from the store's facts, read at start, and fill by fill from then on (`live_lots`).
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.app.live_lots import LiveLots
from bottrader.domain.exits import ExitState
from bottrader.domain.indicators import Atr
from bottrader.domain.lots import OpenLot
from bottrader.domain.market import Candle, FeeRates, Product, ProductId, Ticker
from bottrader.domain.money import EXACT, ZERO, Price, Size, exact
from bottrader.domain.orders import ClientOrderId, Fill, OpenOrder, OrderKind, Side, VenueOrderId
from bottrader.domain.performance import Trade, realized_pnl, trades_of, unrealized_pnl
from bottrader.domain.positions import Position
from bottrader.domain.trailing import Trail
from bottrader.ports import PeakState, Store, TrailState

ATR_CANDLES = 14
# More than any rate limit counts within a minute.
TIMES_KEPT = 1000
# Those of a day and the one that began before it.
CANDLES_KEPT = 289

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
        self._lots = {product_id: LiveLots(store, product_id) for product_id in self.product_ids}
        self._open_orders: dict[ClientOrderId, OpenOrder] = {}
        self._trails: dict[ProductId, TrailState] = {}
        self._peaks: dict[ProductId, PeakState] = {}
        self._ranges: dict[ProductId, Atr] = {}
        self._candles: dict[ProductId, deque[Candle]] = {}
        self._exits_count: dict[ClientOrderId, int] = {}
        self._closed_trades: tuple[dict[ProductId, int], list[Trade]] | None = None
        self._order_times: deque[datetime] = deque(maxlen=TIMES_KEPT)
        self._refusal_times: deque[datetime] = deque(maxlen=TIMES_KEPT)
        self._behind: set[ProductId] = set()
        """Products with fills whose allocations are being made, or could not be."""

    async def load(self) -> None:
        """Rebuild everything from the store; called once, at start."""
        self._open_orders = {order.intent.client_order_id: order for order in await self._store.open_orders()}
        self._exits_count = {}
        for record in await self._store.trade_records():
            if record.ingest_via == "reconciled":
                # Somebody else's order does not count against the limits on ours.
                continue
            self._order_times.append(record.order_time)
            if record.status == "failed":
                self._refusal_times.append(record.order_time)
            if record.parent_id is not None:
                self._exits_count[record.parent_id] = self._exits_count.get(record.parent_id, 0) + 1
        for product_id in self.product_ids:
            await self._lots[product_id].reload()
            trail = await self._store.trail_of(product_id)
            if trail is not None:
                self._trails[product_id] = trail
            peak = await self._store.peak_of(product_id)
            if peak is not None:
                self._peaks[product_id] = peak

    async def refresh(self, product_id: ProductId, at: datetime) -> None:
        """Rebuild one product from all its executions, and bring its stored allocations in step where they are not."""
        lots = self._lots[product_id]
        await lots.reload()
        await lots.save(at)
        self._behind.discard(product_id)

    async def take(self, product_id: ProductId, fills: Sequence[Fill], at: datetime) -> None:
        """Take in recorded fills of one product and store the allocations that follow."""
        self._behind.add(product_id)
        lots = self._lots.get(product_id)
        if lots is None:
            # An order of ours from a time in which it was traded.
            lots = self._lots[product_id] = LiveLots(self._store, product_id)
            await lots.reload()
        else:
            await lots.take(fills)
        await lots.save(at)
        self._behind.discard(product_id)

    @property
    def is_allocated(self) -> bool:
        """Tell whether the stored allocations are known to be in step with the fills."""
        return not self._behind and all(lots.is_stored for lots in self._lots.values())

    def realized_pnl(self) -> Decimal:
        """Return what the closed part of all products' trades has earned, fees deducted."""
        with exact():
            return sum((lots.realized for lots in self._lots.values()), ZERO)

    def realized_since(self, at: datetime) -> Decimal:
        """Return what sells dated at or after `at` have earned, fees deducted."""
        return realized_pnl(
            row
            for lots in self._lots.values()
            for row in lots.allocations[bisect_left(lots.allocations, at, key=lambda row: row.sell_time) :]
        )

    def closed_trades(self) -> Sequence[Trade]:
        """Return all sells with a known P&L, oldest first."""
        revisions = {product_id: lots.revision for product_id, lots in self._lots.items()}
        # Asked before each entry, and sells are rare.
        if self._closed_trades is None or self._closed_trades[0] != revisions:
            trades = trades_of(row for lots in self._lots.values() for row in lots.allocations)
            self._closed_trades = revisions, [trade for trade in trades if trade.is_matched]
        return self._closed_trades[1]

    def unrealized_pnl(self) -> Decimal | None:
        """Return what the open positions have gained at their last prices; None when one has no usable price."""
        with exact():
            total = ZERO
            for position in self.positions():
                ticker = self.tickers.get(position.product_id)
                if ticker is None or not ticker.is_sane:
                    return None
                total += unrealized_pnl(position, ticker.price)
            return total

    def holdings_quote(self) -> Decimal | None:
        """Return what the open positions are worth at their last prices; None when one has no usable price."""
        gained = self.unrealized_pnl()
        with exact():
            return None if gained is None else gained + sum((each.cost for each in self.positions()), ZERO)

    def orders_since(self, at: datetime) -> int:
        """Return how many orders were made after `at`, entries and exits."""
        return sum(made > at for made in self._order_times)

    def refusals_since(self, at: datetime) -> int:
        """Return how many orders the venue refused after `at`."""
        return sum(refused > at for refused in self._refusal_times)

    def note_refusal(self, at: datetime) -> None:
        """Count an order that the venue refused."""
        self._refusal_times.append(at)

    def note_candle(self, candle: Candle) -> None:
        """Take a closed candle into the product's range; it is known from the 15th on (B63, B64)."""
        self._candles.setdefault(candle.product_id, deque(maxlen=CANDLES_KEPT)).append(candle)
        atr = self._ranges.setdefault(candle.product_id, Atr(ATR_CANDLES))
        _widen(atr, candle)
        value = _amount(atr.value)
        if value is not None:
            self.atrs[candle.product_id] = value

    def recent_candles(self, product_id: ProductId) -> tuple[Candle, ...]:
        """Return the closed candles of about the last day, as far as they were seen, oldest first."""
        return tuple(self._candles.get(product_id, ()))

    def position(self, product_id: ProductId) -> Position | None:
        lots = self._lots.get(product_id)
        return None if lots is None else lots.book.position()

    def positions(self) -> list[Position]:
        held = (lots.book.position() for lots in self._lots.values())
        return [position for position in held if position is not None]

    def open_lots(self) -> list[OpenLot]:
        """Return what all positions are made of."""
        return [lot for lots in self._lots.values() for lot in lots.book.open_lots]

    def open_orders(self, product_id: ProductId | None = None) -> list[OpenOrder]:
        """Return orders that may still be live, unknown ones included."""
        orders: Iterable[OpenOrder] = self._open_orders.values()
        return [order for order in orders if product_id is None or order.intent.product_id == product_id]

    def open_sells(self, product_id: ProductId) -> list[OpenOrder]:
        """Return the sells of this product that may still be live, brackets and unknown ones included."""
        return [order for order in self.open_orders(product_id) if order.intent.side is Side.SELL]

    def size_left(self, order: OpenOrder) -> Size:
        """Return what an open order may still fill; from the same executions as the position, so they agree (F17)."""
        lots = self._lots.get(order.intent.product_id)
        filled = ZERO if lots is None else lots.filled.get(order.intent.client_order_id, ZERO)
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
        lots = self._lots.get(product_id)
        return None if lots is None else lots.entry_price

    def unsettled_orders(self) -> list[OpenOrder]:
        """Return the open orders about which something is left to find out; one that rests confirmed is not."""
        return [order for order in self.open_orders() if not order.is_resting]

    def note_order(self, order: OpenOrder) -> None:
        """Take the new state of an order that has not ended."""
        is_new = order.intent.client_order_id not in self._open_orders
        if is_new and order.intent.parent_id is not None:
            parent = order.intent.parent_id
            self._exits_count[parent] = self._exits_count.get(parent, 0) + 1
        if is_new:
            self._order_times.append(order.intent.created_at)
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

    def exit_state(self, position: Position) -> ExitState:
        """Return trail and peak of this very position; those of an earlier position do not count."""
        trail, peak = self._trails.get(position.product_id), self._peaks.get(position.product_id)
        anchor = position.anchor_order_id
        return ExitState(
            None if trail is None or trail.anchor_order_id != anchor else Trail(trail.high, trail.stop),
            None if peak is None or peak.anchor_order_id != anchor else peak.peak,
        )

    async def keep_exit_state(self, position: Position, state: ExitState) -> None:
        """Keep what changed of trail and peak, durable first, so that a restart loses nothing."""
        before = self.exit_state(position)
        product_id, anchor = position.product_id, position.anchor_order_id
        if state.trail is not None and state.trail != before.trail:
            trail = TrailState(product_id, anchor, state.trail.high, state.trail.stop)
            await self._store.save_trail(trail)
            self._trails[product_id] = trail
        if state.peak is not None and state.peak != before.peak:
            peak = PeakState(product_id, anchor, state.peak)
            await self._store.save_peak(peak)
            self._peaks[product_id] = peak

    def _worst_case(self, orders: Iterable[OpenOrder]) -> Decimal:
        assert self.fee_rates is not None, "reconciliation reads the fee rates before anything is decided"
        return sum((order.worst_case_quote for order in orders), ZERO) * (1 + self.fee_rates.taker)


def range_of(candles: Iterable[Candle]) -> Decimal | None:
    """Return the average true range of these closed candles, oldest first, None when they are fewer than 15."""
    atr = Atr(ATR_CANDLES)
    for candle in candles:
        _widen(atr, candle)
    return _amount(atr.value)


def _widen(atr: Atr, candle: Candle) -> None:
    atr.update(float(candle.high), float(candle.low), float(candle.close))


def _amount(indicator: float | None) -> Decimal | None:
    """Return an indicator's value as an amount; ten decimals are far below any tick and hide no binary tail."""
    return None if indicator is None else Decimal(str(round(indicator, 10)))
