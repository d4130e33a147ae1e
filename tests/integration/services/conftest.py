"""The two services in this process: a simulated exchange on a market that only the test moves, and real Postgres."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from bottrader.adapters.coinbase.auth import ApiKey
from bottrader.adapters.http.server import bind
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.adapters.system.log import LoggedEvent, RecentEvents
from bottrader.app.activity import Activity
from bottrader.bootstrap.services import SighookService, WebhookService
from bottrader.bootstrap.venue import Venue, VenueAddress, open_venue
from bottrader.config import Mode, Settings, load_settings
from coinbase_sim.market import ManualMarket
from coinbase_sim.wire.server import SimulatorServer
from tests.fixtures.processes import signal_body, signature

SECRET = "a-secret-of-the-services-0123456789"
PATIENCE_S = 30.0
"""How long a test waits for what is certain to come: for the slowest machine, since a fast one never waits so long."""
MOMENT_S = 0.01
SLOW_MACHINE_S = 60.0
TOLD_EVENTS = 12
SETTINGS = {
    "webhook_secret": SECRET,
    "order_size_roc": "100",
    # A market that stands still until a test moves it has no candles yet.
    "entry_needs_range": "false",
    "roc_5min_buy_threshold": "1",
    "roc_5min_sell_threshold": "1",
    "rsi_buy_min": "0",
    "rsi_buy_max": "100",
    "signal_ttl_s": "86400",
}


class Stage:
    """One exchange, one store, and the services that a test starts on them."""

    def __init__(
        self, server: SimulatorServer, store: PostgresStore, venue: Venue, http: aiohttp.ClientSession
    ) -> None:
        self.server = server
        self.store = store
        self.venue = venue
        self.http = http
        self.port = 0
        self.settings: Settings = load_settings(SETTINGS, None)
        self.webhooks: list[RunningWebhook] = []

    @asynccontextmanager
    async def webhook(self, **settings: str) -> AsyncIterator["RunningWebhook"]:
        """Run a webhook; it is killed at the end of the block."""
        log = RecentEvents()
        chosen = load_settings({**SETTINGS, **settings}, None)
        activity = Activity()
        service = WebhookService(chosen, self.store, self.venue, log, activity)
        listening = bind("127.0.0.1", self.port)
        self.port = listening.getsockname()[1]
        running = RunningWebhook(self, service, log, activity)
        self.webhooks.append(running)
        try:
            async with _beside(service.run(listening, SECRET)):
                yield running
        except BaseException as error:
            error.add_note(running.story())
            raise
        finally:
            self.webhooks.remove(running)
            listening.close()

    @asynccontextmanager
    async def sighook(self) -> AsyncIterator[RecentEvents]:
        log = RecentEvents()
        service = SighookService(self.settings, self.store, self.venue, log, Activity())
        async with _beside(service.run(f"http://127.0.0.1:{self.port}/webhook", SECRET)):
            await eventually(lambda: not service.watcher.is_blind, "sighook sees the market")
            yield log

    async def price(self, text: str) -> None:
        """Move the market by one tick and tell everybody."""
        market = self.server.simulator.market
        assert isinstance(market, ManualMarket)
        market.set_price("BTC-USD", Decimal(text))
        self.server.simulator.step()
        await self.server.publish_heartbeat()
        await self.server.flush()

    async def fault(self, on: str, do: str, seconds: float = 0, **terms: Any) -> None:
        """Have the exchange spoil the next request or message of this kind, or as the other `terms` of a fault say."""
        fault = {"on": on, "do": do, "seconds": seconds, **terms}
        async with self.http.post(f"{self.server.control_url}/faults", json=fault) as response:
            assert response.status == 200, await response.text()

    async def roll(self, text: str, ticks: int) -> None:
        """Let the market stand at a price for so many seconds."""
        market = self.server.simulator.market
        assert isinstance(market, ManualMarket)
        for _ in range(ticks):
            market.set_price("BTC-USD", Decimal(text))
            self.server.simulator.step()
        await self.server.publish_heartbeat()
        await self.server.flush()

    async def handled(self) -> None:
        """Wait until the bot has handled what the streams have told so far, and everything that came of it.

        A stream that is down tells nothing, and a reply that the exchange holds keeps the work open that waits for it;
        neither is waited for.
        """
        for webhook in self.webhooks:
            await webhook.caught_up(self.server.simulator.now)

    def release(self) -> None:
        """Have the exchange answer what it holds back."""
        self.server.faults.release()

    @property
    def orders(self) -> list[Any]:
        return list(self.server.simulator.orders())

    @property
    def books(self) -> Any:
        return self.server.simulator.books()


class RunningWebhook:
    """A webhook at work."""

    def __init__(self, stage: Stage, service: WebhookService, log: RecentEvents, activity: Activity) -> None:
        self.stage = stage
        self.service = service
        self.log = log
        self.activity = activity

    async def healthy(self) -> None:
        """Wait until nothing is wrong and nothing under way: a stream that has come up is reconciled by then."""
        await eventually(self._is_well, "the webhook is healthy, with nothing under way")

    async def caught_up(self, at: datetime) -> None:
        """Wait until what the streams told up to `at` is handled; see `Stage.handled`."""
        await eventually(lambda: self._has_heard(at), f"the webhook has handled its streams up to {at:%H:%M:%S}")
        await eventually(self._has_finished, "the webhook has finished what came of its streams")

    async def _is_well(self) -> bool:
        return self.service.health().is_ok and await self._has_finished()

    async def _has_heard(self, at: datetime) -> bool:
        """Tell whether each stream that is up has been handled up to `at`, waiting a moment for it."""
        watcher, desk = self.service.watcher, self.service.desk
        return (watcher.is_blind or await _in_a_moment(watcher.progress.reached(at))) and (
            not desk.is_user_stream_live or await _in_a_moment(desk.user_progress.reached(at))
        )

    async def _has_finished(self) -> bool:
        """Tell whether nothing is under way but what waits for a held reply, waiting a moment for it."""
        return await _in_a_moment(self.activity.quiet()) or self.stage.server.faults.held_count > 0

    async def quiet(self) -> None:
        """Return once everything that came of the last price or look is done."""
        await self.service.watcher.progress.reached(self.stage.server.simulator.now)
        async with asyncio.timeout(PATIENCE_S):
            await self.activity.quiet()

    async def send(self, action: str = "buy", **changes: Any) -> tuple[int, dict[str, Any], str]:
        """Post a signal signed by hand; returns status, answer and the signal's id."""
        body = signal_body(action, **changes)
        encoded = json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.stage.port}/webhook"
        async with self.stage.http.post(url, data=encoded, headers=signature(encoded, secret=SECRET)) as response:
            return response.status, await response.json(), body["uuid"]

    def told(self, event: str) -> list[LoggedEvent]:
        return [told for told in self.log.newest if told.event == event]

    def story(self) -> str:
        """Return what a failed test should show: the webhook's faults and the newest that it told."""
        told = [f"  {event.event} {event.fields}" for event in list(self.log.newest)[-TOLD_EVENTS:]]
        return "\n".join([f"health: {self.service.health().faults or 'ok'}; told last:", *told])


async def eventually(check: Callable[[], Any], what: str) -> Any:
    """Return the first truthy answer of `check`, awaited when it is awaitable; fail when none comes in `PATIENCE_S`."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = check()
                if isinstance(answer, Awaitable):
                    answer = await answer
                if answer:
                    return answer
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"after {PATIENCE_S:.0f} s still not true: {what}")


async def _in_a_moment(waiting: Awaitable[None]) -> bool:
    """Wait for an event, but no longer than it takes to ask again whether it is still to be expected."""
    try:
        async with asyncio.timeout(MOMENT_S):
            await waiting
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a service while the body runs; one that ends by itself ends the body at once, and says why."""
    body, task, is_left = asyncio.current_task(), asyncio.create_task(work), False
    assert body is not None, "a coroutine runs in a task"

    def interrupt(_: asyncio.Task[None]) -> None:
        if not is_left:
            body.cancel()

    task.add_done_callback(interrupt)
    try:
        yield
    except asyncio.CancelledError:
        if not task.done():
            raise
        body.uncancel()
    finally:
        is_left = True
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        raise AssertionError("the service ended by itself") from task.exception()


@pytest.fixture
async def stage(coinbase_simulator: SimulatorServer, store: PostgresStore) -> AsyncIterator[Stage]:
    server = coinbase_simulator
    address = VenueAddress(
        server.rest_url, server.ws_url, server.ws_url, ApiKey(server.key_name, server.key_file.read_text())
    )
    async with aiohttp.ClientSession() as http, open_venue(address, Mode.PAPER, RecentEvents()) as venue:
        # Silence is what a test makes, never a machine that was busy for some seconds.
        streams = replace(
            venue.streams,
            connect_timeout_s=SLOW_MACHINE_S,
            ack_timeout_s=SLOW_MACHINE_S,
            silence_timeout_s=SLOW_MACHINE_S,
        )
        yield Stage(server, store, replace(venue, streams=streams), http)
