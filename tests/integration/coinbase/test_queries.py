"""What each query asks, and what it makes of the answer."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.domain.errors import ExchangeRefused, WireUnreadable
from bottrader.domain.market import Granularity, ProductId
from bottrader.domain.orders import OrderState, VenueOrderId
from bottrader.ports import Balance, KeyPermissions
from tests.fixtures.coinbase_wire import (
    BTC,
    CLIENT_ID,
    START,
    candle_row,
    fill_row,
    fills_page,
    order_row,
    orders_page,
    product_row,
)
from tests.mocks.mock_coinbase_api import Answer, MockCoinbaseApi

ETH = ProductId("ETH-USD")
ORDERS = "/orders/historical/batch"
FILLS = "/orders/historical/fills"


async def test_an_order_is_found_by_its_client_id_on_any_page(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer(
        "GET",
        ORDERS,
        Answer(orders_page(order_row(client_order_id="another"), cursor="c1")),
        Answer(orders_page(cursor="c2")),
        Answer(orders_page(order_row(order_id="v-7"))),
    )
    found = await exchange.find_order(CLIENT_ID, BTC, START)
    assert found is not None
    assert (found.venue_order_id, found.state, found.total_fees) == ("v-7", OrderState.FILLED, Decimal("0.48"))
    first, second, third = api.calls
    assert first.values("product_ids") == ["BTC-USD"]
    assert first.values("start_date") == ["2026-04-07T00:00:00Z"]
    assert [call.values("cursor") for call in (first, second, third)] == [[], ["c1"], ["c2"]]


async def test_an_order_that_is_not_listed_is_none(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", ORDERS, Answer(orders_page(order_row(client_order_id="another"))))
    assert await exchange.find_order(CLIENT_ID, BTC, START) is None


async def test_a_strange_order_of_somebody_else_does_not_hide_ours(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    """F9"""
    rows = (order_row(client_order_id="another", status="TELEPORTED"), order_row())
    api.answer("GET", ORDERS, Answer(orders_page(*rows)))
    assert await exchange.find_order(CLIENT_ID, BTC, START) is not None


async def test_an_order_with_an_unknown_status_is_unreadable(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """F9"""
    api.answer("GET", ORDERS, Answer(orders_page(order_row(status="TELEPORTED"))))
    with pytest.raises(WireUnreadable, match="TELEPORTED"):
        await exchange.find_order(CLIENT_ID, BTC, START)


async def test_pages_that_lead_in_a_circle_end_with_an_error(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", FILLS, Answer(fills_page(cursor="c1")))
    with pytest.raises(WireUnreadable, match="in a circle"):
        await exchange.fills_since(START)
    assert len(api.calls) == 2


async def test_open_orders_include_pending_and_queued_ones(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    words = ["PENDING", "OPEN", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED", "FILLED", "CANCELLED", "EXPIRED", "FAILED"]
    api.answer("GET", "/time", Answer({"iso": "2023-03-02T06:00:00Z"}))
    api.answer("GET", ORDERS, Answer(orders_page(*(order_row(order_id=word, status=word) for word in words))))
    assert [order.venue_order_id for order in await exchange.open_orders()] == words[:5]
    # Those that rest, however old, and the young ones: from a day before the venue's time, which may be a replay's.
    calls = [(call.values("order_status"), call.values("start_date")) for call in api.calls_of("GET", ORDERS)]
    assert calls == [(["OPEN"], []), ([], ["2023-03-01T06:00:00Z"])]


async def test_an_order_is_got_by_its_venue_id(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", "/orders/historical/v-1", Answer({"order": order_row(status="CANCELLED")}))
    order = await exchange.get_order(VenueOrderId("v-1"))
    assert order is not None
    assert order.state is OrderState.CANCELLED


async def test_an_unknown_venue_id_is_none(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    body = {"error": "unknown", "error_details": "order with this orderID was not found", "message": "m"}
    api.answer("GET", "/orders/historical/v-1", Answer(body, status=404))
    assert await exchange.get_order(VenueOrderId("v-1")) is None


async def test_a_404_from_somebody_else_is_not_none(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """D11"""
    api.answer("GET", "/orders/historical/v-1", Answer(status=404, text="<html>no such page</html>"))
    with pytest.raises(ExchangeRefused):
        await exchange.get_order(VenueOrderId("v-1"))


async def test_fills_of_an_order_are_paged_to_the_empty_cursor_and_deduplicated(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    """F19"""
    late, early = (
        fill_row(trade_id="t-2", trade_time="2026-04-07T14:00:02Z"),
        fill_row(trade_id="t-1", trade_time="2026-04-07T14:00:01Z"),
    )
    api.answer(
        "GET",
        FILLS,
        Answer(fills_page(late, cursor="c1")),
        Answer(fills_page(cursor="c2")),
        Answer(fills_page(late, early)),
    )
    assert [fill.trade_id for fill in await exchange.fills_of(VenueOrderId("v-1"))] == ["t-1", "t-2"]
    # The venue refuses the order's id together with any other filter.
    assert api.calls[0].query == [("order_ids", "v-1")]
    assert api.calls[1].query == [("order_ids", "v-1"), ("cursor", "c1")]


async def test_fills_since_a_time_ask_from_that_time(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", FILLS, Answer({"fills": [], "cursor": None}))
    await exchange.fills_since(START + timedelta(microseconds=5))
    assert api.calls[0].values("start_sequence_timestamp") == ["2026-04-07T00:00:00.000005Z"]


async def test_balances_are_read_from_every_page(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    def page(currency: str, available: str, hold: str, cursor: str) -> Answer:
        account = {"currency": currency, "available_balance": {"value": available}, "hold": {"value": hold}}
        return Answer({"accounts": [account], "has_next": bool(cursor), "cursor": cursor, "size": 1})

    api.answer("GET", "/accounts", page("BTC", "0.00000001", "0", "c1"), page("USD", "9.5", "450.00", ""))
    assert await exchange.balances() == [
        Balance("BTC", Decimal("0.00000001"), Decimal(0)),
        Balance("USD", Decimal("9.5"), Decimal("450.00")),
    ]


async def test_products_come_in_the_order_asked_for(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    rows = [product_row(product_id="BTC-USD"), product_row(product_id="ETH-USD", base_currency_id="ETH")]
    api.answer("GET", "/products", Answer({"products": rows, "num_products": 2}))
    assert [product.product_id for product in await exchange.products([ETH, BTC])] == [ETH, BTC]
    assert api.calls[0].values("product_ids") == ["ETH-USD", "BTC-USD"]


async def test_a_product_the_venue_lacks_is_named(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", "/products", Answer({"products": [product_row()], "num_products": 1}))
    with pytest.raises(ExchangeRefused, match="has no product ETH-USD"):
        await exchange.products([BTC, ETH])


async def test_no_products_are_asked_for_nothing(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    # Without a filter the venue would list all of them.
    assert await exchange.products([]) == []
    assert api.calls == []


async def test_a_ticker_is_the_last_trade_with_the_top_of_the_book(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    trade = {"trade_id": "1", "product_id": "BTC-USD", "price": "100.5", "size": "1", "time": "2026-04-07T00:00:01Z"}
    api.answer("GET", "/products/BTC-USD/ticker", Answer({"trades": [trade], "best_bid": "100", "best_ask": "101"}))
    (ticker,) = await exchange.tickers([BTC])
    assert (ticker.price, ticker.bid, ticker.ask) == (Decimal("100.5"), Decimal(100), Decimal(101))
    assert ticker.at == START + timedelta(seconds=1)
    assert api.calls[0].values("limit") == ["1"]


async def test_a_ticker_without_a_trade_is_unreadable(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.answer("GET", "/products/BTC-USD/ticker", Answer({"trades": [], "best_bid": "", "best_ask": ""}))
    with pytest.raises(WireUnreadable, match="it holds no trade"):
        await exchange.tickers([BTC])


async def test_candles_are_half_open_oldest_first_and_each_once(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    zero = int(START.timestamp())
    rows = [candle_row(zero + minute * 60, close=str(100 + minute / 100)) for minute in (3, 2, 1, 0, -1)]
    api.answer("GET", "/products/BTC-USD/candles", Answer({"candles": [*rows, rows[0]]}))
    candles = await exchange.candles(BTC, Granularity.ONE_MINUTE, START, START + timedelta(minutes=3))
    assert [candle.opened_at for candle in candles] == [START + timedelta(minutes=minute) for minute in (0, 1, 2)]
    assert api.calls[0].values("granularity") == ["ONE_MINUTE"]


async def test_a_long_range_of_candles_is_cut_into_requests_of_at_most_300(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    api.answer("GET", "/products/BTC-USD/candles", Answer({"candles": []}))
    end = START + timedelta(hours=1000)
    await exchange.candles(BTC, Granularity.ONE_HOUR, START, end)
    spans = [(int(call.values("start")[0]), int(call.values("end")[0])) for call in api.calls]
    # 1000 hours at 299 a request are 3 full requests and a rest, even when both ends are counted.
    assert len(spans) == 4
    assert all((stop - start) // 3600 + 1 <= 300 for start, stop in spans)
    assert [start for start, _ in spans[1:]] == [stop for _, stop in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (int(START.timestamp()), int(end.timestamp()))


async def test_an_empty_range_of_candles_asks_nothing(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    assert await exchange.candles(BTC, Granularity.ONE_MINUTE, START, START) == []
    assert api.calls == []


async def test_fee_rates_come_from_the_accounts_tier(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    tier = {"pricing_tier": "Advanced 1", "taker_fee_rate": "0.012", "maker_fee_rate": "0.006"}
    api.answer("GET", "/transaction_summary", Answer({"total_volume": 1.5, "fee_tier": tier}))
    rates = await exchange.fee_rates()
    assert (rates.maker, rates.taker) == (Decimal("0.006"), Decimal("0.012"))


async def test_permissions_tell_what_the_key_may_do(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    body = {"can_view": True, "can_trade": True, "can_transfer": False, "portfolio_uuid": "p-1", "portfolio_type": "D"}
    api.answer("GET", "/key_permissions", Answer(body))
    assert await exchange.permissions() == KeyPermissions(True, True, False, "p-1")


async def test_server_time_is_aware_utc(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    body = {"iso": "2026-04-07T00:00:00Z", "epochSeconds": "1775520000", "epochMillis": "1775520000000"}
    api.answer("GET", "/time", Answer(body))
    assert await exchange.server_time() == START
