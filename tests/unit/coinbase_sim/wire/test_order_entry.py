"""The body of a create-order request (coinbase.md §7)."""

from decimal import Decimal
from typing import Any

import pytest

from coinbase_sim.model import OrderRejected, OrderRequest, OrderType, Side, TimeInForce
from coinbase_sim.wire.order_entry import order_request
from coinbase_sim.wire.query import ArgumentInvalid

LIMIT = {"base_size": "0.50", "limit_price": "39000.00"}


def body(configuration: object, **changes: Any) -> dict[str, Any]:
    return {
        "client_order_id": "c-1",
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": configuration,
    } | changes


def test_a_market_buy_by_quote_size() -> None:
    assert order_request(body({"market_market_ioc": {"quote_size": "100", "rfq_disabled": True}})) == OrderRequest(
        "c-1", "BTC-USD", Side.BUY, OrderType.MARKET, TimeInForce.IOC, quote_size=Decimal(100)
    )


def test_a_market_sell_by_base_size() -> None:
    assert order_request(body({"market_market_ioc": {"base_size": "0.1"}}, side="SELL")) == OrderRequest(
        "c-1", "BTC-USD", Side.SELL, OrderType.MARKET, TimeInForce.IOC, base_size=Decimal("0.1")
    )


@pytest.mark.parametrize(
    ("name", "time_in_force"),
    [
        ("sor_limit_ioc", TimeInForce.IOC),
        ("limit_limit_gtc", TimeInForce.GTC),
        ("limit_limit_fok", TimeInForce.FOK),
    ],
)
def test_a_limit_order_of_each_kind(name: str, time_in_force: TimeInForce) -> None:
    assert order_request(body({name: LIMIT})) == OrderRequest(
        "c-1",
        "BTC-USD",
        Side.BUY,
        OrderType.LIMIT,
        time_in_force,
        base_size=Decimal("0.50"),
        limit_price=Decimal("39000.00"),
    )


def test_post_only_is_carried_over() -> None:
    assert order_request(body({"limit_limit_gtc": LIMIT | {"post_only": True}})).post_only
    assert not order_request(body({"limit_limit_gtc": LIMIT | {"post_only": False}})).post_only


@pytest.mark.parametrize(
    "configuration",
    [
        {"stop_limit_stop_limit_gtc": LIMIT},
        {"market_market_fok": {"base_size": "1"}},
        {"no_such_thing": {}},
        {"limit_limit_gtc": {"quote_size": "100", "limit_price": "39000"}},
    ],
)
def test_a_configuration_that_is_not_traded_is_refused_as_the_venue_does(configuration: object) -> None:
    with pytest.raises(OrderRejected) as refused:
        order_request(body(configuration))
    assert refused.value.reason == "UNSUPPORTED_ORDER_CONFIGURATION"


def test_post_only_does_not_go_with_fill_or_kill() -> None:
    with pytest.raises(OrderRejected) as refused:
        order_request(body({"limit_limit_fok": LIMIT | {"post_only": True}}))
    assert refused.value.reason == "POST_ONLY_NOT_ALLOWED_WITH_FOK"


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        [],
        "text",
        body({"limit_limit_gtc": LIMIT}, client_order_id=""),
        body({"limit_limit_gtc": LIMIT}, client_order_id=7),
        body({"limit_limit_gtc": LIMIT}, product_id=""),
        body({"limit_limit_gtc": LIMIT}, side="buy"),
        body({"limit_limit_gtc": LIMIT}, side=None),
        body({}),
        body(None),
        body({"limit_limit_gtc": LIMIT, "sor_limit_ioc": LIMIT}),
        body({"limit_limit_gtc": []}),
        body({"limit_limit_gtc": {"base_size": "1"}}),
        body({"limit_limit_gtc": {"limit_price": "1"}}),
        body({"limit_limit_gtc": LIMIT | {"post_only": "true"}}),
        body({"market_market_ioc": {}}),
        body({"market_market_ioc": {"base_size": "1", "quote_size": "1"}}),
    ],
)
def test_a_body_that_is_no_order_is_an_invalid_argument(malformed: object) -> None:
    with pytest.raises(ArgumentInvalid):
        order_request(malformed)


@pytest.mark.parametrize("size", ["NaN", "Infinity", "-1", "+1", "1e3", "1,5", " 1", "1_000", "٣", "1.", 0.5, 1])
def test_a_size_is_plain_digits_as_text(size: object) -> None:
    with pytest.raises(ArgumentInvalid):
        order_request(body({"market_market_ioc": {"base_size": size}}))
