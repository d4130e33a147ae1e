"""Alembic runs this file for every command; the connection comes from `schema.py`, which owns the transaction."""

from alembic import context
from sqlalchemy import text

# Two processes that start together upgrade one after the other; the second finds nothing left to do.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('bottrader schema', 0))")


def _run() -> None:
    connection = context.config.attributes["connection"]
    connection.execute(_ONE_AT_A_TIME)
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


_run()
