"""The doubles of the exchange do what docs/testing.md says they do, as the real client sees it."""

from decimal import Decimal

import aiohttp
import pytest

from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.domain.market import ProductId
from bottrader.domain.orders import OrderState, VenueOrderId
from bottrader.ports import Balance
from tests.fixtures.coinbase_wire import fill_row, order_row
from tests.mocks.mock_coinbase_api import MockCoinbaseApi
from tests.mocks.mock_websocket import MockWebSocket

BTC = ProductId("BTC-USD")


async def test_the_price_that_was_set_last_is_the_price(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    for price in ("40000.00", "42000.50"):
        api.set_price("BTC-USD", price)
        (ticker,) = await exchange.tickers([BTC])
        assert ticker.price == ticker.bid == ticker.ask == Decimal(price)


async def test_the_account_owns_what_was_set(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.set_balances(USD="10000", BTC="0.5")
    assert await exchange.balances() == [
        Balance("USD", Decimal(10_000), Decimal(0)),
        Balance("BTC", Decimal("0.5"), Decimal(0)),
    ]


async def test_an_order_stands_and_is_filled_as_laid_down(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    api.fill_order(order_row(order_id="v-7", status="FILLED"), fill_row(order_id="v-7", size="0.001"))

    order = await exchange.get_order(VenueOrderId("v-7"))
    assert order is not None
    assert order.state is OrderState.FILLED
    (fill,) = await exchange.fills_of(VenueOrderId("v-7"))
    assert (fill.venue_order_id, fill.size) == ("v-7", Decimal("0.001"))


async def test_after_a_reset_nothing_is_laid_down_and_nothing_was_called(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    api.set_balances(USD="1")
    await exchange.balances()
    api.reset()
    assert api.calls == []
    async with aiohttp.ClientSession() as session, session.get(f"{api.url}/api/v3/brokerage/accounts") as reply:
        assert reply.status == 599


async def test_a_stream_that_is_disconnected_lets_nobody_in_until_it_is_back() -> None:
    async with MockWebSocket() as venue, aiohttp.ClientSession() as session:
        async with session.ws_connect(venue.url) as socket:
            await socket.send_json({"type": "subscribe", "channel": "user"})
            assert (await socket.receive_json())["channel"] == "subscriptions"
            venue.disconnect()
            assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(venue.url)
        venue.reconnect()
        async with session.ws_connect(venue.url) as socket:
            await socket.send_json({"type": "subscribe", "channel": "user"})
            connection = await venue.subscribed(1, 1)
            await socket.receive_json()
            await connection.tell_fill(order_row(status="FILLED"))
            (event,) = (await socket.receive_json())["events"]
            assert event["orders"][0]["status"] == "FILLED"
