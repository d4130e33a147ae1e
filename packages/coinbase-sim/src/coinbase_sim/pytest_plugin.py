"""Fixtures with a running exchange, for anybody's tests; loaded by pytest through the entry point `coinbase_sim`.

Nothing heavy is imported here, because pytest loads the plugin in every run: the fixtures import what they need.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from coinbase_sim.testing import MarketHand, Script
    from coinbase_sim.wire.server import SimulatorServer


@pytest.fixture
async def coinbase_simulator() -> "AsyncIterator[SimulatorServer]":
    """A running exchange: BTC-USD at 40,000 on a market that only the test moves, and 10,000 USD to trade with.

    `server.simulator` is the exchange itself; `coinbase_market` moves it and `coinbase_faults` spoils it. The test
    needs an asyncio plugin and the right to open sockets on 127.0.0.1.
    """
    from decimal import Decimal  # noqa: PLC0415 - see the module's docstring

    from coinbase_sim.market import ManualMarket  # noqa: PLC0415
    from coinbase_sim.products import product_named  # noqa: PLC0415
    from coinbase_sim.simulator import Simulator, SimulatorOptions  # noqa: PLC0415
    from coinbase_sim.wire.server import ServerOptions, SimulatorServer  # noqa: PLC0415

    products = (product_named("BTC-USD"),)
    market = ManualMarket(products)
    market.set_price("BTC-USD", Decimal(40_000))
    simulator = Simulator(market, products, SimulatorOptions(balances={"USD": Decimal(10_000)}))
    simulator.step()
    async with SimulatorServer(simulator, ServerOptions(heartbeat_interval_s=0)) as server:
        yield server


@pytest.fixture
def coinbase_market(coinbase_simulator: "SimulatorServer") -> "MarketHand":
    """The hand that moves the market: `await coinbase_market.price("38000")`."""
    from coinbase_sim.testing import MarketHand  # noqa: PLC0415 - see the module's docstring

    return MarketHand(coinbase_simulator)


@pytest.fixture
def coinbase_faults(coinbase_simulator: "SimulatorServer") -> "Script":
    """The script of what goes wrong: `coinbase_faults("POST /orders", "drop_reply", nth=2)`."""
    from coinbase_sim.testing import Script  # noqa: PLC0415 - see the module's docstring

    return Script(coinbase_simulator)
