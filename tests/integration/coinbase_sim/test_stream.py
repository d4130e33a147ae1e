"""The WebSocket over a real socket (coinbase.md §12)."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from coinbase_sim import ServerOptions, Simulator, SimulatorOptions, SimulatorServer, SyntheticMarket, product_named
from coinbase_sim.wire import connection, stream
from tests.integration.coinbase_sim.conftest import Listener, Member, limit_order, market_buy, move


def only_order(message: dict[str, Any]) -> dict[str, Any]:
    (event,) = message["events"]
    (order,) = event["orders"]
    told: dict[str, Any] = order
    return told


async def test_sequence_numbers_count_per_connection_across_channels_from_zero(
    member: Member, listener: Listener, simulator: Simulator
) -> None:
    await listener.subscribe("ticker", ["BTC-USD"])
    async with member.http.ws_connect(member.server.ws_url) as socket:
        late = Listener(socket, member)
        await late.subscribe("ticker", ["BTC-USD"])
        await late.subscribe("user")
        move(simulator, "40001.00")
        assert (await listener.receive())["sequence_num"] == 2
        assert (await late.receive())["sequence_num"] == 4


async def test_a_subscription_is_confirmed_with_all_channels_and_a_snapshot_follows(listener: Listener) -> None:
    confirmed, snapshot = await listener.subscribe("ticker", ["BTC-USD"])
    assert confirmed["channel"] == "subscriptions"
    assert confirmed["events"] == [{"subscriptions": {"ticker": ["BTC-USD"]}}]
    assert (snapshot["channel"], snapshot["events"][0]["type"]) == ("ticker", "snapshot")
    assert snapshot["client_id"] == ""
    (ticker,) = snapshot["events"][0]["tickers"]
    assert (ticker["product_id"], ticker["price"], ticker["best_ask"]) == ("BTC-USD", "40000", "40000.01")
    (confirmed,) = await listener.subscribe("heartbeats")
    assert confirmed["events"] == [{"subscriptions": {"ticker": ["BTC-USD"], "heartbeats": ["heartbeats"]}}]


async def test_unsubscribing_ends_the_updates_and_an_empty_object_says_that_nothing_is_left(
    listener: Listener, simulator: Simulator
) -> None:
    await listener.subscribe("ticker", ["BTC-USD"])
    await listener.send(type="unsubscribe", channel="ticker", product_ids=["BTC-USD"])
    assert (await listener.receive())["events"] == [{"subscriptions": {}}]
    move(simulator, "40001.00")
    await listener.subscribe("heartbeats")
    await listener.member.server.publish_heartbeat()
    assert (await listener.receive())["channel"] == "heartbeats"


async def test_every_tick_is_an_update_at_venue_time(listener: Listener, simulator: Simulator) -> None:
    await listener.subscribe("ticker", ["BTC-USD"])
    move(simulator, "40002.00")
    update = await listener.receive()
    assert update["events"][0]["type"] == "update"
    assert update["events"][0]["tickers"][0]["price"] == "40002.00"
    assert update["timestamp"] == "2026-01-01T00:00:02.000000Z"


async def test_candles_are_sent_in_five_minute_buckets(listener: Listener, simulator: Simulator) -> None:
    _, snapshot = await listener.subscribe("candles", ["BTC-USD"])
    (bucket,) = snapshot["events"][0]["candles"]
    assert (bucket["start"], bucket["close"], bucket["product_id"]) == ("1767225600", "40000", "BTC-USD")
    move(simulator, "40100.00")
    update = await listener.receive()
    assert (update["channel"], update["events"][0]["type"]) == ("candles", "update")
    (bucket,) = update["events"][0]["candles"]
    assert (bucket["start"], bucket["open"], bucket["high"], bucket["close"], bucket["volume"]) == (
        "1767225600",
        "40000",
        "40100.00",
        "40100.00",
        "2",
    )


async def test_heartbeats_count_and_carry_venue_time(listener: Listener, simulator: Simulator) -> None:
    await listener.subscribe("heartbeats")
    move(simulator, "40000.00")
    await listener.member.server.publish_heartbeat()
    await listener.member.server.publish_heartbeat()
    first, second = await listener.receive(), await listener.receive()
    assert first["timestamp"] == "2026-01-01T00:00:02.000000Z"
    counters = [message["events"][0]["heartbeat_counter"] for message in (first, second)]
    assert counters[1] == counters[0] + 1


async def test_heartbeats_come_by_themselves_at_the_interval(simulator: Simulator) -> None:
    async with (
        SimulatorServer(simulator, ServerOptions(heartbeat_interval_s=0.01)) as server,
        aiohttp.ClientSession() as http,
        http.ws_connect(server.ws_url) as socket,
    ):
        listener = Listener(socket, Member(http, server))
        await listener.subscribe("heartbeats")
        channels = [(await listener.receive())["channel"] for _ in range(3)]
    assert channels == ["heartbeats"] * 3


async def test_the_user_snapshot_is_empty_without_orders_and_lists_open_ones(
    member: Member, listener: Listener
) -> None:
    _, snapshot = await listener.subscribe("user")
    assert snapshot["events"][0]["orders"] == []
    await member.place(market_buy())
    order_id = await member.place(limit_order())
    async with member.http.ws_connect(f"{member.server.ws_url}/any/path") as socket:
        confirmed, snapshot = await Listener(socket, member).subscribe("user")
    assert list(confirmed["events"][0]["subscriptions"]) == ["user"]
    assert only_order(snapshot)["order_id"] == order_id


async def test_the_user_channel_tells_of_placing_and_of_cancelling(member: Member, listener: Listener) -> None:
    await listener.subscribe("user")
    order_id = await member.place(limit_order("0.1"))
    opened = only_order(await listener.receive())
    while opened["status"] == "PENDING":
        opened = only_order(await listener.receive())
    assert (opened["order_id"], opened["status"], opened["leaves_quantity"]) == (order_id, "OPEN", "0.1")
    assert (opened["order_side"], opened["order_type"], opened["post_only"]) == ("BUY", "Limit", "true")
    await member.post("/orders/batch_cancel", {"order_ids": [order_id]})
    cancelled = only_order(await listener.receive())
    assert (cancelled["status"], cancelled["leaves_quantity"]) == ("CANCELLED", "0")


async def test_a_resting_order_that_is_traded_through_fills_on_the_user_channel(
    member: Member, listener: Listener, simulator: Simulator
) -> None:
    await listener.subscribe("user", ["BTC-USD"])
    order_id = await member.place(limit_order("0.1", "39000.00"))
    move(simulator, "38000.00")
    told = only_order(await listener.receive())
    while told["status"] != "FILLED":
        told = only_order(await listener.receive())
    assert (told["order_id"], told["cumulative_quantity"], told["leaves_quantity"]) == (order_id, "0.1", "0")
    # A maker pays 0.4 % of 0.1 x 39000.
    assert Decimal(told["total_fees"]) == Decimal("15.6")
    assert Decimal(told["avg_price"]) == 39_000


async def test_a_subscriber_of_all_and_of_one_product_hears_of_an_order_once(
    member: Member, listener: Listener
) -> None:
    await listener.subscribe("user")
    await listener.subscribe("user", ["BTC-USD"])
    await member.place(limit_order())
    await listener.send(type="subscribe", channel="heartbeats")
    statuses = []
    while (message := await listener.receive())["channel"] == "user":
        statuses.append(only_order(message)["status"])
    assert statuses[-1] == "OPEN"
    assert len(statuses) == len(set(statuses))


async def test_the_user_channel_needs_a_token_and_a_refusal_leaves_the_socket_open(listener: Listener) -> None:
    refused = {"type": "error", "message": "authentication failure"}
    await listener.send(type="subscribe", channel="user", product_ids=[])
    assert await listener.receive() == refused
    await listener.send(type="subscribe", channel="user", product_ids=[], jwt="nonsense")
    assert await listener.receive() == refused
    await listener.send(type="subscribe", channel="user", jwt=listener.member.token(nbf=1_000_000, exp=1_000_100))
    assert await listener.receive() == refused
    confirmed, _ = await listener.subscribe("user")
    # An error carries no sequence number and takes none.
    assert confirmed["sequence_num"] == 0


async def test_a_public_channel_needs_no_token_but_a_wrong_one_is_refused(listener: Listener) -> None:
    await listener.send(type="subscribe", channel="ticker", product_ids=["BTC-USD"], jwt="nonsense")
    assert (await listener.receive())["message"] == "authentication failure"
    await listener.send(type="subscribe", channel="ticker", product_ids=["BTC-USD"])
    assert (await listener.receive())["channel"] == "subscriptions"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type":"subscribe"}',
        '{"type":"shout","channel":"ticker"}',
        '{"type":"subscribe","channel":"gossip"}',
        '{"type":"subscribe","channel":"ticker","product_ids":["NO-PAIR"]}',
        '{"type":"subscribe","channel":"ticker","product_ids":"BTC-USD"}',
    ],
)
async def test_what_is_not_understood_is_answered_with_an_error_and_the_socket_stays(
    listener: Listener, text: str
) -> None:
    await listener.socket.send_str(text)
    assert (await listener.receive())["type"] == "error"
    assert (await listener.subscribe("ticker"))[0]["channel"] == "subscriptions"


async def test_a_client_that_never_subscribes_is_cut_off(monkeypatch: pytest.MonkeyPatch, member: Member) -> None:
    monkeypatch.setattr(stream, "FIRST_SUBSCRIBE_S", 0.02)
    async with member.http.ws_connect(member.server.ws_url) as socket:
        assert await Listener(socket, member).gone()


async def test_a_slow_consumer_is_cut_off_and_the_others_get_everything(
    monkeypatch: pytest.MonkeyPatch, member: Member, listener: Listener, simulator: Simulator
) -> None:
    await listener.subscribe("ticker", ["BTC-USD"])
    monkeypatch.setattr(connection.Connection.__init__, "__defaults__", (5,))
    async with member.http.ws_connect(member.server.ws_url) as socket:
        slow = Listener(socket, member)
        await slow.subscribe("ticker", ["BTC-USD"])
        # Nothing can be written while the event loop is busy, so the sixth message finds five waiting.
        for number in range(6):
            move(simulator, f"4100{number}.00")
        assert await slow.gone()
    prices = [(await listener.receive())["events"][0]["tickers"][0]["price"] for _ in range(6)]
    assert prices == [f"4100{number}.00" for number in range(6)]


async def test_a_client_that_takes_no_bytes_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, member: Member, simulator: Simulator
) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.1)
    monkeypatch.setattr(connection.Connection.__init__, "__defaults__", (10**9,))
    port = int(member.server.ws_url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    request = json.dumps({"type": "subscribe", "channel": "ticker"}).encode()
    writer.write(bytes([0x81, 0x80 | len(request)]) + bytes(4) + request)
    await reader.read(10)
    # Ten megabytes are more than the buffers of both sides hold.
    for _ in range(20_000):
        move(simulator, "40000.00")
    async with asyncio.timeout(20):
        await member.server.flush()
    assert (await member.control("POST", "/disconnect", {"channel": "ticker"})).body == {"disconnected": 0}
    writer.close()


async def test_flush_returns_when_everything_has_left(listener: Listener, simulator: Simulator) -> None:
    await listener.subscribe("ticker", ["BTC-USD"])
    for number in range(100):
        move(simulator, f"{40000 + number}.00")
        await listener.member.server.flush()
    prices = [(await listener.receive())["events"][0]["tickers"][0]["price"] for _ in range(100)]
    assert prices == [f"{40000 + number}.00" for number in range(100)]


async def test_a_server_that_ends_says_going_away(simulator: Simulator) -> None:
    async with aiohttp.ClientSession() as http:
        async with SimulatorServer(simulator) as server:
            socket = await http.ws_connect(server.ws_url)
            listener = Listener(socket, Member(http, server))
            await listener.subscribe("ticker")
            receiving = asyncio.create_task(socket.receive())
        farewell = await receiving
    assert (farewell.type, farewell.data) == (aiohttp.WSMsgType.CLOSE, 1001)


async def test_tickers_of_one_product_do_not_reach_the_subscribers_of_another() -> None:
    products = (product_named("BTC-USD"), product_named("ETH-USD"))
    market = SyntheticMarket(products, 7, datetime(2026, 1, 1, tzinfo=UTC))
    simulator = Simulator(market, products, SimulatorOptions(balances={}))
    async with (
        SimulatorServer(simulator) as server,
        aiohttp.ClientSession() as http,
        http.ws_connect(server.ws_url) as socket,
    ):
        listener = Listener(socket, Member(http, server))
        await listener.send(type="subscribe", channel="ticker", product_ids=["ETH-USD"])
        await listener.receive()
        for _ in range(8):
            simulator.step()
        names = {(await listener.receive())["events"][0]["tickers"][0]["product_id"] for _ in range(4)}
    assert names == {"ETH-USD"}


async def test_the_book_is_kept_by_its_updates(listener: Listener, simulator: Simulator, member: Member) -> None:
    confirmed, snapshot = await listener.subscribe("level2", ["BTC-USD"])
    assert confirmed["events"] == [{"subscriptions": {"level2": ["BTC-USD"]}}]
    assert (snapshot["channel"], snapshot["events"][0]["type"]) == ("l2_data", "snapshot")
    await member.place(limit_order("0.1", "39000.00"))
    (row,) = (await listener.receive())["events"][0]["updates"]
    assert (row["side"], row["new_quantity"]) == ("bid", "0.1")
    assert Decimal(row["price_level"]) == 39_000
    move(simulator, "40001.00")
    update = await listener.receive()
    assert update["sequence_num"] == 3
    assert len(update["events"][0]["updates"]) == 4


async def test_public_trades_are_sent_as_they_print(listener: Listener, simulator: Simulator) -> None:
    _, snapshot = await listener.subscribe("market_trades", ["BTC-USD"])
    assert [trade["price"] for trade in snapshot["events"][0]["trades"]] == ["40000"]
    move(simulator, "40001.00")
    update = await listener.receive()
    (trade,) = update["events"][0]["trades"]
    assert (update["events"][0]["type"], trade["price"], trade["side"]) == ("update", "40001.00", "SELL")


async def test_the_status_channel_ignores_product_ids(listener: Listener) -> None:
    confirmed, snapshot = await listener.subscribe("status", ["NO-PAIR"])
    assert confirmed["events"] == [{"subscriptions": {"status": ["BTC-USD"]}}]
    assert [product["id"] for product in snapshot["events"][0]["products"]] == ["BTC-USD"]
    await listener.member.control("POST", "/product", {"product_id": "BTC-USD", "status": "delisted"})
    (product,) = (await listener.receive())["events"][0]["products"]
    assert product["status"] == "delisted"


async def test_what_is_for_derivatives_is_refused(listener: Listener) -> None:
    await listener.send(type="subscribe", channel="futures_balance_summary", jwt=listener.member.token())
    refused = await listener.receive()
    assert refused["type"] == "error"
    assert "spot only" in refused["message"]


async def test_open_orders_are_replayed_fifty_at_a_time(member: Member, listener: Listener) -> None:
    for _ in range(51):
        await member.place(limit_order("0.001"))
    _, first = await listener.subscribe("user")
    second = await listener.receive()
    assert [len(message["events"][0]["orders"]) for message in (first, second)] == [50, 1]
    assert [message["events"][0]["type"] for message in (first, second)] == ["snapshot", "snapshot"]


async def test_a_quiet_connection_is_closed_unless_it_hears_heartbeats(simulator: Simulator) -> None:
    options = ServerOptions(heartbeat_interval_s=0, quiet_close_s=0.2)
    async with SimulatorServer(simulator, options) as server, aiohttp.ClientSession() as http:
        member = Member(http, server)
        async with http.ws_connect(server.ws_url) as quiet, http.ws_connect(server.ws_url) as kept:
            await Listener(quiet, member).subscribe("ticker")
            await Listener(kept, member).subscribe("ticker")
            await Listener(kept, member).subscribe("heartbeats")
            async with asyncio.timeout(5):
                farewell = await quiet.receive()
            assert (farewell.type, farewell.data) == (aiohttp.WSMsgType.CLOSE, 1000)
            move(simulator, "40001.00")
            assert (await Listener(kept, member).receive())["channel"] == "ticker"


async def test_every_socket_can_be_dropped_or_closed_with_a_code(member: Member) -> None:
    async with member.http.ws_connect(member.server.ws_url) as one, member.http.ws_connect(member.server.ws_url) as two:
        await Listener(one, member).subscribe("ticker")
        assert (await member.control("POST", "/disconnect", {"channel": "ticker", "code": 1012})).body == {
            "disconnected": 1
        }
        assert (await one.receive()).data == 1012
        assert (await member.control("POST", "/disconnect", {})).body == {"disconnected": 1}
        assert await Listener(two, member).gone()
    assert (await member.control("POST", "/disconnect", {"code": 7})).status == 400
