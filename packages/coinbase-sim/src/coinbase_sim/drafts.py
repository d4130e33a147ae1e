"""What an order or an edit would be if it were accepted now: nothing here changes the exchange."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from coinbase_sim.amounts import ONE
from coinbase_sim.book import Plan
from coinbase_sim.checks import check_request
from coinbase_sim.clearing import Clearing
from coinbase_sim.edits import edited_request, keeps_place
from coinbase_sim.fees import FeeMeter
from coinbase_sim.listing import NOTHING, Listing, hold_unit
from coinbase_sim.model import EditRequest, Order, OrderRejected, OrderRequest, OrderStatus, Side, TimeInForce
from coinbase_sim.previews import Outlook, Preview
from coinbase_sim.stops import set_trigger

_RESTING = (TimeInForce.GTC, TimeInForce.GTD)


class DuplicateIds(StrEnum):
    """What a known client order id means: the existing order again, or a refusal (coinbase.md §10)."""

    EXISTING = "existing"
    REJECT = "reject"


@dataclass(slots=True)
class HouseRules:
    """What the venue decides for all products."""

    duplicate_ids: DuplicateIds = DuplicateIds.EXISTING
    open_orders_max: int = 500
    """Open orders per product."""


@dataclass(frozen=True, slots=True)
class EditDraft:
    """An order's terms after an edit: what it would take at once, and its hold per unit and in all."""

    request: OrderRequest
    plan: Plan
    unit: Decimal
    needed: Decimal


@dataclass(slots=True)
class Drafts:
    """The door of the exchange: checks, plans and previews of what is asked for."""

    listings: Mapping[str, Listing]
    clearing: Clearing
    meter: FeeMeter
    rules: HouseRules
    orders: dict[str, Order] = field(default_factory=dict)

    def known(self, order_id: str, reason: str) -> Order:
        """Return the order, or refuse with `reason` what asks for one that is not there."""
        order = self.orders.get(order_id)
        if order is None:
            raise OrderRejected(reason, f"there is no order {order_id}")
        return order

    def preview(self, request: OrderRequest, outlook: Outlook, now: datetime) -> Preview:
        """Return what placing the order would do now, or in `errors` why it would be refused."""
        try:
            draft, plan, _ = self.order(request, now)
        except OrderRejected as rejected:
            return outlook.refused(rejected)
        return outlook.accepted(request, plan, draft)

    def order(self, request: OrderRequest, now: datetime) -> tuple[Order, Plan, Decimal]:
        """Return the order without an id, what it would take, and what it must hold."""
        listing = self.listings.get(request.product_id)
        if listing is None:
            raise OrderRejected("INVALID_PRODUCT_ID", f"there is no product {request.product_id}")
        check_request(request, listing.situation(now))
        if request.time_in_force in _RESTING and listing.open_orders >= self.rules.open_orders_max:
            raise OrderRejected(
                "COMMANDER_REJECTED_NEW_ORDER",
                f"there are {listing.open_orders} open orders of {request.product_id}; cancel some first",
            )
        tier = self.meter.tier(now)
        plan = listing.plan(request, tier.taker_rate)
        draft = Order("", request, now, OrderStatus.PENDING, maker_rate=tier.maker_rate, taker_rate=tier.taker_rate)
        set_trigger(draft, listing.spec)
        return draft, plan, self.needed(draft, plan)

    def needed(self, order: Order, plan: Plan) -> Decimal:
        """Set what a new order holds per unit and return what it holds in all, or refuse it if that is not there."""
        request = order.request
        if request.quote_size is not None:
            needed = request.quote_size
        elif request.limit_price is None and request.side is Side.BUY:
            needed = plan.value * (ONE + order.taker_rate)
        else:
            order.hold_unit = hold_unit(order)
            needed = order.hold_unit * order.left
        self.clearing.require(request.product_id, request.side, needed - order.hold)
        return needed

    def preview_edit(self, edit: EditRequest, outlook: Outlook, now: datetime) -> Preview:
        """Return what the order would do after the edit, or in `errors` why it would be refused.

        Raises:
            OrderRejected: there is no such order, so there is no product to look at.
        """
        order = self.known(edit.order_id, "ORDER_NOT_FOUND")
        try:
            draft = self.edit(order, edit, now)
        except OrderRejected as rejected:
            return replace(outlook.refused(rejected), errors=(rejected.reason,))
        return outlook.accepted(draft.request, draft.plan, order)

    def edit(self, order: Order, edit: EditRequest, now: datetime) -> EditDraft:
        """Return the order's terms after the edit."""
        listing = self.listings[order.request.product_id]
        edited = edited_request(order, edit, listing.situation(now))
        plan = NOTHING
        if not keeps_place(order, edited):
            plan = listing.limit_plan(edited, edit.size - order.filled_size, edit.price)
        twin = order.copied()
        twin.request = edited
        unit = hold_unit(twin)
        needed = unit * twin.left
        self.clearing.require(edited.product_id, edited.side, needed - order.hold)
        return EditDraft(edited, plan, unit, needed)
