"""The marker `database`, on every test that talks to PostgreSQL: `-m database` is what another server can change."""

import pytest

SERVER = "postgres_server"
"""The fixture that every grade of database rests on."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by what a test asks for, before `-m` chooses; nobody has to think of it."""
    for item in items:
        if SERVER in getattr(item, "fixturenames", ()):
            item.add_marker("database")
