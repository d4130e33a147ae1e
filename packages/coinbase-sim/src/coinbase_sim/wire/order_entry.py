"""From the bodies of `POST /orders`, `/orders/preview` and `/orders/edit` to what they ask for.

Two kinds of fault are told apart as the venue does: a body that is not a request at all is HTTP 400
(`ArgumentInvalid`); a request that the venue understands and will not trade is HTTP 200 with `success: false`
(`OrderRejected`).
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from coinbase_sim.model import (
    AttachedBracket,
    EditRequest,
    OrderRejected,
    OrderRequest,
    OrderType,
    Side,
    StopDirection,
    TimeInForce,
)
from coinbase_sim.wire.query import ArgumentInvalid, instant
from coinbase_sim.wire.texts import PORTFOLIO_ID

_PLAIN_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?|\.\d{1,20}", re.ASCII)

Fields = dict[str, Any]
Reader = Callable[[OrderRequest, Fields], OrderRequest]
"""Completes an order's identity with the fields of its configuration."""


def order_request(body: object) -> OrderRequest:
    """Read a create-order body (coinbase.md §7).

    Raises `ArgumentInvalid` for a malformed body and `OrderRejected` for a configuration that is not traded here.
    """
    fields = _object(body, "the body")
    if not _text(fields, "client_order_id"):
        raise ArgumentInvalid("client_order_id is required")
    return _order_request(fields)


def preview_request(body: object) -> OrderRequest:
    """Read a preview body, which is a create-order body without `client_order_id`; raises like `order_request`."""
    return _order_request(_object(body, "the body"))


def edit_request(body: object) -> EditRequest:
    """Read an edit body. What is missing reads as zero, as it does at the venue, so that the exchange refuses it (§9).

    Raises `ArgumentInvalid` for a malformed body.
    """
    fields = _object(body, "the body")
    order_id = _text(fields, "order_id")
    if not order_id:
        raise ArgumentInvalid("order_id is required")
    price, size = _amount(fields, "price"), _amount(fields, "size")
    return EditRequest(order_id, price or Decimal(0), size or Decimal(0), _amount(fields, "stop_price"))


def _order_request(body: Fields) -> OrderRequest:
    product_id = _text(body, "product_id")
    if not product_id:
        raise ArgumentInvalid("product_id is required")
    side_text = _text(body, "side")
    if side_text not in Side.__members__:
        raise ArgumentInvalid(f"side must be BUY or SELL, not {side_text!r}")
    for ignored in ("self_trade_prevention_id", "leverage", "margin_type", "preview_id"):
        _text(body, ignored)
    if _text(body, "retail_portfolio_id") not in {"", PORTFOLIO_ID}:
        # A key is bound to one portfolio (coinbase.md §2).
        raise OrderRejected("UNKNOWN_FAILURE_REASON", "account is not available")
    name, fields = _configuration(body, "order_configuration")
    read = _READERS.get(name)
    if read is None:
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", f"order configuration {name} is not supported")
    identity = OrderRequest(
        client_order_id=_text(body, "client_order_id"),
        product_id=product_id,
        side=Side(side_text),
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        attached=_attached(body),
    )
    return read(identity, fields)


def _object(value: object, name: str) -> Fields:
    if not isinstance(value, dict):
        raise ArgumentInvalid(f"{name} must be a JSON object")
    return value


def _attached(body: Fields) -> AttachedBracket | None:
    # Only what means "none" is none: an empty list or a zero is of the wrong type, as any other would be.
    if body.get("attached_order_configuration") in (None, {}):
        return None
    name, fields = _configuration(body, "attached_order_configuration")
    if name not in {"trigger_bracket_gtc", "trigger_bracket_gtd"}:
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", f"attached order configuration {name} is not supported")
    return AttachedBracket(
        limit_price=_required(fields, "limit_price"),
        stop_trigger_price=_required(fields, "stop_trigger_price"),
        end_time=_end_time(fields) if name.endswith("_gtd") else None,
        base_size=_amount(fields, "base_size"),
    )


def _configuration(body: Fields, key: str) -> tuple[str, Fields]:
    configuration = body.get(key)
    if not isinstance(configuration, dict) or len(configuration) != 1:
        raise ArgumentInvalid(f"{key} must be an object with exactly one key")
    ((name, fields),) = configuration.items()
    return name, _object(fields, f"{key}.{name[:40]}")


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ArgumentInvalid(f"{name} must be a string")
    return value


def _amount(fields: Fields, name: str) -> Decimal | None:
    # Plain digits only: the venue knows neither exponents nor signs, and Decimal alone would also take "NaN".
    text = _text(fields, name)
    if not text:
        return None
    if not _PLAIN_NUMBER.fullmatch(text):
        raise ArgumentInvalid(f"{name} must be a positive number as text, not {text!r}")
    return Decimal(text)


def _required(fields: Fields, name: str) -> Decimal:
    amount = _amount(fields, name)
    if amount is None:
        raise ArgumentInvalid(f"{name} is required")
    return amount


def _post_only(fields: Fields) -> bool:
    value = fields.get("post_only", False)
    if not isinstance(value, bool):
        raise ArgumentInvalid("post_only must be true or false")
    return value


def _end_time(fields: Fields) -> datetime:
    text = _text(fields, "end_time")
    if not text:
        raise OrderRejected("PREVIEW_GTD_ORDERS_MUST_HAVE_END_TIME", "a good-till-date order needs an end_time")
    return instant(text, "end_time")


def _market(order: OrderRequest, fields: Fields) -> OrderRequest:
    base_size, quote_size = _amount(fields, "base_size"), _amount(fields, "quote_size")
    if (base_size is None) == (quote_size is None):
        raise ArgumentInvalid("a market order needs exactly one of base_size and quote_size")
    return replace(order, base_size=base_size, quote_size=quote_size)


def _sized(order: OrderRequest, time_in_force: TimeInForce, fields: Fields) -> OrderRequest:
    """What every order with a limit price has."""
    if _text(fields, "quote_size"):
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", "an order with a limit is sized in base_size here")
    return replace(
        order,
        time_in_force=time_in_force,
        base_size=_required(fields, "base_size"),
        limit_price=_required(fields, "limit_price"),
        end_time=_end_time(fields) if time_in_force is TimeInForce.GTD else None,
    )


def _limit(time_in_force: TimeInForce) -> Reader:
    def read(order: OrderRequest, fields: Fields) -> OrderRequest:
        post_only = _post_only(fields)
        if post_only and time_in_force is TimeInForce.FOK:
            raise OrderRejected("POST_ONLY_NOT_ALLOWED_WITH_FOK", "post only is not allowed with fill or kill")
        rests = time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
        limit = _sized(order, time_in_force, fields)
        return replace(limit, order_type=OrderType.LIMIT, post_only=post_only and rests)

    return read


def _stop_limit(time_in_force: TimeInForce) -> Reader:
    def read(order: OrderRequest, fields: Fields) -> OrderRequest:
        direction = _text(fields, "stop_direction")
        if direction not in set(StopDirection):
            raise ArgumentInvalid(f"stop_direction must be one of {', '.join(StopDirection)}, not {direction[:40]!r}")
        return replace(
            _sized(order, time_in_force, fields),
            order_type=OrderType.STOP_LIMIT,
            stop_price=_required(fields, "stop_price"),
            stop_direction=StopDirection(direction),
        )

    return read


def _bracket(time_in_force: TimeInForce) -> Reader:
    def read(order: OrderRequest, fields: Fields) -> OrderRequest:
        return replace(
            _sized(order, time_in_force, fields),
            order_type=OrderType.BRACKET,
            stop_trigger_price=_required(fields, "stop_trigger_price"),
        )

    return read


_READERS: dict[str, Reader] = {
    "market_market_ioc": _market,
    "sor_limit_ioc": _limit(TimeInForce.IOC),
    "limit_limit_gtc": _limit(TimeInForce.GTC),
    "limit_limit_gtd": _limit(TimeInForce.GTD),
    "limit_limit_fok": _limit(TimeInForce.FOK),
    "stop_limit_stop_limit_gtc": _stop_limit(TimeInForce.GTC),
    "stop_limit_stop_limit_gtd": _stop_limit(TimeInForce.GTD),
    "trigger_bracket_gtc": _bracket(TimeInForce.GTC),
    "trigger_bracket_gtd": _bracket(TimeInForce.GTD),
}
