"""The control interface below `/control`: steps, prices, faults and the exchange's own books, for this machine only."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from coinbase_sim.faults import FaultInvalid, parse_faults, parse_random
from coinbase_sim.knob_bodies import BODIES
from coinbase_sim.knobs import Controlled, ControlRefused, Knobs
from coinbase_sim.wire import encode
from coinbase_sim.wire.replies import error_reply, json_reply

PREFIX = "/control"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_app(controlled: Controlled, knobs: Knobs) -> web.Application:
    """The application to mount at `PREFIX`."""
    app = web.Application(middlewares=[_guarded])
    app.add_routes(_Control(controlled, knobs).routes())
    return app


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Whoever can step the market owns the exchange, so no other machine may, wherever the sockets listen.
    if request.remote is None or not ipaddress.ip_address(request.remote).is_loopback:
        return error_reply(403, "PERMISSION_DENIED", "the control interface answers to this machine only")
    try:
        return await handler(request)
    except ControlRefused as refused:
        return error_reply(400, "INVALID_ARGUMENT", str(refused))
    except web.HTTPNotFound:
        listed = ", ".join(path.removeprefix("/") for path in BODIES)
        return error_reply(404, "NOT_FOUND", f"GET state, books, orders or faults; POST faults, random, {listed}")
    except web.HTTPMethodNotAllowed as wrong:
        allowed = ", ".join(sorted(wrong.allowed_methods))
        return error_reply(405, "METHOD_NOT_ALLOWED", f"{request.path} takes {allowed}, not {request.method}")


class _Control:
    def __init__(self, controlled: Controlled, knobs: Knobs) -> None:
        self._controlled = controlled
        self._knobs = knobs

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/state", self.state),
            web.get("/books", self.books),
            web.get("/orders", self.orders),
            web.get("/faults", self.faults),
            web.post("/faults", self.install_faults),
            web.delete("/faults", self.clear_faults),
            web.post("/release", self.release),
            web.post("/random", self.install_random),
            web.delete("/limits", self.lift_limits),
            *(web.post(path, self._turning(path)) for path in BODIES),
        ]

    def _turning(self, path: str) -> Handler:
        async def turn(request: web.Request) -> web.StreamResponse:
            return json_reply(await self._knobs.turn(path, await request.read()))

        return turn

    async def state(self, _request: web.Request) -> web.Response:
        return json_reply(self._knobs.state())

    async def books(self, _request: web.Request) -> web.Response:
        return json_reply(encode.books(self._controlled.simulator.books()))

    async def orders(self, _request: web.Request) -> web.Response:
        return json_reply({"orders": [encode.order(order) for order in self._controlled.simulator.orders()]})

    async def faults(self, _request: web.Request) -> web.Response:
        return json_reply({"faults": self._controlled.faults.counts()})

    async def install_faults(self, request: web.Request) -> web.Response:
        try:
            self._controlled.faults.install(parse_faults(await request.read()))
        except FaultInvalid as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply({"faults": self._controlled.faults.counts()})

    async def install_random(self, request: web.Request) -> web.Response:
        """Install named faults that come at random, each at its own rate."""
        try:
            self._controlled.faults.install(parse_random(await request.read()))
        except FaultInvalid as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply({"faults": self._controlled.faults.counts()})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._controlled.faults.clear()
        return json_reply({"faults": []})

    async def release(self, _request: web.Request) -> web.Response:
        """Answer the requests whose replies are held."""
        return json_reply({"released": self._controlled.faults.release()})

    async def lift_limits(self, _request: web.Request) -> web.Response:
        self._controlled.limiter.set(None)
        return json_reply({})
