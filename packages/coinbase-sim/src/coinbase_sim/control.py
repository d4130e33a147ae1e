"""The control interface below `/control`: steps, prices, faults and the exchange's own books, for this machine only."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web

from coinbase_sim.faults import FaultInvalid, Faults, parse_faults
from coinbase_sim.market import ManualMarket
from coinbase_sim.model import ProductGates
from coinbase_sim.pacer import Pacer
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode
from coinbase_sim.wire.limits import Limiter, RateLimits
from coinbase_sim.wire.replies import error_reply, json_reply
from coinbase_sim.wire.stream import Stream
from coinbase_sim.wire.texts import time_text

PREFIX = "/control"

_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,18})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z0-9]{2,10}", re.ASCII)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Body = TypeVar("Body", bound=msgspec.Struct)


class StepBody(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class PriceBody(msgspec.Struct, forbid_unknown_fields=True):
    product_id: str
    price: str


class DisconnectBody(msgspec.Struct, forbid_unknown_fields=True):
    channel: str | None = None
    """None: every socket."""
    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] | None = None
    """None resets the connections; a code closes them with a handshake."""


class ProductBody(msgspec.Struct, forbid_unknown_fields=True):
    """The gates of a product (coinbase.md §5); those left out are open."""

    product_id: str
    status: Literal["online", "offline", "delisted"] = "online"
    is_disabled: bool = False
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False


class BalanceBody(msgspec.Struct, forbid_unknown_fields=True):
    currency: str
    available: str


class RulesBody(msgspec.Struct, forbid_unknown_fields=True):
    """The increments and minimums of a product (F13, F14); those left out stay as they are."""

    product_id: str
    base_increment: str | None = None
    price_increment: str | None = None
    base_min_size: str | None = None
    quote_min_size: str | None = None


class ReversalBody(msgspec.Struct, forbid_unknown_fields=True):
    trade_id: str


class CorrectionBody(msgspec.Struct, forbid_unknown_fields=True):
    trade_id: str
    price: str
    commission: str


class ClockBody(msgspec.Struct, forbid_unknown_fields=True):
    skew_s: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)]


class ControlRefused(Exception):
    """What was asked makes no sense here; the text is the reply, with HTTP 400."""


@dataclass(frozen=True, slots=True)
class Controlled:
    """What the control interface has its hands on."""

    simulator: Simulator
    pacer: Pacer
    faults: Faults
    stream: Stream
    limiter: Limiter


def control_app(controlled: Controlled) -> web.Application:
    """The application to mount at `PREFIX`."""
    app = web.Application(middlewares=[_guarded])
    app.add_routes(_Control(controlled).routes())
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


class _Control:
    def __init__(self, controlled: Controlled) -> None:
        self._simulator = controlled.simulator
        self._pacer = controlled.pacer
        self._faults = controlled.faults
        self._stream = controlled.stream
        self._limiter = controlled.limiter

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/state", self.state),
            web.get("/books", self.books),
            web.get("/orders", self.orders),
            web.get("/faults", self.faults),
            web.post("/faults", self.install_faults),
            web.delete("/faults", self.clear_faults),
            web.post("/release", self.release),
            web.post("/step", self.step),
            web.post("/pause", self.pause),
            web.post("/resume", self.resume),
            web.post("/price", self.price),
            web.post("/product", self.product),
            web.post("/balance", self.balance),
            web.post("/rules", self.rules),
            web.post("/reversal", self.reversal),
            web.post("/correction", self.correction),
            web.post("/clock", self.clock),
            web.post("/disconnect", self.disconnect),
            web.post("/limits", self.limit),
            web.delete("/limits", self.lift_limits),
        ]

    async def state(self, _request: web.Request) -> web.Response:
        return self._state()

    def _state(self) -> web.Response:
        return json_reply(
            {
                "time": time_text(self._simulator.now),
                "position": self._simulator.market.position,
                "ended": self._pacer.ended,
                "paused": self._pacer.paused,
            }
        )

    async def books(self, _request: web.Request) -> web.Response:
        return json_reply(encode.books(self._simulator.books()))

    async def orders(self, _request: web.Request) -> web.Response:
        return json_reply({"orders": [encode.order(order) for order in self._simulator.orders()]})

    async def faults(self, _request: web.Request) -> web.Response:
        return json_reply({"faults": self._faults.counts()})

    async def install_faults(self, request: web.Request) -> web.Response:
        try:
            self._faults.install(parse_faults(await request.read()))
        except FaultInvalid as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply({"faults": self._faults.counts()})

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return json_reply({"faults": []})

    async def release(self, _request: web.Request) -> web.Response:
        """Answer the requests whose replies are held."""
        return json_reply({"released": self._faults.release()})

    async def step(self, request: web.Request) -> web.Response:
        self._pacer.step((await _body(request, StepBody)).count)
        return self._state()

    async def pause(self, _request: web.Request) -> web.Response:
        self._pacer.pause()
        return self._state()

    async def resume(self, _request: web.Request) -> web.Response:
        try:
            self._pacer.resume()
        except ValueError as paused:
            raise ControlRefused(str(paused)) from None
        return self._state()

    async def price(self, request: web.Request) -> web.Response:
        """Put a product at a price and take the tick that says so."""
        body = await _body(request, PriceBody)
        market = self._simulator.market
        if not isinstance(market, ManualMarket):
            raise ControlRefused("prices can be set on a manual market only: start with --manual PRICE")
        set_manual_price(market, body.product_id, body.price)
        self._pacer.step()
        return self._state()

    async def product(self, request: web.Request) -> web.Response:
        """Open and shut the gates of a product."""
        gates = msgspec.structs.asdict(await _body(request, ProductBody))
        product_id = gates.pop("product_id")
        try:
            self._simulator.set_product_state(product_id, ProductGates(**gates))
        except KeyError:
            raise ControlRefused(f"there is no product {product_id!r} on this exchange") from None
        return json_reply(gates)

    async def balance(self, request: web.Request) -> web.Response:
        """Set what is available of a currency; what open orders hold stays held."""
        body = await _body(request, BalanceBody)
        if not _AMOUNT.fullmatch(body.available) or not _CURRENCY.fullmatch(body.currency):
            raise ControlRefused('a balance is like {"currency": "USD", "available": "250.5"}')
        self._simulator.set_balance(body.currency, Decimal(body.available))
        return json_reply(encode.books(self._simulator.books()))

    async def rules(self, request: web.Request) -> web.Response:
        """Change a product's increments and minimums."""
        body = await _body(request, RulesBody)
        spec = self._simulator.products.get(body.product_id)
        if spec is None:
            raise ControlRefused(f"there is no product {body.product_id!r} on this exchange")
        changed = replace(
            spec,
            base_increment=_amount_or(body.base_increment, spec.base_increment),
            price_increment=_amount_or(body.price_increment, spec.price_increment),
            base_min_size=_amount_or(body.base_min_size, spec.base_min_size),
            quote_min_size=_amount_or(body.quote_min_size, spec.quote_min_size),
        )
        try:
            self._simulator.set_product_rules(changed)
        except ValueError as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply(body)

    async def reversal(self, request: web.Request) -> web.Response:
        """Take back a fill (F29)."""
        body = await _body(request, ReversalBody)
        try:
            row = self._simulator.reverse_fill(body.trade_id)
        except ValueError as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply({"fills": [encode.fill(row)]})

    async def correction(self, request: web.Request) -> web.Response:
        """Correct a fill's price and commission (F29)."""
        body = await _body(request, CorrectionBody)
        price, commission = _amount(body.price), _amount(body.commission)
        try:
            rows = self._simulator.correct_fill(body.trade_id, price, commission)
        except ValueError as invalid:
            raise ControlRefused(str(invalid)) from None
        return json_reply({"fills": [encode.fill(row) for row in rows]})

    async def clock(self, request: web.Request) -> web.Response:
        """Judge tokens by a clock that is so far ahead of the wall clock (F10)."""
        body = await _body(request, ClockBody)
        self._faults.clock_skew_s = body.skew_s
        return json_reply(body)

    async def disconnect(self, request: web.Request) -> web.Response:
        body = await _body(request, DisconnectBody)
        if body.code is None:
            return json_reply({"disconnected": self._stream.cut(body.channel)})
        return json_reply({"disconnected": await self._stream.close(body.code, body.channel)})

    async def limit(self, request: web.Request) -> web.Response:
        """Set request limits from now on; the buckets start full."""
        limits = await _body(request, RateLimits)
        self._limiter.set(limits)
        return json_reply(limits)

    async def lift_limits(self, _request: web.Request) -> web.Response:
        self._limiter.set(None)
        return json_reply({})


def set_manual_price(market: ManualMarket, product_id: str, text: str) -> None:
    """Queue one tick at a price given as text; raises `ControlRefused`."""
    if not text.replace(".", "", 1).isdecimal() or not text.isascii() or Decimal(text) <= 0:
        raise ControlRefused(f"the price must be a positive number as text, not {text!r}")
    try:
        market.set_price(product_id, Decimal(text))
    except (KeyError, ValueError):
        raise ControlRefused(f"there is no product {product_id!r} on this market") from None


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ControlRefused(f'an amount is a number as text, like "0.01", not {text!r}')
    return Decimal(text)


def _amount_or(text: str | None, present: Decimal) -> Decimal:
    return present if text is None else _amount(text)


async def _body(request: web.Request, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as invalid:
        raise ControlRefused(f"the body is not understood: {invalid}") from None
