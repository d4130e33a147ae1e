"""The knobs themselves: what is done to a running exchange, by its control interface or by a script of faults."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from coinbase_sim.faults import Faults
from coinbase_sim.knob_bodies import (
    BODIES,
    BalanceBody,
    BookBody,
    CashBody,
    ClockBody,
    CorrectionBody,
    DisconnectBody,
    DuplicatesBody,
    FillBody,
    KeyBody,
    Nothing,
    PriceBody,
    ProductBody,
    QuietBody,
    ReversalBody,
    RulesBody,
    SettleBody,
    StepBody,
)
from coinbase_sim.market import ManualMarket
from coinbase_sim.model import Level, OrderRejected, ProductGates
from coinbase_sim.pacer import Pacer
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode
from coinbase_sim.wire.bodies import BodyUnreadable, decoded
from coinbase_sim.wire.dialect import Dialect
from coinbase_sim.wire.limits import Limiter, RateLimits
from coinbase_sim.wire.manners import Manners
from coinbase_sim.wire.stream import Stream
from coinbase_sim.wire.texts import time_text


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
    manners: Manners


Knob = Callable[[Any], Awaitable[object]]


class Knobs:
    """Every knob by its path; each takes its body and returns what the reply tells."""

    def __init__(self, controlled: Controlled) -> None:
        self._simulator = controlled.simulator
        self._pacer = controlled.pacer
        self._faults = controlled.faults
        self._stream = controlled.stream
        self._limiter = controlled.limiter
        self._manners = controlled.manners
        self._knobs: Mapping[str, Knob] = {path: getattr(self, f"_{path.removeprefix('/')}") for path in BODIES}

    async def turn(self, path: str, body: bytes) -> object:
        """Turn the knob at a path; an empty body is an empty object. Raises `ControlRefused`."""
        try:
            setting = decoded(body or b"{}", BODIES[path])
        except BodyUnreadable as invalid:
            raise ControlRefused(f"the body is not understood: {invalid}") from None
        return await self.turn_to(path, setting)

    async def turn_to(self, path: str, setting: msgspec.Struct) -> object:
        """Turn the knob at a path to a setting of its kind; raises `ControlRefused`."""
        try:
            return await self._knobs[path](setting)
        except (ValueError, KeyError, OrderRejected) as refused:
            text = refused.message if isinstance(refused, OrderRejected) else str(refused.args[0])
            raise ControlRefused(text) from None

    def state(self) -> encode.Json:
        """Tell the venue's time and position."""
        return {
            "time": time_text(self._simulator.now),
            "position": self._simulator.market.position,
            "ended": self._pacer.ended,
            "paused": self._pacer.paused,
        }

    async def _step(self, body: StepBody) -> object:
        self._pacer.step(body.count)
        return self.state()

    async def _pause(self, _body: Nothing) -> object:
        self._pacer.pause()
        return self.state()

    async def _resume(self, _body: Nothing) -> object:
        self._pacer.resume()
        return self.state()

    def _manual(self) -> ManualMarket:
        market = self._simulator.market
        if not isinstance(market, ManualMarket):
            raise ControlRefused("prices are set on a manual market only: start the simulator with --manual PRICE")
        return market

    async def _price(self, body: PriceBody) -> object:
        self._manual().set_price(body.product_id, Decimal(body.price), size=Decimal(body.size))
        self._pacer.step()
        return self.state()

    async def _book(self, body: BookBody) -> object:
        bids, asks = _ladder(body.bids, falling=True), _ladder(body.asks, falling=False)
        self._manual().set_book(body.product_id, Decimal(body.price), bids, asks, size=Decimal(body.size))
        self._pacer.step()
        return self.state()

    async def _fill(self, body: FillBody) -> object:
        if Decimal(body.share) > 1:
            raise ControlRefused(f"share is a part of the rest, at most 1, not {body.share}")
        return {"order": encode.order(self._simulator.fill(body.order_id, Decimal(body.share)))}

    async def _settle(self, body: SettleBody) -> object:
        order_ids = [body.order_id] if body.order_id else self._simulator.waiting()
        return {"orders": [encode.order(self._simulator.settle(order_id)) for order_id in order_ids]}

    async def _product(self, body: ProductBody) -> object:
        gates = msgspec.structs.asdict(body)
        product_id = gates.pop("product_id")
        self._known(product_id)
        self._simulator.set_product_state(product_id, ProductGates(**gates))
        return gates

    def _known(self, product_id: str) -> None:
        if product_id not in self._simulator.products:
            raise ControlRefused(f"there is no product {product_id!r} on this exchange")

    async def _balance(self, body: BalanceBody) -> object:
        """Set what is available of a currency; what open orders hold stays held."""
        self._simulator.set_balance(body.currency, Decimal(body.available))
        return encode.books(self._simulator.books())

    async def _cash(self, body: CashBody) -> object:
        """Let money come or go without an order."""
        amount = Decimal(body.amount)
        kind = body.type or ("fiat_deposit" if amount > 0 else "fiat_withdrawal")
        moved = self._simulator.move_cash(body.currency, amount, kind)
        return {"transaction_id": moved.transaction_id}

    async def _rules(self, body: RulesBody) -> object:
        self._known(body.product_id)
        spec = self._simulator.products[body.product_id]
        changed = replace(
            spec,
            base_increment=_or(body.base_increment, spec.base_increment),
            price_increment=_or(body.price_increment, spec.price_increment),
            base_min_size=_or(body.base_min_size, spec.base_min_size),
            quote_min_size=_or(body.quote_min_size, spec.quote_min_size),
        )
        self._simulator.set_product_rules(changed)
        return body

    def _trade_id(self, given: str) -> str:
        """The fill that is meant: the one named, or the newest."""
        fills = self._simulator.fills()
        if not given and not fills:
            raise ControlRefused("there is no fill yet")
        return given or fills[-1].trade_id

    async def _reversal(self, body: ReversalBody) -> object:
        return {"fills": [encode.fill(self._simulator.reverse_fill(self._trade_id(body.trade_id)))]}

    async def _correction(self, body: CorrectionBody) -> object:
        trade_id, price, commission = self._trade_id(body.trade_id), Decimal(body.price), Decimal(body.commission)
        rows = self._simulator.correct_fill(trade_id, price, commission)
        return {"fills": [encode.fill(row) for row in rows]}

    async def _clock(self, body: ClockBody) -> object:
        """Judge tokens by a clock that is so far ahead of the wall clock (F10)."""
        self._faults.clock_skew_s = body.skew_s
        return body

    async def _key(self, body: KeyBody) -> object:
        self._manners.key = body
        return body

    async def _duplicates(self, body: DuplicatesBody) -> object:
        self._simulator.set_duplicate_ids(body.meaning)
        return body

    async def _dialect(self, body: Dialect) -> object:
        self._manners.dialect = body
        return body

    async def _limits(self, body: RateLimits) -> object:
        """Set request limits from now on; the buckets start full."""
        self._limiter.set(body)
        return body

    async def _quiet(self, body: QuietBody) -> object:
        self._manners.quiet_close_s = body.close_after_s
        return body

    async def _heartbeat(self, _body: Nothing) -> object:
        self._stream.publish_heartbeat()
        return {}

    async def _disconnect(self, body: DisconnectBody) -> object:
        if body.code is None:
            return {"disconnected": self._stream.cut(body.channel)}
        return {"disconnected": await self._stream.close(body.code, body.channel)}


def _or(text: str | None, present: Decimal) -> Decimal:
    return present if text is None else Decimal(text)


def _ladder(pairs: Sequence[tuple[str, str]], *, falling: bool) -> list[Level]:
    levels = [Level(Decimal(price), Decimal(size)) for price, size in pairs]
    prices = [level.price for level in levels]
    if prices != sorted(set(prices), reverse=falling):
        raise ControlRefused("a ladder lists each price once, the best one first")
    return levels
