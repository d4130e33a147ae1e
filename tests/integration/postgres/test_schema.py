"""Migrations: from nothing to the newest revision and back, once and twice, alone and together."""

import asyncio

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.store import open_store
from bottrader.domain.errors import SchemaOutOfDate, StartupRefused
from tests.fixtures.facts import make_fill, make_reversal, make_signal

# Everything of ours in the catalogue, with the object numbers, which change when something is made anew.
CATALOGUE = """
    SELECT 'relation', c.oid, c.relname::text FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'
    UNION ALL SELECT 'routine', p.oid, p.proname::text FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
    UNION ALL SELECT 'constraint', c.oid, c.conname::text FROM pg_constraint c
      JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = 'public'
    UNION ALL SELECT 'type', t.oid, t.typname::text FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public'
    UNION ALL SELECT 'trigger', t.oid, t.tgname::text FROM pg_trigger t
    ORDER BY 1, 2"""


async def catalogue(url: str) -> list[tuple[object, ...]]:
    connection = await connect(url)
    try:
        return [tuple(row.values()) for row in await connection.fetch(CATALOGUE)]
    finally:
        await connection.close()


async def test_an_empty_database_goes_up_down_and_up_again(empty_database_url: str) -> None:
    before = await catalogue(empty_database_url)
    assert await schema.current(empty_database_url) is None
    for _ in range(2):
        await schema.upgrade(empty_database_url)
        assert await schema.current(empty_database_url) == schema.newest()
        await schema.check(empty_database_url)
        await schema.downgrade(empty_database_url, "base")
        assert await schema.current(empty_database_url) is None
        left = [row for row in await catalogue(empty_database_url) if "alembic_version" not in str(row[2])]
        assert left == before


async def test_each_revision_goes_down_and_up_on_its_own(empty_database_url: str) -> None:
    for revision in ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009"):
        await schema.upgrade(empty_database_url, revision)
        await schema.downgrade(empty_database_url, "-1")
        await schema.upgrade(empty_database_url, revision)
        assert await schema.current(empty_database_url) == revision


FILL_OF_0003 = """
    INSERT INTO fills (trade_id, venue_order_id, product_id, side, price, size, fee, traded_at)
    VALUES ('1001', 'venue-1', 'BTC-USD', 'buy', 42789.65, 0.0002, 0.03, '2026-01-11T12:02:02Z')"""


async def test_fills_of_an_older_program_are_known_by_their_trade_id(empty_database_url: str) -> None:
    """F29: the key changes, the facts do not."""
    await schema.upgrade(empty_database_url, "0003")
    connection = await connect(empty_database_url)
    await connection.execute(FILL_OF_0003)
    await schema.upgrade(empty_database_url)
    async with open_store(empty_database_url) as store:
        assert await store.record_fills([make_fill()]) == []
    await schema.downgrade(empty_database_url, "0003")
    assert await connection.fetchval("SELECT trade_id FROM fills") == "1001"
    await connection.close()


async def test_amendments_are_not_lost_by_going_back(empty_database_url: str) -> None:
    """F29: the older program would count them as fills, so it does not get them."""
    await schema.upgrade(empty_database_url)
    async with open_store(empty_database_url) as store:
        await store.record_fills([make_fill(), make_reversal(make_fill())])
        with pytest.raises(StartupRefused, match="cannot be changed"):
            await schema.downgrade(empty_database_url, "0003")
        assert await store.record_fills([make_reversal(make_fill())]) == []


async def test_a_second_upgrade_changes_nothing_on_a_database_with_rows(own_database_url: str) -> None:
    """B274, R34, R35"""
    async with open_store(own_database_url) as store:
        await store.record_signal(make_signal())
        before = await catalogue(own_database_url)
        await schema.upgrade(own_database_url)
        assert await catalogue(own_database_url) == before
        assert await store.signals_count() == 1


async def test_two_processes_that_upgrade_at_once_take_turns(empty_database_url: str) -> None:
    await asyncio.gather(*[schema.upgrade(empty_database_url) for _ in range(3)])
    await schema.check(empty_database_url)


async def test_an_old_database_is_named_with_both_revisions(empty_database_url: str) -> None:
    """F37, S2"""
    with pytest.raises(SchemaOutOfDate, match=r"revision none .* needs [0-9]{4}; run `bottrader db upgrade`"):
        await schema.check(empty_database_url)
    await schema.upgrade(empty_database_url, "0001")
    with pytest.raises(SchemaOutOfDate, match=r"revision 0001 .* needs [0-9]{4}"):
        await schema.check(empty_database_url)


async def test_a_database_of_a_newer_program_is_left_alone(own_database_url: str) -> None:
    """F37, S2"""
    connection = await connect(own_database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '0999'")
    await connection.close()
    with pytest.raises(SchemaOutOfDate, match=r"0999"):
        await schema.check(own_database_url)
    with pytest.raises(SchemaOutOfDate, match=r"0999"):
        await schema.upgrade(own_database_url)


async def test_a_revision_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    connection = await connect(empty_database_url)
    # In the way of the second revision only.
    await connection.execute("CREATE TABLE order_intents (id integer)")
    await connection.close()
    with pytest.raises(StartupRefused, match="cannot be changed"):
        await schema.upgrade(empty_database_url)
    assert await schema.current(empty_database_url) is None


async def test_no_column_is_a_float(own_database_url: str) -> None:
    """Binary floats cannot hold an amount."""
    connection = await connect(own_database_url)
    columns = await connection.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
    )
    await connection.close()
    assert len(columns) > 100
    assert [tuple(c.values()) for c in columns if c["data_type"] in {"real", "double precision", "money"}] == []
    naive = [tuple(c.values()) for c in columns if "without time zone" in c["data_type"]]
    assert naive == []
