"""A running exchange and two ways to talk with it that share no code with it: a signed HTTP client and a socket."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import jwt
import pytest

from coinbase_sim import ManualMarket, Simulator, SimulatorServer

REST = "/api/v3/brokerage"


def limit_order(size: str = "0.1", price: str = "39000.00", **changes: Any) -> dict[str, Any]:
    """A post-only buy below the market, with an id of its own."""
    return {
        "client_order_id": str(uuid.uuid4()),
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"limit_limit_gtc": {"base_size": size, "limit_price": price, "post_only": True}},
    } | changes


def market_buy(quote_size: str = "100") -> dict[str, Any]:
    return limit_order(order_configuration={"market_market_ioc": {"quote_size": quote_size}})


@dataclass
class Reply:
    status: int
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Member:
    """Signs each request anew, as a client of the venue does."""

    http: aiohttp.ClientSession
    server: SimulatorServer

    def token(self, uri: str | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"sub": self.server.key_name, "iss": "cdp", "nbf": now, "exp": now + 120} | changes
        if uri is not None:
            claims["uri"] = uri
        headers = {"kid": self.server.key_name, "nonce": uuid.uuid4().hex}
        return jwt.encode(claims, self.server.key_file.read_text(), algorithm="ES256", headers=headers)

    async def call(self, method: str, path: str, **kwargs: Any) -> Reply:
        bearer = self.token(f"{method} api.coinbase.com{REST}{path.partition('?')[0]}")
        kwargs.setdefault("headers", {"Authorization": f"Bearer {bearer}"})
        async with self.http.request(method, f"{self.server.rest_url}{REST}{path}", **kwargs) as reply:
            return Reply(reply.status, await reply.text())

    async def get(self, path: str, **kwargs: Any) -> Reply:
        return await self.call("GET", path, **kwargs)

    async def older(self, path: str) -> Reply:
        """Ask the older API; `path` is whole."""
        bearer = self.token(f"GET api.coinbase.com{path.partition('?')[0]}")
        headers = {"Authorization": f"Bearer {bearer}"}
        async with self.http.get(f"{self.server.rest_url}{path}", headers=headers) as reply:
            return Reply(reply.status, await reply.text())

    async def post(self, path: str, body: Any) -> Reply:
        return await self.call("POST", path, json=body)

    async def place(self, body: dict[str, Any]) -> str:
        """Place an order that must be accepted; returns its id."""
        reply = (await self.post("/orders", body)).body
        assert reply["success"], reply
        order_id: str = reply["success_response"]["order_id"]
        return order_id

    async def control(self, method: str, path: str, body: Any = None) -> Reply:
        async with self.http.request(method, f"{self.server.control_url}{path}", json=body) as reply:
            return Reply(reply.status, await reply.text())


@dataclass
class Listener:
    """One WebSocket connection."""

    socket: aiohttp.ClientWebSocketResponse
    member: Member

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def subscribe(self, channel: str, product_ids: list[str] | None = None) -> list[dict[str, Any]]:
        """Subscribe with a token; returns the confirmation and, where the channel has one, the snapshot."""
        await self.send(type="subscribe", channel=channel, product_ids=product_ids or [], jwt=self.member.token())
        answers = [await self.receive()]
        if channel != "heartbeats":
            answers.append(await self.receive())
        return answers

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        told: dict[str, Any] = json.loads(message.data)
        return told

    async def gone(self) -> bool:
        """Whether the connection ends without another message."""
        async with asyncio.timeout(5):
            message = await self.socket.receive()
        return message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


@pytest.fixture
async def member(coinbase_simulator: SimulatorServer) -> AsyncIterator[Member]:
    async with aiohttp.ClientSession() as http:
        yield Member(http, coinbase_simulator)


@pytest.fixture
async def listener(member: Member) -> AsyncIterator[Listener]:
    async with member.http.ws_connect(member.server.ws_url) as socket:
        yield Listener(socket, member)


@pytest.fixture
def simulator(coinbase_simulator: SimulatorServer) -> Simulator:
    return coinbase_simulator.simulator


def move(simulator: Simulator, price: str) -> None:
    """Take the market to a price."""
    market = simulator.market
    assert isinstance(market, ManualMarket)
    market.set_price("BTC-USD", Decimal(price))
    simulator.step()
