"""Whoever is called may answer with the address of somebody else; nobody goes there.

A trap counts who comes. Every way out of the bot leads to a server that sends everybody on to the trap.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, CoinbaseUserFeed, StreamOptions
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.http.health_reader import read_health
from bottrader.adapters.http.heartbeat import HttpPinger
from bottrader.adapters.http.sender import HttpSignalSender
from bottrader.adapters.notify.sender import QueuedNotifier, Result, targets_of
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.entropy import SystemEntropy
from bottrader.adapters.system.log import RecentEvents
from bottrader.bootstrap.egress import AddressNotNamed, session_to
from bottrader.domain.errors import AdapterError
from bottrader.ports import Delivery, Severity
from coinbase_sim.wire.server import SimulatorServer
from tests.fixtures.facts import BTC, make_signal

SECRET = "an-integration-secret-0123456789"


@dataclass
class Crossroads:
    """A server at `port` that sends everybody to the trap at `trap_port`; `lured` and `trapped` are the paths."""

    status: int
    port: int = 0
    trap_port: int = 0
    lured: list[str] = field(default_factory=list)
    trapped: list[str] = field(default_factory=list)

    async def lure(self, request: web.Request) -> web.Response:
        self.lured.append(request.path)
        return web.Response(
            status=self.status, headers={"Location": f"http://127.0.0.1:{self.trap_port}{request.path}"}
        )

    async def trap(self, request: web.Request) -> web.Response:
        self.trapped.append(request.path)
        return web.json_response({})


@asynccontextmanager
async def served(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@pytest.fixture(params=[301, 302, 303, 307, 308])
async def crossroads(request: pytest.FixtureRequest) -> AsyncIterator[Crossroads]:
    made = Crossroads(request.param)
    async with served(made.trap) as made.trap_port, served(made.lure) as made.port:
        yield made


@asynccontextmanager
async def calling(crossroads: Crossroads, path: str = "") -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """Yield the address and a session as the bot makes it for that address."""
    url = f"http://127.0.0.1:{crossroads.port}{path}"
    async with session_to([url]) as session:
        yield url, session


def signer_of(server: SimulatorServer) -> Signer:
    return Signer(ApiKey(server.key_name, server.key_file.read_text()), SystemClock(), SystemEntropy())


async def ask_the_exchange(crossroads: Crossroads, server: SimulatorServer) -> None:
    async with calling(crossroads) as (url, session):
        exchange = CoinbaseExchange(session, url, signer_of(server), ClientOptions(SystemClock(), SystemEntropy()))
        with pytest.raises(AdapterError):
            await exchange.balances()


async def follow_the_market(crossroads: Crossroads, _: SimulatorServer) -> None:
    async with calling(crossroads) as (url, session):
        options = StreamOptions(SystemClock(), SystemEntropy(), RecentEvents())
        feed = CoinbaseMarketFeed(session, url.replace("http", "ws"), options)
        async with aclosing(feed.events([BTC])) as events:
            assert type(await anext(events)).__name__ == "StreamLost"


async def follow_the_account(crossroads: Crossroads, server: SimulatorServer) -> None:
    async with calling(crossroads) as (url, session):
        options = StreamOptions(SystemClock(), SystemEntropy(), RecentEvents())
        feed = CoinbaseUserFeed(session, url.replace("http", "ws"), signer_of(server), options)
        async with aclosing(feed.events()) as events:
            assert type(await anext(events)).__name__ == "StreamLost"


async def deliver_a_signal(crossroads: Crossroads, _: SimulatorServer) -> None:
    async with calling(crossroads, "/webhook") as (url, session):
        report = await HttpSignalSender(session, url, SECRET, SystemClock()).send(make_signal())
        assert report.delivery is not Delivery.ACKNOWLEDGED


async def beat(crossroads: Crossroads, _: SimulatorServer) -> None:
    async with calling(crossroads, "/ping") as (url, session):
        assert not await HttpPinger(session, url).ping()


async def ask_for_health(crossroads: Crossroads, _: SimulatorServer) -> None:
    async with calling(crossroads) as (url, session):
        assert not (await read_health(session, url)).is_ok


async def notify(crossroads: Crossroads, _: SimulatorServer) -> None:
    notifier = QueuedNotifier(targets_of([f"json://127.0.0.1:{crossroads.port}/x"]), SystemClock(), RecentEvents())
    task = asyncio.create_task(notifier.run())
    notifier.notify(Severity.INFO, "title", "text")
    await notifier.drain()
    task.cancel()
    await asyncio.wait({task})
    assert notifier.results[Result.SENT] == 0


@pytest.mark.parametrize(
    "call",
    [ask_the_exchange, follow_the_market, follow_the_account, deliver_a_signal, beat, ask_for_health, notify],
    ids=lambda call: call.__name__,
)
async def test_nobody_follows_who_sends_him_elsewhere(
    crossroads: Crossroads,
    coinbase_simulator: SimulatorServer,
    call: Callable[[Crossroads, SimulatorServer], Awaitable[None]],
) -> None:
    """Promise P9"""
    await call(crossroads, coinbase_simulator)
    assert crossroads.lured
    assert crossroads.trapped == []


@pytest.mark.parametrize("url", ["http://127.0.0.2:{port}/", "http://localhost:{port}/", "http://127.0.0.1:1/"])
async def test_a_session_connects_to_what_it_was_made_for_and_nothing_else(url: str) -> None:
    """Promise P9: another host or another port, even one of the same machine."""
    crossroads = Crossroads(200)
    async with served(crossroads.trap) as port, session_to([f"wss://127.0.0.1:{port}/path?x=1"]) as session:
        with pytest.raises(AddressNotNamed, match="no setting names it"):
            await session.get(url.format(port=port))
        assert crossroads.trapped == []
        async with session.get(f"http://127.0.0.1:{port}/elsewhere") as response:
            assert response.status == 200
    assert crossroads.trapped == ["/elsewhere"]
