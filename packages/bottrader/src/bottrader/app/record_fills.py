"""Bring an order up to date with the venue: fills first, its end second.

The venue's order status may run ahead of its list of fills. An order is therefore only closed here when the fills we
hold add up to what the venue says was filled; until then it stays open and is asked again (F18, F19).
"""

from bottrader.app.portfolio import Portfolio
from bottrader.app.world import World
from bottrader.domain.money import ZERO, exact
from bottrader.domain.orders import Fill, OpenOrder, OrderTransition, Side, VenueOrderId


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
            self._log.info(
                "fill_recorded",
                trade_id=fill.trade_id,
                product_id=fill.product_id,
                side=fill.side,
                price=fill.price,
                size=fill.size,
                fee=fill.fee,
            )
        for product_id in sorted({fill.product_id for fill in new}):
            allocations = await self._portfolio.refresh(product_id)
            if any(fill.side is Side.SELL and fill.product_id == product_id for fill in new):
                await self._store.replace_allocations(product_id, allocations, self._clock.now())
        return new

    async def settle(self, order: OpenOrder, venue_order_id: VenueOrderId) -> None:
        """Record what the venue knows of an accepted order, and its end once every fill is in.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when it could not be asked; nothing is assumed then.
        """
        venue_order = await self._exchange.get_order(venue_order_id)
        if venue_order is None:
            return
        fills = list(await self._exchange.fills_of(venue_order_id))
        await self.record(fills)
        with exact():
            recorded = sum((fill.size for fill in fills), ZERO)
        if not venue_order.state.is_terminal or recorded != venue_order.filled_size:
            return
        intent = order.intent
        await self._store.record_transition(
            OrderTransition(intent.client_order_id, venue_order.state, self._clock.now(), venue_order_id)
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
