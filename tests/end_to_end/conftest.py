"""The end-to-end layer: real processes, the wire-true simulator, a real Postgres."""

from tests.fixtures.command_line import shell
from tests.fixtures.databases import (
    databases,
    empty_database_url,
    postgres_server,
    pytest_configure_node,
    pytest_report_header,
    pytest_terminal_summary,
    pytest_testnodedown,
    sql,
    store,
)
from tests.fixtures.databases import own_database_url as database_url  # programs are killed here
from tests.fixtures.processes import bot, exchange
from tests.fixtures.shared_stack import other, stack, workflow

__all__ = [
    "bot",
    "database_url",
    "databases",
    "empty_database_url",
    "exchange",
    "other",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "shell",
    "sql",
    "stack",
    "store",
    "workflow",
]
