"""What the control interface changes about the venue's manners, seen by a client."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import jwt
import pytest

from coinbase_sim import ManualMarket, Simulator
from tests.integration.coinbase_sim.conftest import Listener, Member, Reply, limit_order, market_buy, move


async def turn(member: Member, path: str, body: Any = None) -> Any:
    reply: Reply = await member.control("POST", path, body)
    assert reply.status == 200, reply.text
    return reply.body


async def test_a_known_client_order_id_can_be_refused_instead_of_answered(member: Member, simulator: Simulator) -> None:
    body = limit_order()
    await turn(member, "/duplicates", {"meaning": "reject"})
    await member.place(body)
    refused = (await member.post("/orders", body)).body
    assert refused["error_response"]["new_order_failure_reason"] == "DUPLICATE_CLIENT_ORDER_ID"
    await turn(member, "/duplicates", {"meaning": "existing"})
    assert (await member.post("/orders", body)).body["success"] is True
    assert len(simulator.orders()) == 1


async def test_the_key_can_do_less_or_more_or_nothing(member: Member, listener: Listener) -> None:
    await turn(member, "/key", {"can_trade": False, "can_transfer": True})
    told = (await member.get("/key_permissions")).body
    assert (told["can_view"], told["can_trade"], told["can_transfer"]) == (True, False, True)
    refused = await member.post("/orders", limit_order())
    assert (refused.status, refused.body["error"]) == (403, "PERMISSION_DENIED")
    assert (await member.get("/accounts")).status == 200
    await turn(member, "/key", {"can_view": False})
    assert (await member.get("/accounts")).status == 403
    assert (await member.get("/key_permissions")).body["can_view"] is False
    await turn(member, "/key", {"revoked": True})
    assert ((await member.get("/accounts")).status, (await member.get("/key_permissions")).status) == (401, 401)
    await listener.send(type="subscribe", channel="user", jwt=member.token())
    assert await listener.receive() == {"type": "error", "message": "authentication failure"}
    await turn(member, "/key", {})
    await member.place(limit_order())


async def test_the_other_forms_of_a_message(member: Member, listener: Listener, simulator: Simulator) -> None:
    """§12.1: without `client_id`, the counter as text, nine digits of a second, best prices in a batched ticker."""
    terms = {"client_id": False, "heartbeat_counter": "text", "time_digits": 9, "batch_quotes": True}
    (confirmed,) = await listener.subscribe("heartbeats")
    assert confirmed["client_id"] == ""
    await turn(member, "/dialect", terms)
    await turn(member, "/heartbeat")
    beat = await listener.receive()
    assert "client_id" not in beat
    assert beat["events"][0]["heartbeat_counter"] == "0"
    assert len(beat["timestamp"]) == len("2026-01-01T00:00:01.000000000Z")
    _, batch = await listener.subscribe("ticker_batch", ["BTC-USD"])
    assert batch["events"][0]["tickers"][0]["best_ask"] == "40000.01"
    order = (await member.get(f"/orders/historical/{await member.place(limit_order())}")).body["order"]
    assert order["created_time"] == "2026-01-01T00:00:01.000000000Z"


async def test_the_other_forms_of_a_reply(member: Member) -> None:
    order_id = await member.place(limit_order())
    await turn(member, "/dialect", {"order_reply": "flat", "edit_errors": "object", "account_types": "plain"})
    flat = (await member.post("/orders", limit_order())).body
    assert (flat["order_id"], flat["failure_reason"]) == (
        flat["success_response"]["order_id"],
        "UNKNOWN_FAILURE_REASON",
    )
    edit = {"order_id": order_id, "price": "39000.00", "size": "0.1"}
    errors = (await member.post("/orders/edit", edit)).body["errors"]
    assert errors["edit_failure_reason"] == "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"
    types = {row["currency"]: row["type"] for row in (await member.get("/accounts")).body["accounts"]}
    assert types == {"USD": "FIAT", "BTC": "CRYPTO"}


async def test_quiet_sockets_can_be_closed_on_a_running_exchange(member: Member, listener: Listener) -> None:
    await listener.subscribe("ticker")
    await turn(member, "/quiet", {"close_after_s": 0.05})
    async with asyncio.timeout(3):
        closed = await listener.socket.receive()
    assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1000)


async def test_sockets_and_their_messages_have_limits_of_their_own(member: Member, listener: Listener) -> None:
    await turn(member, "/limits", {"ws_connections_per_s": 0.001, "ws_messages_per_s": 0.001})
    async with member.http.ws_connect(member.server.ws_url):
        pass
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await member.http.ws_connect(member.server.ws_url)
    assert refused.value.status == 429
    await listener.subscribe("ticker")
    await listener.send(type="subscribe", channel="heartbeats")
    assert await listener.receive() == {"type": "error", "message": "rate limit exceeded"}


async def test_a_book_set_by_hand_is_told_and_taken(member: Member, listener: Listener) -> None:
    await listener.subscribe("level2", ["BTC-USD"])
    asks = [["100", "0.01"], ["101", "5"]]
    await turn(member, "/book", {"product_id": "BTC-USD", "price": "99", "bids": [["98", "1"]], "asks": asks})
    update = (await listener.receive())["events"][0]
    assert {(row["side"], row["price_level"], row["new_quantity"]) for row in update["updates"]} == {
        ("bid", "39999.99", "0"),
        ("bid", "98", "1"),
        ("offer", "40000.01", "0"),
        ("offer", "100", "0.01"),
        ("offer", "101", "5"),
    }
    await member.place(market_buy("2"))
    fills = (await member.get("/orders/historical/fills")).body["fills"]
    # Worked by hand: 1 USD and its 0.8 % for the first level, the rest at 101 within 2 % of the middle of 99.
    assert [fill["price"] for fill in fills] == ["100"]
    crooked = {"product_id": "BTC-USD", "price": "99", "bids": [["98", "1"], ["98.5", "1"]], "asks": []}
    assert (await member.control("POST", "/book", crooked)).status == 400


async def test_two_listeners_of_a_book_that_came_at_different_times_end_with_the_same_book(
    member: Member, listener: Listener, simulator: Simulator
) -> None:
    def read(message: dict[str, Any], book: dict[tuple[str, str], str]) -> None:
        for row in message["events"][0]["updates"]:
            book[row["side"], row["price_level"]] = row["new_quantity"]

    first: dict[tuple[str, str], str] = {}
    second: dict[tuple[str, str], str] = {}
    read((await listener.subscribe("level2", ["BTC-USD"]))[1], first)
    await member.place(limit_order())
    read(await listener.receive(), first)
    async with member.http.ws_connect(member.server.ws_url) as socket:
        other = Listener(socket, member)
        read((await other.subscribe("level2", ["BTC-USD"]))[1], second)
        assert second["bid", "39000.00"] == "0.1"
        move(simulator, "38000")
        for one, book in ((listener, first), (other, second)):
            read(await one.receive(), book)
    shown = [{level: size for level, size in book.items() if size != "0"} for book in (first, second)]
    assert shown[0] == shown[1] == {("bid", "37999.99"): "1000", ("offer", "38000.01"): "1000"}


async def test_a_partial_fill_by_hand_moves_no_market(member: Member, simulator: Simulator) -> None:
    order_id = await member.place(limit_order())
    filled = (await turn(member, "/fill", {"order_id": order_id, "share": "0.3"}))["order"]
    assert (Decimal(filled["filled_size"]), Decimal(filled["filled_value"])) == (Decimal("0.03"), Decimal(1170))
    assert filled["status"] == "OPEN"
    ticker = simulator.ticker("BTC-USD")
    assert ticker is not None
    assert ticker.price == 40_000
    assert (await member.control("POST", "/fill", {"order_id": "nobody"})).status == 400
    assert (await member.control("POST", "/fill", {"share": "2"})).status == 400


async def test_an_order_that_would_cross_when_it_reaches_the_book_is_failed_with_its_reason(
    member: Member, simulator: Simulator
) -> None:
    """A post-only order at 39,000 that waits while the market falls to 38,000."""
    await member.control("POST", "/faults", {"fault": "F18_pending"})
    order_id = await member.place(limit_order())
    move(simulator, "38000")
    await turn(member, "/settle", {"order_id": order_id})
    order = (await member.get(f"/orders/historical/{order_id}")).body["order"]
    assert (order["status"], order["reject_reason"]) == ("FAILED", "INVALID_LIMIT_PRICE_POST_ONLY")
    assert "39000" in order["reject_message"]
    assert order["cancel_message"] == ""
    usd = next(row for row in (await member.get("/accounts")).body["accounts"] if row["currency"] == "USD")
    assert (Decimal(usd["available_balance"]["value"]), Decimal(usd["hold"]["value"])) == (Decimal(10_000), Decimal(0))


async def test_an_order_reaches_the_book_by_itself_after_its_seconds(member: Member, listener: Listener) -> None:
    await listener.subscribe("user")
    await member.control("POST", "/faults", {"fault": "F18_pending", "seconds": 0.1})
    began = time.monotonic()
    await member.place(limit_order())
    statuses = [(await listener.receive())["events"][0]["orders"][0]["status"] for _ in range(2)]
    assert statuses == ["PENDING", "OPEN"]
    assert time.monotonic() - began >= 0.1


async def test_replies_can_be_compressed_or_dribble(member: Member) -> None:
    await member.control("POST", "/faults", [{"on": "GET /time", "do": "gzip"}])
    async with member.http.get(f"{member.server.rest_url}/api/v3/brokerage/time") as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
        assert "epochMillis" in await reply.json()
    await member.control("POST", "/faults", {"on": "GET /time", "do": "slow_body", "seconds": 0.2})
    began = time.monotonic()
    async with member.http.get(f"{member.server.rest_url}/api/v3/brokerage/time") as reply:
        assert "epochMillis" in await reply.json()
    assert time.monotonic() - began >= 0.2


async def test_a_split_snapshot_lets_updates_in_between(member: Member, listener: Listener) -> None:
    """§15: open orders come in messages of fifty, and what happens meanwhile comes between them."""
    for _ in range(51):
        await member.place(limit_order("0.001"))
    await member.control("POST", "/faults", {"on": "subscribe user", "do": "split_snapshot", "seconds": 0.1})
    _, first = await listener.subscribe("user")
    await member.place(limit_order("0.001"))
    told = [first, *[await listener.receive() for _ in range(3)]]
    assert [(message["events"][0]["type"], len(message["events"][0]["orders"])) for message in told] == [
        ("snapshot", 50),
        ("update", 1),
        ("update", 1),
        ("snapshot", 1),
    ]


async def test_an_order_for_another_portfolio_is_refused(member: Member) -> None:
    refused = (await member.post("/orders", limit_order(retail_portfolio_id="another"))).body
    assert (refused["success"], refused["error_response"]["message"]) == (False, "account is not available")
    ours = (await member.get("/key_permissions")).body["portfolio_uuid"]
    await member.place(limit_order(retail_portfolio_id=ours))
    assert (await member.get("/accounts?retail_portfolio_id=another")).body["accounts"] == []
    assert len((await member.get(f"/accounts?retail_portfolio_id={ours}")).body["accounts"]) == 2


async def test_public_trades_are_numbered_and_chosen_by_time(member: Member, simulator: Simulator) -> None:
    move(simulator, "41000")
    trades = (await member.get("/products/BTC-USD/ticker?start=1767225602&end=1767225602")).body["trades"]
    assert [trade["price"] for trade in trades] == ["41000"]
    assert trades[0]["trade_id"].isdecimal()
    assert len((await member.get("/market/products/BTC-USD/ticker")).body["trades"]) == 2
    assert (await member.get("/products/BTC-USD/ticker?start=soon")).status == 400


async def test_a_token_without_a_nonce_is_refused(member: Member) -> None:
    now = int(time.time())
    claims = {"sub": member.server.key_name, "iss": "cdp", "nbf": now, "exp": now + 120}
    claims["uri"] = "GET api.coinbase.com/api/v3/brokerage/accounts"
    secret = member.server.key_file.read_text()
    token = jwt.encode(claims, secret, algorithm="ES256", headers={"kid": member.server.key_name})
    reply = await member.get("/accounts", headers={"Authorization": f"Bearer {token}"})
    assert (reply.status, reply.text) == (401, "Unauthorized")


async def test_volume_and_fees_are_those_of_the_fee_tier(member: Member, simulator: Simulator) -> None:
    """The tier is brought up to date at each full hour of venue time, and what is told of it with it (§14)."""
    await member.place(market_buy("1000"))
    assert (await member.get("/transaction_summary")).body["total_volume"] == 0
    assert isinstance(simulator.market, ManualMarket)
    simulator.market.skip(timedelta(hours=1))
    move(simulator, "40000")
    summary = (await member.get("/transaction_summary")).body
    (order,) = simulator.orders()
    assert summary["total_volume"] == summary["advanced_trade_only_volume"] == float(order.filled_value)
    assert summary["total_fees"] == float(order.total_fees)


async def test_the_control_interface_says_what_it_has(member: Member) -> None:
    unknown = await member.control("POST", "/nothing")
    assert unknown.status == 404
    assert "POST faults, random, step" in unknown.body["error_details"]
    assert (await member.control("DELETE", "/step")).status == 405
