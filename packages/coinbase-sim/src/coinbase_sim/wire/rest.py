"""The REST v3 application: routes below the venue's prefix, behind tokens, scripted faults and error shapes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from coinbase_sim.faults import NOT_DONE, Action, Fault, Faults, Tick
from coinbase_sim.market import ManualMarket
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import spoiled, v2_api
from coinbase_sim.wire.account_api import AccountApi
from coinbase_sim.wire.auth import TokenRefused, TokenVerifier
from coinbase_sim.wire.limits import Limiter
from coinbase_sim.wire.market_api import MarketApi
from coinbase_sim.wire.order_api import OrderApi
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


def rest_app(simulator: Simulator, border: Border) -> web.Application:
    """The application to mount at `PREFIX`."""
    app = _guarded_app(simulator, border, PREFIX, _is_public)
    for api in (MarketApi(simulator), AccountApi(simulator), OrderApi(simulator)):
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
        _faulty(border.faults, prefix, simulator),
        _limited(border.limiter, prefix, is_public),
    ]
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


def _is_public(path: str) -> bool:
    return path == "/time" or path.startswith("/market/")


def _faulty(faults: Faults, prefix: str, simulator: Simulator) -> Middleware:
    @web.middleware
    async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        template = resource.canonical if resource else request.path
        fault = faults.at_request(request.method, request.path.removeprefix(prefix), template.removeprefix(prefix))
        if fault is None:
            return await handler(request)
        if fault.tick is not None:
            _move(simulator, fault.tick)
            return await handler(request)
        if fault.do is Action.HOLD_REPLY:
            reply = await handler(request)
            await faults.until_released()
            return reply
        return await _spoiled(fault, request, handler)

    return spoil


def _move(simulator: Simulator, tick: Tick) -> None:
    market = simulator.market
    if not isinstance(market, ManualMarket) or tick.product_id not in simulator.products:
        raise ArgumentInvalid(f"tick_first needs a market that is moved by hand and has {tick.product_id}")
    market.set_price(tick.product_id, Decimal(tick.price), size=Decimal(tick.size))
    simulator.step()


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
    return spoiled.spoiled(fault, reply)


def _cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the reply that is returned has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
