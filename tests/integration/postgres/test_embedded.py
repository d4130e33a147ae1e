"""The embedded server: made on first use, shared, and gone with its last user."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.embedded import EmbeddedPostgres, embedded_postgres
from bottrader.adapters.postgres.store import open_store
from bottrader.domain.errors import StartupRefused
from tests.fixtures.facts import make_signal

KILLED_WHILE_USING = """
import os, pathlib, signal, sys
from bottrader.adapters.postgres.embedded import EmbeddedPostgres
EmbeddedPostgres(pathlib.Path(sys.argv[1])).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not `tmp_path`: as root the wheel opens the folders above for reading, and pytest's are private on purpose.
    with tempfile.TemporaryDirectory(prefix="bottrader-embedded-") as folder:
        yield Path(folder) / "state" / "postgres"


async def test_what_was_stored_is_there_after_a_restart(data_dir: Path) -> None:
    for expected in (0, 1):
        async with embedded_postgres(data_dir) as dsn:
            await schema.upgrade(dsn)
            async with open_store(dsn) as store:
                assert await store.signals_count() == expected
                await store.record_signal(make_signal())
    with pytest.raises(StartupRefused, match="cannot be used"):
        await connect(dsn)


async def test_a_killed_process_does_not_keep_the_server_running(data_dir: Path) -> None:
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_WHILE_USING, str(data_dir))
    assert await killed.wait() == -9
    server = EmbeddedPostgres(data_dir)
    dsn = server.start()
    connection = await connect(dsn)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    server.stop()
    server.stop()
    assert not (data_dir / "postmaster.pid").exists()


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "data", tmp_path / "my data"):
        with pytest.raises(StartupRefused, match="choose another data folder or give DATABASE_URL") as refusal:
            EmbeddedPostgres(folder).start()
        assert "\n" not in str(refusal.value)
