"""The port's contract, kept by the real client against the simulated exchange over real sockets."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import aiohttp
import pytest

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.entropy import SystemEntropy
from coinbase_sim.market import ManualMarket
from coinbase_sim.products import product_named
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.wire.server import ServerOptions, SimulatorServer
from tests.fixtures.exchange_contract import OPENING_USD, TAKER_RATE, ExchangeContract

START = datetime(2026, 1, 1, tzinfo=UTC)


class SimulatorBench:
    """The simulator over loopback; its market moves one second a tick."""

    def __init__(self, market: ManualMarket, simulator: Simulator, exchange: CoinbaseExchange) -> None:
        self.exchange = exchange
        self._market = market
        self._simulator = simulator

    def now(self) -> datetime:
        return self._simulator.now

    async def set_price(self, price: Decimal) -> None:
        self._market.set_price("BTC-USD", price)
        assert self._simulator.step() is not None

    async def show_minutes(self, start: datetime, prices: Sequence[Decimal]) -> None:
        """Tick up to `start` at the first price, then through each minute at its own."""
        while self.now() + timedelta(seconds=1) < start:
            await self.set_price(prices[0])
        for price in prices:
            for _ in range(60):
                await self.set_price(price)

    async def reverse(self, trade_id: str) -> None:
        self._simulator.reverse_fill(trade_id)

    async def correct(self, trade_id: str, price: Decimal, fee: Decimal) -> None:
        self._simulator.correct_fill(trade_id, price, fee)

    async def move_cash(self, currency: str, amount: Decimal, word: str) -> None:
        self._simulator.move_cash(currency, amount, word)


class VenueTimeClock(SystemClock):
    """The simulator's time for what is dated by the venue, real time for tokens."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def now(self) -> datetime:
        return self._simulator.now


@pytest.fixture
async def bench() -> AsyncIterator[SimulatorBench]:
    specs = [product_named("BTC-USD")]
    market = ManualMarket(specs, START)
    options = SimulatorOptions({"USD": OPENING_USD, "BTC": Decimal(0)}, taker_fee_rate=TAKER_RATE)
    simulator = Simulator(market, specs, options)
    async with (
        SimulatorServer(simulator, ServerOptions(heartbeat_interval_s=0)) as server,
        aiohttp.ClientSession() as session,
    ):
        clock, entropy = VenueTimeClock(simulator), SystemEntropy()
        signer = Signer(ApiKey(server.key_name, server.key_file.read_text()), clock, entropy)
        client = ClientOptions(clock, entropy, requests_per_s=1e6, burst=1000)
        yield SimulatorBench(market, simulator, CoinbaseExchange(session, server.rest_url, signer, client))


class TestCoinbaseExchangeOnTheSimulator(ExchangeContract):
    """The contract, kept over the wire."""


async def test_movements_over_many_pages_are_all_listed_once(bench: SimulatorBench) -> None:
    """F19: a page of the older API holds 100; asking stops at the page that reaches back far enough."""
    await bench.set_price(Decimal(50_000))
    for _ in range(250):
        await bench.move_cash("USD", Decimal(1), "fiat_deposit")
    listed = await bench.exchange.movements_since(START, {"USD"})
    assert len({movement.transaction_id for movement in listed}) == len(listed) == 250
