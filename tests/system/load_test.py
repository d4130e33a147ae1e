"""B262, E4: signed signals in a flood, on a disk with fsync: each is stored once; and at a bot that trades, each gets
exactly one outcome.

What runs with the other tests is small. `nox -s load` sends a hundred thousand and holds the figures against their
targets; on a machine that does something else at the time they say nothing.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection, connect
from bottrader.adapters.postgres.databases import ensure_database
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
ENDED = "SELECT count(*) FROM signal_outcomes JOIN inbound_signals USING (signal_id)"


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with durable_server() as url:
        yield url


async def test_every_signal_of_a_flood_is_stored_once(durable: str) -> None:
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
    sql = await connect(url)
    try:
        assert await sql.fetchval(STORED) == await sql.fetchval(REQUESTED) == ALONE + MANY
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
    await _all_have_ended(sql)
    assert (await sql.fetchval(STORED), await sql.fetchval(ENDED)) == (200, 200)
    assert await exchange.orders() == []


async def _all_have_ended(sql: Connection) -> None:
    async def is_done() -> bool:
        return bool(await sql.fetchval(WAITING) == 0)

    await eventually(is_done, "every signal has its outcome")


def _tell(name: str, found: dict[str, Any]) -> None:
    figures = ", ".join(f"{key} {found[key]:.2f} ms" for key in ("p50", "p95", "p99"))
    print(f"\n  {name:<16} {found['rate']:,.0f} signals a second, {figures}, {found['statuses']}", end="")  # noqa: T201 - what it is run for
