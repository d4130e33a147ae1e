"""What the server does with senders that mean it ill, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from litestar import Litestar

from bottrader.adapters.http.door import Door
from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.listener import ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.patience import Patience
from bottrader.adapters.http.probes import Probes
from bottrader.adapters.http.server import bind, serve
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.load.driver import request_of
from tests.fixtures.processes import SECRET, signal_body

HEALTHY = b"GET /ready HTTP/1.1\r\nHost: bot\r\n\r\n"
# Who may ask without a signature; a route that is in neither list has not been thought about.
SCHEMA = {("GET", path) for path in ("/schema", "/schema/openapi.json", "/schema/{path:str}")}
OPEN = {("GET", path) for path in ("/health", "/ready", "/metrics")} | SCHEMA
SIGNED = {("POST", "/webhook"), ("POST", "/kill")}


def listener_and_app() -> tuple[WebhookListener, Litestar]:
    health = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")
    store, clock = MemoryStore(), SystemClock()
    acceptor = SignalAcceptor(store, RecentEvents(), lambda _: None, lambda _: True)
    listener = WebhookListener(acceptor, lambda: health, clock, ListenerOptions(SECRET, [BTC]))
    return listener, build_app(
        listener, KillListener(store.record_kill_switch, clock, SECRET), Probes(lambda: health, list)
    )


@asynccontextmanager
async def served(patience: Patience) -> AsyncIterator[int]:
    listener, app = listener_and_app()
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    async with serve(Door(app, listener), listening, patience):
        yield port


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return int(head[9:12]), json.loads(await reader.readexactly(length))


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST /webhook HTTP/1.1\r\nHost: bot\r\nX-Slow: ",
        b"POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 1000\r\n\r\n{",
        HEALTHY + b"\r\n",
    ],
    ids=["nothing", "half a header", "half a body", "an empty line after an answer"],
)
async def test_who_never_finishes_a_request_is_sent_away_and_others_are_served(beginning: bytes) -> None:
    """Slow loris: a hundred connections that trickle hold up nobody."""
    async with served(Patience(request_s_max=0.3, unread_s_max=0.2)) as port:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for _, writer in slow:
            writer.write(beginning)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_of(json.dumps(signal_body()).encode()))
        assert (await answer(reader))[0] == 200
        async with asyncio.timeout(10):
            for slow_reader, slow_writer in slow:
                with suppress(ConnectionResetError):
                    await slow_reader.read()
                slow_writer.close()
        writer.close()


async def test_ten_megabytes_are_refused_before_they_are_sent() -> None:
    """The answer comes on the header alone; who sends on all the same finds nobody reading."""
    async with served(Patience(request_s_max=1, unread_s_max=0.2)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: 10000000\r\n\r\n")
        status, content = await answer(reader)
        assert (status, content["code"]) == (413, "TOO_LARGE")
        writer.write(b"x" * 10_000_000)
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(10):
                await writer.drain()
        writer.close()


async def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_long() -> None:
    async with served(Patience()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: bot\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
        assert (await answer(reader))[0] == 413
        writer.close()


async def test_connections_are_bounded() -> None:
    async with served(Patience(connections_max=2)) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(HEALTHY)
            assert (await answer(reader))[0] == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEALTHY)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await answer(reader)
        for _, each in (*kept, (reader, writer)):
            each.close()


def test_every_route_is_either_signed_or_known_to_be_open() -> None:
    """Promise P6: deny by default: a route that nobody has put on a list fails here."""
    _, app = listener_and_app()
    found = {(str(method), route.path) for route in app.routes for method in getattr(route, "methods", ())}
    assert {pair for pair in found if pair[0] != "OPTIONS"} <= OPEN | SIGNED


@pytest.mark.parametrize(("method", "path"), sorted(SIGNED))
async def test_a_signed_route_refuses_who_has_not_signed(method: str, path: str) -> None:
    """Promise P6"""
    async with served(Patience()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps(signal_body()).encode()
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        status, content = await answer(reader)
        assert (status, content["code"]) == (401, "UNAUTHORIZED")
        writer.close()
