"""Databases on a server of our own: one for each paper session, so that no two books ever mix."""

import re
from urllib.parse import urlsplit, urlunsplit

from bottrader.adapters.postgres.connection import connect, translated

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")


async def ensure_database(server_dsn: str, name: str) -> str:
    """Return the URL of the database `name` on the server of `server_dsn`, created if it is not there."""
    _check(name)
    connection = await connect(server_dsn)
    try:
        with translated(f"making the database {name}"):
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return at_database(server_dsn, name)


async def drop_database(server_dsn: str, name: str) -> None:
    """Remove the database `name` with everything in it, if it is there."""
    _check(name)
    connection = await connect(server_dsn)
    try:
        with translated(f"dropping the database {name}"):
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def at_database(dsn: str, name: str) -> str:
    """Return `dsn` pointing at another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _check(name: str) -> None:
    # The name becomes part of a statement, so it is checked instead of trusted.
    if not NAME.match(name):
        raise ValueError(f"a database name is lower-case letters, digits and underscores, was {name!r}")
