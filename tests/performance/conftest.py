"""The performance layer counts on a real Postgres; see tests/fixtures/databases.py for which one."""

from tests.fixtures.databases import (
    database_url,
    databases,
    empty_database_url,
    own_database_url,
    postgres_server,
    pytest_configure_node,
    pytest_report_header,
    pytest_terminal_summary,
    pytest_testnodedown,
    rolled_back,
    sql,
    store,
)

__all__ = [
    "database_url",
    "databases",
    "empty_database_url",
    "own_database_url",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "rolled_back",
    "sql",
    "store",
]
