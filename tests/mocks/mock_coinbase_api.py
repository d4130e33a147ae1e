"""A REST server that answers with canned payloads and misbehaves to order. It knows no rule of the exchange: what the
client is expected to make of an answer is decided in the tests, not by code that the simulator shares."""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Self

from aiohttp import web

PREFIX = "/api/v3/brokerage"
AT = "2026-04-07T14:30:00.123456789Z"


class Fault(Enum):
    """What happens instead of an answer, after the request was read in full."""

    RESET = auto()
    HANG = auto()
    CUT_BODY = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    body: Any = None
    status: int = 200
    text: str | None = None
    """Sent as it is, as HTML, instead of a JSON body."""
    location: str | None = None
    """Where a redirect points to."""


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: list[tuple[str, str]]
    token: str
    body: Any
    content_type: str = field(default="")

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]


class MockCoinbaseApi:
    """Serves on a free loopback port while the context is open; the last answer of a path repeats."""

    url: str

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._answers: dict[tuple[str, str], list[Answer | Fault]] = defaultdict(list)
        self._closing = asyncio.Event()

    def answer(self, method: str, path: str, *answers: Answer | Fault) -> None:
        """Lay down the answers to `method path` (below the API prefix), in order."""
        self._answers[method, path].extend(answers)

    def set_price(self, product_id: str, price: str) -> None:
        """Have the product trade at `price` from now on, with bid and ask at it."""
        self._answers["GET", f"/products/{product_id}/ticker"] = [
            Answer(
                {
                    "trades": [{"trade_id": "1", "product_id": product_id, "price": price, "size": "1", "time": AT}],
                    "best_bid": price,
                    "best_ask": price,
                }
            )
        ]

    def set_balances(self, **available: str) -> None:
        """Have the account own these amounts and nothing else, none held: `set_balances(USD="10000", BTC="0")`."""
        accounts = [
            {"currency": currency, "available_balance": {"value": amount}, "hold": {"value": "0"}}
            for currency, amount in available.items()
        ]
        page = {"accounts": accounts, "has_next": False, "cursor": "", "size": len(accounts)}
        self._answers["GET", "/accounts"] = [Answer(page)]

    def fill_order(self, order: dict[str, Any], *fills: dict[str, Any]) -> None:
        """Have the order stand as this row says when it is asked for, and its fills as these."""
        self._answers["GET", f"/orders/historical/{order['order_id']}"] = [Answer({"order": order})]
        self._answers["GET", "/orders/historical/fills"] = [Answer({"fills": list(fills), "cursor": ""})]

    def reset(self) -> None:
        """Forget all answers and calls."""
        self.calls.clear()
        self._answers.clear()

    def calls_of(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        raw = await request.read()
        self.calls.append(
            Call(
                method=request.method,
                path=path,
                query=list(request.query.items()),
                token=request.headers.get("Authorization", "").removeprefix("Bearer "),
                body=json.loads(raw) if raw else None,
                content_type=request.content_type,
            )
        )
        answers = self._answers[request.method, path]
        if not answers:
            return web.Response(status=599, text=f"no answer laid down for {request.method} {path}")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await self._misbehave(request, answer) if isinstance(answer, Fault) else _response(answer)

    async def _misbehave(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault is Fault.HANG:
            await self._closing.wait()
        response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
        if fault is Fault.CUT_BODY:
            await response.prepare(request)
            await response.write(b'{"success":true,')
        if request.transport is not None:
            request.transport.abort()
        return response


def _response(answer: Answer) -> web.Response:
    if answer.location is not None:
        return web.Response(status=answer.status, headers={"Location": answer.location})
    if answer.text is not None:
        return web.Response(status=answer.status, text=answer.text, content_type="text/html")
    return web.json_response(answer.body, status=answer.status)
