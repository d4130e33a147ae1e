"""Have orders of ours end before something else is done with what they hold.

The acknowledgement of a cancel request is not the end of an order: a fill may win the race (F16), or a part of it may
(F17). An order has ended when the venue reports a terminal state and every fill of it is recorded; only then is it
known what is left to sell. Until then the caller sends no second sell (B126, R84).

Within one call the venue is asked a few times, since most cancels are done at once. What takes longer is taken up by
the next call, that is at the next price: the request is repeated every `CANCEL_RETRY` of venue time, with an alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.app.portfolio import Portfolio
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.world import World
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.orders import (
    Cancellation,
    CancelRefused,
    CancelTaken,
    ClientOrderId,
    OpenOrder,
    Unknown,
    VenueOrderId,
)

CANCEL_RETRY = timedelta(seconds=3)
# Between requests the venue is asked at this pace at most: prices come faster than the budget of questions allows.
ASK_INTERVAL = timedelta(seconds=0.5)
ASK_ROUNDS = 4
ASK_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class _Request:
    """The last request to cancel an order, and how many there were."""

    at: datetime
    count: int


class OrderCanceller:
    """Ends open orders of one product; the caller holds the product's lock."""

    def __init__(self, world: World, portfolio: Portfolio, settler: OrderSettler) -> None:
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._settler = settler
        self._requests: dict[ClientOrderId, _Request] = {}
        self._asked_at: dict[ProductId, datetime] = {}

    async def end(self, orders: Sequence[OpenOrder]) -> bool:
        """Have these orders cancelled; True once each has ended, by whatever, and all its fills are recorded.

        False means that one may still be live. An order whose outcome is unknown has no id to cancel it by and counts
        as live until it is settled.
        """
        if not orders:
            return True
        product_id = orders[0].intent.product_id
        was_requested = await self._request(orders)
        last = self._asked_at.get(product_id)
        if not was_requested and last is not None and self._clock.now() - last < ASK_INTERVAL:
            return not self._still_open(orders)
        for round_number in range(ASK_ROUNDS if was_requested else 1):
            if round_number > 0:
                await self._clock.sleep(ASK_PAUSE_S)
            is_answered = await self._settle(self._identified(orders))
            if not is_answered or not self._identified(orders):
                break
        self._asked_at[product_id] = self._clock.now()
        return not self._still_open(orders)

    async def _request(self, orders: Sequence[OpenOrder]) -> bool:
        """Send the requests that are due; False when none was."""
        self._requests = {known: made for known, made in self._requests.items() if self._portfolio.knows(known)}
        now = self._clock.now()
        due: dict[VenueOrderId, OpenOrder] = {}
        for order in orders:
            last = self._requests.get(order.intent.client_order_id)
            if order.venue_order_id is not None and (last is None or now - last.at >= CANCEL_RETRY):
                due[order.venue_order_id] = order
                if last is not None:
                    self._log.alarm("cancel_repeated", order_id=order.intent.client_order_id, requests=last.count)
                count = 1 if last is None else last.count + 1
                self._requests[order.intent.client_order_id] = _Request(now, count)
        if due:
            answers = await self._exchange.cancel(list(due))
            for venue_order_id, order in due.items():
                self._tell(order, answers[venue_order_id])
        return bool(due)

    def _tell(self, order: OpenOrder, answer: Cancellation) -> None:
        order_id = order.intent.client_order_id
        match answer:
            case CancelTaken():
                self._log.info("cancel_requested", order_id=order_id, venue_order_id=order.venue_order_id)
            case CancelRefused(reason):
                # It may have ended by itself a moment ago; asking the venue will show.
                self._log.alarm("cancel_refused", order_id=order_id, reason=reason)
            case Unknown(cause):
                self._log.alarm("cancel_unanswered", order_id=order_id, cause=cause)

    async def _settle(self, orders: Sequence[OpenOrder]) -> bool:
        """Ask the venue what became of each; False when it did not answer."""
        is_answered = True
        for order in orders:
            try:
                await self._settler.settle(order)
            except (ExchangeUnreachable, ExchangeRefused) as error:
                self._log.alarm("order_not_settled", order_id=order.intent.client_order_id, cause=str(error))
                is_answered = False
        return is_answered

    def _identified(self, orders: Sequence[OpenOrder]) -> list[OpenOrder]:
        return [order for order in self._still_open(orders) if order.venue_order_id is not None]

    def _still_open(self, orders: Sequence[OpenOrder]) -> list[OpenOrder]:
        return [order for order in orders if self._portfolio.knows(order.intent.client_order_id)]
