"""Each role of a deployment can do its work, and nothing more; every session here is a login of its own."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from bottrader.adapters.postgres import grants, schema
from bottrader.adapters.postgres.connection import Connection, connect, translated
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.errors import InvariantBroken, StartupRefused
from tests.fixtures.facts import make_signal
from tests.fixtures.store_contract import StoreContract
from tests.integration.postgres.test_facts import FACTS

FIRST_COLUMN = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum = 1"


@asynccontextmanager
async def login(url: str, role: str) -> AsyncIterator[str]:
    """Grant, and yield the URL of a new login that is a member of `role` and of nothing else."""
    await grants.grant(url)
    name, password = f"test_{secrets.token_hex(6)}", secrets.token_hex(8)
    admin = await connect(url)
    try:
        await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {role}")
        yield as_user(url, name, password)
    finally:
        await admin.execute(f"DROP OWNED BY {name}")
        await admin.execute(f"DROP ROLE {name}")
        await admin.close()


def as_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.netloc.rpartition('@')[2]}"))


@asynccontextmanager
async def session(url: str, role: str) -> AsyncIterator[Connection]:
    async with login(url, role) as theirs:
        connection = await connect(theirs)
        try:
            yield connection
        finally:
            await connection.close()


async def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(InvariantBroken, match=r"permission denied|must be owner"), translated("trying"):
        await connection.execute(statement)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresStore]:
    async with login(database_url, "bot_rw") as theirs, open_store(theirs) as opened:
        yield opened


class TestTheBotsRole(StoreContract):
    """Everything that a store promises, on sessions with the rights of `bot_rw` alone."""


async def test_the_bot_cannot_change_or_remove_a_fact(database_url: str, subtests: pytest.Subtests) -> None:
    """E2, R50, promise P8: refused by the grant, before any trigger is asked."""
    async with session(database_url, "bot_rw") as bot:
        for table in FACTS:
            with subtests.test(table=table):
                if table != "strategy_activations":
                    column = await bot.fetchval(FIRST_COLUMN, table)
                    await refused(bot, f"UPDATE {table} SET {column} = {column}")  # noqa: S608 - from the catalogue
                await refused(bot, f"DELETE FROM {table}")  # noqa: S608 - a name from the list
                await refused(bot, f"TRUNCATE {table} CASCADE")


async def test_the_bot_empties_no_table_and_changes_no_schema(database_url: str, sql: Connection) -> None:
    """Promise P8"""
    async with session(database_url, "bot_rw") as bot:
        for row in await sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            await refused(bot, f"TRUNCATE {row['tablename']} CASCADE")
        for statement in (
            "CREATE TABLE loot (id integer)",
            "DROP TABLE fills CASCADE",
            "ALTER TABLE fills ADD COLUMN x text",
            "ALTER TABLE fills DISABLE TRIGGER append_only",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            await refused(bot, statement)


async def test_who_writes_reports_only_reads(database_url: str, sql: Connection) -> None:
    """Promise P8"""
    async with session(database_url, "report_ro") as reader:
        relations = await sql.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
        )
        assert len(relations) > 20
        for row in relations:
            await reader.fetch(f"SELECT * FROM {row['relname']} LIMIT 1")  # noqa: S608 - a name from the catalogue
        for statement in (
            "INSERT INTO venue_identity (venue) VALUES ('x')",
            "UPDATE trade_records SET notes = ''",
            "DELETE FROM fifo_allocations",
            "CREATE TABLE notes (id integer)",
            "SELECT nextval('lease_tokens')",
        ):
            await refused(reader, statement)


async def test_a_report_can_be_read_with_the_rights_of_its_role(database_url: str) -> None:
    """E6"""
    async with login(database_url, "report_ro") as theirs, open_store(theirs) as store:
        assert (await store.snapshot()).signals_count == 0
        with pytest.raises(InvariantBroken, match="permission denied"):
            await store.record_signal(make_signal())


async def test_the_migrator_takes_the_schema_down_and_up(own_database_url: str) -> None:
    async with login(own_database_url, "migrator") as theirs:
        # What a member makes belongs to the role, so that the next member can change it.
        as_role = f"{theirs}{'&' if '?' in theirs else '?'}options=-crole%3Dmigrator"
        await schema.downgrade(as_role, "-1")
        await schema.upgrade(as_role)
        await schema.check(as_role)


async def test_granting_twice_changes_nothing(database_url: str, sql: Connection) -> None:
    rights = (
        "SELECT relname, relacl::text, relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    await grants.grant(database_url)
    before = await sql.fetch(rights)
    await grants.grant(database_url)
    assert await sql.fetch(rights) == before


async def test_who_may_not_grant_is_told_what_to_do(database_url: str, sql: Connection) -> None:
    async with login(database_url, "bot_rw") as theirs:
        with pytest.raises(StartupRefused, match=r"nothing was changed: have an administrator run"):
            await grants.grant(theirs)


async def test_the_script_is_what_is_applied(database_url: str, sql: Connection) -> None:
    """An administrator may run it with any client."""
    await sql.execute(grants.script())
    assert await sql.fetchval("SELECT has_table_privilege('bot_rw', 'fills', 'INSERT')")
    assert not await sql.fetchval("SELECT has_table_privilege('bot_rw', 'fills', 'UPDATE')")
