"""Which component a test checks: `@pytest.mark.component("fifo_engine")`; the matrix is in docs/testing.md."""

import pytest

COMPONENTS = {
    "fifo_engine": "FIFO engine",
    "position_monitor": "Position monitor",
    "order_manager": "Order manager",
    "signal_manager": "Signal manager",
    "trade_recorder": "Trade recorder",
    "websocket_handler": "WebSocket handler",
    "report_generator": "Report generator",
    "config_manager": "Config manager",
    "logger": "Logger",
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "component(name): the test checks this component, alone or with its neighbours")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a name that is not in the table: the cell would stay empty without a word."""
    for item in items:
        for marker in item.iter_markers("component"):
            for name in marker.args:
                if name not in COMPONENTS:
                    raise pytest.UsageError(
                        f"{item.nodeid}: no component is called {name!r}; there are {', '.join(COMPONENTS)}"
                    )
