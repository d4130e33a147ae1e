"""The REST v3 application: routes below the venue's prefix, behind tokens, scripted faults and error shapes."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Middleware

from coinbase_sim.faults import Action, Fault, Faults
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire.account_api import AccountApi
from coinbase_sim.wire.auth import TokenRefused, TokenVerifier
from coinbase_sim.wire.market_api import MarketApi
from coinbase_sim.wire.order_api import OrderApi
from coinbase_sim.wire.query import ArgumentInvalid
from coinbase_sim.wire.replies import error_reply, internal_error, invalid_argument, not_found, unauthorized

PREFIX = "/api/v3/brokerage"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def rest_app(simulator: Simulator, verifier: TokenVerifier | None, faults: Faults) -> web.Application:
    """The application to mount at `PREFIX`; without a verifier every endpoint is open."""
    # A fault stands outside the token check: a dropped request is dropped whoever sent it.
    middlewares: list[Middleware] = [_venue_errors, _faulty(faults)]
    if verifier is not None:
        middlewares.append(_authenticated(verifier))
    app = web.Application(middlewares=middlewares)
    for api in (MarketApi(simulator), AccountApi(simulator), OrderApi(simulator)):
        app.add_routes(api.routes())
    return app


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


def _authenticated(verifier: TokenVerifier) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_public(request.path.removeprefix(PREFIX)):
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


def _faulty(faults: Faults) -> Middleware:
    @web.middleware
    async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        template = resource.canonical if resource else request.path
        fault = faults.at_request(request.method, request.path.removeprefix(PREFIX), template.removeprefix(PREFIX))
        if fault is None:
            return await handler(request)
        return await _spoiled(fault, request, handler)

    return spoil


async def _spoiled(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if fault.do is Action.HTTP_500_NOT_PLACED:
        return internal_error()
    if fault.do is Action.DROP_REQUEST:
        return _cut(request)
    reply = await handler(request)
    if fault.do is Action.HTTP_500_PLACED:
        return internal_error()
    if fault.do is Action.DROP_REPLY:
        return _cut(request)
    await asyncio.sleep(fault.seconds)
    return reply


def _cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection; the reply that is returned has nowhere to go."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
