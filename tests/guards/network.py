"""No connection but to servers of the test's own: none at all in unit, the loopback elsewhere.

pytest-socket does the refusing. It can be overheard, though: a broad handler in the code under test swallows the
refusal. So each attempt is written down too, and the test that made it fails at its end.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_socket

from tests.guards.layers import layer_of

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
ATTEMPTS: list[str] = []


class Refused(pytest_socket.SocketBlockedError):
    """A refusal that is remembered. It warns of nothing: as an error, the warning would come instead of the refusal."""

    def __init__(self, text: str = "a socket was opened", *_: Any) -> None:
        RuntimeError.__init__(self, text)
        ATTEMPTS.append(text)


class ConnectRefused(pytest_socket.SocketConnectBlockedError):
    """The same for an address that is not on the list."""

    def __init__(self, allowed: list[str], host: str | None, *_: Any) -> None:
        RuntimeError.__init__(self, f"{host} was called")
        ATTEMPTS.append(f"{host} was called, and only {', '.join(allowed)} may be")


def pytest_configure(config: pytest.Config) -> None:
    # The plugin looks both names up when it refuses.
    pytest_socket.SocketBlockedError = Refused  # type: ignore[misc, assignment]
    pytest_socket.SocketConnectBlockedError = ConnectRefused  # type: ignore[misc]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Open the loopback to the layers that talk to servers of their own."""
    for item in items:
        if layer_of(item.path) != "unit":
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    yield
    attempts, ATTEMPTS[:] = list(dict.fromkeys(ATTEMPTS)), []
    if attempts:
        pytest.fail(
            f"the network was asked for: {'; '.join(attempts)}; use an in-memory adapter or a server of the test",
            pytrace=False,
        )
