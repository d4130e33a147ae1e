"""Previews: what an order would do, computed by hand, without a trace (coinbase.md §4)."""

from decimal import Decimal

import pytest

from coinbase_sim.model import OrderRequest, OrderType, ProductGates, Side, TimeInForce
from coinbase_sim.previews import preview_code
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
THREE_ASKS = levels(("100.5", "2"), ("101", "3"), ("101.5", "5"))


def request(
    side: Side = Side.BUY, *, size: str | None = None, quote: str | None = None, limit: str | None = None
) -> OrderRequest:
    return OrderRequest(
        "",
        "COIN-USD",
        side,
        OrderType.MARKET if limit is None else OrderType.LIMIT,
        TimeInForce.IOC if limit is None else TimeInForce.GTC,
        base_size=None if size is None else D(size),
        quote_size=None if quote is None else D(quote),
        limit_price=None if limit is None else D(limit),
    )


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100", asks=THREE_ASKS)
    return exchange


def test_a_market_buy_previews_its_walk_over_the_ladder(exchange: Exchange) -> None:
    """2 x 100.5 + 2 x 101 = 403, fee 4.03; average 100.75; (100.75 - 100.5) / 100.5 = 0.00248756."""
    preview = exchange.sim.preview(request(size="4"))
    assert preview.errors == ()
    assert (preview.order_total, preview.commission_total) == (D("407.03"), D("4.03"))
    assert (preview.base_size, preview.quote_size) == (D(4), D(403))
    assert (preview.best_bid, preview.best_ask) == (D("99.5"), D("100.5"))
    assert preview.average_filled_price == D("100.75")
    assert preview.slippage == D("0.00248756")


def test_a_market_sell_previews_net_of_its_fee(exchange: Exchange) -> None:
    """2 x 99.5 = 199 less 1.99."""
    preview = exchange.sim.preview(request(Side.SELL, size="2"))
    assert (preview.order_total, preview.slippage) == (D("197.01"), D(0))


def test_a_resting_part_counts_at_its_limit_with_the_maker_fee(exchange: Exchange) -> None:
    """2 are taken at 100.5 (201 + 2.01); 3 rest at 100.5 (301.5 + 1.5075)."""
    preview = exchange.sim.preview(request(size="5", limit="100.5"))
    assert (preview.quote_size, preview.commission_total) == (D("502.5"), D("3.5175"))
    assert preview.order_total == D("506.0175")
    assert preview.average_filled_price == D("100.5")


def test_a_preview_and_the_order_agree(exchange: Exchange) -> None:
    preview = exchange.sim.preview(request(quote="300"))
    order = exchange.market_order(Side.BUY, quote="300")
    assert (preview.base_size, preview.quote_size) == (order.filled_size, order.filled_value)
    assert preview.commission_total == order.total_fees


def test_a_preview_leaves_no_trace(exchange: Exchange) -> None:
    before, events = exchange.sim.snapshot(), list(exchange.events)
    first, again = exchange.sim.preview(request(size="4")), exchange.sim.preview(request(size="4"))
    other = exchange.sim.preview(request(size="3"))
    assert exchange.sim.snapshot() == before
    assert exchange.events == events
    assert first == again
    assert first.preview_id != other.preview_id


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (request(size="1000", limit="100"), "PREVIEW_INSUFFICIENT_FUND"),
        (request(size="1.0001", limit="100"), "PREVIEW_INVALID_SIZE_PRECISION"),
        (request(size="1", limit="100.1"), "PREVIEW_INVALID_PRICE_PRECISION"),
        (request(size="0.001", limit="100"), "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        (request(Side.SELL, quote="100"), "PREVIEW_INVALID_ORDER_CONFIG"),
    ],
)
def test_a_preview_names_the_refusal(exchange: Exchange, asked: OrderRequest, error: str) -> None:
    preview = exchange.sim.preview(asked)
    assert preview.errors == (error,)
    assert preview.message
    assert (preview.order_total, preview.best_ask) == (D(0), D("100.5"))


def test_a_preview_of_an_unknown_product_is_refused() -> None:
    preview = Exchange().sim.preview(OrderRequest("", "NONE-USD", Side.BUY, OrderType.MARKET, TimeInForce.IOC, D(1)))
    assert preview.errors == ("PREVIEW_INVALID_PRODUCT_ID",)


def test_a_preview_of_a_shut_product_says_so(exchange: Exchange) -> None:
    exchange.sim.set_product_state("COIN-USD", ProductGates(trading_disabled=True))
    assert exchange.sim.preview(request(size="1")).errors == ("PREVIEW_NOT_ALLOWED_BY_MARKET_STATE",)


def test_a_reason_that_is_a_preview_code_stays() -> None:
    assert preview_code("PREVIEW_END_TIME_IS_IN_THE_PAST") == "PREVIEW_END_TIME_IS_IN_THE_PAST"
