"""Serves an ASGI application inside the bot's own event loop and ends with it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from bottrader.adapters.http.patience import Patience, PatientProtocol, end_the_slow
from bottrader.domain.errors import StartupRefused

SHUTDOWN_S_MAX = 3
BACKLOG = 512


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, since the process's own shutdown decides; tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


def bind(host: str, port: int, setting: str = "BOTTRADER_WEBHOOK_PORT") -> socket.socket:
    """Return a listening socket; port 0 takes a free one. `setting` is what a person would change.

    Raises:
        StartupRefused: when the address is not ours or the port is taken.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise StartupRefused(
            f"cannot listen on {host}:{port}: {error.strerror or error}; stop what uses it or set {setting}"
        ) from None
    listening.setblocking(False)
    return listening


@contextlib.asynccontextmanager
async def serve(
    app: Callable[..., Any], listening: socket.socket, patience: Patience | None = None
) -> AsyncIterator[None]:
    """Serve the ASGI application on `listening` while the body runs, then finish what is in flight and close."""
    patience = patience or Patience()
    config = uvicorn.Config(
        app,
        # A class for uvicorn's taste, but it only calls it.
        http=cast("Any", partial(PatientProtocol, patience)),
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=SHUTDOWN_S_MAX,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    looking = asyncio.create_task(end_the_slow(server.server_state.connections, patience))
    try:
        up = asyncio.create_task(server.is_up.wait())
        await asyncio.wait({task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        yield
    finally:
        server.should_exit = True
        await task
        looking.cancel()
        await asyncio.wait({looking})
        listening.close()
