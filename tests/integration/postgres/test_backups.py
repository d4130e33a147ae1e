"""A backup is whole or is none, and a restore never touches books that are there."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bottrader.adapters.postgres import backups, schema
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.cli import app
from bottrader.config import Settings, variable_name
from bottrader.domain.errors import FileRefused, SchemaOutOfDate, StartupRefused
from bottrader.domain.risk import KillSwitch
from tests.fixtures.facts import NOON

NEWEST_OF_ALL = 99
VERSION = 'if [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) {major}.1"; exit; fi\n'
WRITE = 'for word in "$@"; do case $word in --file=*) echo half > "${word#--file=}";; esac; done\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "books.dump"


@pytest.fixture
def programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first where programs are looked for."""
    folder = tmp_path_factory.mktemp("programs")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the embedded server, so that only installed programs count."""
    monkeypatch.setattr(backups, "find_spec", lambda _: None)


def make_pg_dump(folder: Path, major: int, body: str = WRITE) -> None:
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\n{VERSION.format(major=major)}{body}")
    program.chmod(0o755)


async def tables(url: str) -> int:
    connection = await connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_was_backed_up_is_there_after_a_restore(
    store: PostgresStore, database_url: str, empty_database_url: str, file: Path
) -> None:
    switch = KillSwitch(True, "before the backup", "cli", NOON)
    await store.record_kill_switch(switch)
    checksum = await backups.backup(database_url, file)
    assert Path(f"{file}.sha256").read_text() == f"{checksum}  books.dump\n"
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


async def test_only_its_owner_may_read_a_backup(database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask says, and from its first byte on."""
    modes = []
    finish = backups._finish  # noqa: SLF001 - the moment in which the dump is there under its first name

    def looking(partial: Path, *names: Path) -> str:
        modes.append(partial.stat().st_mode & 0o777)
        return finish(partial, *names)

    monkeypatch.setattr(backups, "_finish", looking)
    before = os.umask(0)
    try:
        await backups.backup(database_url, file)
    finally:
        os.umask(before)
    assert [*modes, file.stat().st_mode & 0o777] == [0o600, 0o600]


@pytest.mark.parametrize(
    ("existing", "told"),
    [
        ("books.dump", "exists already and is not overwritten"),
        ("books.dump.sha256", "exists already and is not overwritten"),
        ("books.dump.partial", "another backup to books.dump is being made, or was killed; when none is, remove it"),
    ],
)
async def test_a_backup_overwrites_no_file(database_url: str, file: Path, existing: str, told: str) -> None:
    there = file.with_name(existing)
    there.write_text("kept")
    with pytest.raises(FileRefused, match=f"{existing} .*{told}"):
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


async def test_without_a_name_for_the_whole_dump_there_is_no_checksum_either(
    database_url: str, file: Path, programs: Path, no_wheel: None
) -> None:
    """Somebody makes a folder of that name meanwhile: what is left is theirs, and nothing of ours."""
    make_pg_dump(programs, NEWEST_OF_ALL, f"mkdir '{file}'\n{WRITE}")
    with pytest.raises(FileRefused, match=r"books\.dump cannot be written: Is a directory"):
        await backups.backup(database_url, file)
    assert list(file.parent.iterdir()) == [file]


async def test_a_dump_that_fails_half_way_leaves_nothing_and_is_told_in_its_own_words(
    database_url: str, file: Path, programs: Path, no_wheel: None
) -> None:
    make_pg_dump(programs, NEWEST_OF_ALL, f"{WRITE}echo 'pg_dump: error: out of' >&2; echo tape >&2; exit 1\n")
    with pytest.raises(StartupRefused, match="pg_dump failed: pg_dump: error: out of tape"):
        await backups.backup(database_url, file)
    assert list(file.parent.iterdir()) == []


async def test_a_backup_that_is_interrupted_leaves_nothing(
    database_url: str, file: Path, programs: Path, no_wheel: None
) -> None:
    """Ctrl-C: the dumping program ends with it."""
    pid_file = programs / "pid"
    make_pg_dump(programs, NEWEST_OF_ALL, f"{WRITE}echo $$ > '{pid_file}'; exec sleep 600\n")
    dumping = asyncio.create_task(backups.backup(database_url, file))
    async with asyncio.timeout(10):
        # Another process writes it.
        while not pid_file.exists() or not pid_file.read_text().strip():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    dumping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dumping
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert list(file.parent.glob("books*")) == []


async def test_programs_that_are_older_than_the_server_are_refused(
    database_url: str, file: Path, programs: Path, no_wheel: None
) -> None:
    make_pg_dump(programs, 9)
    with pytest.raises(StartupRefused, match=r"there is no pg_dump of PostgreSQL \d\d or newer; install"):
        await backups.backup(database_url, file)
    assert list(file.parent.iterdir()) == []


async def test_a_newer_program_serves_where_there_is_no_other(
    database_url: str, file: Path, programs: Path, no_wheel: None
) -> None:
    make_pg_dump(programs, NEWEST_OF_ALL)
    await backups.backup(database_url, file)
    assert file.read_text() == "half\n"


@pytest.mark.parametrize("major", [9, NEWEST_OF_ALL])
async def test_the_programs_nearest_to_the_servers_version_are_taken(
    database_url: str, file: Path, programs: Path, major: int
) -> None:
    """What is installed is too old, or newer than what came with the embedded server."""
    make_pg_dump(programs, major)
    await backups.backup(database_url, file)
    assert file.read_bytes().startswith(b"PGDMP")


async def test_books_of_a_newer_program_are_refused(own_database_url: str, empty_database_url: str, file: Path) -> None:
    """F37: both revisions are named, and the database stays empty for the program that can use it."""
    await execute(own_database_url, "UPDATE alembic_version SET version_num = '0999'")
    await backups.backup(own_database_url, file)
    known = schema.newest()
    with pytest.raises(SchemaOutOfDate, match=f"revision 0999 and this program knows revisions up to {known}"):
        await backups.restore(empty_database_url, file)
    assert await tables(empty_database_url) == 0


async def test_books_of_an_older_program_are_restored_and_brought_up(
    own_database_url: str, empty_database_url: str, file: Path
) -> None:
    await schema.downgrade(own_database_url, "0014")
    await backups.backup(own_database_url, file)
    await backups.restore(empty_database_url, file)
    assert await schema.current(empty_database_url) == "0014"
    await schema.upgrade(empty_database_url)
    await schema.check(empty_database_url)


async def test_a_dump_of_something_else_is_refused(own_database_url: str, empty_database_url: str, file: Path) -> None:
    await execute(own_database_url, "DROP TABLE alembic_version")
    await backups.backup(own_database_url, file)
    with pytest.raises(StartupRefused, match="holds no books of BotTrader"):
        await backups.restore(empty_database_url, file)
    assert await tables(empty_database_url) == 0


async def test_a_restore_that_fails_half_way_leaves_the_database_empty(
    database_url: str, empty_database_url: str, file: Path
) -> None:
    """A sequence is no table, so the database counts as empty; it is in the way of one of the same name."""
    await backups.backup(database_url, file)
    await execute(empty_database_url, "CREATE SEQUENCE lease_tokens")
    with pytest.raises(StartupRefused, match=r'pg_restore failed.*"lease_tokens" already exists'):
        await backups.restore(empty_database_url, file)
    assert await tables(empty_database_url) == 0


def test_a_password_is_no_argument_of_a_program() -> None:
    """Every user of the machine sees the arguments; the environment only its owner."""
    for dsn, bare in (
        ("postgresql://u:p%40ss@h:1/books?sslmode=require", "postgresql://u@h:1/books?sslmode=require"),
        ("postgresql://u@h/books?password=p%40ss&host=%2Frun", "postgresql://u@h/books?host=%2Frun"),
        ("postgresql:///books?user=u&password=p@ss", "postgresql:///books?user=u"),
    ):
        assert backups._without_password(dsn) == (bare, {"PGPASSWORD": "p@ss"})  # noqa: SLF001 - no server here asks for one


@pytest.fixture
def homes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not `tmp_path`: as root the wheel opens the folders above for reading, and pytest's are private on purpose.
    with tempfile.TemporaryDirectory(prefix="bottrader-backup-") as folder:
        for name in (*Settings.model_fields, "config"):
            monkeypatch.delenv(variable_name(name), raising=False)
        monkeypatch.chdir(folder)
        yield Path(folder)


def test_the_embedded_database_is_backed_up_and_restored_by_command(
    homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one data folder to another, as on a new machine; what was decided in the first is so in the second."""

    def run(home: str, *words: str) -> str:
        monkeypatch.setenv("BOTTRADER_DATA_DIR", str(homes / home))
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    file = homes / "books.dump"
    run("old", "kill", "on", "--reason", "a new machine")
    assert f"backup {file}, sha256 " in run("old", "db", "backup", str(file))
    shutil.rmtree(homes / "old")
    assert f"database at revision {schema.newest()}" in run("new", "db", "restore", str(file))
    assert "a new machine" in run("new", "kill", "status")
