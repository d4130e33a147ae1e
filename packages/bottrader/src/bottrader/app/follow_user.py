"""Follow our own orders' changes, without letting a flood of reports become a flood of requests.

The user stream says that something happened; what happened is asked for by request. A report that says no more than an
earlier one (a replay, a copy) is passed over, one of an order that is not open is nobody's business, and of several
reports of one order only one waits (F25).

This channel is silent for as long as we do not trade, so silence is no sign of its death, and there is nothing to
compare it with: a channel that is dead on a connection that lives is made up for by asking. Open orders are asked about
every other second, those that rest every ten, and everything else by the periodic reconciliation.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from bottrader.app.portfolio import Portfolio
from bottrader.app.progress import Progress
from bottrader.app.tasks import Pulse
from bottrader.domain.order_progress import OrderProgress, progress_of
from bottrader.domain.orders import VenueOrderId
from bottrader.ports import EventLog, Heartbeat, OrderUpdate, StreamLive, StreamLost, UserEvent, UserFeed


class UserFollower:
    """Whether fills are heard of, what was missed, and which orders are to be asked about.

    `on_update` is called for each report that says something new, `on_live` when a gap has to be filled by request.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        log: EventLog,
        on_update: Callable[[OrderUpdate], None],
        on_live: Callable[[], None],
    ) -> None:
        self._portfolio = portfolio
        self._log = log
        self._on_update = on_update
        self._on_live = on_live
        self._known: dict[VenueOrderId, OrderProgress] = {}
        self._judged = asyncio.Event()
        self.is_live = False
        self.is_gap_filled = False
        """What happened before the stream came back has been asked for."""
        self.connections_count = 0
        self.progress = Progress()

    async def run(self, feed: UserFeed, pulse: Pulse) -> None:
        """Follow the feed until cancelled."""
        async with aclosing(feed.events()) as events:
            async for event in events:
                pulse.beat()
                self.handle(event)

    def handle(self, event: UserEvent) -> None:
        match event:
            case OrderUpdate():
                if self._says_more(event):
                    self._on_update(event)
            case Heartbeat():
                self.progress.reach(event.at)
            case StreamLive():
                self._begin(event)
            case StreamLost():
                self.is_live = self.is_gap_filled = False
                self._judged.set()
                self._log.alarm("user_stream_lost", cause=event.cause)

    def end_gap(self, connections_count: int, *, is_filled: bool) -> None:
        """Take the end of a reconciliation that began when there had been `connections_count` connections.

        One that began before the stream came back says nothing of what was missed.
        """
        if connections_count != self.connections_count or not self.is_live:
            return
        self.is_gap_filled = self.is_gap_filled or is_filled
        self._judged.set()

    async def judged(self) -> None:
        """Return once it is known whether fills are heard of and nothing was missed; it may turn out that not."""
        await self._judged.wait()

    def _begin(self, event: StreamLive) -> None:
        # What happened while we were not connected is known by request only (R39).
        self.is_live, self.is_gap_filled = True, False
        self.connections_count += 1
        self._judged.clear()
        open_ids = {order.venue_order_id for order in self._portfolio.open_orders()}
        self._known = {id_: progress for id_, progress in self._known.items() if id_ in open_ids}
        self._log.info("user_stream_live", at=event.at)
        self._on_live()
        self.progress.reach(event.at)

    def _says_more(self, update: OrderUpdate) -> bool:
        if self._portfolio.order_with(update.venue_order_id, update.client_order_id) is None:
            return False
        if update.filled_size is None or update.state is None:
            # What cannot be read may be anything, so it is asked about.
            return True
        progress = progress_of(update.filled_size, update.state)
        known = self._known.get(update.venue_order_id)
        if known is not None and not progress.goes_beyond(known):
            return False
        self._known[update.venue_order_id] = progress if known is None else progress.joined(known)
        return True
