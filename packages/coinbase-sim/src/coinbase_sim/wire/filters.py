"""The filters and the order of `/orders/historical/batch` and `/orders/historical/fills` (coinbase.md §4)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from coinbase_sim.model import Fill, Order, OrderStatus, ProductSpec
from coinbase_sim.wire import query
from coinbase_sim.wire.query import ArgumentInvalid, Parameters
from coinbase_sim.wire.texts import PORTFOLIO_ID

STATUS_WORDS = {*OrderStatus, "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED", "UNKNOWN_ORDER_STATUS"}
"""What may be filtered by; QUEUED and EDIT_QUEUED pass too quickly here for an order to be seen in them."""

_NEVER = datetime.min.replace(tzinfo=UTC)

FILL_FILTERS = (
    "product_ids",
    "product_id",
    "trade_ids",
    "trade_id",
    "start_sequence_timestamp",
    "end_sequence_timestamp",
    "retail_portfolio_id",
)

_EVERY_ORDER_IS: Mapping[str, frozenset[str]] = {
    "product_type": frozenset({"SPOT", "UNKNOWN_PRODUCT_TYPE"}),
    "order_placement_source": frozenset({"RETAIL_ADVANCED", "UNKNOWN_PLACEMENT_SOURCE"}),
    "contract_expiry_type": frozenset({"UNKNOWN_CONTRACT_EXPIRY_TYPE"}),
    "retail_portfolio_id": frozenset({PORTFOLIO_ID}),
}
"""Filters by what all orders here have in common: another value matches none."""


def order_filter(parameters: Parameters, products: Mapping[str, ProductSpec]) -> Callable[[Order], bool]:
    """Which orders are asked for; raises `ArgumentInvalid` for what the venue refuses."""
    statuses = query.names(parameters, "order_status")
    if unknown := statuses - STATUS_WORDS:
        raise ArgumentInvalid(f"unknown order_status {sorted(unknown)}")
    if OrderStatus.OPEN in statuses and len(statuses) > 1:
        raise ArgumentInvalid("OPEN cannot be combined with other order statuses")
    order_ids, product_ids = query.names(parameters, "order_ids"), query.names(parameters, "product_ids")
    types, in_forces = query.names(parameters, "order_types"), query.names(parameters, "time_in_forces")
    assets, side = query.names(parameters, "asset_filters"), parameters.get("order_side")
    begin, end = query.timestamp(parameters, "start_date"), query.timestamp(parameters, "end_date")
    possible = _is_of_here(parameters)

    def wanted(order: Order) -> bool:
        request = order.request
        return (
            possible
            and (not statuses or order.told_status in statuses)
            and (not order_ids or order.order_id in order_ids)
            and (not product_ids or request.product_id in product_ids)
            and (not assets or products[request.product_id].base_currency in assets)
            and (not types or request.order_type in types)
            and (not in_forces or request.time_in_force in in_forces)
            and (not side or request.side == side)
            and (begin is None or order.created_at >= begin)
            and (end is None or order.created_at < end)
        )

    return wanted


def fill_filter(parameters: Parameters) -> Callable[[Fill], bool]:
    """Which fills are asked for; raises `ArgumentInvalid` for what the venue refuses."""
    order_ids = query.names(parameters, "order_ids")
    if order_ids and any(parameters.get(name) for name in FILL_FILTERS):
        raise ArgumentInvalid("cannot pass order_ids with other filters")
    trade_ids, product_ids = query.names(parameters, "trade_ids"), query.names(parameters, "product_ids")
    begin = query.timestamp(parameters, "start_sequence_timestamp")
    end = query.timestamp(parameters, "end_sequence_timestamp")
    possible = _is_of_here(parameters)

    def wanted(fill: Fill) -> bool:
        return (
            possible
            and (not order_ids or fill.order_id in order_ids)
            and (not trade_ids or fill.trade_id in trade_ids)
            and (not product_ids or fill.product_id in product_ids)
            and (begin is None or fill.at >= begin)
            and (end is None or fill.at < end)
        )

    return wanted


def _is_of_here(parameters: Parameters) -> bool:
    return all((parameters.get(name) or next(iter(words))) in words for name, words in _EVERY_ORDER_IS.items())


def sorted_orders(parameters: Parameters, newest_first: list[Order]) -> list[Order]:
    """Return the orders as `sort_by` wants them, highest or latest first; what has no such value comes last."""
    match parameters.get("sort_by") or "UNKNOWN_SORT_BY":
        case "UNKNOWN_SORT_BY":
            return newest_first
        case "LIMIT_PRICE":
            return sorted(newest_first, key=lambda order: order.request.limit_price or Decimal(0), reverse=True)
        case "LAST_FILL_TIME":
            return sorted(newest_first, key=lambda order: order.last_fill_at or _NEVER, reverse=True)
        case other:
            raise ArgumentInvalid(f"sort_by must be LIMIT_PRICE or LAST_FILL_TIME, not {other[:40]!r}")


def sorted_fills(parameters: Parameters, newest_first: list[Fill]) -> list[Fill]:
    """Return the fills as `sort_by` wants them, highest or latest first."""
    match parameters.get("sort_by") or "UNKNOWN_SORT_BY":
        case "UNKNOWN_SORT_BY" | "TRADE_TIME":
            return newest_first
        case "PRICE":
            return sorted(newest_first, key=lambda fill: fill.price, reverse=True)
        case other:
            raise ArgumentInvalid(f"sort_by must be PRICE or TRADE_TIME, not {other[:40]!r}")
