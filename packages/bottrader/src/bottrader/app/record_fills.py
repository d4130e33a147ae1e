"""Bring an order up to date with the venue: fills first, its end second.

The venue's order status may run ahead of its list of fills. An order is therefore only closed here when the fills we
hold add up to what the venue says was filled; until then it stays open and is asked again (F18, F19).

What the venue takes back or corrects later is recorded like any fill (F29). It does not open an ended order again: the
order stays what it was, its totals become those of the trades that stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from bottrader.app.portfolio import Portfolio
from bottrader.app.world import World
from bottrader.domain.amendments import standing_trades
from bottrader.domain.brackets import describe_outcome
from bottrader.domain.money import ZERO, exact
from bottrader.domain.orders import Fill, FillKind, OpenOrder, OrderState, OrderTransition, VenueOrderId


@dataclass(frozen=True, slots=True)
class Settled:
    """What asking the venue about one order brought: how it ended, None while it is open, and its new fills."""

    ended: OrderState | None = None
    fills: tuple[Fill, ...] = ()


class FillRecorder:
    """Records the fills of our orders, exactly once each, and keeps positions and allocations in step."""

    def __init__(self, world: World, portfolio: Portfolio) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio

    async def record(self, fills: list[Fill]) -> list[Fill]:
        """Store the fills that are new and refresh what follows from them; return the new ones."""
        new = list(await self._store.record_fills(fills))
        for fill in new:
            # The venue took something back: what was decided by it may have been wrong, so a person should look.
            tell = self._log.info if fill.kind is FillKind.FILL else self._log.alarm
            tell(
                "fill_recorded" if fill.kind is FillKind.FILL else "fill_amended",
                kind=fill.kind,
                fill_id=fill.fill_id,
                trade_id=fill.trade_id,
                product_id=fill.product_id,
                side=fill.side,
                price=fill.price,
                size=fill.size,
                fee=fill.fee,
            )
        for product_id in sorted({fill.product_id for fill in new}):
            of_product = [fill for fill in new if fill.product_id == product_id]
            await self._portfolio.take(product_id, of_product, self._clock.now())
        return new

    async def settle(self, order: OpenOrder, venue_order_id: VenueOrderId) -> Settled:
        """Record what the venue knows of an accepted order, and its end once every fill is in; return what was new.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when it could not be asked; nothing is assumed then.
        """
        venue_order = await self._exchange.get_order(venue_order_id)
        if venue_order is None:
            self._confirm(order, None)
            return Settled()
        fills = list(await self._exchange.fills_of(venue_order_id))
        new = await self.record(fills) if fills else []
        if fills and not new:
            # They may have been recorded while the order's venue id was not known, and count from now on.
            await self._portfolio.take(order.intent.product_id, fills, self._clock.now())
        if venue_order.filled_size not in _filled_sizes(fills):
            self._confirm(order, None)
            return Settled(fills=tuple(new))
        if not venue_order.state.is_terminal:
            self._confirm(order, self._clock.now())
            return Settled(fills=tuple(new))
        intent = order.intent
        detail = describe_outcome(intent, [fill for fill in fills if fill.kind is FillKind.FILL])
        await self._store.record_transition(
            OrderTransition(intent.client_order_id, venue_order.state, self._clock.now(), venue_order_id, detail)
        )
        self._portfolio.drop_order(intent.client_order_id)
        self._log.info(
            "order_ended",
            order_id=intent.client_order_id,
            product_id=intent.product_id,
            side=intent.side,
            state=venue_order.state,
            filled_size=venue_order.filled_size,
            filled_value=venue_order.filled_value,
            trigger=intent.trigger,
        )
        return Settled(venue_order.state, tuple(new))

    def _confirm(self, order: OpenOrder, at: datetime | None) -> None:
        """Remember that the venue says the order is live, or that something about it is still to be found out."""
        if self._portfolio.knows(order.intent.client_order_id):
            self._portfolio.note_order(replace(order, confirmed_at=at))


def _filled_sizes(fills: Sequence[Fill]) -> set[Decimal]:
    """Return what the venue may call the filled size of an order with these fills: as executed, or as amended.

    Which of the two is not documented, and an order must not stay open for ever because of it.
    """
    with exact():
        executed = sum((fill.size for fill in fills if fill.kind is FillKind.FILL), ZERO)
        return {executed, sum((trade.terms.size for trade in standing_trades(fills)), ZERO)}
