"""From the body of `POST /orders` to an order request.

Two kinds of fault are told apart as the venue does: a body that is not a request at all is HTTP 400
(`ArgumentInvalid`); a request that the venue understands and will not trade is HTTP 200 with `success: false`
(`OrderRejected`).
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from coinbase_sim.model import OrderRejected, OrderRequest, OrderType, Side, TimeInForce
from coinbase_sim.wire.query import ArgumentInvalid

_PLAIN_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?|\.\d{1,20}", re.ASCII)

Fields = dict[str, Any]


def order_request(body: object) -> OrderRequest:
    """Read a create-order body (coinbase.md §7).

    Raises `ArgumentInvalid` for a malformed body and `OrderRejected` for a configuration that is not traded here.
    """
    if not isinstance(body, dict):
        raise ArgumentInvalid("the body must be a JSON object")
    client_order_id = _text(body, "client_order_id")
    if not client_order_id:
        raise ArgumentInvalid("client_order_id is required")
    product_id = _text(body, "product_id")
    if not product_id:
        raise ArgumentInvalid("product_id is required")
    side_text = _text(body, "side")
    if side_text not in Side.__members__:
        raise ArgumentInvalid(f"side must be BUY or SELL, not {side_text!r}")
    name, fields = _configuration(body)
    read = _READERS.get(name)
    if read is None:
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", f"order configuration {name} is not supported")
    return read(client_order_id, product_id, Side(side_text), fields)


def _configuration(body: Fields) -> tuple[str, Fields]:
    configuration = body.get("order_configuration")
    if not isinstance(configuration, dict) or len(configuration) != 1:
        raise ArgumentInvalid("order_configuration must be an object with exactly one key")
    ((name, fields),) = configuration.items()
    if not isinstance(fields, dict):
        raise ArgumentInvalid(f"order_configuration.{name} must be an object")
    return name, fields


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name, "")
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


def _market(client_order_id: str, product_id: str, side: Side, fields: Fields) -> OrderRequest:
    base_size, quote_size = _amount(fields, "base_size"), _amount(fields, "quote_size")
    if (base_size is None) == (quote_size is None):
        raise ArgumentInvalid("a market order needs exactly one of base_size and quote_size")
    return OrderRequest(
        client_order_id,
        product_id,
        side,
        OrderType.MARKET,
        TimeInForce.IOC,
        base_size=base_size,
        quote_size=quote_size,
    )


def _limit(time_in_force: TimeInForce) -> Callable[[str, str, Side, Fields], OrderRequest]:
    def read(client_order_id: str, product_id: str, side: Side, fields: Fields) -> OrderRequest:
        if _text(fields, "quote_size"):
            raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", "a limit order is sized in base_size here")
        post_only = _post_only(fields)
        if post_only and time_in_force is TimeInForce.FOK:
            raise OrderRejected("POST_ONLY_NOT_ALLOWED_WITH_FOK", "post only is not allowed with fill or kill")
        return OrderRequest(
            client_order_id,
            product_id,
            side,
            OrderType.LIMIT,
            time_in_force,
            base_size=_required(fields, "base_size"),
            limit_price=_required(fields, "limit_price"),
            post_only=post_only and time_in_force is TimeInForce.GTC,
        )

    return read


_READERS: dict[str, Callable[[str, str, Side, Fields], OrderRequest]] = {
    "market_market_ioc": _market,
    "sor_limit_ioc": _limit(TimeInForce.IOC),
    "limit_limit_gtc": _limit(TimeInForce.GTC),
    "limit_limit_fok": _limit(TimeInForce.FOK),
}
