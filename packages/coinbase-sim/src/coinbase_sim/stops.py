"""Orders that wait: for the last trade to reach a price, or for a moment to come."""

from datetime import datetime
from decimal import Decimal
from heapq import heappop, heappush

from coinbase_sim.amounts import ONE, units_down
from coinbase_sim.model import Order, OrderRequest, OrderType, ProductSpec, Side, StopDirection, TriggerStatus

EXIT_DISTANCE = Decimal("0.05")
"""How far beyond its trigger the exit of a bracket is limited (coinbase.md §7)."""


def trigger_of(request: OrderRequest) -> tuple[StopDirection, Decimal]:
    """Return which way and to which price the last trade must go; only for orders with a trigger."""
    if request.order_type is OrderType.STOP_LIMIT:
        assert request.stop_direction is not None, "a stop-limit order has a direction"
        assert request.stop_price is not None, "a stop-limit order has a stop price"
        return request.stop_direction, request.stop_price
    assert request.stop_trigger_price is not None, "a bracket has a stop"
    return StopDirection.DOWN if request.side is Side.SELL else StopDirection.UP, request.stop_trigger_price


def exit_price(spec: ProductSpec, side: Side, stop_trigger_price: Decimal) -> Decimal:
    """Return the limit of a bracket's exit: 5 % beyond the trigger, on the grid, rounded away from the trigger.

    A price that would round to nothing becomes one increment.
    """
    if side is Side.SELL:
        units = max(1, units_down(stop_trigger_price * (ONE - EXIT_DISTANCE), spec.price_increment))
    else:
        # Rounding up is rounding down the negative; amounts here are positive, so one is added unless it fits.
        target = stop_trigger_price * (ONE + EXIT_DISTANCE)
        units = units_down(target, spec.price_increment)
        units += units * spec.price_increment < target
    return units * spec.price_increment


def is_reached(request: OrderRequest, last_trade: Decimal) -> bool:
    """Tell whether the last trade is at the trigger or beyond it."""
    direction, price = trigger_of(request)
    return last_trade >= price if direction is StopDirection.UP else last_trade <= price


def set_trigger(order: Order, spec: ProductSpec) -> None:
    """Arm the trigger of a new order that has one."""
    request = order.request
    if request.order_type in {OrderType.STOP_LIMIT, OrderType.BRACKET}:
        order.trigger_status = TriggerStatus.PENDING
    if request.stop_trigger_price is not None:
        order.exit_price = exit_price(spec, request.side, request.stop_trigger_price)


class Stops:
    """Orders of one product that wait for the last trade; they trigger in order of their placement."""

    def __init__(self) -> None:
        self._waiting: dict[str, Order] = {}

    def add(self, order: Order) -> None:
        self._waiting[order.order_id] = order

    def discard(self, order: Order) -> None:
        self._waiting.pop(order.order_id, None)

    def due(self, last_trade: Decimal) -> list[Order]:
        """Return the orders that this last trade triggers; they stay until discarded."""
        return [order for order in self._waiting.values() if is_reached(order.request, last_trade)]


class Deadlines:
    """Orders with an end time, the next one first; orders that ended earlier are left in until their time."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, Order]] = []

    def add(self, order: Order) -> None:
        if order.request.end_time is not None:
            heappush(self._heap, (order.request.end_time, order.order_id, order))

    def due(self, now: datetime) -> list[Order]:
        """Take out the open orders whose end time is `now` or earlier: by end time, then by placement."""
        orders = []
        while self._heap and self._heap[0][0] <= now:
            order = heappop(self._heap)[2]
            if not order.status.is_terminal:
                orders.append(order)
        return orders
