"""The guards of the unit layer bite: what they forbid fails here too."""

import socket
import time

import pytest
from pytest_socket import SocketBlockedError


def test_a_unit_test_cannot_sleep() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"slept 0\.1 s for real"):
        time.sleep(0.1)


def test_a_unit_test_cannot_open_a_connection() -> None:
    # Which of the two depends on whether the warning, an error here, comes first.
    with pytest.raises((SocketBlockedError, UserWarning)):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
