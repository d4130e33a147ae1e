"""The REST v3 application: routes below the venue's prefix, behind tokens, scripted faults and error shapes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Middleware

from coinbase_sim.actions import NOT_DONE, Action
from coinbase_sim.faults import Control, Fault, Faults, Tick
from coinbase_sim.knobs import ControlRefused, Knobs
from coinbase_sim.market import ManualMarket
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import spoiled, v2_api
from coinbase_sim.wire.account_api import AccountApi
from coinbase_sim.wire.auth import TokenRefused, TokenVerifier
from coinbase_sim.wire.limits import Limiter
from coinbase_sim.wire.manners import Later, Manners
from coinbase_sim.wire.market_api import MarketApi
from coinbase_sim.wire.order_api import QUEUED_S, OrderApi
from coinbase_sim.wire.query import ArgumentInvalid
from coinbase_sim.wire.replies import (
    error_reply,
    invalid_argument,
    not_found,
    too_many_requests,
    unauthorized,
)
from coinbase_sim.wire.v2_api import V2Api

PREFIX = "/api/v3/brokerage"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Border:
    """What stands between the network and the handlers; without a verifier every endpoint is open."""

    verifier: TokenVerifier | None
    faults: Faults
    limiter: Limiter
    manners: Manners
    knobs: Knobs
    later: Later


def rest_app(simulator: Simulator, border: Border) -> web.Application:
    """The application to mount at `PREFIX`."""
    app = _guarded_app(simulator, border, PREFIX, _is_public)
    for api in (
        MarketApi(simulator),
        AccountApi(simulator, border.manners),
        OrderApi(simulator, border.manners, border.later),
    ):
        app.add_routes(api.routes())
    return app


def v2_app(simulator: Simulator, border: Border) -> web.Application:
    """The application to mount at `v2_api.PREFIX`."""
    app = _guarded_app(simulator, border, v2_api.PREFIX, v2_api.PUBLIC_PATHS.__contains__)
    app.add_routes(V2Api(simulator).routes())
    return app


def _guarded_app(
    simulator: Simulator, border: Border, prefix: str, is_public: Callable[[str], bool]
) -> web.Application:
    # A fault stands outside the token check: a dropped request is dropped whoever sent it.
    middlewares: list[Middleware] = [
        _venue_errors,
        _faulty(border, prefix, simulator),
        _spoken(border.manners),
        _limited(border.limiter, prefix, is_public),
    ]
    middlewares.append(_permitted(border.manners, prefix, is_public))
    if border.verifier is not None:
        middlewares.append(_authenticated(border.verifier, prefix, is_public))
    return web.Application(middlewares=middlewares)


@web.middleware
async def _venue_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ArgumentInvalid as invalid:
        return invalid_argument(str(invalid))
    except web.HTTPNotFound:
        return not_found(f"no such endpoint: {request.path}")
    except web.HTTPException as refused:
        status = HTTPStatus(refused.status)
        return error_reply(status.value, status.name, status.phrase)


def _limited(limiter: Limiter, prefix: str, is_public: Callable[[str], bool]) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        limits = limiter.limits
        if limits is None:
            return await handler(request)
        public = is_public(request.path.removeprefix(prefix))
        if not limiter.admit(is_public=public):
            return too_many_requests(html=limits.html, headers=limiter.headers(is_public=public))
        reply = await handler(request)
        reply.headers.update(limiter.headers(is_public=public))
        return reply

    return count


def _authenticated(verifier: TokenVerifier, prefix: str, is_public: Callable[[str], bool]) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_public(request.path.removeprefix(prefix)):
            return await handler(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return unauthorized()
        try:
            verifier.check_request(token, request.method, request.path)
        except TokenRefused:
            return unauthorized()
        return await handler(request)

    return check


def _spoken(manners: Manners) -> Middleware:
    @web.middleware
    async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
        reply = await handler(request)
        if isinstance(reply, web.Response) and isinstance(reply.body, bytes):
            reply.body = manners.dialect.times(reply.body)
        return reply

    return speak


def _permitted(manners: Manners, prefix: str, is_public: Callable[[str], bool]) -> Middleware:
    """Keep out a key that is revoked or may not do this; what it may do at all, it may always ask."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        path, key = request.path.removeprefix(prefix), manners.key
        if is_public(path):
            return await handler(request)
        if key.revoked:
            return unauthorized()
        may = key.can_trade if request.method == "POST" else key.can_view
        if not may and path != "/key_permissions":
            return error_reply(403, "PERMISSION_DENIED", "Missing required scopes")
        return await handler(request)

    return check


def _is_public(path: str) -> bool:
    return path == "/time" or path.startswith("/market/")


def _faulty(border: Border, prefix: str, simulator: Simulator) -> Middleware:
    kept: dict[str, _Kept] = {}

    @web.middleware
    async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        template = resource.canonical if resource else request.path
        path = request.path.removeprefix(prefix)
        fault = border.faults.at_request(request.method, path, template.removeprefix(prefix))
        if fault is None:
            return await handler(request)
        match fault.do:
            case Action.TICK_FIRST:
                assert fault.tick is not None, "a fault was checked when it was installed"
                _move(simulator, fault.tick)
            case Action.CONTROL_FIRST:
                assert fault.control is not None, "a fault was checked when it was installed"
                await _turn(border.knobs, fault.control)
            case Action.HOLD_REPLY:
                reply = await handler(request)
                await border.faults.until_released()
                return reply
            case Action.QUEUE_ORDER | Action.QUEUE_CANCEL:
                return await _queued(fault.seconds, request, handler)
            case Action.STALE_REPLY:
                return await _stale(kept, fault.seconds, border.faults.now_s(), request, handler)
            case _:
                return await _spoiled(fault, request, handler)
        return await handler(request)

    return spoil


async def _queued(seconds: float, request: web.Request, handler: Handler) -> web.StreamResponse:
    # One task serves all requests of a connection, so the next one must not find this.
    marked = QUEUED_S.set(seconds)
    try:
        return await handler(request)
    finally:
        QUEUED_S.reset(marked)


def _move(simulator: Simulator, tick: Tick) -> None:
    market = simulator.market
    if not isinstance(market, ManualMarket) or tick.product_id not in simulator.products:
        raise ArgumentInvalid(f"tick_first needs a market that is moved by hand and has {tick.product_id}")
    market.set_price(tick.product_id, Decimal(tick.price), size=Decimal(tick.size))
    simulator.step()


async def _turn(knobs: Knobs, control: Control) -> None:
    try:
        await knobs.turn_to(control.path, control.setting())
    except ControlRefused:
        # A script that takes back a fill before there is one has nothing to do; the request goes its way.
        return


class _Kept(NamedTuple):
    """A reply that is told again, and since when."""

    at_s: float
    body: bytes
    status: int
    content_type: str


async def _stale(
    kept: dict[str, _Kept], for_s: float, now_s: float, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Answer as the same URL was answered up to `for_s` ago, which is how a cache before the venue lags behind it."""
    known = kept.get(request.path_qs)
    if known is None or now_s - known.at_s >= for_s:
        reply = await handler(request)
        if isinstance(reply, web.Response) and isinstance(reply.body, bytes):
            kept[request.path_qs] = _Kept(now_s, reply.body, reply.status, reply.content_type)
        return reply
    return web.Response(body=known.body, status=known.status, content_type=known.content_type)


async def _spoiled(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.do is Action.DROP_REQUEST:
        return _cut(request)
    if fault.do in NOT_DONE:
        return spoiled.refused(fault)
    reply = await handler(request)
    if fault.do is Action.DROP_REPLY:
        return _cut(request)
    if fault.do is Action.DELAY_REPLY:
        await asyncio.sleep(fault.seconds)
        return reply
    if fault.do is Action.SLOW_BODY:
        return await _dribbled(fault.seconds, request, reply)
    return spoiled.spoiled(fault, reply, request.query.get("cursor", ""))


async def _dribbled(seconds: float, request: web.Request, reply: web.StreamResponse) -> web.StreamResponse:
    """Send the head and half of the body at once, and the rest late."""
    if not isinstance(reply, web.Response) or not isinstance(reply.body, bytes):
        return reply
    slow = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.headers["Content-Type"]})
    slow.content_length = len(reply.body)
    await slow.prepare(request)
    half = len(reply.body) // 2
    await slow.write(reply.body[:half])
    await asyncio.sleep(seconds)
    await slow.write(reply.body[half:])
    return slow


def _cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the reply that is returned has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
