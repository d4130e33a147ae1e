"""The door of the venue: why an order is refused before it touches the book (codes: coinbase.md §8)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ZERO, is_multiple
from coinbase_sim.model import (
    AttachedBracket,
    OrderRejected,
    OrderRequest,
    OrderType,
    ProductGates,
    ProductSpec,
    Side,
    StopDirection,
    TimeInForce,
)
from coinbase_sim.stops import is_reached, trigger_of

_RESTING = (TimeInForce.GTC, TimeInForce.GTD)
_NOT_NOW = "PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"


@dataclass(frozen=True, slots=True)
class Situation:
    """What an order meets at the door: venue time and the product's state."""

    spec: ProductSpec
    gates: ProductGates
    now: datetime
    last_trade: Decimal | None


def check_request(request: OrderRequest, situation: Situation) -> None:
    """Refuse a request that is not well formed, on the grid, within the product's limits, or open to trade now.

    What depends on the book or the wallet (crossing, liquidity, the notional of a market order, funds) is not checked.

    Raises:
        OrderRejected: at the first offence.
    """
    spec = situation.spec
    _check_gates(request, situation.gates)
    _check_configuration(request)
    if request.base_size is not None:
        check_base_size(spec, request.base_size)
    if request.quote_size is not None:
        _check_quote_size(spec, request.quote_size)
    if request.limit_price is not None:
        check_price(spec, "limit_price", request.limit_price)
        assert request.base_size is not None, "a limit order is sized in base units"
        check_notional(spec, request.limit_price * request.base_size)
    if request.time_in_force is TimeInForce.GTD:
        _check_end_time(request.end_time, situation.now)
    if request.order_type is OrderType.STOP_LIMIT:
        check_stop(request, situation)
    elif request.order_type is OrderType.BRACKET:
        _check_bracket(request, situation)
    if request.attached is not None:
        _check_attached(request, request.attached, situation)


def _check_gates(request: OrderRequest, gates: ProductGates) -> None:
    if gates.status != "online" or gates.view_only:
        raise OrderRejected("UNTRADABLE_PRODUCT", f"{request.product_id} is {gates.status} and cannot be traded")
    if gates.is_disabled or gates.trading_disabled or gates.cancel_only:
        raise OrderRejected("ORDER_ENTRY_DISABLED", f"{request.product_id} takes no new orders at the moment")
    if gates.limit_only and request.order_type is OrderType.MARKET:
        raise OrderRejected(_NOT_NOW, f"{request.product_id} takes limit orders only at the moment")
    if gates.post_only and not request.post_only:
        raise OrderRejected(_NOT_NOW, f"{request.product_id} takes post-only orders only at the moment")
    if gates.auction_mode and (request.order_type is not OrderType.LIMIT or request.time_in_force not in _RESTING):
        raise OrderRejected(_NOT_NOW, f"{request.product_id} is in an auction, which takes resting limit orders only")


def check_notional(spec: ProductSpec, value: Decimal) -> None:
    """Refuse an order worth less than the product's minimum or more than its maximum in quote currency."""
    if value < spec.quote_min_size:
        raise OrderRejected(
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
            f"the order is worth {value:f} {spec.quote_currency}; the minimum is {spec.quote_min_size:f}",
        )
    if value > spec.quote_max_size:
        raise OrderRejected(
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE",
            f"the order is worth {value:f} {spec.quote_currency}; the maximum is {spec.quote_max_size:f}",
        )


def _check_configuration(request: OrderRequest) -> None:
    if not request.client_order_id:
        raise OrderRejected("UNKNOWN_FAILURE_REASON", "client_order_id is empty; send one that identifies the order")
    if request.post_only and request.time_in_force is TimeInForce.FOK:
        raise OrderRejected("POST_ONLY_NOT_ALLOWED_WITH_FOK", "a fill-or-kill order takes; it cannot be post-only")
    fault = _market_fault(request) if request.order_type is OrderType.MARKET else _limit_fault(request)
    fault = fault or _trigger_fault(request)
    if fault is not None:
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", fault)


def _market_fault(request: OrderRequest) -> str | None:
    if request.time_in_force is not TimeInForce.IOC:
        return "a market order is immediate-or-cancel on spot"
    if request.limit_price is not None or request.post_only:
        return "a market order has neither a limit price nor post-only"
    if (request.base_size is None) == (request.quote_size is None):
        return "a market order gives exactly one of base_size and quote_size"
    if request.side is Side.SELL and request.base_size is None:
        return "a market sell is sized in base units"
    return None


def _limit_fault(request: OrderRequest) -> str | None:
    if request.limit_price is None:
        return "a limit order needs a limit price"
    if request.base_size is None or request.quote_size is not None:
        return "a limit order is sized in base units"
    if request.post_only and request.time_in_force is TimeInForce.IOC:
        return "an immediate-or-cancel order takes; it cannot be post-only"
    if request.end_time is not None and request.time_in_force is not TimeInForce.GTD:
        return "an end time goes with a good-till-date order only"
    return None


def _trigger_fault(request: OrderRequest) -> str | None:
    is_stop, is_bracket = request.order_type is OrderType.STOP_LIMIT, request.order_type is OrderType.BRACKET
    if is_stop != (request.stop_price is not None) or is_stop != (request.stop_direction is not None):
        return "stop_price and stop_direction go together, with a stop-limit order and no other"
    if is_bracket != (request.stop_trigger_price is not None):
        return "stop_trigger_price goes with a bracket order and no other"
    if (is_stop or is_bracket) and (request.post_only or request.time_in_force not in _RESTING):
        return "an order with a trigger is good till cancelled or till a date, and not post-only"
    if request.attached is not None and (is_stop or is_bracket or request.side is Side.SELL):
        return "a bracket is attached to a market or limit buy only"
    return None


def check_base_size(spec: ProductSpec, size: Decimal) -> None:
    """Refuse a size off the grid or outside the product's limits."""
    if not size.is_finite() or size < spec.base_min_size:
        raise OrderRejected(
            "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", f"base_size {size} is below the minimum {spec.base_min_size:f}"
        )
    if size > spec.base_max_size:
        raise OrderRejected(
            "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", f"base_size {size:f} is above the maximum {spec.base_max_size:f}"
        )
    if not is_multiple(size, spec.base_increment):
        raise OrderRejected(
            "INVALID_SIZE_PRECISION", f"base_size {size:f} is no multiple of the increment {spec.base_increment:f}"
        )


def _check_quote_size(spec: ProductSpec, size: Decimal) -> None:
    if not size.is_finite():
        raise OrderRejected("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", f"quote_size {size} is no finite amount")
    check_notional(spec, size)
    # The quote increment of the pairs simulated here equals their price increment.
    if not is_multiple(size, spec.price_increment):
        raise OrderRejected(
            "PREVIEW_INVALID_QUOTE_SIZE_PRECISION",
            f"quote_size {size:f} is no multiple of the increment {spec.price_increment:f}",
        )


def check_price(spec: ProductSpec, name: str, price: Decimal) -> None:
    """Refuse a price off the grid; `name` is the field it came in."""
    if not price.is_finite() or price <= ZERO or not is_multiple(price, spec.price_increment):
        raise OrderRejected(
            "INVALID_PRICE_PRECISION", f"{name} {price} is no positive multiple of {spec.price_increment:f}"
        )
    if price > spec.quote_max_size:
        # No size of one increment or more at such a price is meant; the bound also keeps all products exact.
        raise OrderRejected(
            "PREVIEW_LIMIT_PRICE_TOO_FAR_FROM_MARKET", f"{name} {price:f} is above {spec.quote_max_size:f}"
        )


def _check_end_time(end_time: datetime | None, now: datetime) -> None:
    if end_time is None:
        raise OrderRejected("PREVIEW_GTD_ORDERS_MUST_HAVE_END_TIME", "a good-till-date order needs an end_time")
    if end_time <= now:
        raise OrderRejected(
            "PREVIEW_END_TIME_IS_IN_THE_PAST", f"end_time {end_time.isoformat()} is not after {now.isoformat()}"
        )


def check_stop(request: OrderRequest, situation: Situation) -> None:
    """Refuse a stop-limit order whose prices are off the grid or on the wrong side of each other or the market."""
    stop, limit = request.stop_price, request.limit_price
    assert stop is not None, "a stop-limit order has a stop price"
    assert limit is not None, "a stop-limit order has a limit price"
    check_price(situation.spec, "stop_price", stop)
    if request.side is Side.BUY and request.stop_direction is StopDirection.UP and stop > limit:
        raise OrderRejected("PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE", f"stop_price {stop:f} is above the limit {limit:f}")
    if request.side is Side.SELL and request.stop_direction is StopDirection.DOWN and stop < limit:
        raise OrderRejected("PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE", f"stop_price {stop:f} is below the limit {limit:f}")
    _check_side_of_market(request, situation.last_trade)


def _check_side_of_market(request: OrderRequest, last_trade: Decimal | None) -> None:
    if last_trade is None or not is_reached(request, last_trade):
        return
    direction, price = trigger_of(request)
    word = "BELOW" if direction is StopDirection.UP else "ABOVE"
    raise OrderRejected(
        f"PREVIEW_STOP_PRICE_{word}_LAST_TRADE_PRICE",
        f"the trigger at {price:f} is reached already: the last trade was at {last_trade:f}",
    )


def _check_bracket(request: OrderRequest, situation: Situation) -> None:
    stop, profit, last = request.stop_trigger_price, request.limit_price, situation.last_trade
    assert stop is not None, "a bracket has a stop"
    assert profit is not None, "a bracket has a take profit"
    check_price(situation.spec, "stop_trigger_price", stop)
    is_sell = request.side is Side.SELL
    if (stop >= profit) if is_sell else (stop <= profit):
        raise OrderRejected(
            "PREVIEW_INVALID_BRACKET_PRICES", f"the stop {stop:f} must lie on the losing side of {profit:f}"
        )
    _check_side_of_market(request, last)
    if last is not None and ((profit <= last) if is_sell else (profit >= last)):
        raise OrderRejected(
            "PREVIEW_INVALID_BRACKET_LIMIT_PRICE",
            f"limit_price {profit:f} takes no profit: the last trade was at {last:f}",
        )


def _check_attached(request: OrderRequest, attached: AttachedBracket, situation: Situation) -> None:
    if attached.base_size is not None:
        raise OrderRejected("PREVIEW_ATTACHED_ORDER_SIZE_MUST_BE_NIL", "an attached bracket has its entry's size")
    check_price(situation.spec, "attached limit_price", attached.limit_price)
    check_price(situation.spec, "attached stop_trigger_price", attached.stop_trigger_price)
    if attached.end_time is not None:
        _check_end_time(attached.end_time, situation.now)
    entry = request.limit_price if request.limit_price is not None else situation.last_trade
    if attached.stop_trigger_price >= attached.limit_price:
        raise OrderRejected("PREVIEW_INVALID_BRACKET_PRICES", "the attached stop must lie below the take profit")
    if entry is not None and attached.limit_price <= entry:
        raise OrderRejected(
            "PREVIEW_INVALID_ATTACHED_TAKE_PROFIT_PRICE", f"the take profit must lie above the entry at {entry:f}"
        )
    if entry is not None and attached.stop_trigger_price >= entry:
        raise OrderRejected(
            "PREVIEW_INVALID_ATTACHED_STOP_LOSS_PRICE", f"the stop must lie below the entry at {entry:f}"
        )
