"""Each fault of the catalogue by its name: it is installed through the control interface, and it does what it says."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from coinbase_sim import Simulator
from coinbase_sim.catalogue import CATALOGUE
from coinbase_sim.faults import Fault
from coinbase_sim.testing import MarketHand, Script
from tests.integration.coinbase_sim.conftest import Listener, Member, Reply, limit_order, market_buy

README = Path(__file__).parents[3] / "packages/coinbase-sim/README.md"
ORDERS, FILLS = "/orders/historical/batch", "/orders/historical/fills"
LOST = (aiohttp.ClientError, ConnectionError)


@dataclass
class Scene:
    """An exchange on which something is to go wrong."""

    member: Member
    simulator: Simulator
    listener: Listener
    market: MarketHand

    async def fault(self, name: str, **changes: Any) -> None:
        reply = await self.member.control("POST", "/faults", {"fault": name} | changes)
        assert reply.status == 200, reply.text

    async def ids(self, path: str = ORDERS) -> list[str]:
        body = (await self.member.get(path)).body
        return [row["order_id"] for row in body.get("orders", body.get("fills"))]

    async def cancel(self, order_id: str) -> Any:
        (result,) = (await self.member.post("/orders/batch_cancel", {"order_ids": [order_id]})).body["results"]
        return result

    async def statuses(self, count: int) -> list[str]:
        """The statuses of the next messages on the socket."""
        return [(await self.listener.receive())["events"][0]["orders"][0]["status"] for _ in range(count)]

    async def ticker(self) -> dict[str, str]:
        told: dict[str, str] = (await self.listener.receive())["events"][0]["tickers"][0]
        return told


@pytest.fixture
def scene(member: Member, simulator: Simulator, listener: Listener, coinbase_market: MarketHand) -> Scene:
    return Scene(member, simulator, listener, coinbase_market)


ORDER_OUTCOMES: dict[str, tuple[int | None, int]] = {
    "F1": (None, 0),
    "F2": (None, 1),
    "F5": (429, 0),
    "F5_html": (429, 0),
    "F6": (429, 0),
    "F7": (503, 1),
    "F7_not_placed": (503, 0),
    "F7_500": (500, 1),
    "F7_500_not_placed": (500, 0),
    "F7_502": (502, 1),
    "F7_502_not_placed": (502, 0),
    "F8": (200, 0),
    "F9": (200, 1),
    "F9_field": (200, 1),
    "F9_enum": (200, 1),
    "F9_empty": (200, 1),
    "F10": (401, 0),
    "F10_clock": (401, 0),
    "F11": (401, 0),
    "F12": (200, 0),
    "F12_cancel_only": (200, 0),
    "F13": (200, 0),
    "F14": (200, 0),
    "F15": (200, 0),
}
"""What a sound order for 0.1 at 39,010 (no multiple of 50) is answered with, None for no answer, and orders placed."""

ORDER_SAYS = {
    "F5": "rate_limit_exceeded",
    "F5_html": "<!DOCTYPE html>",
    "F7": "<html>",
    "F7_500": "internal_server_error",
    "F8": "INSUFFICIENT_FUND",
    "F9_field": "added_by_the_venue",
    "F9_enum": "SOMETHING_THE_VENUE_ADDED_TODAY",
    "F12": "UNTRADABLE_PRODUCT",
    "F12_cancel_only": "ORDER_ENTRY_DISABLED",
    "F13": "INVALID_PRICE_PRECISION",
    "F14": "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
    "F15": "INSUFFICIENT_FUND",
}


async def ordered(scene: Scene) -> Reply | None:
    try:
        return await scene.member.post("/orders", limit_order(price="39010.00"))
    except LOST:
        return None


@pytest.mark.parametrize("name", ORDER_OUTCOMES)
async def test_a_fault_of_an_order_by_its_name(scene: Scene, name: str) -> None:
    """F1, F2, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15: the second order meets the fault."""
    status, placed = ORDER_OUTCOMES[name]
    await scene.fault(name, nth=2)
    first = await ordered(scene)
    assert first is not None
    assert first.body["success"] is True
    reply = await ordered(scene)
    assert (None if reply is None else reply.status) == status
    assert len(scene.simulator.orders()) == 1 + placed
    if reply is not None:
        assert ORDER_SAYS.get(name, "") in reply.text


async def test_a_reply_that_is_cut_in_half_is_no_json(scene: Scene) -> None:
    """F9"""
    await scene.fault("F9")
    reply = await ordered(scene)
    assert reply is not None
    with pytest.raises(json.JSONDecodeError):
        _ = reply.body
    await scene.fault("F9_empty")
    reply = await ordered(scene)
    assert reply is not None
    assert reply.body == {}


async def f3(scene: Scene) -> None:
    await scene.fault("F3", seconds=0.2)
    began = time.monotonic()
    assert await ordered(scene) is not None
    assert time.monotonic() - began >= 0.2
    assert CATALOGUE["F3"].faults[0].seconds == 30


async def f4(scene: Scene) -> None:
    await scene.fault("F4", seconds=0.2)
    body = limit_order()
    await scene.listener.subscribe("user")
    late = asyncio.create_task(scene.member.post("/orders", body))
    await scene.statuses(2)
    again = await scene.member.place(body)
    assert not late.done()
    assert (await late).body["success_response"]["order_id"] == again
    assert len(scene.simulator.orders()) == 1


async def f9_message(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F9_message")
    await scene.member.place(limit_order())
    message = await scene.listener.socket.receive()
    with pytest.raises(json.JSONDecodeError):
        json.loads(message.data)
    assert await scene.statuses(1) == ["OPEN"]


async def f9_message_enum(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F9_message_enum")
    await scene.member.place(limit_order())
    assert await scene.statuses(2) == ["SOMETHING_THE_VENUE_ADDED_TODAY", "OPEN"]


async def f9_channel(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F9_channel")
    await scene.member.place(limit_order())
    told = [await scene.listener.receive() for _ in range(2)]
    assert [(message["channel"], message["sequence_num"]) for message in told] == [("announced_today", 2), ("user", 3)]


async def f16(scene: Scene) -> None:
    order_id = await scene.member.place(limit_order())
    await scene.fault("F16")
    assert (await scene.cancel(order_id))["failure_reason"] == "ORDER_IS_FULLY_FILLED"
    (order,) = scene.simulator.orders()
    assert (order.status.value, order.filled_size, order.filled_value) == ("FILLED", Decimal("0.1"), Decimal(3900))


async def f16_queued(scene: Scene) -> None:
    """The cancel is granted, the order stays live, and a fill still wins; another is cancelled in the end."""
    await scene.listener.subscribe("user")
    first, second = [await scene.member.place(limit_order()) for _ in range(2)]
    await scene.statuses(4)
    await scene.fault("F16_queued", times=2)
    assert (await scene.cancel(first))["success"] is True
    assert (await scene.cancel(second))["success"] is True
    assert await scene.statuses(2) == ["CANCEL_QUEUED", "CANCEL_QUEUED"]
    assert (await scene.cancel(second))["failure_reason"] == "DUPLICATE_CANCEL_REQUEST"
    order = (await scene.member.get(f"/orders/historical/{first}")).body["order"]
    assert (order["status"], order["pending_cancel"]) == ("CANCEL_QUEUED", True)
    assert await scene.ids(f"{ORDERS}?order_status=OPEN") == []
    assert await scene.ids(f"{ORDERS}?order_status=CANCEL_QUEUED") == [second, first]
    edit = {"order_id": first, "price": "38000.00", "size": "0.1"}
    assert "ONLY_OPEN_ORDERS_CAN_BE_EDITED" in (await scene.member.post("/orders/edit", edit)).text
    await scene.member.control("POST", "/fill", {"order_id": first})
    await scene.member.control("POST", "/settle", {})
    assert await scene.statuses(2) == ["FILLED", "CANCELLED"]
    assert [order.told_status for order in scene.simulator.orders()] == ["FILLED", "CANCELLED"]


async def f17(scene: Scene) -> None:
    order_id = await scene.member.place(limit_order())
    await scene.fault("F17")
    assert (await scene.cancel(order_id))["success"] is True
    (order,) = scene.simulator.orders()
    assert (order.status.value, order.filled_size) == ("CANCELLED", Decimal("0.05"))


async def f17_edit(scene: Scene) -> None:
    order_id = await scene.member.place(limit_order())
    await scene.fault("F17_edit")
    edit = {"order_id": order_id, "price": "38000.00", "size": "0.05"}
    assert "CANNOT_EDIT_TO_BELOW_FILLED_SIZE" in (await scene.member.post("/orders/edit", edit)).text


async def f18(scene: Scene) -> None:
    await scene.fault("F18")
    order_id = await scene.member.place(limit_order())
    assert (await scene.member.get(f"/orders/historical/{order_id}")).status == 404
    assert await scene.ids() == []
    assert {fault.lasts_s for fault in CATALOGUE["F18"].faults} == {5.0}


async def f18_pending(scene: Scene) -> None:
    """The order is accepted and holds its money, and no listing of OPEN orders has it until it reaches the book."""
    await scene.listener.subscribe("user")
    await scene.fault("F18_pending")
    order_id = await scene.member.place(limit_order())
    assert await scene.statuses(1) == ["PENDING"]
    assert await scene.ids(f"{ORDERS}?order_status=OPEN") == []
    assert await scene.ids() == [order_id]
    assert (await scene.member.get(f"/orders/historical/{order_id}")).body["order"]["status"] == "PENDING"
    await scene.market.price(38000)
    assert scene.simulator.fills() == ()
    await scene.market.price(40000)
    await scene.member.control("POST", "/settle", {})
    assert await scene.ids(f"{ORDERS}?order_status=OPEN") == [order_id]


async def f19(scene: Scene) -> None:
    first, second = [await scene.member.place(market_buy()) for _ in range(2)]
    await scene.fault("F19")
    assert await scene.ids(FILLS) == [first]
    await scene.fault("F19_repeated")
    assert await scene.ids(FILLS) == [second, second, first]


async def f19_empty_page(scene: Scene) -> None:
    """An empty page does not say that nothing follows: its cursor leads to the rows."""
    order_ids = [await scene.member.place(market_buy()) for _ in range(3)][::-1]
    await scene.fault("F19_empty_page")
    page = (await scene.member.get(f"{FILLS}?limit=2")).body
    assert page["fills"] == []
    seen = []
    while page["cursor"]:
        page = (await scene.member.get(f"{FILLS}?limit=2&cursor={page['cursor']}")).body
        seen += [row["order_id"] for row in page["fills"]]
    assert seen == order_ids


async def f20(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F20")
    order_id = await scene.member.place(limit_order())
    await scene.market.price(38000)
    assert await scene.statuses(6) == ["PENDING", "PENDING", "OPEN", "OPEN", "FILLED", "FILLED"]
    assert await scene.ids(FILLS) == [order_id, order_id]
    assert len(scene.simulator.fills()) == 1


async def f21(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F21")
    order_ids = [await scene.member.place(limit_order()) for _ in range(2)]
    assert await scene.statuses(4) == ["OPEN", "PENDING", "PENDING", "OPEN"]
    await scene.market.price(38000)
    assert await scene.ids(FILLS) == order_ids


async def f22(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F22", seconds=0.2)
    asked = asyncio.create_task(scene.member.post("/orders", market_buy()))
    assert await scene.statuses(3) == ["PENDING", "OPEN", "FILLED"]
    assert not asked.done()
    assert (await asked).body["success"] is True


async def f23(scene: Scene) -> None:
    await scene.listener.subscribe("ticker")
    await scene.fault("F23")
    for price in (41000, 42000):
        await scene.market.price(price)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await scene.listener.socket.receive()
    assert not scene.listener.socket.closed


async def f24(scene: Scene) -> None:
    await scene.listener.subscribe("ticker")
    await scene.fault("F24")
    for price in (41000, 42000):
        await scene.market.price(price)
    message = await scene.listener.receive()
    assert (message["sequence_num"], message["events"][0]["tickers"][0]["price"]) == (3, "42000")


async def f24_lower(scene: Scene) -> None:
    await scene.listener.subscribe("ticker")
    await scene.fault("F24_lower")
    for price in (41000, 42000):
        await scene.market.price(price)
    assert [(await scene.listener.receive())["sequence_num"] for _ in range(2)] == [0, 2]


async def f25(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.member.place(limit_order())
    await scene.member.control("POST", "/disconnect", {})
    await scene.fault("F25")
    async with scene.member.http.ws_connect(scene.member.server.ws_url) as socket:
        again = Listener(socket, scene.member)
        _, snapshot = await again.subscribe("user")
        replayed = [(await again.receive())["events"][0]["orders"][0]["status"] for _ in range(2)]
    assert [order["status"] for order in snapshot["events"][0]["orders"]] == ["OPEN"]
    assert replayed == ["PENDING", "OPEN"]


async def f26(scene: Scene) -> None:
    await scene.fault("F26")
    await scene.listener.send(type="subscribe", channel="ticker", product_ids=["BTC-USD"])
    assert (await scene.listener.receive())["channel"] == "ticker"


async def muted(scene: Scene, name: str, dead: str, alive: str) -> None:
    for channel in (dead, alive):
        await scene.listener.subscribe(channel)
    await scene.fault(name)
    for price in (41000, 42000):
        await scene.market.price(price)
        await scene.member.server.publish_heartbeat()
    told = [await scene.listener.receive() for _ in range(2)]
    assert [message["channel"] for message in told] == [alive, alive]
    assert told[1]["sequence_num"] == told[0]["sequence_num"] + 1


async def f27(scene: Scene) -> None:
    await muted(scene, "F27", "ticker", "heartbeats")


async def f27_heartbeats(scene: Scene) -> None:
    await muted(scene, "F27_heartbeats", "heartbeats", "ticker")


async def f28(scene: Scene) -> None:
    order_id = await scene.member.place(market_buy())
    at = (await scene.member.get(FILLS)).body["fills"][0]["trade_time"]
    now_s = 0.0
    scene.member.server.faults.now_s = lambda: now_s
    await scene.fault("F28")
    assert await scene.ids(FILLS) == []
    now_s = 59.9
    assert await scene.ids(FILLS) == []
    now_s = 60.0
    (fill,) = (await scene.member.get(FILLS)).body["fills"]
    assert (fill["order_id"], fill["trade_time"]) == (order_id, at)


async def f28_update(scene: Scene) -> None:
    await scene.listener.subscribe("user")
    await scene.fault("F28_update", seconds=0.1, nth=2)
    await scene.member.place(limit_order())
    await scene.market.price(38000)
    assert await scene.statuses(3) == ["PENDING", "FILLED", "OPEN"]


async def f29(scene: Scene) -> None:
    await scene.fault("F29", nth=2)
    await scene.member.place(market_buy())
    assert [row["trade_type"] for row in (await scene.member.get(FILLS)).body["fills"]] == ["FILL"]
    assert [row["trade_type"] for row in (await scene.member.get(FILLS)).body["fills"]] == ["REVERSAL", "FILL"]
    assert scene.simulator.books().totals["USD"] == 10_000


async def f29_corrected(scene: Scene) -> None:
    await scene.member.place(market_buy())
    await scene.fault("F29_corrected")
    rows = (await scene.member.get(FILLS)).body["fills"]
    assert [row["trade_type"] for row in rows] == ["CORRECTION", "REVERSAL", "FILL"]
    assert (rows[0]["price"], rows[0]["commission"]) == ("1", "0")


async def spoiled_ticker(scene: Scene, name: str) -> dict[str, str]:
    await scene.listener.subscribe("ticker")
    await scene.fault(name)
    await scene.market.price(41000)
    return await scene.ticker()


async def f30(scene: Scene) -> None:
    told = await spoiled_ticker(scene, "F30")
    assert (told["best_bid"], told["best_ask"]) == ("41000.01", "40999.99")


async def f30_zero(scene: Scene) -> None:
    assert (await spoiled_ticker(scene, "F30_zero"))["price"] == "0"


async def f30_nan(scene: Scene) -> None:
    assert (await spoiled_ticker(scene, "F30_nan"))["price"] == "NaN"


async def f30_tenfold(scene: Scene) -> None:
    assert Decimal((await spoiled_ticker(scene, "F30_tenfold"))["price"]) == 410_000


async def f30_stale(scene: Scene) -> None:
    async def price() -> Decimal:
        return Decimal((await scene.member.get("/products/BTC-USD")).body["price"])

    await scene.fault("F30_stale", seconds=0.3)
    assert await price() == 40_000
    await scene.market.price(41_000)
    assert await price() == 40_000
    await asyncio.sleep(0.35)
    assert await price() == 41_000


Check = Callable[[Scene], Awaitable[None]]
ALONE: dict[str, Check] = {
    check.__name__.replace("f", "F", 1): check
    for check in (
        *(f3, f4, f9_message, f9_message_enum, f9_channel, f16, f16_queued, f17, f17_edit, f18, f18_pending),
        *(f19, f19_empty_page, f20, f21, f22, f23, f24, f24_lower, f25, f26, f27, f27_heartbeats, f28, f28_update),
        *(f29, f29_corrected, f30, f30_zero, f30_nan, f30_tenfold, f30_stale),
    )
}


@pytest.mark.parametrize("name", ALONE)
async def test_a_fault_by_its_name(scene: Scene, name: str) -> None:
    """F3, F4, F9, F16, F17, F18, F19, F20, F21, F22, F23, F24, F25, F26, F27, F28, F29, F30"""
    await ALONE[name](scene)


def test_no_fault_of_the_catalogue_goes_untested_and_none_of_the_thirty_is_missing() -> None:
    assert {*ORDER_OUTCOMES, *ALONE, "F19_repeated"} == set(CATALOGUE)
    assert {f"F{number}" for number in range(1, 31)} <= set(CATALOGUE)


def told(fault: Fault) -> str:
    knob = f" `{fault.control.path}`" if fault.control is not None else ""
    return f"`{fault.on}` {fault.do.value}{knob}"


def test_the_readmes_table_of_faults_is_the_catalogue() -> None:
    rows = re.findall(r"^\| (F\d\S*) \| (.*?) \| (.*?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [(name, one.title, "; ".join(told(fault) for fault in one.faults)) for name, one in CATALOGUE.items()]
    assert rows == expected


async def test_named_faults_come_at_random_by_one_seed(member: Member, simulator: Simulator) -> None:
    """F1, F8: the same seed and the same requests meet the same faults."""

    async def run(seed: int) -> list[str]:
        await member.control("DELETE", "/faults")
        reply = await member.control("POST", "/random", {"seed": seed, "rates": {"F1": 0.3, "F8": 0.3}})
        assert reply.status == 200, reply.text
        outcomes = []
        for _ in range(30):
            try:
                placed = (await member.post("/orders", limit_order("0.001"))).body["success"]
                outcomes.append(str(placed))
            except LOST:
                outcomes.append("lost")
        return outcomes

    first = await run(7)
    assert await run(7) == first
    assert await run(8) != first
    assert set(first) == {"True", "False", "lost"}


async def test_named_faults_are_scripted_in_python_too(
    coinbase_faults: Script, member: Member, simulator: Simulator
) -> None:
    """F2"""
    coinbase_faults.named("F2", nth=2)
    await member.place(limit_order())
    with pytest.raises(LOST):
        await member.post("/orders", limit_order())
    assert len(simulator.orders()) == 2
    coinbase_faults.at_random(7, {"F1": 1.0})
    with pytest.raises(LOST):
        await member.post("/orders", limit_order())
    assert len(simulator.orders()) == 2


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/faults", {"fault": "F99"}, "there is no fault 'F99'; there are F1, F2"),
        ("/faults", {"fault": "F1", "nth": 0}, "F1 cannot be changed so"),
        ("/faults", {"on": "POST /orders", "do": "control_first"}, "needs it"),
        ("/faults", {"on": "GET *", "do": "control_first", "control": {"path": "/nothing"}}, "there is no knob"),
        (
            "/faults",
            {"on": "GET *", "do": "control_first", "control": {"path": "/step", "body": {"count": 0}}},
            "/step",
        ),
        ("/faults", {"on": "GET /accounts", "do": "queue_cancel"}, "is an answer to 'POST /orders/batch_cancel'"),
        ("/faults", {"on": "GET /accounts", "do": "gzip", "seconds": 1}, "'seconds' goes with"),
        ("/random", {"rates": {}}, "random faults are like"),
        ("/random", {"rates": {"F1": 2}}, "random faults are like"),
        ("/random", {"rates": {"F99": 0.5}}, "there is no fault"),
    ],
)
async def test_a_script_that_makes_no_sense_is_refused_in_a_sentence(
    member: Member, path: str, body: dict[str, Any], said: str
) -> None:
    reply = await member.control("POST", path, body)
    assert reply.status == 400
    assert said in reply.body["error_details"]
    assert (await member.control("GET", "/faults")).body == {"faults": []}
