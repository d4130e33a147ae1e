"""The matching engine: takes orders, matches them, moves the money, and says what happened.

Worked example, BTC-USD, maker 0.4 %, taker 0.8 %, 10 000 USD. A limit buy of 0.1 at 50 000 holds 0.1 x 50 000 x 1.008 =
5 040 USD. The ladder asks 0.04 at 49 990: that much is taken at the maker's price, costing 1 999.60 and 15.9968 of fee,
paid from the hold. 0.06 rest at 50 000 and need 3 024 of hold; the 0.4032 too much are released. A print at 49 900
goes through the price, so the rest fills as maker at 50 000: 3 000 and 12 of fee; 12 of the hold come back.
In the end 0.1 BTC cost 4 999.60 + 27.9968 of fees.

Within a tick: orders whose time has come expire, the print fills what rests, the new ladder is shown, and then the
print triggers stops, whose orders meet that ladder.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ONE, ZERO
from coinbase_sim.attached import bracket_of
from coinbase_sim.book import Book, Plan, Resting
from coinbase_sim.clearing import Clearing
from coinbase_sim.drafts import Drafts, DuplicateIds, HouseRules
from coinbase_sim.edits import keeps_place
from coinbase_sim.feed import Feed, maker_side_of
from coinbase_sim.fees import FeeMeter
from coinbase_sim.listing import Listing
from coinbase_sim.model import (
    Edit,
    EditRequest,
    Fill,
    Level,
    Order,
    OrderChanged,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    ProductSpec,
    Side,
    TimeInForce,
    TradePrinted,
    TriggerStatus,
)
from coinbase_sim.stops import Deadlines, is_reached, set_trigger
from coinbase_sim.ticks import Tick

Place = tuple[Decimal, int]
"""Queue ahead and arrival of a resting order."""

_CANCELLED = "User requested cancel"
# Looked up once: an enum's property costs as much as the rest of the test.
_ENDED = frozenset(status for status in OrderStatus if status.is_terminal)


class Engine:
    """Orders, books and wallets of one account; runs inside an exact decimal context that the caller sets."""

    def __init__(
        self, products: Mapping[str, ProductSpec], clearing: Clearing, meter: FeeMeter, feed: Feed, rules: HouseRules
    ) -> None:
        self.listings = {product_id: Listing(Book(spec)) for product_id, spec in products.items()}
        self.drafts = Drafts(self.listings, clearing, meter, rules)
        self.orders = self.drafts.orders
        self.rules = rules
        self._clearing = clearing
        self._ids = clearing.ids
        self._meter = meter
        self._feed = feed
        self._deadlines = Deadlines()
        self._by_client_id: dict[str, Order] = {}
        self._entries_done: list[Order] = []

    def submit(self, request: OrderRequest, now: datetime, *, is_held: bool = False) -> Order:
        """Accept and match an order; a known client order id returns the order it names, whatever the body.

        A held one stays PENDING until it is settled.

        Raises:
            OrderRejected: nothing has changed.
        """
        known = self._by_client_id.get(request.client_order_id)
        if known is not None:
            if self.rules.duplicate_ids is DuplicateIds.REJECT:
                raise OrderRejected("DUPLICATE_CLIENT_ORDER_ID", f"{request.client_order_id} names {known.order_id}")
            return known
        draft, plan, needed = self.drafts.order(request, now)
        draft.order_id = self._ids.next_order_id()
        draft.is_held = is_held
        self._accept(draft, plan, needed, now)
        self._attach_brackets(now)
        return draft

    def _accept(self, order: Order, plan: Plan, needed: Decimal, now: datetime) -> None:
        self._clearing.hold(order, needed)
        self._add(order)
        self._changed(order, now)
        if not order.is_held:
            self._start(order, plan, now)

    def _start(self, order: Order, plan: Plan, now: datetime) -> None:
        if order.is_waiting:
            order.status = OrderStatus.OPEN
            self._changed(order, now)
            return
        self._enter(order, plan, now)

    def edit(self, edit: EditRequest, now: datetime) -> Order:
        """Give an open order new terms; a new price or a larger size joins the queue anew and may take liquidity.

        Raises:
            OrderRejected: nothing has changed.
        """
        order = self.drafts.known(edit.order_id, "ORDER_NOT_FOUND")
        draft = self.drafts.edit(order, edit, now)
        listing = self.listings[order.request.product_id]
        stays = keeps_place(order, draft.request)
        if not stays:
            listing.book.leave(order)
        order.request = draft.request
        order.hold_unit = draft.unit
        order.edits = (*order.edits, Edit(edit.price, edit.size, now))
        self._clearing.hold(order, draft.needed)
        if stays and not order.is_waiting:
            listing.book.shrink(order)
        self._changed(order, now)
        if not stays:
            self._enter(order, draft.plan, now)
        self._attach_brackets(now)
        return order

    def cancel(self, order_id: str, now: datetime) -> Order:
        """Cancel an open order and release its hold.

        Raises:
            OrderRejected: for an order that is unknown or already ended.
        """
        order = self._cancellable(order_id)
        self._end(order, OrderStatus.CANCELLED, _CANCELLED, now)
        self._attach_brackets(now)
        return order

    def queue_cancel(self, order_id: str, now: datetime) -> Order:
        """Accept a cancel that is carried out when the order is settled; until then the order may still fill.

        Raises:
            OrderRejected: as for `cancel`.
        """
        order = self._cancellable(order_id)
        order.is_cancel_queued = True
        self._changed(order, now)
        return order

    def _cancellable(self, order_id: str) -> Order:
        order = self.drafts.known(order_id, "UNKNOWN_CANCEL_ORDER")
        if order.status is OrderStatus.FILLED:
            raise OrderRejected("ORDER_IS_FULLY_FILLED", f"order {order_id} is filled")
        if order.status in _ENDED or order.is_cancel_queued:
            raise OrderRejected("DUPLICATE_CANCEL_REQUEST", f"order {order_id} is already {order.told_status.lower()}")
        return order

    def settle(self, order_id: str, now: datetime) -> Order:
        """Carry out what waits for an order: its queued cancel, or its way to the book; nothing if it has ended.

        On its way to the book an order meets the market of now: what would have refused it at the door fails it.

        Raises:
            OrderRejected: there is no such order.
        """
        order = self.drafts.known(order_id, "ORDER_NOT_FOUND")
        if order.is_cancel_queued:
            self._end(order, OrderStatus.CANCELLED, _CANCELLED, now)
        elif order.is_held:
            self._release(order, now)
        self._attach_brackets(now)
        return order

    def _release(self, order: Order, now: datetime) -> None:
        listing = self.listings[order.request.product_id]
        order.is_held = False
        try:
            plan = listing.plan(order.request, order.taker_rate)
            needed = self.drafts.needed(order, plan)
        except OrderRejected as rejected:
            self._fail(order, rejected, now)
            return
        self._clearing.hold(order, needed)
        if order.trigger_status is TriggerStatus.PENDING:
            listing.stops.add(order)
        self._start(order, plan, now)

    def fill(self, order_id: str, size: Decimal, now: datetime) -> Order:
        """Let somebody take `size` of an order at its price, without a move of the market; so much of it must rest."""
        order = self.drafts.known(order_id, "ORDER_NOT_FOUND")
        listing = self.listings[order.request.product_id]
        assert listing.book.rests(order), "only what rests can be taken"
        assert ZERO < size <= order.left, "no more than is left can be taken"
        self._fill(order, Level(order.working_price, size), now, is_maker=True)
        if order.status is OrderStatus.OPEN:
            listing.book.shrink(order)
        self._attach_brackets(now)
        return order

    def take_print(self, tick: Tick) -> None:
        """Expire, fill resting orders from the tick's print, publish it, show the new ladder, and trigger stops."""
        for order in self._deadlines.due(tick.at):
            self._end(order, OrderStatus.EXPIRED, "The end time has come", tick.at)
        listing = self.listings[tick.product_id]
        book = listing.book
        others = tick.size
        maker_side = maker_side_of(tick, book.mid)
        if book.has_resting and listing.gates.is_matching:
            for match in book.matches(tick):
                if match.resting.limit == tick.price:
                    others -= match.size
                self._fill(match.resting.order, Level(match.resting.limit, match.size), tick.at, is_maker=True)
        if others > ZERO:
            self._feed.print_trade(
                TradePrinted(self._ids.next_trade_id(), tick.product_id, tick.price, others, maker_side, tick.at)
            )
        book.show(tick)
        if tick.size > ZERO:
            listing.last_trade = tick.price
        if listing.last_trade is not None and listing.gates.is_matching:
            for order in listing.stops.due(listing.last_trade):
                self._trigger(listing, order, tick.at)
        self._attach_brackets(tick.at)

    def _trigger(self, listing: Listing, order: Order, now: datetime) -> None:
        """Let the last trade trigger a stop: its order works at its limit, a bracket leaves its take profit for it."""
        listing.stops.discard(order)
        listing.book.leave(order)
        order.trigger_status = TriggerStatus.TRIGGERED
        self._changed(order, now)
        self._enter(order, listing.limit_plan(order.request, order.left, order.working_price), now)

    def restore(self, orders: Iterable[Order], fills: Iterable[Fill], places: Mapping[str, Place]) -> None:
        """Take over saved orders, oldest first, fills, and by order id the queue ahead and arrival of what rests."""
        for order in orders:
            self._add(order)
            listing = self.listings[order.request.product_id]
            if order.order_id in places:
                listing.book.restore(Resting(order, order.working_price, order.left, *places[order.order_id]))
        self._clearing.fills.extend(fills)

    def places(self) -> dict[str, Place]:
        """Return by order id the queue ahead and the arrival of what rests."""
        books = (listing.book for listing in self.listings.values())
        return {one.order.order_id: (one.queue_ahead, one.arrival) for book in books for one in book.resting}

    def _add(self, order: Order) -> None:
        """Keep an order, new or restored, and what it waits for."""
        assert order.order_id not in self.orders, f"order id {order.order_id} is used twice"
        self.orders[order.order_id] = order
        self._by_client_id[order.request.client_order_id] = order
        if order.status in _ENDED:
            return
        listing = self.listings[order.request.product_id]
        listing.open_orders += 1
        self._deadlines.add(order)
        if order.trigger_status is TriggerStatus.PENDING and not order.is_held:
            listing.stops.add(order)

    def _enter(self, order: Order, plan: Plan, now: datetime) -> None:
        """Take what was planned, and decide about the rest: done, resting, or cancelled."""
        listing = self.listings[order.request.product_id]
        for take in plan.takes:
            listing.book.consume(order.request.side, take)
            self._fill(order, take, now, is_maker=False)
        if order.status is OrderStatus.FILLED:
            return
        request = order.request
        if request.quote_size is not None and plan.is_complete:
            self._end(order, OrderStatus.FILLED, "", now)
        elif request.time_in_force is TimeInForce.FOK:
            self._end(order, OrderStatus.CANCELLED, "Fill or kill: the whole size was not available", now)
        elif listing.is_stopped(order, plan):
            reason = "Price protection: the rest would trade too far from the market"
            self._end(order, OrderStatus.CANCELLED, reason, now)
        elif request.time_in_force is TimeInForce.IOC:
            self._end(order, OrderStatus.CANCELLED, "Immediate or cancel: no more liquidity", now)
        else:
            listing.book.join(order)
            if order.status is OrderStatus.PENDING:
                order.status = OrderStatus.OPEN
                self._changed(order, now)

    def _fill(self, order: Order, take: Level, now: datetime, *, is_maker: bool) -> None:
        """Execute a part of `order`: move the money, publish the trade and the order."""
        request = order.request
        fill = self._clearing.execute(order, take, now, is_maker=is_maker)
        side = request.side if is_maker else _OPPOSITE[request.side]
        self._feed.print_trade(TradePrinted(fill.trade_id, request.product_id, take.price, take.size, side, now))
        if order.filled_size == request.base_size:
            self._end(order, OrderStatus.FILLED, "", now)
            return
        order.status = OrderStatus.OPEN
        if order.hold_unit:
            self._clearing.hold(order, order.hold_unit * order.left)
        self._changed(order, now)

    def _end(self, order: Order, status: OrderStatus, message: str, now: datetime) -> None:
        """End an order: out of the book, its hold released, and its attached bracket due."""
        assert order.status not in _ENDED, f"order {order.order_id} ends twice"
        listing = self.listings[order.request.product_id]
        listing.open_orders -= 1
        listing.book.leave(order)
        if order.trigger_status is TriggerStatus.PENDING:
            listing.stops.discard(order)
        order.status = status
        order.cancel_message = message
        order.is_held = order.is_cancel_queued = False
        if order.request.attached is not None and order.fills_count:
            order.attached_order_id = self._ids.next_order_id()
            self._entries_done.append(order)
        self._clearing.hold(order, ZERO)
        self._changed(order, now)

    def _fail(self, order: Order, rejected: OrderRejected, now: datetime) -> None:
        order.reject_reason, order.reject_message = rejected.reason, rejected.message
        self._end(order, OrderStatus.FAILED, "", now)

    def _attach_brackets(self, now: datetime) -> None:
        """Place the brackets of entries that have ended: over all that an entry filled, once, at its end.

        A bracket without funds, because what the entry bought was sold meanwhile, is FAILED.
        """
        while self._entries_done:
            entry = self._entries_done.pop(0)
            listing = self.listings[entry.request.product_id]
            order = bracket_of(entry, now)
            tier = self._meter.tier(now)
            order.maker_rate, order.taker_rate = tier.maker_rate, tier.taker_rate
            set_trigger(order, listing.spec)
            order.hold_unit = ONE
            try:
                self._clearing.require(order.request.product_id, Side.SELL, order.left)
            except OrderRejected as rejected:
                self._add(order)
                self._changed(order, now)
                self._fail(order, rejected, now)
                continue
            self._accept(order, listing.limit_plan(order.request, order.left, order.working_price), order.left, now)
            last_trade = listing.last_trade
            is_due = order.status is OrderStatus.OPEN and listing.gates.is_matching
            if is_due and last_trade is not None and is_reached(order.request, last_trade):
                self._trigger(listing, order, now)

    def _changed(self, order: Order, now: datetime) -> None:
        if self._feed.is_heard:
            self._feed.emit(OrderChanged(order.copied(), now))


_OPPOSITE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
