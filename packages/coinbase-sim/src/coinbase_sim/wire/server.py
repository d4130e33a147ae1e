"""The exchange on the network: REST, WebSocket and control on one port, and once more over TLS."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from aiohttp import web

from coinbase_sim import control
from coinbase_sim.faults import Faults
from coinbase_sim.knobs import Controlled, Knobs
from coinbase_sim.pacer import Pacer
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import rest, v2_api
from coinbase_sim.wire.auth import TokenVerifier, load_or_create_key
from coinbase_sim.wire.limits import Limiter, RateLimits
from coinbase_sim.wire.manners import Later, Manners
from coinbase_sim.wire.replies import not_found
from coinbase_sim.wire.stream import Stream
from coinbase_sim.wire.tls import make_tls

MAX_BODY_BYTES = 65_536
SHUTDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how to serve. A port of 0 takes a free one; without `key_dir` the key lives as long as the server."""

    host: str = "127.0.0.1"
    port: int = 0
    tls_port: int | None = None
    key_dir: Path | None = None
    require_auth: bool = True
    heartbeat_interval_s: float = 1.0
    """Wall-clock seconds; 0: heartbeats only from `publish_heartbeat()`."""
    rate_limits: RateLimits | None = None
    """None lets every request pass; `POST /control/limits` sets them on a running server."""
    quiet_close_s: float | None = None
    """Close a socket without heartbeats to which nothing was sent for so long; the venue does after 60 to 90 s."""


class SimulatorServer:
    """Serves a simulator while the context is open; it owns the sockets, not the simulator.

    Entering raises `OSError` when a port is taken and `KeyInvalid` when `key_dir` holds no usable key. The pacer is
    only handed to the control interface: whoever made it runs it.
    """

    rest_url: str
    ws_url: str
    control_url: str
    tls_url: str | None
    ca_file: Path | None
    key_name: str
    key_file: Path

    def __init__(
        self,
        simulator: Simulator,
        options: ServerOptions = ServerOptions(),
        faults: Faults | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.simulator = simulator
        self._options = options
        self.faults = faults if faults is not None else Faults()
        self._pacer = pacer if pacer is not None else Pacer(simulator)

    async def __aenter__(self) -> Self:
        # A start that fails half-way closes what it has opened: no port and no key is left behind.
        async with AsyncExitStack() as opened:
            await self._open(opened)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    async def _open(self, opened: AsyncExitStack) -> None:
        options = self._options
        key_dir = options.key_dir or Path(opened.enter_context(TemporaryDirectory(prefix="coinbase-sim-")))
        key = load_or_create_key(key_dir)
        self.key_name, self.key_file = key.name, key.file
        # The runner ends before its sockets do, so they are opened first.
        plain = opened.enter_context(_listen(options.host, options.port))
        secure = None
        if options.tls_port is not None:
            secure = opened.enter_context(_listen(options.host, options.tls_port))
        verifier = TokenVerifier(key, self._token_time) if options.require_auth else None
        manners = Manners(quiet_close_s=options.quiet_close_s)
        limiter, later = Limiter(options.rate_limits, time.monotonic), Later(self.simulator)
        self._stream = Stream(self.simulator, verifier, self.faults, manners, limiter)
        controlled = Controlled(self.simulator, self._pacer, self.faults, self._stream, limiter, manners)
        knobs = Knobs(controlled)
        border = rest.Border(verifier, self.faults, limiter, manners, knobs, later)
        control_app = control.control_app(controlled, knobs)
        opened.callback(later.close)
        runner = web.AppRunner(
            self._app(border, control_app), access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S
        )
        await runner.setup()
        opened.push_async_callback(runner.cleanup)
        await web.SockSite(runner, plain).start()
        self.tls_url = self.ca_file = None
        if secure is not None:
            context, self.ca_file = make_tls(key_dir)
            await web.SockSite(runner, secure, ssl_context=context).start()
            self.tls_url = f"https://{_authority(secure)}"
        authority = _authority(plain)
        self.rest_url, self.ws_url = f"http://{authority}", f"ws://{authority}"
        self.control_url = f"http://{authority}{control.PREFIX}"
        opened.push_async_callback(self._stream.close)
        opened.callback(self.simulator.subscribe(self._stream.publish))
        if options.heartbeat_interval_s:
            opened.push_async_callback(_cancelled, asyncio.create_task(self._beat()))
        opened.push_async_callback(_cancelled, asyncio.create_task(self._stream.close_quiet()))

    def _app(self, border: rest.Border, control_app: web.Application) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_subapp(rest.PREFIX, rest.rest_app(self.simulator, border))
        app.add_subapp(v2_api.PREFIX, rest.v2_app(self.simulator, border))
        app.add_subapp(control.PREFIX, control_app)
        app.router.add_route("*", "/{path:.*}", self._anything_else)
        return app

    async def _anything_else(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._stream.serve(request)
        return not_found(f"no such endpoint: {request.path}")

    def _token_time(self) -> float:
        return time.time() + self.faults.clock_skew_s

    async def publish_heartbeat(self) -> None:
        """Send a heartbeat with the venue's time to every socket that is subscribed to them."""
        self._stream.publish_heartbeat()

    async def flush(self) -> None:
        """Return when every queued message has been handed to the transports."""
        await self._stream.flush()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._options.heartbeat_interval_s)
            self._stream.publish_heartbeat()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def _authority(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
