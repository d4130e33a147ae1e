"""The integration layer talks to a real Postgres; see tests/fixtures/databases.py for which one."""

import pytest

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

pytest.register_assert_rewrite("tests.fixtures.store_contract")
