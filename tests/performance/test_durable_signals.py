"""What durable acceptance leaves of the webhook's rate: one server, with and without the database, in one minute."""

import asyncio
from collections.abc import Iterator
from statistics import median

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.databases import ensure_database
from tests.fixtures.load.running import door, drive
from tests.performance.durable_server import durable_server
from tests.performance.measuring import tell

SIGNALS, CONNECTIONS, RUNS = 3_000, 128, 3


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with durable_server() as url:
        yield url


async def test_a_durable_signal_costs_at_most_two_and_a_half_of_those_that_are_forgotten(durable: str) -> None:
    """B262: with fsync; client, server and database share the cores. The target of 60 % is held by `nox -s load`."""
    url = await ensure_database(durable, "rate")
    await schema.upgrade(url)
    shares = []
    with door(None) as bare_port, door(url) as port:
        for _ in range(RUNS):
            bare = await asyncio.to_thread(drive, bare_port, SIGNALS, CONNECTIONS)
            ours = await asyncio.to_thread(drive, port, SIGNALS, CONNECTIONS)
            shares.append(ours["rate"] / bare["rate"])

    share = median(shares)
    tell("webhook, durable:", f"{ours['rate']:,.0f} signals a second, {share:.0%} of the same without", ratio=share)
    assert share >= 0.4
