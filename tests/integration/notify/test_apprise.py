"""Notifications by Apprise itself, to services on this machine: one that takes them, and ones that never answer."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from bottrader.adapters.notify.sender import QueuedNotifier, Result, targets_of
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.domain.errors import ConfigInvalid
from bottrader.ports import Severity

CANARY = "canary-5e1f-token"


@asynccontextmanager
async def service(taken: list[dict[str, Any]]) -> AsyncIterator[int]:
    """Serve something that takes notifications; yields its port."""

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/{anything:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


@asynccontextmanager
async def sending(*urls: str) -> AsyncIterator[tuple[QueuedNotifier, RecentEvents]]:
    log = RecentEvents()
    notifier = QueuedNotifier(targets_of(urls), SystemClock(), log)
    task = asyncio.create_task(notifier.run())
    try:
        yield notifier, log
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_what_is_told_arrives_as_it_was_said() -> None:
    taken: list[dict[str, Any]] = []
    async with service(taken) as port, sending(f"json://127.0.0.1:{port}/x") as (notifier, _):
        notifier.notify(Severity.FAILURE, "BotTrader alarm: lease lost", "lease: webhook")
        await notifier.drain()
    (message,) = taken
    assert (message["title"], message["message"], message["type"]) == (
        "BotTrader alarm: lease lost",
        "lease: webhook",
        "failure",
    )
    assert notifier.results[Result.SENT] == 1


async def test_a_service_that_never_answers_takes_nothing_from_another_and_its_address_is_not_shown(
    black_hole: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """D12, E7"""
    taken: list[dict[str, Any]] = []
    hole = f"json://{CANARY}:{CANARY}@127.0.0.1:{black_hole}/x?rto=0.2&cto=0.2"
    async with service(taken) as port, sending(hole, f"json://127.0.0.1:{port}/x") as (notifier, log):
        notifier.notify(Severity.INFO, "one", "text")
        await notifier.drain()
    assert [message["title"] for message in taken] == ["one"]
    assert (notifier.results[Result.SENT], notifier.results[Result.FAILED]) == (1, 1)
    captured = capfd.readouterr()
    assert CANARY not in f"{list(log.newest)} {captured.out} {captured.err}"


def test_an_address_that_nobody_knows_is_named_by_its_place_and_not_shown() -> None:
    """E7"""
    with pytest.raises(ConfigInvalid, match="address number 2 is none that Apprise knows") as refused:
        targets_of(["json://localhost/x", f"nosuch://{CANARY}"])
    assert CANARY not in str(refused.value)


PROGRAM = """
import asyncio, sys
from bottrader.adapters.notify.sender import QueuedNotifier, targets_of
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.ports import Severity

async def main():
    notifier = QueuedNotifier(targets_of([sys.argv[1]]), SystemClock(), RecentEvents())
    task = asyncio.create_task(notifier.run())
    notifier.notify(Severity.INFO, "t", "x")
    await asyncio.sleep(0.3)
    print("ending", flush=True)
    task.cancel()
    await asyncio.wait({task})

asyncio.run(main())
"""


def test_a_process_ends_at_once_while_a_notification_hangs(black_hole: int) -> None:
    """D12: the service may take an hour to answer."""
    url = f"json://127.0.0.1:{black_hole}/x?rto=3600&cto=3600"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, url], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ending\n"
        since = time.monotonic()
        assert program.wait(timeout=30) == 0
    assert time.monotonic() - since < 20
