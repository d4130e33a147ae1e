"""Send an order so that no crash can double it: intent durable, then `sent` durable, then the request, once."""

from bottrader.app.portfolio import Portfolio
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.world import World
from bottrader.domain.errors import AdapterError
from bottrader.domain.orders import (
    Accepted,
    OpenOrder,
    OrderIntent,
    OrderState,
    OrderTransition,
    Refused,
    Unknown,
)
from bottrader.domain.signals import SignalOutcome
from bottrader.ports import Lease


class OrderPlacer:
    """Carries out intents; the only place from which an order leaves the bot for the first time."""

    def __init__(self, world: World, portfolio: Portfolio, settler: OrderSettler) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._tally = world.tally
        self._portfolio = portfolio
        self._settler = settler
        self._lease: Lease | None = None

    def hold(self, lease: Lease) -> None:
        """Act under `lease`; without one nothing is placed."""
        self._lease = lease

    async def place(self, intent: OrderIntent, outcome: SignalOutcome | None = None) -> bool:
        """Store the intent (and the signal's outcome) and send it; False when this intent existed already.

        An existing intent is not sent again: whatever became of it is found out by settling it, not by a second send.
        """
        if self._portfolio.knows(intent.client_order_id) or not await self._plan(intent, outcome):
            return False
        sent_at = self._clock.now()
        await self._store.record_transition(OrderTransition(intent.client_order_id, OrderState.SENT, sent_at))
        order = OpenOrder(intent, OrderState.SENT, None, sent_at)
        self._portfolio.note_order(order)
        self._log.info(
            "order_sent",
            order_id=intent.client_order_id,
            product_id=intent.product_id,
            side=intent.side,
            size=intent.size_base,
            limit_price=intent.limit_price,
            trigger=intent.trigger,
            note=intent.note,
        )
        await self._take_answer(order)
        return True

    async def _plan(self, intent: OrderIntent, outcome: SignalOutcome | None) -> bool:
        """Make the intent durable; False when it was already."""
        assert self._lease is not None, "an order needs the lease"
        order = OpenOrder(intent, OrderState.PLANNED, None, None)
        # It counts before it is durable, so that no other product spends the same money while the commit runs (S3).
        self._portfolio.note_order(order)
        is_new = False
        try:
            is_new = await self._store.record_intent(intent, self._lease.token, outcome)
        finally:
            if not is_new:
                self._portfolio.withdraw_order(order)
        if is_new and outcome is not None:
            self._tally.outcomes[outcome.kind] += 1
        if not is_new:
            await self._portfolio.adopt_orders(intent.product_id)
        return is_new

    async def _take_answer(self, order: OpenOrder) -> None:
        client_order_id = order.intent.client_order_id
        placement = await self._exchange.place(order.intent)
        self._tally.count_placement(placement)
        match placement:
            case Accepted(venue_order_id):
                try:
                    await self._settler.accept(order, venue_order_id)
                except AdapterError as error:
                    # The order stands; only its fills are not known yet. It stays open and is asked again.
                    self._log.alarm("order_not_settled", order_id=client_order_id, cause=str(error))
            case Refused(code, message):
                await self._settler.refuse(order, code, message)
            case Unknown(cause):
                await self._store.record_transition(
                    OrderTransition(client_order_id, OrderState.UNKNOWN, self._clock.now(), detail=cause)
                )
                self._portfolio.note_order(OpenOrder(order.intent, OrderState.UNKNOWN, None, order.sent_at))
                self._log.alarm("order_unknown", order_id=client_order_id, cause=cause)
