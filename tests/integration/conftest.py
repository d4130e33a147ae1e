"""The integration layer talks to a real Postgres; see tests/fixtures/databases.py for which one.

The simulator's tests need none: they pass in an environment without the bot, and there the database is left out.
"""

from importlib.util import find_spec

import pytest

if find_spec("bottrader") is not None:
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

pytest.register_assert_rewrite("tests.fixtures.store_contract")
