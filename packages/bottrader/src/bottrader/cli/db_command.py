"""`bottrader db`: the schema of the database, its rights and its backups."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bottrader.adapters.postgres import backups, grants, schema
from bottrader.bootstrap.database import open_server
from bottrader.cli.options import ConfigFile
from bottrader.config import load_settings

app = typer.Typer(
    help="Bring the database's schema to a version, check it, back the database up, restore it. Without"
    " DATABASE_URL the embedded one is meant.",
    no_args_is_help=True,
)


@app.command()
def upgrade(
    revision: str = typer.Argument("head", help="Revision to go up to; head is the newest."), config: ConfigFile = None
) -> None:
    """Migrate up; running it twice changes nothing."""
    _on_database(lambda dsn: schema.upgrade(dsn, revision), config)


@app.command()
def downgrade(
    revision: str = typer.Argument(help="Revision to go down to; base is an empty database."), config: ConfigFile = None
) -> None:
    """Migrate down. What a revision added is dropped with everything in it."""
    _on_database(lambda dsn: schema.downgrade(dsn, revision), config)


@app.command()
def check(config: ConfigFile = None) -> None:
    """Tell whether the schema is the one this version needs; exit code 2 when it is not."""
    _on_database(schema.check, config)


@app.command()
def grant(
    is_applied: bool = typer.Option(False, "--apply", help="Run the statements instead of printing them."),
    config: ConfigFile = None,
) -> None:
    """Print the SQL that makes the roles bot_rw, report_ro and migrator, each with the rights of its work.

    An administrator runs it after each `bottrader db upgrade`; twice changes nothing. Logins become members of a role.
    """
    if not is_applied:
        Console(highlight=False, soft_wrap=True, markup=False).print(grants.script(), end="")
        return
    _on_database(grants.grant, config)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; FILE.sha256 is written beside it.")],
    config: ConfigFile = None,
) -> None:
    """Write all of the database to a file, as it is at one moment; a running bot may go on. Nothing is overwritten."""

    async def dump(dsn: str) -> None:
        checksum = await backups.backup(dsn, file)
        Console(highlight=False, soft_wrap=True, markup=False).print(f"backup {file}, sha256 {checksum}")

    _on_database(dump, config)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup with its FILE.sha256 beside it.")], config: ConfigFile = None
) -> None:
    """Fill an empty database from a backup. Then run `db upgrade`, `db grant` where roles are used, and `reconcile`."""
    _on_database(lambda dsn: backups.restore(dsn, file), config)


def _on_database(act: Callable[[str], Awaitable[None]], config: Path | None) -> None:
    async def run() -> str:
        async with open_server(load_settings(file=config)) as dsn:
            await act(dsn)
            return await schema.current(dsn) or "base"

    Console(highlight=False).print(f"database at revision {asyncio.run(run())}, newest is {schema.newest()}")
