"""`bottrader db`: the schema of the database."""

import asyncio
from collections.abc import Awaitable, Callable

import typer
from rich.console import Console

from bottrader.adapters.postgres import schema
from bottrader.bootstrap.database import open_server
from bottrader.config import load_settings

app = typer.Typer(
    help="Bring the database's schema to a version, or check it. Without DATABASE_URL the embedded one is meant.",
    no_args_is_help=True,
)


@app.command()
def upgrade(revision: str = typer.Argument("head", help="Revision to go up to; head is the newest.")) -> None:
    """Migrate up; running it twice changes nothing."""
    _on_database(lambda dsn: schema.upgrade(dsn, revision))


@app.command()
def downgrade(revision: str = typer.Argument(help="Revision to go down to; base is an empty database.")) -> None:
    """Migrate down. What a revision added is dropped with everything in it."""
    _on_database(lambda dsn: schema.downgrade(dsn, revision))


@app.command()
def check() -> None:
    """Tell whether the schema is the one this version needs; exit code 2 when it is not."""
    _on_database(schema.check)


def _on_database(act: Callable[[str], Awaitable[None]]) -> None:
    async def run() -> str:
        async with open_server(load_settings()) as dsn:
            await act(dsn)
            return await schema.current(dsn) or "base"

    Console(highlight=False).print(f"database at revision {asyncio.run(run())}, newest is {schema.newest()}")
