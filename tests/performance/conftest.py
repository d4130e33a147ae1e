"""The performance layer counts on a real Postgres; see tests/fixtures/databases.py for which one."""

import pytest

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
from tests.performance import history
from tests.performance.measuring import RATIOS

__all__ = [
    "database_url",
    "databases",
    "empty_database_url",
    "own_database_url",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "rolled_back",
    "sql",
    "store",
]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what was found, for the trend over time."""
    if RATIOS:
        history.keep(RATIOS)
