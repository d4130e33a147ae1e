"""The hook itself. It imports next to nothing: every Python program that a test starts runs it."""

import os
import re
import sys

LOG = "EXCHANGE_HOSTS_LOG"
"""The environment variable that names the file in which refusals are written down."""

_HOST = re.compile(r"(?:^|\.)coinbase\.com\.?$", re.IGNORECASE)
_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_CONNECTIONS = frozenset({"socket.connect", "socket.sendto"})
_installed: list[bool] = []


class LiveExchangeRefused(RuntimeError):
    """A test was about to talk to the exchange where money is real."""


def install() -> None:
    """Refuse the exchange's hosts from now on; a hook cannot be taken back, so a second call does nothing."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _LOOK_UPS:
        host = arguments[0]
    elif event in _CONNECTIONS and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if _HOST.search(name):
        if log := os.environ.get(LOG):
            with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a tenth of a start-up
                file.write(name + "\n")
        raise LiveExchangeRefused(f"{name} is the live exchange; tests use the simulator")
