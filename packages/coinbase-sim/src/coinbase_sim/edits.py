"""Editing an open order: which edits the venue takes, and whether the order keeps its place (coinbase.md §9).

Only good-till-cancelled limit and stop-limit orders can be edited. A smaller size keeps the queue place; a new price or
a larger size joins the queue anew, and may take liquidity.
"""

from dataclasses import replace

from coinbase_sim.amounts import ZERO
from coinbase_sim.checks import Situation, check_base_size, check_notional, check_price, check_stop
from coinbase_sim.model import (
    EditRequest,
    Order,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    TimeInForce,
    TriggerStatus,
)


def edited_request(order: Order, edit: EditRequest, situation: Situation) -> OrderRequest:
    """Return the order's terms after the edit.

    Raises:
        OrderRejected: with Coinbase's edit failure reason, or its preview reason for prices on the wrong side.
    """
    request = order.request
    if order.status is not OrderStatus.OPEN or order.is_cancel_queued:
        raise OrderRejected("ONLY_OPEN_ORDERS_CAN_BE_EDITED", f"order {order.order_id} is {order.told_status.lower()}")
    editable = request.order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    if not editable or request.time_in_force is not TimeInForce.GTC:
        raise OrderRejected(
            "ONLY_LIMIT_ORDER_EDITS_SUPPORTED", "only good-till-cancelled limit and stop-limit orders can be edited"
        )
    if not situation.gates.is_matching:
        raise OrderRejected("COMMANDER_REJECTED_EDIT_ORDER", f"{request.product_id} is not trading at the moment")
    _check_size(order, edit, situation)
    try:
        check_price(situation.spec, "price", edit.price)
    except OrderRejected as refused:
        raise OrderRejected("INVALID_EDITED_PRICE", refused.message) from None
    edited = replace(request, base_size=edit.size, limit_price=edit.price)
    if edit.stop_price is not None:
        edited = _with_stop(order, edited, edit)
    if edited == request:
        raise OrderRejected("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST", "price and size are what they were")
    check_notional(situation.spec, edit.price * edit.size)
    if order.is_waiting:
        check_stop(edited, situation)
    return edited


def keeps_place(order: Order, edited: OrderRequest) -> bool:
    """Tell whether the order stays where it is: it waits for its trigger, or it only shrinks."""
    old, new = order.request.base_size, edited.base_size
    assert old is not None, "an editable order is sized in base units"
    assert new is not None, "an editable order is sized in base units"
    return order.is_waiting or (edited.limit_price == order.request.limit_price and new <= old)


def _check_size(order: Order, edit: EditRequest, situation: Situation) -> None:
    # A size equal to what is filled would leave an open order without a rest, so it counts as below.
    if order.filled_size > ZERO and edit.size <= order.filled_size:
        raise OrderRejected(
            "CANNOT_EDIT_TO_BELOW_FILLED_SIZE", f"{order.filled_size:f} are filled; the size was {edit.size}"
        )
    try:
        check_base_size(situation.spec, edit.size)
    except OrderRejected as refused:
        raise OrderRejected("INVALID_EDITED_SIZE", refused.message) from None


def _with_stop(order: Order, edited: OrderRequest, edit: EditRequest) -> OrderRequest:
    if edited.order_type is not OrderType.STOP_LIMIT:
        raise OrderRejected("FIELD_STOPPRICE_NOT_SUPPORTED", "only a stop-limit order has a stop price")
    if order.trigger_status is TriggerStatus.TRIGGERED:
        raise OrderRejected("CANNOT_EDIT_STOP_PRICE_FOR_TRIGGERED_ORDER", "the stop has triggered already")
    return replace(edited, stop_price=edit.stop_price)
