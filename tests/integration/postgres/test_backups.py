"""A backup is whole or is none, and a restore never touches books that are there."""

from pathlib import Path

import pytest

from bottrader.adapters.postgres import backups, schema
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.errors import FileRefused, StartupRefused
from bottrader.domain.risk import KillSwitch
from tests.fixtures.facts import NOON


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "books.dump"


async def tables(url: str) -> int:
    connection = await connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    finally:
        await connection.close()


async def test_what_was_backed_up_is_there_after_a_restore(
    store: PostgresStore, database_url: str, empty_database_url: str, file: Path
) -> None:
    switch = KillSwitch(True, "before the backup", "cli", NOON)
    await store.record_kill_switch(switch)
    checksum = await backups.backup(database_url, file)
    assert Path(f"{file}.sha256").read_text() == f"{checksum}  books.dump\n"
    assert file.stat().st_mode & 0o077 == 0
    await store.record_kill_switch(KillSwitch(False, "after the backup", "cli", NOON))

    await backups.restore(empty_database_url, file)

    assert await tables(empty_database_url) == await tables(database_url)
    await schema.check(empty_database_url)
    async with open_store(empty_database_url) as restored:
        assert await restored.kill_switch() == switch


async def test_books_are_never_overwritten(database_url: str, file: Path) -> None:
    await backups.backup(database_url, file)
    with pytest.raises(StartupRefused, match="not empty and its books are never overwritten"):
        await backups.restore(database_url, file)


@pytest.mark.parametrize("existing", ["books.dump", "books.dump.sha256"])
async def test_a_backup_overwrites_no_file(database_url: str, file: Path, existing: str) -> None:
    there = file.with_name(existing)
    there.write_text("kept")
    with pytest.raises(FileRefused, match=f"{existing} exists already"):
        await backups.backup(database_url, file)
    assert there.read_text() == "kept"
    assert [each.name for each in file.parent.iterdir()] == [existing]


async def test_a_damaged_backup_is_refused(database_url: str, empty_database_url: str, file: Path) -> None:
    await backups.backup(database_url, file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(FileRefused, match="damaged or incomplete"):
        await backups.restore(empty_database_url, file)
    assert await tables(empty_database_url) == 0


async def test_without_its_checksum_a_backup_is_refused(empty_database_url: str, file: Path) -> None:
    file.write_bytes(b"anything")
    with pytest.raises(FileRefused, match=r"books\.dump\.sha256 cannot be read"):
        await backups.restore(empty_database_url, file)


async def test_a_failed_dump_leaves_nothing_and_tells_no_password(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="cannot be written: No such file"):
        await backups.backup(database_url, tmp_path / "missing" / "books.dump")
    with pytest.raises(StartupRefused) as refused:
        await backups.backup("postgresql://user:hunter2@127.0.0.1:1/books", tmp_path / "books.dump")
    assert "hunter2" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
