"""The body of a create-order request (coinbase.md §7)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

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
from coinbase_sim.wire.order_entry import edit_request, order_request, preview_request
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
        {"twap_limit_gtd": LIMIT},
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


END = datetime(2026, 4, 8, 12, tzinfo=UTC)


def test_a_good_till_date_order_ends_at_its_time_whatever_its_offset() -> None:
    dated = LIMIT | {"end_time": "2026-04-08T14:00:00+02:00", "post_only": True}
    order = order_request(body({"limit_limit_gtd": dated}))
    assert (order.order_type, order.time_in_force, order.end_time) == (OrderType.LIMIT, TimeInForce.GTD, END)
    assert order.post_only


def test_a_good_till_date_order_without_a_date_is_refused_as_the_venue_does() -> None:
    with pytest.raises(OrderRejected) as refused:
        order_request(body({"limit_limit_gtd": LIMIT}))
    assert refused.value.reason == "PREVIEW_GTD_ORDERS_MUST_HAVE_END_TIME"


@pytest.mark.parametrize("end_time", ["tomorrow", "2026-04-08T12:00:00", "0001-01-01T00:00:00+14:00", 5])
def test_an_end_time_that_is_none_is_an_invalid_argument(end_time: object) -> None:
    with pytest.raises(ArgumentInvalid):
        order_request(body({"limit_limit_gtd": LIMIT | {"end_time": end_time}}))


@pytest.mark.parametrize(
    ("term", "dated", "time_in_force"),
    [("gtc", {}, TimeInForce.GTC), ("gtd", {"end_time": "2026-04-08T12:00:00Z"}, TimeInForce.GTD)],
)
def test_stops_and_brackets_carry_their_triggers(term: str, dated: dict[str, str], time_in_force: TimeInForce) -> None:
    stop = {"stop_price": "39100", "stop_direction": "STOP_DIRECTION_STOP_UP"}
    order = order_request(body({f"stop_limit_stop_limit_{term}": LIMIT | stop | dated}))
    assert (order.order_type, order.time_in_force) == (OrderType.STOP_LIMIT, time_in_force)
    assert (order.stop_price, order.stop_direction) == (Decimal(39100), StopDirection.UP)
    assert order.end_time == (END if dated else None)
    order = order_request(body({f"trigger_bracket_{term}": LIMIT | {"stop_trigger_price": "38000"} | dated}))
    assert (order.order_type, order.time_in_force) == (OrderType.BRACKET, time_in_force)
    assert (order.limit_price, order.stop_trigger_price) == (Decimal(39000), Decimal(38000))


@pytest.mark.parametrize("direction", ["", "UP", "STOP_DIRECTION_UNKNOWN"])
def test_a_stop_says_in_which_direction_it_waits(direction: str) -> None:
    stop = LIMIT | {"stop_price": "39100", "stop_direction": direction}
    with pytest.raises(ArgumentInvalid, match="stop_direction"):
        order_request(body({"stop_limit_stop_limit_gtc": stop}))


def test_an_attached_bracket_comes_with_its_entry_and_its_forbidden_size_is_not_lost() -> None:
    prices = {"limit_price": "42000", "stop_trigger_price": "38000"}
    entry = {"limit_limit_gtc": LIMIT}
    order = order_request(body(entry, attached_order_configuration={"trigger_bracket_gtc": prices}))
    assert order.attached == AttachedBracket(Decimal(42000), Decimal(38000))
    sized = {"trigger_bracket_gtc": prices | {"base_size": "0.5"}}
    attached = order_request(body(entry, attached_order_configuration=sized)).attached
    assert attached is not None
    assert attached.base_size == Decimal("0.5")
    with pytest.raises(OrderRejected):
        order_request(body(entry, attached_order_configuration={"limit_limit_gtc": LIMIT}))


def test_a_preview_needs_no_client_order_id() -> None:
    asked = body({"limit_limit_gtc": LIMIT})
    del asked["client_order_id"]
    assert preview_request(asked).limit_price == Decimal(39000)


def test_an_edit_reads_what_is_missing_as_zero() -> None:
    """coinbase.md §9: an edit without a size is an edit to size zero, which the exchange then refuses."""
    asked = {"order_id": "o-1", "price": "39000", "size": "0.5"}
    assert edit_request(asked) == EditRequest("o-1", Decimal(39000), Decimal("0.5"))
    assert edit_request({"order_id": "o-1", "price": "39000"}) == EditRequest("o-1", Decimal(39000), Decimal(0))


@pytest.mark.parametrize("asked", [None, {}, {"order_id": 1}, {"order_id": "o-1", "price": "-1"}])
def test_a_body_that_is_no_edit_is_an_invalid_argument(asked: object) -> None:
    with pytest.raises(ArgumentInvalid):
        edit_request(asked)
