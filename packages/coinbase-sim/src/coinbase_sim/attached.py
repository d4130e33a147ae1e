"""The bracket that a buy brings along: made when the buy has ended, over what it has filled (coinbase.md §7)."""

from datetime import datetime

from coinbase_sim.model import Order, OrderRequest, OrderStatus, OrderType, Side, TimeInForce


def bracket_of(entry: Order, now: datetime) -> Order:
    """Return the pending bracket of an entry that has ended with a filled part; its own id is its client order id."""
    attached = entry.request.attached
    assert attached is not None, "only an entry with an attached bracket has one"
    order_id = entry.attached_order_id
    request = OrderRequest(
        client_order_id=order_id,
        product_id=entry.request.product_id,
        side=Side.SELL,
        order_type=OrderType.BRACKET,
        time_in_force=TimeInForce.GTC if attached.end_time is None else TimeInForce.GTD,
        base_size=entry.filled_size,
        limit_price=attached.limit_price,
        end_time=attached.end_time,
        stop_trigger_price=attached.stop_trigger_price,
    )
    return Order(order_id, request, now, OrderStatus.PENDING, originating_order_id=entry.order_id)
