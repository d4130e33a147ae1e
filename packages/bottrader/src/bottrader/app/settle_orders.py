"""Settle orders whose outcome is open: ask the venue by client order id until the answer is definite (D2, L2).

An entry of unknown outcome is only looked up: nothing is lost when it comes late or never. An order that reduces a
position is sent again as well, with the same client order id and body, because the position is unprotected until it is
at the venue: the venue has it already and answers with it, or takes it now (F1, F2, F5, F6, F7).
"""

from dataclasses import replace
from datetime import timedelta

from bottrader.app.portfolio import Portfolio
from bottrader.app.record_fills import FillRecorder, Settled
from bottrader.app.world import World
from bottrader.domain.orders import (
    Accepted,
    ClientOrderId,
    OpenOrder,
    OrderState,
    OrderTransition,
    Refused,
    Side,
    Unknown,
    VenueOrderId,
)

# An order may not be listed for some seconds after the venue took it (F18). Only past this age, counted in venue time
# from the moment it was sent, does "not listed" mean "the venue does not have it".
LISTING_LAG = timedelta(seconds=30)
# A reducing order is sent again for so long. How long the venue remembers a client order id is not documented, and
# after a long outage a decision is better made anew.
RESEND_AGE_MAX = timedelta(minutes=15)
# The venue dates an order by its own clock; the search starts this much before ours says it was sent.
CLOCK_SKEW = timedelta(seconds=60)


class OrderSettler:
    """Moves one open order as far as the venue's answers allow; called again until it has ended."""

    def __init__(self, world: World, portfolio: Portfolio, recorder: FillRecorder, *, may_send: bool = True) -> None:
        """Without `may_send` an order is looked up only, for whoever does not hold the lease."""
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._tally = world.tally
        self._portfolio = portfolio
        self._recorder = recorder
        self._may_send = may_send
        self._refused_again: set[ClientOrderId] = set()

    async def settle(self, order: OpenOrder) -> Settled:
        """Ask the venue about `order`, record the answer, and return what was new.

        Raises `ExchangeUnreachable` or `ExchangeRefused` when no answer could be had; the order then stays open and
        keeps counting as live.
        """
        if order.state is OrderState.PLANNED:
            if not self._may_send:
                # Whoever planned it may be about to send it.
                return Settled()
            # `sent` is committed before a request leaves, so an intent that never got there was never sent.
            return await self._refuse(order, "NEVER_SENT", "the bot stopped before the order was sent")
        if order.venue_order_id is not None:
            return await self._recorder.settle(order, order.venue_order_id)
        return await self._find(order)

    async def accept(self, order: OpenOrder, venue_order_id: VenueOrderId) -> Settled:
        """Record that the venue has the order, then what became of it so far; return what was new."""
        await self._store.record_transition(
            OrderTransition(order.intent.client_order_id, OrderState.ACCEPTED, self._clock.now(), venue_order_id)
        )
        accepted = replace(order, state=OrderState.ACCEPTED, venue_order_id=venue_order_id)
        self._portfolio.note_order(accepted)
        return await self._recorder.settle(accepted, venue_order_id)

    async def refuse(self, order: OpenOrder, code: str, message: str) -> None:
        """Record that the venue definitely does not have the order."""
        self._portfolio.note_refusal(self._clock.now())
        await self._refuse(order, code, message)

    async def _find(self, order: OpenOrder) -> Settled:
        intent = order.intent
        if self._may_send_again(order):
            answered = await self._send_again(order)
            if isinstance(answered, Settled):
                return answered
            order = answered
        sent_at = order.sent_at or intent.created_at
        since = min(sent_at, intent.created_at) - CLOCK_SKEW
        found = await self._exchange.find_order(intent.client_order_id, intent.product_id, since)
        if found is not None:
            self._log.info("unknown_order_found", order_id=intent.client_order_id, venue_order_id=found.venue_order_id)
            return await self.accept(order, found.venue_order_id)
        if self._clock.now() - sent_at >= LISTING_LAG:
            return await self._refuse(order, "NOT_AT_VENUE", "the venue lists no order with this client order id")
        return Settled()

    def _may_send_again(self, order: OpenOrder) -> bool:
        intent = order.intent
        return (
            self._may_send
            and intent.side is Side.SELL
            and intent.client_order_id not in self._refused_again
            and self._clock.now() - intent.created_at < RESEND_AGE_MAX
        )

    async def _send_again(self, order: OpenOrder) -> OpenOrder | Settled:
        """Send the very same order once more; return it as it stands now, or what was new when the venue has it.

        A refusal of the repeat says nothing of the first request, so the order stays unknown and is looked up only.
        """
        client_order_id = order.intent.client_order_id
        if order.state is OrderState.SENT:
            await self._note_unknown(order, "the bot stopped before the answer came")
        sent_at = self._clock.now()
        await self._store.record_transition(OrderTransition(client_order_id, OrderState.SENT, sent_at))
        self._log.info("order_sent_again", order_id=client_order_id)
        placement = await self._exchange.place(order.intent)
        self._tally.count_placement(placement)
        match placement:
            case Accepted(venue_order_id):
                return await self.accept(replace(order, sent_at=sent_at), venue_order_id)
            case Refused(code, message):
                self._refused_again.add(client_order_id)
                return await self._note_unknown(order, f"sent again, it was refused with {code}: {message}")
            case Unknown(cause):
                # The lag counts from the last request that may have placed it.
                return await self._note_unknown(replace(order, sent_at=sent_at), cause)

    async def _note_unknown(self, order: OpenOrder, cause: str) -> OpenOrder:
        unknown = replace(order, state=OrderState.UNKNOWN)
        await self._store.record_transition(
            OrderTransition(order.intent.client_order_id, OrderState.UNKNOWN, self._clock.now(), detail=cause)
        )
        self._portfolio.note_order(unknown)
        self._log.alarm("order_unknown", order_id=order.intent.client_order_id, cause=cause)
        return unknown

    async def _refuse(self, order: OpenOrder, code: str, message: str) -> Settled:
        client_order_id = order.intent.client_order_id
        await self._store.record_transition(
            OrderTransition(client_order_id, OrderState.REFUSED, self._clock.now(), detail=f"{code}: {message}")
        )
        self._portfolio.drop_order(client_order_id)
        self._refused_again.discard(client_order_id)
        self._log.alarm("order_refused", order_id=client_order_id, code=code, message=message)
        return Settled(OrderState.REFUSED)
