"""What each role shows of itself over HTTP, and what becomes of it when a task dies or nobody outside answers."""

import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from bottrader.adapters.notify.sender import QueuedNotifier, Result
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents, Tee
from bottrader.app import send_heartbeats
from bottrader.app.notify_people import NotifyingLog
from bottrader.bootstrap.observing import open_notifier
from bottrader.bootstrap.roles import Process, Role
from bottrader.config import load_settings
from bottrader.domain.risk import KillSwitch
from tests.fixtures.processes import free_port, signal_body, signature
from tests.integration.services.conftest import SECRET, SETTINGS, Stage, eventually

CANARY = "canary-d00d"
PATHS = ("health", "ready", "metrics")
SECRETS = {
    "webhook_secret": f"{CANARY}-webhook-secret-0123456789",
    "smtp_password": f"{CANARY}-mail",
    "smtp_user": "bot",
    "smtp_host": "127.0.0.1",
    "report_sender": "bot@example.org",
    "report_recipients": "a@example.org",
    "database_url": f"postgresql://bot:{CANARY}@127.0.0.1:1/x",
}
WEBHOOK_TASKS = {
    *("webhook.lease", "webhook.look", "webhook.probe", "webhook.kill_switch", "webhook.key", "webhook.reconcile"),
    "webhook.signals",
    *("webhook.market_stream", "webhook.candles", "webhook.user_stream"),
    *("webhook.act.BTC-USD", "webhook.settle.BTC-USD", "webhook.judge.BTC-USD", "webhook.ask.BTC-USD"),
}
SIGHOOK_TASKS = {"sighook.market_stream", "sighook.candles", "sighook.deliver", "sighook.probe"}
REPORTER_TASKS = {"reporter.pages", "reporter.deliver", "reporter.venue_time"}
TASKS = {
    Role.WEBHOOK: WEBHOOK_TASKS,
    Role.SIGHOOK: SIGHOOK_TASKS,
    Role.REPORTER: REPORTER_TASKS,
    Role.ALL: WEBHOOK_TASKS | SIGHOOK_TASKS | REPORTER_TASKS,
}


class Shown:
    """A process of one role, as somebody outside sees it."""

    def __init__(self, stage: Stage, port: int, log: RecentEvents, notifier: QueuedNotifier) -> None:
        self._stage = stage
        self.port = port
        self.log = log
        self.notifier = notifier

    async def text(self, path: str) -> tuple[int, str]:
        async with self._stage.http.get(f"http://127.0.0.1:{self.port}/{path}") as response:
            return response.status, await response.text()

    async def health(self) -> dict[str, Any]:
        status, text = await self.text("health")
        shown: dict[str, Any] = json.loads(text)
        assert (status == 200) == (shown["status"] == "ok")
        return shown

    async def samples(self) -> dict[tuple[str, ...], float]:
        """Return the metrics: value by name and label values."""
        status, text = await self.text("metrics")
        assert status == 200
        families = text_string_to_metric_families(text)
        return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}

    async def healthy(self) -> None:
        async def is_well() -> bool:
            try:
                return bool((await self.health())["status"] == "ok")
            except aiohttp.ClientConnectionError:
                return False

        await eventually(is_well, "the process is healthy")

    async def send(self, action: str = "buy") -> int:
        encoded = json.dumps(signal_body(action)).encode()
        url = f"http://127.0.0.1:{self.port}/webhook"
        async with self._stage.http.post(url, data=encoded, headers=signature(encoded, secret=SECRET)) as response:
            return response.status


@asynccontextmanager
async def process(stage: Stage, role: Role, folder: Path, **settings: str) -> AsyncIterator[Shown]:
    """Run a process of this role on the stage; it is killed at the end of the block."""
    port = free_port()
    ports = dict.fromkeys(("webhook_port", "sighook_port", "reporter_port"), str(port))
    chosen = load_settings({**SETTINGS, "data_dir": str(folder), "symbols": "BTC-USD", **ports, **settings}, None)
    events = RecentEvents()
    async with open_notifier(chosen, events) as notifier:
        log = Tee([events, NotifyingLog(notifier, SystemClock())])
        task = asyncio.create_task(Process(chosen, role, stage.store, stage.venue, log).run(notifier))
        try:
            yield Shown(stage, port, events, notifier)
        finally:
            task.cancel()
            await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


@pytest.mark.parametrize("role", list(TASKS))
async def test_every_role_shows_what_runs_and_each_of_its_tasks(stage: Stage, tmp_path: Path, role: Role) -> None:
    """B264, B305, R41, R54"""
    async with process(stage, role, tmp_path, git_sha="abc1234", max_exposure="1234") as shown:
        await shown.healthy()
        health = await shown.health()
        assert (health["role"], health["git_sha"], health["ready"], health["faults"]) == (role, "abc1234", True, [])
        assert all(health[name] for name in ("config_hash", "schema_revision", "snapshot_hash", "version"))
        assert health["tasks"].keys() == TASKS[role]
        assert await shown.text("ready") == (200, '{"ready":true}')
        samples = await shown.samples()
    assert samples["bottrader_ready",] == samples["bottrader_healthy",] == 1
    assert samples["bottrader_build_info", health["config_hash"], "abc1234", role, health["version"]] == 1
    assert {name[1] for name in samples if name[0] == "bottrader_task_beat_age_seconds"} == TASKS[role]


async def test_the_webhook_counts_what_it_was_asked_for_and_what_came_of_it(
    stage: Stage, tmp_path: Path, sql: Connection
) -> None:
    async with process(stage, Role.WEBHOOK, tmp_path) as shown:
        await shown.healthy()
        before = await shown.samples()
        assert before["bottrader_signals_total", "accepted"] == before["bottrader_positions_open",] == 0
        assert await shown.send() == 200
        await eventually(lambda: sql.fetchrow("SELECT 1 FROM trade_records WHERE status = 'filled'"), "a filled buy")
        await shown.healthy()
        samples = await shown.samples()
    assert samples["bottrader_signals_total", "accepted"] == 1
    assert samples["bottrader_signals_total", "unauthorized"] == 0
    assert samples["bottrader_signal_outcomes_total", "ordered"] == 1
    assert samples["bottrader_orders_total", "accepted"] == 1
    assert samples["bottrader_positions_open",] == samples["bottrader_lease_held",] == 1
    assert samples["bottrader_orders_unknown_open",] == samples["bottrader_kill_switch_on",] == 0
    assert samples["bottrader_allocation_age_seconds",] == 0
    assert 0 <= samples["bottrader_market_message_age_seconds",] < 60
    assert 0 <= samples["bottrader_position_unprotected_seconds_total",] < 60


async def test_the_reporter_shows_how_old_each_report_is(stage: Stage, tmp_path: Path) -> None:
    async with process(stage, Role.REPORTER, tmp_path) as shown:
        await eventually(lambda: shown.log.counts["report_written"], "a page")
        samples = await shown.samples()
        assert {name[1] for name in samples if name[0] == "bottrader_report_age_seconds"} == {
            "hourly",
            "daily",
            "weekly",
        }
        assert samples["bottrader_report_age_seconds", "hourly"] < 60


def tasks_named(name: str) -> list[asyncio.Task[Any]]:
    """Return the running tasks that a board keeps under this name."""
    found = []
    for task in asyncio.all_tasks():
        doing: Any = task.get_coro()
        while doing is not None:
            frame = getattr(doing, "cr_frame", None)
            if frame is not None and frame.f_code.co_name == "keep" and frame.f_locals.get("name") == name:
                found.append(task)
            doing = getattr(doing, "cr_await", None)
    return found


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (Role.WEBHOOK, "judge.BTC-USD"),
        (Role.WEBHOOK, "kill_switch"),
        (Role.SIGHOOK, "deliver"),
        (Role.REPORTER, "pages"),
        (Role.ALL, "probe"),
    ],
)
async def test_a_task_that_dies_makes_health_fail_at_once(stage: Stage, tmp_path: Path, role: Role, name: str) -> None:
    """B305, R54: it ends without an error, so nothing else would ever tell."""
    async with process(stage, role, tmp_path) as shown:
        await shown.healthy()
        victims = tasks_named(name)
        for victim in victims:
            victim.cancel()
        await asyncio.wait(victims)
        health = await shown.health()
        samples = await shown.samples()
    assert health["status"] == "degraded"
    assert len(health["faults"]) == len(victims)
    assert all(fault.endswith(f".{name} has ended") for fault in health["faults"])
    assert (samples["bottrader_healthy",], samples["bottrader_ready",]) == (0, 1)


async def test_a_task_that_hangs_makes_health_fail(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B305: reading the kill switch never comes back."""
    monkeypatch.setattr("bottrader.bootstrap.services.LOOK_SILENCE_S_MAX", 0.3)
    monkeypatch.setattr("bottrader.app.tasks.NAP_S_MAX", 0.05)

    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("bottrader.app.kill_switch.KillSwitchBoard.read", hang)
    async with process(stage, Role.WEBHOOK, tmp_path) as shown:

        async def is_told() -> bool:
            try:
                faults = (await shown.health())["faults"]
            except aiohttp.ClientConnectionError:
                return False
            return "the task webhook.kill_switch has been silent for more than 0.3 s" in faults

        await eventually(is_told, "the silence is told")


async def test_port_0_shows_nothing(stage: Stage, tmp_path: Path) -> None:
    async with process(stage, Role.SIGHOOK, tmp_path, sighook_port="0") as shown:
        await eventually(lambda: shown.log.counts["market_stream_live"], "sighook works")
        with pytest.raises(aiohttp.ClientConnectionError):
            await shown.text("health")


@pytest.mark.parametrize("role", list(TASKS))
async def test_no_secret_is_in_what_is_shown_or_logged(
    stage: Stage, tmp_path: Path, role: Role, black_hole: int
) -> None:
    """E7"""
    outreach = {
        "notify_urls": f"json://bot:{CANARY}@127.0.0.1:{black_hole}/{CANARY}?rto=0.1&cto=0.1",
        "heartbeat_url": f"http://127.0.0.1:{black_hole}/{CANARY}",
    }
    async with process(stage, role, tmp_path, **SECRETS, **outreach) as shown:
        await shown.healthy()
        texts = [(await shown.text(path))[1] for path in (*PATHS, "schema/openapi.json", "no-such-page")]
        await stage.store.record_kill_switch(KillSwitch(True, "x", "cli", SystemClock().wall()))
        texts += [(await shown.text(path))[1] for path in PATHS]
    assert all(texts)
    assert CANARY not in " ".join([*texts, *map(str, shown.log.newest)])


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        yield listening.getsockname()[1]


async def test_the_heartbeat_beats_while_everything_is_well_and_stops_when_it_is_not(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D12"""
    monkeypatch.setattr(send_heartbeats, "INTERVAL_S", 0.02)
    beats: list[str] = []

    async def take(request: web.Request) -> web.Response:
        beats.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/ping/me", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/me"
    try:
        async with process(stage, Role.WEBHOOK, tmp_path, heartbeat_url=url) as shown:
            await shown.healthy()
            await eventually(lambda: len(beats) > 2, "heartbeats come")
            await stage.store.record_kill_switch(KillSwitch(True, "x", "cli", SystemClock().wall()))
            await eventually(lambda: shown.log.counts["kill_switch_on"], "the switch is seen")
            assert (await shown.health())["status"] == "degraded"
            count = len(beats)
            await asyncio.sleep(0.2)
            # One may have been on its way.
            assert len(beats) <= count + 1
    finally:
        await runner.cleanup()


async def test_nobody_outside_can_slow_trading_down(
    stage: Stage, tmp_path: Path, black_hole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D12: notifications and heartbeats that nobody ever answers; the same trades, as fast as without them.

    Signals of both processes are taken in turn with nothing else to do, and their medians are compared.
    """
    monkeypatch.setattr(send_heartbeats, "INTERVAL_S", 0.05)
    quiet = await acknowledged(stage, tmp_path / "quiet")
    outreach = {
        "notify_urls": f"json://127.0.0.1:{black_hole}/x?rto=3600&cto=3600",
        "heartbeat_url": f"http://127.0.0.1:{black_hole}/x",
    }
    monkeypatch.setattr("bottrader.adapters.notify.sender.DRAIN_S_MAX", 0.1)
    hampered = await acknowledged(stage, tmp_path / "hampered", **outreach)
    assert hampered < 2 * quiet + 0.01, f"a signal took {quiet:.4f} s, and {hampered:.4f} s beside a black hole"


async def acknowledged(stage: Stage, folder: Path, **settings: str) -> float:
    """Return the median seconds of a signal, with some notifications for each of them."""
    async with process(stage, Role.WEBHOOK, folder, **settings) as shown:
        await shown.healthy()
        took = []
        for number in range(24):
            for _ in range(5):
                # Kinds of their own, so that none is held back.
                NotifyingLog(shown.notifier, SystemClock()).alarm("tested", product_id=str(number))
            since = time.perf_counter()
            assert await shown.send() == 200
            took.append(time.perf_counter() - since)
        if settings:
            results = shown.notifier.results
            assert results[Result.SENT] == 0
            assert results[Result.DROPPED] > 0
            assert (await shown.health())["status"] == "ok"
        return statistics.median(took)
