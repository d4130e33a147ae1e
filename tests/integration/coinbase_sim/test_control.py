"""Faults that do what they say, and the rest of the control interface."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from coinbase_sim import Simulator
from tests.integration.coinbase_sim.conftest import Listener, Member, limit_order, market_buy

FILLS = "/orders/historical/fills"


async def script(member: Member, **fault: Any) -> None:
    assert (await member.control("POST", "/faults", fault)).status == 200


async def test_a_dropped_reply_leaves_the_order_on_the_exchange(member: Member, simulator: Simulator) -> None:
    await script(member, on="POST /orders", do="drop_reply")
    body = limit_order()
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await member.post("/orders", body)
    (order,) = simulator.orders()
    assert order.request.client_order_id == body["client_order_id"]
    # The fault is spent: the same body again finds the order that exists.
    assert await member.place(body) == order.order_id
    (count,) = (await member.control("GET", "/faults")).body["faults"]
    assert (count["seen"], count["fired"]) == (2, True)


async def test_a_dropped_request_leaves_nothing(member: Member, simulator: Simulator) -> None:
    await script(member, on="POST /orders", do="drop_request")
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await member.post("/orders", limit_order())
    assert simulator.orders() == []


@pytest.mark.parametrize(("do", "placed"), [("http_500_placed", 1), ("http_500_not_placed", 0)])
async def test_an_internal_error_hides_whether_the_order_was_placed(
    member: Member, simulator: Simulator, do: str, placed: int
) -> None:
    await script(member, on="POST /orders", do=do)
    reply = await member.post("/orders", limit_order())
    assert reply.status == 500
    assert reply.body["errors"][0]["id"] == "internal_server_error"
    assert len(simulator.orders()) == placed


async def test_a_delayed_reply_is_placed_at_once_and_answered_late(member: Member, listener: Listener) -> None:
    await listener.subscribe("user")
    await script(member, on="POST /orders", do="delay_reply", seconds=0.2)
    began = time.monotonic()
    order_id = await member.place(limit_order())
    assert time.monotonic() - began >= 0.2
    # What the user channel tells has been waiting since before the reply.
    assert (await listener.receive())["events"][0]["orders"][0]["order_id"] == order_id


@pytest.mark.parametrize(("method", "path"), [("POST", "/release"), ("DELETE", "/faults")])
async def test_a_held_reply_comes_when_it_is_released(
    member: Member, listener: Listener, simulator: Simulator, method: str, path: str
) -> None:
    await listener.subscribe("user")
    await script(member, on="POST /orders", do="hold_reply")
    placing = asyncio.create_task(member.place(limit_order()))
    (told,) = (await listener.receive())["events"][0]["orders"]
    # The exchange answers other requests meanwhile; this one has waited for longer than they take.
    for _ in range(3):
        assert (await member.control("GET", "/faults")).body["faults"][0]["fired"]
    assert not placing.done()
    await member.control(method, path)
    assert await placing == told["order_id"]
    assert (await member.control("POST", "/release")).body == {"released": 0}
    await member.place(limit_order("0.01"))


async def test_only_the_nth_request_is_spoiled(member: Member, simulator: Simulator) -> None:
    await script(member, on="POST /orders", nth=2, do="http_500_not_placed")
    statuses = [(await member.post("/orders", limit_order("0.01"))).status for _ in range(3)]
    assert statuses == [200, 500, 200]
    assert len(simulator.orders()) == 2


async def test_a_fault_on_a_read_matches_by_template(member: Member) -> None:
    order_id = await member.place(limit_order())
    await script(member, on="GET /orders/historical/{order_id}", do="http_500_placed")
    assert (await member.get(f"/orders/historical/{order_id}")).status == 500
    assert (await member.get(f"/orders/historical/{order_id}")).status == 200


async def test_a_stream_fault_cuts_the_channel_instead_of_the_message(
    member: Member, listener: Listener, simulator: Simulator
) -> None:
    await listener.subscribe("user")
    await script(member, on="ws user", do="drop_connection")
    await member.place(limit_order())
    assert await listener.gone()
    assert len(simulator.orders()) == 1


async def test_faults_can_be_taken_back(member: Member) -> None:
    await script(member, on="POST /orders", do="drop_request")
    assert (await member.control("DELETE", "/faults")).body == {"faults": []}
    await member.place(limit_order())


async def test_a_fault_that_makes_no_sense_is_refused_in_a_sentence(member: Member) -> None:
    reply = await member.control("POST", "/faults", {"on": "POST /orders", "do": "drop_connection"})
    assert reply.status == 400
    assert "drop_connection does not go with 'POST /orders'" in reply.body["error_details"]


async def test_disconnect_cuts_the_subscribers_of_a_channel_and_no_others(member: Member, listener: Listener) -> None:
    await listener.subscribe("user")
    async with member.http.ws_connect(member.server.ws_url) as socket:
        other = Listener(socket, member)
        await other.subscribe("ticker")
        assert (await member.control("POST", "/disconnect", {"channel": "user"})).body == {"disconnected": 1}
        assert await listener.gone()
        await member.control("POST", "/price", {"product_id": "BTC-USD", "price": "40001"})
        assert (await other.receive())["channel"] == "ticker"


async def test_a_price_set_by_hand_moves_the_market_by_one_tick(member: Member, simulator: Simulator) -> None:
    state = (await member.control("POST", "/price", {"product_id": "BTC-USD", "price": "41000.50"})).body
    assert state == {"time": "2026-01-01T00:00:02.000000Z", "position": 2, "ended": False, "paused": True}
    ticker = simulator.ticker("BTC-USD")
    assert ticker is not None
    assert ticker.price == Decimal("41000.50")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"product_id": "BTC-USD", "price": 41000},
        {"product_id": "BTC-USD", "price": "NaN"},
        {"product_id": "BTC-USD", "price": "-1"},
        {"product_id": "BTC-USD", "price": "0"},
        {"product_id": "BTC-USD", "price": "."},
        {"product_id": "NO-PAIR", "price": "1"},
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(member: Member, body: dict[str, Any]) -> None:
    reply = await member.control("POST", "/price", body)
    assert (reply.status, reply.body["error"]) == (400, "INVALID_ARGUMENT")


async def test_steps_stop_at_the_end_of_the_market(member: Member) -> None:
    state = (await member.control("POST", "/step", {"count": 5})).body
    assert (state["position"], state["ended"]) == (1, True)
    assert (await member.control("POST", "/step", {"count": 0})).status == 400
    assert (await member.control("GET", "/state")).body == state


async def test_an_exchange_without_a_speed_cannot_be_resumed(member: Member) -> None:
    reply = await member.control("POST", "/resume")
    assert reply.status == 400
    assert "/control/step" in reply.body["error_details"]
    assert (await member.control("POST", "/pause")).body["paused"] is True


async def test_the_books_are_the_exchanges_own_truth(member: Member) -> None:
    await member.place(market_buy("1000"))
    books = (await member.control("GET", "/books")).body
    fills = (await member.get(FILLS)).body["fills"]
    spent = sum(Decimal(fill["price"]) * Decimal(fill["size"]) + Decimal(fill["commission"]) for fill in fills)
    assert Decimal(books["totals"]["USD"]) == 10_000 - spent
    assert Decimal(books["totals"]["BTC"]) == sum(Decimal(fill["size"]) for fill in fills)
    assert Decimal(books["fees"]) == sum(Decimal(fill["commission"]) for fill in fills)
    (order,) = (await member.control("GET", "/orders")).body["orders"]
    assert Decimal(order["total_fees"]) == Decimal(books["fees"])


async def test_a_balance_set_by_hand_is_what_the_account_has(member: Member) -> None:
    books = (await member.control("POST", "/balance", {"currency": "USD", "available": "250.5"})).body
    assert books["totals"]["USD"] == "250.5"
    accounts = (await member.get("/accounts")).body["accounts"]
    assert [one["available_balance"]["value"] for one in accounts if one["currency"] == "USD"] == ["250.5"]


async def test_money_that_comes_and_goes_is_listed_beside_the_legs_of_fills(
    member: Member, simulator: Simulator
) -> None:
    """Coinbase's older API lists both; newest first, dated to the second, amounts with their sign."""
    await member.control("POST", "/cash", {"currency": "USD", "amount": "250.5"})
    await member.control("POST", "/cash", {"currency": "USD", "amount": "-50", "type": "exchange_deposit"})
    await member.place(market_buy("1000"))
    rows = await movements(member, simulator, "USD")
    assert {(row["type"], row["amount"]["amount"]) for row in rows[-2:]} == {
        ("fiat_deposit", "250.5"),
        ("exchange_deposit", "-50"),
    }
    spent = sum(Decimal(row["amount"]["amount"]) for row in rows if row["type"] == "advanced_trade_fill")
    books = (await member.control("GET", "/books")).body
    assert Decimal(books["totals"]["USD"]) == Decimal("10200.5") + spent
    bought = sum(Decimal(row["amount"]["amount"]) for row in await movements(member, simulator, "BTC"))
    assert Decimal(books["totals"]["BTC"]) == bought


async def movements(member: Member, simulator: Simulator, currency: str) -> list[dict[str, Any]]:
    """Return all transactions of a wallet, two a page."""
    (account_id,) = [one.account_id for one in simulator.accounts() if one.currency == currency]
    path: str | None = f"/v2/accounts/{account_id}/transactions?limit=2"
    rows: list[dict[str, Any]] = []
    while path is not None:
        body = (await member.older(path)).body
        rows += body["data"]
        path = body["pagination"]["next_uri"]
    return rows


async def test_money_that_is_not_there_does_not_go(member: Member) -> None:
    reply = await member.control("POST", "/cash", {"currency": "USD", "amount": "-10001"})
    assert (reply.status, "are available" in reply.body["message"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/balance", {"currency": "USD", "available": "-1"}),
        ("/balance", {"currency": "usd", "available": "1"}),
        ("/balance", {"currency": "USD", "available": 1}),
        ("/cash", {"currency": "USD", "amount": "0"}),
        ("/cash", {"currency": "USD", "amount": "1", "type": "Fiat Deposit"}),
        ("/product", {"product_id": "NO-PAIR"}),
        ("/product", {"product_id": "BTC-USD", "status": "asleep"}),
        ("/limits", {"private_per_s": 0}),
        ("/limits", {"per_minute": 5}),
    ],
)
async def test_a_knob_that_makes_no_sense_is_refused(member: Member, path: str, body: dict[str, Any]) -> None:
    reply = await member.control("POST", path, body)
    assert (reply.status, reply.body["error"]) == (400, "INVALID_ARGUMENT")


async def test_a_product_that_is_shut_takes_no_orders_until_it_opens(member: Member) -> None:
    await member.control("POST", "/product", {"product_id": "BTC-USD", "trading_disabled": True})
    assert (await member.post("/orders", limit_order())).body["success"] is False
    await member.control("POST", "/product", {"product_id": "BTC-USD"})
    assert (await member.post("/orders", limit_order())).body["success"] is True


async def test_a_fill_may_win_the_race_against_a_cancel(member: Member, simulator: Simulator) -> None:
    """F16: the print at 38,990 fills the order at 39,000 before the cancel is looked at."""
    order_id = await member.place(limit_order())
    await script(member, on="POST /orders/batch_cancel", do="tick_first", tick={"price": "38990"})
    (result,) = (await member.post("/orders/batch_cancel", {"order_ids": [order_id]})).body["results"]
    assert result["success"] is False
    (order,) = simulator.orders()
    assert (order.status.value, order.filled_size) == ("FILLED", Decimal("0.1"))


async def test_a_partial_fill_may_cross_a_cancel(member: Member, simulator: Simulator) -> None:
    """F17: 0.04 of 0.1 are filled, the rest is cancelled."""
    order_id = await member.place(limit_order())
    tick = {"price": "39000", "size": "0.04"}
    await script(member, on="POST /orders/batch_cancel", do="tick_first", tick=tick)
    (result,) = (await member.post("/orders/batch_cancel", {"order_ids": [order_id]})).body["results"]
    assert result["success"] is True
    (order,) = simulator.orders()
    assert (order.status.value, order.filled_size) == ("CANCELLED", Decimal("0.04"))


async def test_a_fill_is_taken_back_and_another_corrected(member: Member) -> None:
    """F29"""
    for _ in range(2):
        await member.place(market_buy())
    second, first = (await member.get(FILLS)).body["fills"]
    assert (await member.control("POST", "/reversal", {"trade_id": first["trade_id"]})).status == 200
    again = await member.control("POST", "/reversal", {"trade_id": first["trade_id"]})
    assert again.status == 400
    terms = {"trade_id": second["trade_id"], "price": "39990", "commission": "0.5"}
    assert (await member.control("POST", "/correction", terms)).status == 200
    rows = (await member.get(FILLS)).body["fills"]
    assert sorted(row["trade_type"] for row in rows) == ["CORRECTION", "FILL", "FILL", "REVERSAL", "REVERSAL"]


async def test_increments_change_while_the_exchange_runs(member: Member) -> None:
    """F13"""
    changed = {"product_id": "BTC-USD", "price_increment": "10"}
    assert (await member.control("POST", "/rules", changed)).status == 200
    refused = await member.post("/orders", limit_order(price="39001.00"))
    assert refused.body["success"] is False
    assert (await member.post("/orders", limit_order(price="39000.00"))).body["success"] is True
    for nonsense in ({"product_id": "NO-USD"}, {"product_id": "BTC-USD", "price_increment": "0"}):
        assert (await member.control("POST", "/rules", nonsense)).status == 400


async def test_a_clock_that_is_ahead_finds_tokens_expired(member: Member) -> None:
    """F10"""
    assert (await member.control("POST", "/clock", {"skew_s": 600})).status == 200
    assert (await member.get("/accounts")).status == 401
    assert (await member.control("POST", "/clock", {"skew_s": 0})).status == 200
    assert (await member.get("/accounts")).status == 200


@pytest.mark.parametrize(
    ("do", "status", "text"),
    [
        ("http_429", 429, "rate_limit_exceeded"),
        ("http_429_html", 429, "<!DOCTYPE html>"),
        ("http_401", 401, "Unauthorized"),
        ("http_403", 403, "PERMISSION_DENIED"),
        ("http_502_not_placed", 502, "<html>"),
        ("http_503_not_placed", 503, "<html>"),
        ("not_found", 404, "not found"),
    ],
)
async def test_a_refusal_by_script_has_the_venues_shape_and_places_nothing(
    member: Member, simulator: Simulator, do: str, status: int, text: str
) -> None:
    """F5, F7, F10, F11"""
    await script(member, on="POST *", do=do)
    reply = await member.post("/orders", limit_order())
    assert reply.status == status
    assert text in reply.text
    assert simulator.orders() == []


async def test_listings_lose_repeat_and_hide_rows(member: Member) -> None:
    """F18, F19, F20"""
    ids = [await member.place(limit_order()) for _ in range(2)][::-1]
    expected = {"lose_row": ids[1:], "repeat_row": [ids[0], *ids], "hide_rows": [], "reverse_rows": ids[::-1]}
    for do, listed in expected.items():
        await script(member, on="GET /orders/historical/batch", do=do)
        rows = (await member.get("/orders/historical/batch")).body["orders"]
        assert [row["order_id"] for row in rows] == listed, do
