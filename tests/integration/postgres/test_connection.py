"""A database that cannot be used is one clear sentence, and never the password."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]
import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection, connect, create_pool, translated
from bottrader.adapters.postgres.store import open_store
from bottrader.domain.errors import InvariantBroken, StartupRefused, StoreUnreachable
from tests.fixtures.database_server import refuse_precious, with_database
from tests.fixtures.tls import certificate_files

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        (f"mysql://bot:{SECRET}@127.0.0.1/books", "is a mysql address, but BotTrader needs PostgreSQL"),
        (f"postgresql+asyncpg://bot:{SECRET}@127.0.0.1/books", "is a postgresql\\+asyncpg address"),
        ("books.sqlite", "is no URL"),
        ("", "is no URL"),
        (f"postgresql://bot:{SECRET}@127.0.0.1:{SECRET}/books", "cannot be read"),
        (f"postgresql://bot:{SECRET}@127.0.0.1:1/books", "at 127.0.0.1:1/books cannot be used"),
        (f"postgresql://bot:{SECRET}@/books?host=/nowhere", "at /nowhere/books cannot be used"),
    ],
)
async def test_an_unusable_url_is_one_sentence_without_the_password(dsn: str, sentence: str) -> None:
    for opening in (connect(dsn), schema.upgrade(dsn), schema.check(dsn), open_store(dsn).__aenter__()):
        with pytest.raises(StartupRefused, match=sentence) as refusal:
            await opening
        assert SECRET not in str(refusal.value)
        assert "\n" not in str(refusal.value)


async def test_a_server_that_is_no_postgres_is_refused() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(StartupRefused, match=f"127.0.0.1:{port}/books cannot be used"):
            await connect(f"postgresql://bot:{SECRET}@127.0.0.1:{port}/books?sslmode=disable")


@pytest.mark.parametrize("host", ["db.example.org", "8.8.8.8", "[2606:4700::1]"])
@pytest.mark.parametrize("options", ["", "?sslmode=require", "?sslmode=prefer", "?sslmode=verify-ca"])
async def test_a_server_out_in_the_world_is_not_called_unless_its_certificate_is_checked(
    host: str, options: str
) -> None:
    """Promise P8: refused before the password leaves; `require` encrypts for whoever answers."""
    for opening in (connect, create_pool_of_one):
        with pytest.raises(StartupRefused, match="add sslmode=verify-full") as refusal:
            await opening(f"postgresql://bot:{SECRET}@{host}:5432/books{options}")
        assert SECRET not in str(refusal.value)


async def create_pool_of_one(dsn: str) -> None:
    await create_pool(dsn, 1)


@pytest.mark.parametrize("speaks_tls", [False, True], ids=["a server without TLS", "a server that nobody vouches for"])
async def test_who_asks_for_a_checked_certificate_gives_the_password_to_nobody_else(
    speaks_tls: bool, tmp_path: Path
) -> None:
    """Promise P8"""
    certificate, key = certificate_files(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    vouching, _ = certificate_files(other)
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(8))
        writer.write(b"S" if speaks_tls else b"N")
        with suppress(OSError):
            if speaks_tls:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(certificate, key)
                await writer.start_tls(context)
            heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(StartupRefused, match="cannot be used") as refusal:
            await connect(
                f"postgresql://bot:{SECRET}@127.0.0.1:{port}/books?sslmode=verify-full&sslrootcert={vouching}"
            )
    assert SECRET not in str(refusal.value)
    assert SECRET.encode() not in b"".join(heard)


async def test_an_unknown_database_is_named(database_url: str) -> None:
    with pytest.raises(StartupRefused, match='database "nope" does not exist'):
        await connect(with_database(database_url, "nope"))


async def test_errors_of_the_database_are_told_apart(sql: Connection) -> None:
    """A definite no is a contradiction; anything else may have been committed."""
    with pytest.raises(InvariantBroken, match="while testing"), translated("testing"):
        await sql.execute("SELECT 1 / 0")
    with pytest.raises(InvariantBroken, match="while testing"), translated("testing"):
        await sql.execute("SELECT * FROM nothing")
    with pytest.raises(InvariantBroken, match="while testing"), translated("testing"):
        await sql.fetchval("SELECT $1::integer", "many")
    with pytest.raises(StoreUnreachable, match="while testing"), translated("testing"):
        await sql.execute("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$")
    await sql.close()
    with pytest.raises(StoreUnreachable, match="did not answer while testing"), translated("testing"):
        await sql.execute("SELECT 1")


async def test_a_cancellation_passes_untouched(sql: Connection) -> None:
    async def sleep() -> None:
        with translated("sleeping"):
            await sql.execute("SELECT pg_sleep(10)")

    sleeping = asyncio.create_task(sleep())
    await asyncio.sleep(0.02)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping


@pytest.mark.parametrize(
    "url", ["postgresql://u@db.example.org/test", "postgresql://u@10.0.0.7:5432/test", "postgresql:///test"]
)
def test_tests_refuse_a_database_of_another_machine(url: str) -> None:
    with pytest.raises(StartupRefused, match="on this machine"):
        refuse_precious(url)


@pytest.mark.parametrize("name", ["", "postgres", "bottrader", "bot_trader_db", "bottrader_prod", "latest", "contest"])
def test_tests_refuse_a_database_that_is_not_named_as_a_tests(name: str) -> None:
    with pytest.raises(StartupRefused, match="may be somebody's books"):
        refuse_precious(f"postgresql://u@localhost/{name}")


@pytest.mark.parametrize(
    "url",
    ["postgresql://u@localhost/test", "postgresql://u@[::1]:5432/bottrader_test", "postgresql://u@/tests_2?host=/tmp"],
)
def test_tests_take_a_tests_database_of_this_machine(url: str) -> None:
    refuse_precious(url)


@pytest.mark.parametrize("is_done_before", [False, True])
async def test_a_cancellation_is_not_hidden_by_what_the_clean_up_raises(is_done_before: bool) -> None:
    """F41: cancelled in a transaction whose session is gone, it cannot roll back, and is cancelled all the same; what
    fails while a cancelled task cleans up is told as what it is."""

    async def hidden() -> None:
        with translated("recording"):
            try:
                await asyncio.Event().wait()
            finally:
                raise asyncpg.InterfaceError("cannot perform operation: connection is closed")

    async def cleaning_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with translated("releasing"):
                raise asyncpg.InterfaceError("connection is closed")

    task = asyncio.create_task(cleaning_up() if is_done_before else hidden())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(StoreUnreachable if is_done_before else asyncio.CancelledError):
        await task


async def test_a_time_that_is_up_is_no_cancellation() -> None:
    """The driver's own clock ends a statement; the task that waited for it goes on."""
    with pytest.raises(StoreUnreachable), translated("recording"):
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
