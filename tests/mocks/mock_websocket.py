"""A WebSocket server that speaks Coinbase's envelope with canned events, acknowledges or not, and drops to order."""

import asyncio
import json
from typing import Any, Self

from aiohttp import WSMsgType, web

AT = "2026-04-07T14:30:00.123456789Z"


class VenueConnection:
    """One client's socket; messages are numbered from 0 unless a number is given."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.requests: list[dict[str, Any]] = []
        self.closed = asyncio.Event()
        self._request = request
        self._socket = socket
        self._sequence = 0
        self._heartbeats = 0

    @property
    def close_code(self) -> int | None:
        """What the client said goodbye with; None while it is there, or when it left without a word."""
        return self._socket.close_code

    @property
    def channels(self) -> list[str]:
        return [request["channel"] for request in self.requests]

    async def send(self, channel: str, *events: object, sequence: int | None = None, at: str = AT) -> None:
        number = self._sequence if sequence is None else sequence
        self._sequence = number + 1
        envelope = {"channel": channel, "client_id": "", "timestamp": at, "sequence_num": number, "events": events}
        await self.send_text(json.dumps(envelope))

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def heartbeat(self, counter: int | str | None = None) -> None:
        """Send a heartbeat with the next counter, or with the one given."""
        self._heartbeats = self._heartbeats + 1 if counter is None else int(counter)
        await self.send("heartbeats", {"current_time": AT, "heartbeat_counter": counter or self._heartbeats})

    async def acknowledge(self, *channels: str) -> None:
        """Send the list of subscriptions; without channels, all that were asked for."""
        listed = {channel: ["…"] for channel in channels or self.channels}
        await self.send("subscriptions", {"subscriptions": listed})

    async def tell_fill(self, order: dict[str, Any]) -> None:
        """Tell on the user channel how an order stands: with what was filled of it so far, or as ended."""
        await self.send("user", {"type": "update", "orders": [order]})

    async def close(self, code: int) -> None:
        await self._socket.close(code=code)

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()


class MockWebSocket:
    """Serves on a free loopback port while the context is open; `acknowledges` may be switched off."""

    url: str

    def __init__(self) -> None:
        self.acknowledges = True
        self._is_open = True
        self.connections: list[VenueConnection] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self.connections:
            connection.drop()
        await self._runner.cleanup()

    def disconnect(self) -> None:
        """Cut every connection and let none in until `reconnect`."""
        self._is_open = False
        for connection in self.connections:
            connection.drop()

    def reconnect(self) -> None:
        """Let clients in again."""
        self._is_open = True

    async def subscribed(self, number: int, requests: int) -> VenueConnection:
        """Wait until connection `number` (from 0) has sent so many requests, and return it."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(
                lambda: len(self.connections) > number and len(self.connections[number].requests) >= requests
            )
        return self.connections[number]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not self._is_open:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        connection = VenueConnection(request, socket)
        self.connections.append(connection)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                connection.requests.append(json.loads(message.data))
                if self.acknowledges:
                    await connection.acknowledge()
                async with self._changed:
                    self._changed.notify_all()
        connection.closed.set()
        return socket
