"""The marker by which CI chooses what to repeat on another server."""

import pytest

from bottrader.adapters.postgres.connection import Connection


def test_a_test_that_asks_for_a_database_in_any_way_is_marked(request: pytest.FixtureRequest, sql: Connection) -> None:
    assert request.node.get_closest_marker("database") is not None


def test_a_test_that_asks_for_none_is_not(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("database") is None
