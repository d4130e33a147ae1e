"""One seed and one script give one history, byte for byte, in whatever process it is made."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.coinbase_sim.test_cli import ended, serving

SCRIPT = """
import hashlib, sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from coinbase_sim import Simulator, SimulatorOptions, SyntheticMarket, product_named
from coinbase_sim.event_log import line_of
from coinbase_sim.model import (
    AttachedBracket, EditRequest, OrderRejected, OrderRequest, OrderType, ProductGates, Side, StopDirection, TimeInForce
)

products = tuple(product_named(name) for name in ("BTC-USD", "ETH-USD", "SOL-USD"))
start = datetime(2026, 1, 1, tzinfo=UTC)
market = SyntheticMarket(products, int(sys.argv[1]), start)
simulator = Simulator(market, products, SimulatorOptions({"USD": D(50_000), "BTC": D(1)}))
digest, kinds = hashlib.sha256(), set()

def note(event):
    kinds.add(type(event).__name__)
    digest.update(line_of(event))

simulator.subscribe(note, with_book=True)
for number in range(400):
    simulator.step()
    ticker = simulator.ticker("BTC-USD")
    if ticker is None:
        continue
    low = ticker.price.quantize(D(1)) - 200
    terms = {"client_order_id": f"c{number}", "product_id": "BTC-USD", "side": Side.BUY, "base_size": D("0.01")}
    limit = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, "limit_price": low}
    bracket = AttachedBracket(low + 3000, low - 3000)
    try:
        if number % 7 == 0:
            simulator.submit(OrderRequest(**terms, **limit, attached=bracket))
        elif number % 7 == 1:
            dated = limit | {"time_in_force": TimeInForce.GTD, "end_time": simulator.now + timedelta(minutes=5)}
            simulator.submit(OrderRequest(**terms, **dated))
        elif number % 7 == 2:
            market_terms = {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}
            simulator.submit(OrderRequest(**terms, **market_terms))
        elif number % 7 == 3:
            stop = {"stop_price": low + 400, "stop_direction": StopDirection.UP, "limit_price": low + 600}
            stop |= {"order_type": OrderType.STOP_LIMIT, "time_in_force": TimeInForce.GTC}
            simulator.submit(OrderRequest(**terms, **stop))
        elif number % 7 == 4:
            simulator.edit(EditRequest(simulator.orders()[-1].order_id, low, D("0.02")))
        elif number % 7 == 5:
            simulator.cancel(simulator.orders()[number % len(simulator.orders())].order_id)
        else:
            simulator.set_product_state("ETH-USD", ProductGates(post_only=number % 2 == 0))
    except OrderRejected:
        pass
assert len(kinds) == 6, kinds
assert len(simulator.fills()) > 50
print(digest.hexdigest(), hashlib.sha256(simulator.snapshot()).hexdigest())
"""


async def history(seed: int, hash_seed: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT, str(seed)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out


async def test_the_history_does_not_depend_on_the_process_that_makes_it() -> None:
    first, second, other = [await history(*terms) for terms in ((7, "0"), (7, "4242"), (8, "0"))]
    assert first == second
    assert first != other


async def served(log: Path, hash_seed: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Serve a seed, send a script of requests over the wire, and return the digest of the log."""
    monkeypatch.setenv("PYTHONHASHSEED", hash_seed)
    options = ("--speed", "0", "--seed", "7", "--no-auth", "--warmup", "8", "--event-log", str(log))
    async with serving(*options) as (process, ready), aiohttp.ClientSession() as http:

        async def post(url: str, body: Any) -> Any:
            async with http.post(url, json=body) as reply:
                return await reply.json()

        orders = f"{ready['rest']}/api/v3/brokerage/orders"
        await post(f"{ready['control']}/random", {"seed": 3, "rates": {"F8": 0.5}})
        for number in range(12):
            configuration = {"market_market_ioc": {"quote_size": "50"}}
            order = {"client_order_id": f"c{number}", "product_id": "BTC-USD", "side": "BUY"}
            await post(orders, order | {"order_configuration": configuration})
            await post(f"{ready['control']}/step", {"count": 3})
        assert (await ended(process, signal.SIGTERM))[0] == 0
    return hashlib.sha256(log.read_bytes()).hexdigest()


async def test_two_servers_with_one_seed_and_one_script_write_one_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [await served(tmp_path / f"{number}.jsonl", str(number), monkeypatch) for number in (1, 2)]
    assert digests[0] == digests[1]
    events = [json.loads(line) for line in (tmp_path / "1.jsonl").read_text().splitlines()]
    assert {event["event"] for event in events} >= {"TickerChanged", "TradePrinted", "OrderChanged", "BookChanged"}
    placed = {event["of"]["order"]["order_id"] for event in events if event["event"] == "OrderChanged"}
    assert 0 < len(placed) < 12
