"""Keep a bracket at the venue around every position, so that its stop holds while this process does not.

The monitor is the first line: it judges each price and can leave at once. A bracket is the second, and optional. It
counts as protection only while the venue itself says that it is open (B110); until then, in a pause between attempts,
or with brackets switched off, the position is protected by the monitor. What stays without a bracket that it should
have is told within `ALARM_AFTER` of the fill (B78).

What all open sells together may still sell never exceeds the position (S5), an order of unknown outcome included.
Attempts to place a bracket are few and then pause (B77); no stop waits for any of this, since the monitor cancels what
is in its way and decides by itself.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bottrader.app.cancel_orders import OrderCanceller
from bottrader.app.place_orders import OrderPlacer
from bottrader.app.portfolio import Portfolio
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.brackets import (
    MIDS_MAX,
    RISK_POINTS_MAX,
    BracketRules,
    Distances,
    Held,
    RestingTargets,
    Touch,
    bracket_distances,
    resting_targets,
    risk_points,
)
from bottrader.domain.market import Product, ProductId, Ticker, base_of
from bottrader.domain.money import EXACT, ZERO, Size, exact, floor_to
from bottrader.domain.orders import ClientOrderId, OpenOrder, OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Refusal

ATTEMPTS_MAX = 5
BACKOFF = timedelta(minutes=15)
ATTEMPT_PAUSE = timedelta(seconds=5)
ALARM_AFTER = timedelta(seconds=10)


class Protection(StrEnum):
    """Who ends a loss of a position now."""

    VENUE = "venue"
    """A bracket over all of it, confirmed open at the venue; and the monitor."""
    MONITOR = "monitor"
    """This process alone, price by price."""


@dataclass(slots=True)
class _Watch:
    """One position's way to a bracket."""

    anchor_order_id: ClientOrderId
    bare_since: datetime | None
    is_told: bool = False
    attempts: int = 0
    last_attempt_at: datetime | None = None
    paused_until: datetime | None = None


class PositionProtector:
    """Places brackets and watches that they stand; the caller of `protect` holds the product's lock."""

    def __init__(
        self, world: World, portfolio: Portfolio, placer: OrderPlacer, canceller: OrderCanceller, rules: TradingRules
    ) -> None:
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._placer = placer
        self._canceller = canceller
        self._rules = rules
        self._watches: dict[ProductId, _Watch] = {}
        self._mids: dict[ProductId, deque[Decimal]] = {}
        self._started_at = world.clock.now()

    def protection(self, product_id: ProductId) -> Protection:
        """Return who protects the position of this product."""
        position = self._portfolio.position(product_id)
        if position is None or self._portfolio.bracketed_size(product_id, self._clock.now()) < self._coverable(
            position
        ):
            return Protection.MONITOR
        return Protection.VENUE

    def watch(self, ticker: Ticker) -> None:
        """Take in a price and tell, once, of a position that should have a bracket by now; waits for nothing."""
        position = self._portfolio.position(ticker.product_id)
        if self._rules.brackets is None:
            return
        if ticker.is_sane:
            mids = self._mids.setdefault(ticker.product_id, deque(maxlen=MIDS_MAX))
            mids.append(EXACT.multiply(EXACT.add(ticker.bid, ticker.ask), _HALF))
        if position is None or self._is_hodl(position):
            return
        watch = self._watch_of(position)
        if self.protection(position.product_id) is Protection.VENUE:
            watch.bare_since, watch.is_told = None, False
            return
        now = self._clock.now()
        watch.bare_since = watch.bare_since or now
        if now - watch.bare_since >= ALARM_AFTER and not watch.is_told:
            watch.is_told = True
            self._log.alarm("position_unprotected", product_id=position.product_id, guarded_by=Protection.MONITOR)

    async def protect(self, product_id: ProductId, *, is_leaving: bool) -> None:
        """Bring the brackets of this product in line with its position; not while it is being left."""
        rules = self._rules.brackets
        position = self._portfolio.position(product_id)
        brackets = self._brackets(product_id)
        if position is None:
            self._watches.pop(product_id, None)
            await self._remove(brackets)
        elif self._is_hodl(position):
            # One that was placed before the coin was put on the list would sell it all the same (R16).
            await self._remove(self._portfolio.open_sells(product_id))
        elif rules is not None and not is_leaving:
            with exact():
                covered = sum(
                    (self._portfolio.size_left(each) for each in self._portfolio.open_sells(product_id)), ZERO
                )
            if covered > position.size:
                self._log.alarm("protection_exceeds_position", product_id=product_id, covered=covered)
                await self._remove(brackets)
            else:
                await self._cover(position, Size(EXACT.subtract(position.size, covered)), rules)

    async def _cover(self, position: Position, bare: Size, rules: BracketRules) -> None:
        product = self._portfolio.products[position.product_id]
        watch = self._watch_of(position)
        size = Size(floor_to(bare, product.base_increment))
        if _is_dust(size, product, self._portfolio.entry_price(position.product_id)):
            if self._is_rested(watch):
                watch.attempts = 0
            return
        ticker = self._portfolio.tickers.get(position.product_id)
        if ticker is None or not self._may_try(watch):
            return
        watch.last_attempt_at = self._clock.now()
        watch.attempts += 1
        planned = self._plan(position, ticker, product, rules)
        if isinstance(planned, Refusal):
            self._log.alarm("bracket_held_back", product_id=position.product_id, reason=planned.message)
        else:
            await self._placer.place(self._intent(position, size, planned))
        if watch.attempts >= ATTEMPTS_MAX and self.protection(position.product_id) is not Protection.VENUE:
            watch.paused_until = self._clock.now() + BACKOFF
            self._log.alarm("bracket_paused", product_id=position.product_id, until=watch.paused_until)

    def _may_try(self, watch: _Watch) -> bool:
        if watch.paused_until is not None:
            if self._clock.now() < watch.paused_until:
                return False
            # The count starts anew, or every later failure would pause at once (R13).
            watch.paused_until, watch.attempts = None, 0
        return self._is_rested(watch)

    def _is_rested(self, watch: _Watch) -> bool:
        return watch.last_attempt_at is None or self._clock.now() - watch.last_attempt_at >= ATTEMPT_PAUSE

    def _plan(
        self, position: Position, ticker: Ticker, product: Product, rules: BracketRules
    ) -> RestingTargets | Refusal:
        fees, entry_price = self._portfolio.fee_rates, self._portfolio.entry_price(position.product_id)
        assert fees is not None, "reconciliation reads the fee rates before anything is decided"
        assert entry_price is not None, "a position has lots"
        tick = product.price_increment
        touch = Touch(ticker.bid, ticker.ask)
        held = Held(entry_price, position.trigger, self._portfolio.atrs.get(position.product_id))
        distances = bracket_distances(held, touch if touch.is_sane else None, fees, rules)
        stop, target = distances.around(entry_price, tick)
        if stop <= ZERO:
            return Refusal("BRACKET_STOP_TOO_WIDE", "the range is so wide that the stop would lie at zero or below")
        if stop >= ticker.price:
            return Refusal("BRACKET_STOP_REACHED", f"the price of {ticker.price} is at the stop of {stop} already")
        targets = resting_targets(stop, target, ticker.ask, tick, rules)
        points = risk_points(targets, touch, tuple(self._mids.get(position.product_id, ())), (tick, fees), rules)
        if isinstance(points, Refusal):
            return points
        if points >= RISK_POINTS_MAX:
            return Refusal(
                "BRACKET_RISK", f"{points} things speak against a bracket from {stop} to {targets.target} now"
            )
        self._tell_plan(held, targets, distances, rules)
        return targets

    def _tell_plan(self, held: Held, targets: RestingTargets, distances: Distances, rules: BracketRules) -> None:
        self._log.info(
            "bracket_planned",
            entry=held.entry_price,
            tp=targets.target,
            sl=targets.stop,
            sl_limit=targets.stop_limit,
            tp_pct=distances.target_pct,
            stop_pct=distances.stop_pct,
            stop_mode=rules.stop_mode,
            atr=held.atr,
            atr_missing=distances.is_atr_missing,
            cushion_spread=distances.spread,
            cushion_fee=distances.fee,
            fee_side=rules.fee_side,
            trigger=held.trigger,
        )

    def _intent(self, position: Position, size: Size, targets: RestingTargets) -> OrderIntent:
        number = str(self._portfolio.exits_count(position.anchor_order_id) + 1)
        return OrderIntent(
            client_order_id=derive_client_order_id(
                Trigger.BRACKET, position.product_id, position.anchor_order_id, number
            ),
            product_id=position.product_id,
            side=Side.SELL,
            kind=OrderKind.BRACKET_GTC,
            size_base=size,
            limit_price=targets.target,
            stop_price=targets.stop,
            trigger=Trigger.BRACKET,
            note=f"bracket: stop {targets.stop}, target {targets.target}",
            created_at=self._clock.now(),
            parent_id=position.anchor_order_id,
            parent_ids=position.parent_ids,
        )

    async def _remove(self, brackets: list[OpenOrder]) -> None:
        if brackets:
            await self._canceller.end(brackets)

    def _brackets(self, product_id: ProductId) -> list[OpenOrder]:
        orders = self._portfolio.open_sells(product_id)
        return [order for order in orders if order.intent.kind is OrderKind.BRACKET_GTC]

    def _coverable(self, position: Position) -> Decimal:
        """Return what can be covered of a position: less than an increment cannot."""
        return floor_to(position.size, self._portfolio.products[position.product_id].base_increment)

    def _is_hodl(self, position: Position) -> bool:
        return base_of(position.product_id) in self._rules.hodl

    def _watch_of(self, position: Position) -> _Watch:
        watch = self._watches.get(position.product_id)
        if watch is None or watch.anchor_order_id != position.anchor_order_id:
            # Counted from the fill, or from when this process could first do something about it.
            watch = _Watch(position.anchor_order_id, max(position.opened_at, self._started_at))
            self._watches[position.product_id] = watch
        return watch


_HALF = Decimal("0.5")


def _is_dust(size: Size, product: Product, price: Decimal | None) -> bool:
    """Tell whether the venue would refuse an order of this size at about this price."""
    with exact():
        return size <= ZERO or size < product.base_size_min or (price or ZERO) * size < product.quote_size_min
