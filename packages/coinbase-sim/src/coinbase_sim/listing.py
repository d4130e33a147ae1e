"""A product as the exchange runs it: its rules and gates of the moment, its book, its stops."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ONE, ZERO
from coinbase_sim.book import Book, Plan, is_beyond
from coinbase_sim.checks import Situation, check_notional
from coinbase_sim.model import (
    BookChanged,
    LevelChanged,
    Order,
    OrderRejected,
    OrderRequest,
    OrderType,
    ProductGates,
    ProductSpec,
    Side,
    TimeInForce,
)
from coinbase_sim.stops import Stops

NOTHING = Plan((), is_complete=False)


@dataclass(slots=True)
class Listing:
    """One product on this exchange."""

    book: Book
    gates: ProductGates = field(default_factory=ProductGates)
    stops: Stops = field(default_factory=Stops)
    last_trade: Decimal | None = None
    """Price of the market's last print; the account's own trades leave no mark in it, as in the candles."""
    open_orders: int = 0
    shown: dict[Side, dict[Decimal, Decimal]] = field(default_factory=lambda: {Side.BUY: {}, Side.SELL: {}})
    """The depth that was told last."""

    @property
    def spec(self) -> ProductSpec:
        return self.book.spec

    def situation(self, now: datetime) -> Situation:
        return Situation(self.book.spec, self.gates, now, self.last_trade)

    def plan(self, request: OrderRequest, taker_rate: Decimal) -> Plan:
        """Return what a new order would take now, or refuse it if the state of the book does."""
        if request.order_type is OrderType.MARKET:
            return self._market_plan(request, taker_rate)
        if request.order_type is OrderType.STOP_LIMIT:
            return NOTHING
        assert request.base_size is not None, "a limit order is sized in base units"
        assert request.limit_price is not None, "a limit order has a limit"
        return self.limit_plan(request, request.base_size, request.limit_price)

    def limit_plan(self, request: OrderRequest, size: Decimal, limit: Decimal) -> Plan:
        """Return what `size` of an order would take at `limit` or better; in an auction nothing is taken."""
        book = self.book
        if not self.gates.is_matching:
            return NOTHING
        if request.post_only:
            facing = book.facing(request.side)
            if facing and not is_beyond(request.side, facing[0].price, limit):
                raise OrderRejected("INVALID_LIMIT_PRICE_POST_ONLY", f"limit_price {limit:f} would take liquidity")
            return NOTHING
        bound = book.protected_price(request.side)
        worst = bound if bound is not None and is_beyond(request.side, limit, bound) else limit
        plan = book.plan_base(request.side, size, worst)
        if request.time_in_force is TimeInForce.FOK and not plan.is_complete:
            return NOTHING
        return plan

    def _market_plan(self, request: OrderRequest, taker_rate: Decimal) -> Plan:
        book, spec = self.book, self.book.spec
        facing = book.facing(request.side)
        if not facing:
            raise OrderRejected("INVALID_NO_LIQUIDITY", f"nobody offers {spec.product_id} on that side")
        bound = book.protected_price(request.side)
        assert bound is not None, "a ladder came with a tick, and a tick sets the middle"
        if request.base_size is not None:
            check_notional(spec, facing[0].price * request.base_size)
            return book.plan_base(request.side, request.base_size, bound)
        assert request.quote_size is not None, "a market order has one size"
        plan = book.plan_quote(request.quote_size, bound, ONE + taker_rate)
        if plan.is_complete and not plan.takes:
            raise OrderRejected(
                "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", f"quote_size {request.quote_size:f} buys no increment"
            )
        return plan

    def is_stopped(self, order: Order, plan: Plan) -> bool:
        """Tell whether price protection, and nothing else, kept an unfinished taker from going on (§14).

        A limit order stopped so is cancelled rather than rested: at rest it would trade at the price it was kept from.
        """
        request = order.request
        bound = self.book.protected_price(request.side)
        facing = self.book.facing(request.side)
        if bound is None or request.post_only or not self.gates.is_matching:
            return False
        if request.limit_price is None:
            return bool(facing)
        limit = order.working_price
        would_take = bool(facing) and not is_beyond(request.side, facing[0].price, limit)
        return is_beyond(request.side, limit, bound) and (bool(plan.takes) or would_take)

    def book_changes(self, now: datetime) -> BookChanged | None:
        """Return the levels that differ from what was told last and count them as told; None when there are none.

        Own orders and the ladder of others count together.
        """
        self.book.is_stale = False
        changes = []
        for side, told in self.shown.items():
            depth = self.book.depth(side)
            for price in sorted(told.keys() | depth.keys(), reverse=side is Side.BUY):
                size = depth.get(price, ZERO)
                if size != told.get(price, ZERO):
                    changes.append(LevelChanged(side, price, size))
            self.shown[side] = depth
        return BookChanged(self.spec.product_id, tuple(changes), now) if changes else None


def hold_unit(order: Order) -> Decimal:
    """Return what a unit of the rest holds: base for a sell, the dearest limit with the taker fee for a buy."""
    if order.request.side is Side.SELL:
        return ONE
    dearest = order.exit_price if order.exit_price is not None else order.working_price
    return dearest * (ONE + order.taker_rate)
