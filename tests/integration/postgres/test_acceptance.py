"""Signals that arrive together are committed together, and each gets its own answer."""

import asyncio
from dataclasses import replace

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.ports import Acceptance
from tests.fixtures.facts import BTC, make_inbound, make_signal

HOLD_THE_TABLE = "LOCK TABLE inbound_signals IN SHARE ROW EXCLUSIVE MODE"
COMMITS = "SELECT count(DISTINCT xmin::text) FROM inbound_signals"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def held_up(store: PostgresStore, sql: Connection, count: int) -> list[asyncio.Task[Acceptance]]:
    """Return `count` arrivals, of which the first waits inside the database and the others behind it."""
    tasks = [
        asyncio.create_task(store.accept_signal(make_inbound(make_signal(number), request=f"r{number}")))
        for number in range(count)
    ]
    while await sql.fetchval(WAITING) == 0:
        pass
    return tasks


async def test_those_who_wait_for_a_commit_share_the_next(store: PostgresStore, sql: Connection) -> None:
    """Forty arrive while the first is being written: two commits, forty answers."""
    async with sql.transaction():
        await sql.execute(HOLD_THE_TABLE)
        first = await held_up(store, sql, 1)
        later = [
            asyncio.create_task(store.accept_signal(make_inbound(make_signal(number), request=f"r{number}")))
            for number in range(1, 40)
        ]
        await asyncio.sleep(0)

    assert set(await asyncio.gather(*first, *later)) == {Acceptance.ACCEPTED}
    assert await sql.fetchval(COMMITS) == 2
    assert await store.signals_without_outcome([BTC], 100) == [make_signal(number) for number in range(40)]


async def test_one_that_the_database_refuses_takes_nobody_along(store: PostgresStore, sql: Connection) -> None:
    bad = replace(make_signal(99), product_id=ProductId("no pair"))
    calls = [store.accept_signal(make_inbound(make_signal(number), request=f"r{number}")) for number in range(5)]
    answers = await asyncio.gather(
        *calls, store.accept_signal(make_inbound(bad, request="bad")), return_exceptions=True
    )

    assert list(answers[:5]) == [Acceptance.ACCEPTED] * 5
    assert isinstance(answers[5], InvariantBroken)
    assert await store.signals_count() == 5


async def test_one_batch_tells_new_known_changed_and_replayed_apart(store: PostgresStore) -> None:
    known = make_inbound(make_signal(1), request="r1")
    await store.accept_signal(known)

    arrivals = [
        make_inbound(make_signal(2), request="r2"),
        known,
        make_inbound(make_signal(1), request="signed anew"),
        make_inbound(make_signal(1), body="other", request="changed"),
        make_inbound(make_signal(2), request="r2 signed anew"),
    ]
    answers = await asyncio.gather(*[store.accept_signal(arrival) for arrival in arrivals])

    assert answers == [
        Acceptance.ACCEPTED,
        Acceptance.REPLAYED,
        Acceptance.DUPLICATE,
        Acceptance.CONFLICT,
        Acceptance.DUPLICATE,
    ]


async def test_who_gives_up_waiting_is_not_stored_and_holds_nobody_up(store: PostgresStore, sql: Connection) -> None:
    async with sql.transaction():
        await sql.execute(HOLD_THE_TABLE)
        tasks = await held_up(store, sql, 4)
        tasks[2].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[2]

    rest = [tasks[0], tasks[1], tasks[3]]
    assert set(await asyncio.gather(*rest)) == {Acceptance.ACCEPTED}
    assert await store.signals_without_outcome([BTC], 100) == [make_signal(number) for number in (0, 1, 3)]


async def test_when_the_one_who_writes_gives_up_the_next_goes_on(store: PostgresStore, sql: Connection) -> None:
    async with sql.transaction():
        await sql.execute(HOLD_THE_TABLE)
        tasks = await held_up(store, sql, 3)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]

    assert set(await asyncio.gather(*tasks[1:])) == {Acceptance.ACCEPTED}
