"""Everything that can be killed, set up to trade: the exchange, Postgres behind a wire that breaks, the bot."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from bottrader.adapters.postgres.connection import connect
from bottrader.domain.errors import StartupRefused
from coinbase_sim.market import ManualMarket
from coinbase_sim.products import product_named
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.state import SimulatorState, decode_state
from tests.fixtures.cutting_proxy import CuttingProxy, cutting_proxy
from tests.fixtures.killable_server import KillableServer, killable_database
from tests.fixtures.processes import SECRET, free_port, inherited_environment
from tests.system.recovery.actors import Actor, Troupe, troupe
from tests.system.recovery.load import BASE, REQUEST_TIMEOUT_S, Market, Sender

PRODUCTS = ("BTC-USD", "ETH-USD", "SOL-USD")
START_USD = Decimal(10_000)
EXPOSURE_MAX = Decimal(250)
"""Two positions of 100 USD and not three, so that a doubled order would show."""
POSITION_MAX = Decimal(120)
HISTORY_CANDLES = 60
PATIENCE_S = 90.0
POLL_S = 0.05
SETTINGS = {
    "SYMBOLS": ",".join(PRODUCTS),
    "WEBHOOK_SECRET": SECRET,
    "ORDER_SIZE_ROC": "100",
    "MAX_EXPOSURE": str(EXPOSURE_MAX),
    "MAX_VALUE_TO_BUY": str(POSITION_MAX),
    # The market of these tests runs by minutes, and loses as often as it wins.
    "ENTRY_NEEDS_RANGE": "false",
    "DYNAMIC_FILTER_ENABLED": "false",
    "MAX_DAILY_LOSS": "1000000",
    "MAX_LOSSES_IN_ROW": "0",
    "MAX_ORDERS_PER_MINUTE": "1000000",
    "MAX_REFUSALS_PER_MINUTE": "1000000",
    "MAX_PRICE_AGE_S": "100000",
    "SIGNAL_TTL_S": "1000000",
    "ROC_5MIN_BUY_THRESHOLD": "0.8",
    "ROC_5MIN_SELL_THRESHOLD": "0.8",
    "RSI_BUY_MIN": "0",
    "RSI_BUY_MAX": "100",
    "COOLDOWN_BARS": "0",
}


@dataclass
class Scene:
    """The actors, and what asks them from outside."""

    server: KillableServer
    dsn: str
    proxy: CuttingProxy
    exchange: Actor
    exchange_port: int
    state_file: Path
    http: aiohttp.ClientSession
    troupe: Troupe
    environment: dict[str, str]
    folder: Path
    webhooks: list[Actor] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    @property
    def control(self) -> str:
        return f"http://127.0.0.1:{self.exchange_port}/control"

    def url(self, number: int = 0) -> str:
        return f"http://127.0.0.1:{self.ports[number]}"

    def add_webhook(self) -> Actor:
        """Start one more webhook; the first to have the lease acts."""
        port = free_port()
        env = {**self.environment, "BOTTRADER_WEBHOOK_PORT": str(port)}
        actor = Actor(["bottrader", "run", "--role", "webhook"], env, self.folder / f"webhook-{port}.log")
        self.webhooks.append(actor)
        self.ports.append(port)
        self.troupe.keep(actor)
        return actor

    def add_sighook(self) -> Actor:
        """Start a sighook that sends to the first webhook."""
        env = {**self.environment, "BOTTRADER_WEBHOOK_URL": f"{self.url()}/webhook"}
        actor = Actor(["bottrader", "run", "--role", "sighook"], env, self.folder / "sighook.log")
        self.troupe.keep(actor)
        return actor

    async def ask(self, url: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON answer, 0 and nothing when there was none."""
        try:
            async with self.http.get(url) as reply:
                return reply.status, await reply.json()
        except (aiohttp.ClientError, TimeoutError):
            return 0, {}

    async def venue_time(self) -> datetime:
        """Return the exchange's time once it answers."""
        # What happens in other processes sets no event here, so they are asked again and again.
        while not (answer := (await self.ask(f"{self.control}/state"))[1]):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        return datetime.fromisoformat(answer["time"])

    def ledger(self) -> SimulatorState:
        """Return the exchange's own ledger, as it is on its disk."""
        return decode_state(self.state_file.read_bytes())

    async def fault(self, **terms: Any) -> None:
        async with self.http.post(f"{self.control}/faults", json=terms) as reply:
            assert reply.status == 200, await reply.text()

    async def is_protected(self, since: datetime) -> bool:
        """Tell whether one webhook holds the lease, sees the market as it was after `since`, and has no fault."""
        for number in range(len(self.ports)):
            status, health = await self.ask(f"{self.url(number)}/health")
            if status == 200 and datetime.fromisoformat(health["venue_time"]) > since:
                return await self._is_leased()
        return False

    async def _is_leased(self) -> bool:
        try:
            session = await connect(self.dsn)
        except StartupRefused:
            return False
        try:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            return bool(await session.fetchval(query))
        finally:
            await session.close()

    async def protected(self) -> None:
        """Return once the bot looks after its positions again; time has gone on since the call by then."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                since = await self.venue_time()
                while not await self.is_protected(since):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            healths = [await self.ask(f"{url}/health") for url in map(self.url, range(len(self.ports)))]
            said = "\n".join(actor.said()[-4000:] for actor in self.webhooks)
            raise AssertionError(f"not protected within {PATIENCE_S:.0f} s: {healths}\n{said}") from None


def new_ledger() -> bytes:
    """Return the state of an exchange with a history, so that strategies are warm from the start."""
    specs = [product_named(name) for name in PRODUCTS]
    market = ManualMarket(specs)
    simulator = Simulator(market, specs, SimulatorOptions({"USD": START_USD}))
    for _ in range(HISTORY_CANDLES):
        for name in PRODUCTS:
            market.set_price(name, Decimal(BASE))
            simulator.step()
        market.skip(timedelta(minutes=5))
    return simulator.snapshot()


@asynccontextmanager
async def scene(server: KillableServer, name: str, folder: Path) -> AsyncIterator[Scene]:
    """Have an exchange, a database and a wire to it; webhooks are added by the test."""
    state_file, port = folder / "exchange.json", free_port()
    state_file.write_bytes(new_ledger())
    products = [word for product in PRODUCTS for word in ("--product", product)]
    serve = ["coinbase-sim", "serve", "--manual", str(BASE), "--port", str(port), "--key-dir", str(folder / "key")]
    argv = [*serve, "--state", str(state_file), "--durable", *products]
    exchange = Actor(argv, inherited_environment(), folder / "exchange.log")
    async with AsyncExitStack() as opened:
        dsn = await opened.enter_async_context(killable_database(server, name))
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        http = await opened.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        proxy, url = await opened.enter_async_context(cutting_proxy(dsn))
        actors = await opened.enter_async_context(troupe())
        actors.keep(exchange)
        made = Scene(server, dsn, proxy, exchange, port, state_file, http, actors, {}, folder)
        async with asyncio.timeout(PATIENCE_S):
            await made.venue_time()
        made.environment = _environment(exchange, url, folder, port)
        yield made


def _environment(exchange: Actor, database_url: str, folder: Path, port: int) -> dict[str, str]:
    said = next(line for line in exchange.said().splitlines() if line.startswith("{"))
    ready = json.loads(said)
    return {
        **inherited_environment(),
        "DATABASE_URL": database_url,
        "BOTTRADER_DATA_DIR": str(folder / "data"),
        "BOTTRADER_EXCHANGE_REST_URL": f"http://127.0.0.1:{port}",
        "BOTTRADER_EXCHANGE_MARKET_WS_URL": f"ws://127.0.0.1:{port}",
        "BOTTRADER_EXCHANGE_USER_WS_URL": f"ws://127.0.0.1:{port}",
        "BOTTRADER_EXCHANGE_KEY_NAME": ready["key_name"],
        "BOTTRADER_EXCHANGE_KEY_FILE": ready["key_file"],
        **{f"BOTTRADER_{name}": value for name, value in SETTINGS.items()},
    }


@asynccontextmanager
async def under_load(market: Market, sender: Sender) -> AsyncIterator[None]:
    """Have the market move and signals come while the block lasts."""
    moving = asyncio.create_task(market.run())
    sender.start(PRODUCTS)
    try:
        yield
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
        await sender.stop()
