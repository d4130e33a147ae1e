"""The system layer: the whole program as a user meets it, with a real Postgres where one is asked for."""

from typing import Any

import pytest

from tests.fixtures import databases as isolation
from tests.fixtures.command_line import shell
from tests.fixtures.databases import (
    databases,
    empty_database_url,
    postgres_server,
    pytest_configure_node,
    pytest_report_header,
    pytest_testnodedown,
    sql,
    store,
)
from tests.fixtures.databases import own_database_url as database_url  # programs are killed here
from tests.fixtures.processes import bot, exchange
from tests.system.recovery import telling

__all__ = [
    "bot",
    "database_url",
    "databases",
    "empty_database_url",
    "exchange",
    "postgres_server",
    "pytest_configure_node",
    "pytest_report_header",
    "pytest_testnodedown",
    "shell",
    "sql",
    "store",
]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell of the databases, and of what was killed."""
    isolation.pytest_terminal_summary(terminalreporter, config)
    telling.tell(terminalreporter)
