"""The fixtures that installing the package gives to anybody's tests, and the README's example of them."""

import asyncio
import re
import shlex
import socket
import sys
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from coinbase_sim import SimulatorServer, SyntheticMarket, product_named
from coinbase_sim.faults import FaultInvalid
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.testing import MarketHand, Script
from tests.integration.coinbase_sim.conftest import Listener, Member, limit_order
from tests.integration.coinbase_sim.test_cli import serving

README = Path(__file__).parents[3] / "packages/coinbase-sim/README.md"
EXAMPLE_S = 60


async def test_the_example_in_the_readme_passes_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "test_example.py").write_text(example)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "test_example.py"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(EXAMPLE_S):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert b"1 passed" in out


async def test_the_console_lines_of_the_readme_run_as_they_stand() -> None:
    """All but the port, which may be taken here, the key's folder, and the installing, which has happened."""
    (console,) = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    install, serve, *asks = [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ ")]
    assert install == "pip install coinbase-sim"
    assert len(README.read_text(encoding="utf-8").partition("```console")[2].partition("```")[0].splitlines()) <= 10
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    serve = serve.replace("8800", port).replace("./keys", "keys")
    options = shlex.split(serve.removeprefix("coinbase-sim serve "))
    async with serving(*(option for option in options if option not in {"--key-dir", "keys"})) as (_, ready):
        assert ready["rest"] == f"http://127.0.0.1:{port}"
        told = []
        for ask in asks:
            words = shlex.split(ask.replace("8800", port))
            assert words[:2] == ["curl", "-s"]
            method = words[words.index("-X") + 1] if "-X" in words else "GET"
            async with aiohttp.ClientSession() as http, http.request(method, words[-1]) as reply:
                told.append(await reply.json())
    assert [next(iter(one)) for one in told[1:]] == ["time", "totals"]
    assert told[0]["product_id"] == "BTC-USD"


async def test_the_market_moves_and_its_clients_have_heard_when_the_call_returns(
    coinbase_market: MarketHand, listener: Listener
) -> None:
    await listener.subscribe("ticker")
    ticker = await coinbase_market.price("38000.50")
    assert (ticker.price, ticker.best_ask.price) == (Decimal("38000.50"), Decimal("38000.51"))
    assert (await listener.receive())["events"][0]["tickers"][0]["price"] == "38000.50"


async def test_a_market_that_moves_by_itself_is_not_moved_by_hand(coinbase_simulator: SimulatorServer) -> None:
    products = (product_named("BTC-USD"),)
    market = SyntheticMarket(products, 1, coinbase_simulator.simulator.now)
    server = SimulatorServer(Simulator(market, products, SimulatorOptions(balances={})))
    with pytest.raises(TypeError, match="ManualMarket only"):
        await MarketHand(server).price(1)


async def test_a_price_of_a_product_that_is_not_listed_is_refused(coinbase_market: MarketHand) -> None:
    with pytest.raises(ValueError, match="there is no DOGE-USD"):
        await coinbase_market.price(1, "DOGE-USD")


async def test_a_scripted_fault_happens_at_the_request_it_names(coinbase_faults: Script, member: Member) -> None:
    coinbase_faults("POST /orders", "http_500_not_placed", nth=2)
    statuses = [(await member.post("/orders", limit_order("0.01"))).status for _ in range(3)]
    assert statuses == [200, 500, 200]
    assert coinbase_faults.unfired == []


async def test_a_fault_that_never_happened_is_told(coinbase_faults: Script, member: Member) -> None:
    coinbase_faults("POST /orders", "drop_reply")
    (fault,) = coinbase_faults.unfired
    assert (fault["on"], fault["seen"]) == ("POST /orders", 0)
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await member.post("/orders", limit_order())
    assert coinbase_faults.unfired == []


@pytest.mark.parametrize(
    ("on", "do"), [("orders", "drop_reply"), ("POST /orders", "explode"), ("ws user", "drop_reply")]
)
async def test_a_fault_that_makes_no_sense_is_refused_at_once(coinbase_faults: Script, on: str, do: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - both kinds of sentence are checked below
        coinbase_faults(on, do)
    assert isinstance(refused.value, FaultInvalid) or "explode" in str(refused.value)
    assert coinbase_faults.unfired == []
