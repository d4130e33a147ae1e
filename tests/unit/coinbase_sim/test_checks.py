"""Orders that the venue refuses, and that a refusal changes nothing (coinbase.md §5, §8)."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from coinbase_sim.model import (
    AttachedBracket,
    OrderRejected,
    OrderRequest,
    OrderType,
    Side,
    StopDirection,
    TimeInForce,
)
from tests.fixtures.simulated_exchange import Exchange

LIMIT = OrderRequest(
    client_order_id="id-1",
    product_id="COIN-USD",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    base_size=Decimal(1),
    limit_price=Decimal(100),
)
MARKET = replace(LIMIT, order_type=OrderType.MARKET, time_in_force=TimeInForce.IOC, limit_price=None)
BY_QUOTE = replace(MARKET, base_size=None, quote_size=Decimal(50))


def refused(request: OrderRequest) -> str:
    """Return the reason for which an exchange at 100 refuses the request; nothing may have changed."""
    exchange = Exchange()
    exchange.tick("100")
    before, events = exchange.sim.snapshot(), list(exchange.events)
    with pytest.raises(OrderRejected) as caught:
        exchange.sim.submit(request)
    assert exchange.sim.snapshot() == before
    assert exchange.events == events
    assert caught.value.message
    return caught.value.reason


@pytest.mark.parametrize("request_", [LIMIT, MARKET, BY_QUOTE])
def test_a_well_formed_order_is_accepted(request_: OrderRequest) -> None:
    exchange = Exchange()
    exchange.tick("100")
    assert exchange.sim.submit(request_).request == request_


def test_an_unknown_product_is_refused() -> None:
    assert refused(replace(LIMIT, product_id="NONE-USD")) == "INVALID_PRODUCT_ID"


def test_an_order_without_a_client_id_is_refused() -> None:
    assert refused(replace(LIMIT, client_order_id="")) == "UNKNOWN_FAILURE_REASON"


@pytest.mark.parametrize("price", ["100.1", "100.25", "100.50001", "0", "-100", "NaN", "Infinity", "1E+90"])
def test_a_price_off_the_grid_is_refused_and_never_rounded(price: str) -> None:
    """The increment is 0.5, so 100.1 has few enough decimals and is refused all the same."""
    assert refused(replace(LIMIT, limit_price=Decimal(price))) == "INVALID_PRICE_PRECISION"


@pytest.mark.parametrize("size", ["1.0001", "0.0105", "999.9999"])
def test_a_base_size_off_the_grid_is_refused(size: str) -> None:
    assert refused(replace(LIMIT, base_size=Decimal(size), limit_price=Decimal("150.5"))) == "INVALID_SIZE_PRECISION"


def test_a_quote_size_off_the_grid_is_refused() -> None:
    assert refused(replace(BY_QUOTE, quote_size=Decimal("50.25"))) == "PREVIEW_INVALID_QUOTE_SIZE_PRECISION"


@pytest.mark.parametrize("size", ["0.009", "0", "-1", "NaN", "1E-30"])
def test_a_base_size_below_the_minimum_is_refused(size: str) -> None:
    assert refused(replace(MARKET, base_size=Decimal(size))) == "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"


def test_the_minimum_base_size_itself_is_accepted() -> None:
    exchange = Exchange()
    exchange.tick("100")
    assert exchange.limit(Side.BUY, "0.01", "100").request.base_size == Decimal("0.01")


@pytest.mark.parametrize("size", ["1000.001", "1E+80"])
def test_a_base_size_above_the_maximum_is_refused(size: str) -> None:
    assert refused(replace(LIMIT, base_size=Decimal(size))) == "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"


@pytest.mark.parametrize("size", ["0.5", "0", "-1", "NaN"])
def test_a_quote_size_below_the_minimum_is_refused(size: str) -> None:
    assert refused(replace(BY_QUOTE, quote_size=Decimal(size))) == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"


@pytest.mark.parametrize("size", ["1000000.5", "1E+90"])
def test_a_quote_size_above_the_maximum_is_refused(size: str) -> None:
    assert refused(replace(BY_QUOTE, quote_size=Decimal(size))) == "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"


def test_a_limit_order_worth_less_than_the_minimum_is_refused() -> None:
    """0.01 x 99.5 = 0.995, below the minimum of 1."""
    request = replace(LIMIT, base_size=Decimal("0.01"), limit_price=Decimal("99.5"))
    assert refused(request) == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"


def test_dust_cannot_be_sold_at_market() -> None:
    """The best bid is 99.5, so 0.01 is worth 0.995."""
    request = replace(MARKET, side=Side.SELL, base_size=Decimal("0.01"))
    assert refused(request) == "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"


def test_a_limit_order_worth_more_than_the_maximum_is_refused() -> None:
    request = replace(LIMIT, base_size=Decimal(1000), limit_price=Decimal("1000.5"))
    assert refused(request) == "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE"


def test_a_limit_order_worth_exactly_the_maximum_is_accepted() -> None:
    """1 000 x 1 000 = 1 000 000; with the taker fee it needs 1 010 000."""
    exchange = Exchange(usd=Decimal(1_010_000))
    assert exchange.limit(Side.BUY, "1000", "1000").hold == 1_010_000


def test_an_absurd_limit_price_is_refused_without_losing_a_digit() -> None:
    request = replace(LIMIT, base_size=Decimal("0.01"), limit_price=Decimal("1E+70"))
    assert refused(request) == "PREVIEW_LIMIT_PRICE_TOO_FAR_FROM_MARKET"


@pytest.mark.parametrize(
    "request_",
    [
        replace(MARKET, time_in_force=TimeInForce.FOK),
        replace(MARKET, time_in_force=TimeInForce.GTC),
        replace(MARKET, limit_price=Decimal(100)),
        replace(MARKET, post_only=True),
        replace(MARKET, quote_size=Decimal(50)),
        replace(MARKET, base_size=None),
        replace(BY_QUOTE, side=Side.SELL),
        replace(LIMIT, limit_price=None),
        replace(LIMIT, base_size=None, quote_size=Decimal(50)),
        replace(LIMIT, quote_size=Decimal(50)),
        replace(LIMIT, time_in_force=TimeInForce.IOC, post_only=True),
    ],
)
def test_a_configuration_that_spot_does_not_have_is_refused(request_: OrderRequest) -> None:
    assert refused(request_) == "UNSUPPORTED_ORDER_CONFIGURATION"


def test_a_post_only_fill_or_kill_order_has_a_code_of_its_own() -> None:
    request = replace(LIMIT, time_in_force=TimeInForce.FOK, post_only=True)
    assert refused(request) == "POST_ONLY_NOT_ALLOWED_WITH_FOK"


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "100.5"), (Side.BUY, "150"), (Side.SELL, "99.5")])
def test_a_crossing_post_only_order_is_refused_whole(side: Side, price: str) -> None:
    request = replace(LIMIT, side=side, limit_price=Decimal(price), post_only=True)
    assert refused(request) == "INVALID_LIMIT_PRICE_POST_ONLY"


@pytest.mark.parametrize(
    "request_",
    [
        # 100 x 99.5 x 1.01 = 10 049.50, and 10 000 are there.
        replace(LIMIT, base_size=Decimal(100), limit_price=Decimal("99.5")),
        replace(BY_QUOTE, quote_size=Decimal("10000.5")),
        replace(LIMIT, side=Side.SELL, base_size=Decimal("10.001")),
        replace(MARKET, side=Side.SELL, base_size=Decimal("10.001")),
    ],
)
def test_an_order_without_funds_is_refused(request_: OrderRequest) -> None:
    assert refused(request_) == "INSUFFICIENT_FUND"


def test_a_market_buy_by_base_size_needs_its_cost_with_the_fee() -> None:
    """2 at 100.5 cost 201 + 2.01 of fee: 203.01 suffice, a cent less does not."""
    enough, short = Exchange(usd=Decimal("203.01")), Exchange(usd=Decimal("203.00"))
    for exchange in (enough, short):
        exchange.tick("100")
    assert enough.market_order(Side.BUY, base="2").filled_size == 2
    assert enough.balance("USD") == (Decimal(0), Decimal(0))
    with pytest.raises(OrderRejected, match="INSUFFICIENT_FUND"):
        short.market_order(Side.BUY, base="2")


def test_the_exact_amount_of_funds_suffices() -> None:
    """9.9 x 1 000 x 1.01 = 9 999; one more increment of size would need 10 000.01."""
    exchange = Exchange(usd=Decimal(9999))
    exchange.tick("2000")
    exchange.limit(Side.BUY, "9.9", "1000")
    assert exchange.balance("USD") == (Decimal(0), Decimal(9999))


def test_held_funds_cannot_be_held_twice() -> None:
    exchange = Exchange()
    exchange.tick("100")
    exchange.limit(Side.SELL, "6", "120")
    with pytest.raises(OrderRejected, match="INSUFFICIENT_FUND"):
        exchange.limit(Side.SELL, "5", "120")


def test_a_market_order_finds_no_liquidity_before_the_first_tick() -> None:
    exchange = Exchange()
    with pytest.raises(OrderRejected, match="INVALID_NO_LIQUIDITY"):
        exchange.market_order(Side.BUY, quote="50")


def test_a_market_order_on_an_empty_side_is_refused() -> None:
    exchange = Exchange()
    exchange.tick("100", bids=())
    with pytest.raises(OrderRejected, match="INVALID_NO_LIQUIDITY"):
        exchange.market_order(Side.SELL, base="1")


def test_a_quote_size_that_buys_no_increment_is_refused() -> None:
    """One increment of 0.001 at 1 000.5 costs 1.0105 with the fee; 1 dollar does not buy it."""
    exchange = Exchange()
    exchange.tick("1000")
    with pytest.raises(OrderRejected, match="PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"):
        exchange.market_order(Side.BUY, quote="1")


STOP = replace(LIMIT, order_type=OrderType.STOP_LIMIT, stop_price=Decimal(95), stop_direction=StopDirection.DOWN)
BRACKET = replace(LIMIT, order_type=OrderType.BRACKET, side=Side.SELL, stop_trigger_price=Decimal(95))


@pytest.mark.parametrize(
    "request_",
    [
        replace(STOP, stop_price=None),
        replace(STOP, stop_direction=None),
        replace(LIMIT, stop_price=Decimal(95)),
        replace(LIMIT, stop_direction=StopDirection.UP),
        replace(MARKET, stop_price=Decimal(95), stop_direction=StopDirection.UP),
        replace(BRACKET, stop_trigger_price=None),
        replace(LIMIT, stop_trigger_price=Decimal(95)),
        replace(STOP, time_in_force=TimeInForce.IOC),
        replace(STOP, post_only=True),
        replace(BRACKET, time_in_force=TimeInForce.FOK),
        replace(BRACKET, post_only=True),
        replace(STOP, attached=AttachedBracket(Decimal(105), Decimal(95))),
    ],
)
def test_a_trigger_with_a_part_missing_or_too_many_is_refused(request_: OrderRequest) -> None:
    assert refused(request_) == "UNSUPPORTED_ORDER_CONFIGURATION"


def test_an_attached_bracket_with_an_end_time_in_the_past_is_refused() -> None:
    past = AttachedBracket(Decimal(105), Decimal(95), end_time=datetime(2025, 12, 31, tzinfo=UTC))
    assert refused(replace(LIMIT, limit_price=Decimal(99), attached=past)) == "PREVIEW_END_TIME_IS_IN_THE_PAST"
