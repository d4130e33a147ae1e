"""Writes down every host that a program looks up or connects to, for a test that holds them against its settings."""

import os
import sys

LOG = "EGRESS_LOG"
"""The environment variable that names the file; without it nothing is written."""


def install() -> None:
    """Write from now on; a hook cannot be taken back."""
    log = os.environ.get(LOG)
    if not log:
        return
    # These cost every other program that a test starts a part of its start.
    import asyncio  # noqa: PLC0415 - see above

    import uvloop  # noqa: PLC0415 - see above

    # libuv connects without the interpreter's knowing; the standard library's loop cannot.
    uvloop.run = asyncio.run  # type: ignore[assignment]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
            note = f"connect {arguments[1][0]} {arguments[1][1]}"
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            name = arguments[0]
            note = f"look-up {name.decode('ascii', 'replace') if isinstance(name, bytes) else name} 0"
        else:
            return
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123 - as in the hook beside this one
            file.write(note + "\n")

    sys.addaudithook(watch)
