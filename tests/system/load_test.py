"""B262, E4: signed signals in a flood, on a disk with fsync: each is stored once; and at a bot that trades, each gets
exactly one outcome.

What runs with the other tests is small. `nox -s load` sends a hundred thousand and holds the figures against their
targets; on a machine that does something else at the time they say nothing.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection, connect
from bottrader.adapters.postgres.databases import ensure_database
from bottrader.app.queue_signals import FETCHED_MAX
from tests.fixtures.load.running import door, drive
from tests.fixtures.processes import Bot, Exchange, eventually
from tests.performance.durable_server import durable_server

FULL = int(os.environ.get("LOAD_SIGNALS", "0"))
"""How many signals; without the variable few, and no figure is judged."""
MANY = FULL or 1_500
ALONE = FULL // 100 or 100
CONNECTIONS = 128
RATE_MIN = 5_000
SHARE_MIN = 0.6
P50_MS_MAX = 1.0

WAITING = "SELECT count(*) FROM inbound_signals WHERE signal_id NOT IN (SELECT signal_id FROM signal_outcomes)"
STORED = "SELECT count(*) FROM inbound_signals"
REQUESTED = "SELECT count(*) FROM inbound_requests"
OUTCOMES = "SELECT count(*) FROM signal_outcomes"
KINDS = "SELECT DISTINCT kind, code FROM signal_outcomes"
ENDED = "SELECT count(*) FROM signal_outcomes JOIN inbound_signals USING (signal_id)"


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with durable_server() as url:
        yield url


async def test_every_signal_of_a_flood_is_stored_once_and_gets_one_outcome(durable: str, bot: Bot) -> None:
    """The door takes them in by itself; then a bot starts on what it finds, is killed amid it, and started again."""
    url = await ensure_database(durable, "flood")
    await schema.upgrade(url)
    with door(None) as port:
        bare = await asyncio.to_thread(drive, port, MANY, CONNECTIONS)
    with door(url) as port:
        alone = await asyncio.to_thread(drive, port, ALONE, 1)
        many = await asyncio.to_thread(drive, port, MANY, CONNECTIONS)
    for name, found in (("nothing stored", bare), ("one sender", alone), ("durable", many)):
        _tell(name, found)
    assert (alone["statuses"], many["statuses"]) == ({"200": ALONE}, {"200": MANY})
    bot.environment["DATABASE_URL"] = url
    sql = await connect(url)
    try:
        assert await sql.fetchval(STORED) == await sql.fetchval(REQUESTED) == ALONE + MANY
        webhook = await bot.start("webhook")
        await _at_most_wait(sql, ALONE + MANY - 50)
        await webhook.kill()
        assert await sql.fetchval(WAITING) > FETCHED_MAX, "what is left does not fill more than one piece"
        began_s, waiting = time.monotonic(), await sql.fetchval(WAITING)
        await bot.start("webhook")
        await _at_most_wait(sql, 0)
        rate = waiting / (time.monotonic() - began_s)
        print(f"\n  {waiting:,} left by a killed bot, then {rate:,.0f} outcomes a second", end="")  # noqa: T201 - what it is run for
        assert await sql.fetchval(ENDED) == await sql.fetchval(OUTCOMES) == ALONE + MANY
        assert [tuple(row) for row in await sql.fetch(KINDS)] == [("expired", "EXPIRED")]
    finally:
        await sql.close()
    if FULL:
        assert many["rate"] >= RATE_MIN or many["rate"] >= SHARE_MIN * bare["rate"]
        assert alone["p50"] < P50_MS_MAX


async def test_a_sender_above_its_rate_is_put_off_and_loses_nothing(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """F36, F48, B262: the real webhook with its desk; 429 until there is room, and no signal twice."""
    webhook = await bot.start("webhook", webhook_rate_per_s_max="60")
    await bot.ready(webhook)

    found = await asyncio.to_thread(drive, webhook.port, 200, 32)

    _tell("above the rate", found)
    assert found["statuses"]["200"] == 200
    assert found["statuses"]["429"] > 0
    assert set(found["statuses"]) == {"200", "429"}
    await _at_most_wait(sql, 0)
    assert (await sql.fetchval(STORED), await sql.fetchval(ENDED)) == (200, 200)
    assert await exchange.orders() == []


async def _at_most_wait(sql: Connection, count: int) -> None:
    """Return once at most so many signals have no outcome; fails when for too long none gets one."""
    before = await sql.fetchval(WAITING) + 1
    while before > count:

        async def is_fewer(limit: int = max(count, before - 1)) -> list[int]:
            waiting = await sql.fetchval(WAITING)
            return [waiting] if waiting <= limit else []

        (before,) = await eventually(is_fewer, f"fewer than {before} signals wait for their outcome")


def _tell(name: str, found: dict[str, Any]) -> None:
    figures = ", ".join(f"{key} {found[key]:.2f} ms" for key in ("p50", "p95", "p99"))
    print(f"\n  {name:<16} {found['rate']:,.0f} signals a second, {figures}, {found['statuses']}", end="")  # noqa: T201 - what it is run for
