"""The performance layer counts on a real Postgres; see tests/fixtures/databases.py for which one."""

from tests.fixtures.databases import (
    database_url,
    empty_database_url,
    postgres_server,
    pytest_configure_node,
    pytest_report_header,
    sql,
    store,
)

__all__ = [
    "database_url",
    "empty_database_url",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "sql",
    "store",
]
