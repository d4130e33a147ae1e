"""The system layer: the whole program as a user meets it, with a real Postgres where one is asked for."""

from tests.fixtures.command_line import shell
from tests.fixtures.databases import (
    database_url,
    empty_database_url,
    postgres_server,
    pytest_configure_node,
    pytest_report_header,
    sql,
    store,
)
from tests.fixtures.processes import bot, exchange

__all__ = [
    "bot",
    "database_url",
    "empty_database_url",
    "exchange",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "shell",
    "sql",
    "store",
]
