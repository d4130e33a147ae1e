"""The end-to-end layer: real processes, the wire-true simulator, a real Postgres."""

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
