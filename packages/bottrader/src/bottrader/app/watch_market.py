"""Follow the market: tickers as they come, candles once they are closed, gaps filled by request before anything else.

A connection that is gone makes the watcher blind, and so does a channel that is dead on a connection that lives (F27);
whoever opens positions asks `is_blind` first (S7).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bottrader.app.progress import Progress
from bottrader.app.tasks import Pulse, TaskBoard
from bottrader.domain.candle_series import CandleSeries, Gap
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import Candle, Granularity, ProductId, Ticker
from bottrader.ports import (
    CandleUpdate,
    Clock,
    EventLog,
    Exchange,
    Heartbeat,
    MarketFeed,
    StreamLive,
    StreamLost,
)

# A query that failed while a gap was being filled is repeated at this pace; decisions wait, stops do not depend on it.
GAP_RETRY_S = 1.0

# Candles that wait behind a gap; when a request fails for so long that more come, they are asked for as well.
BEHIND_MAX = 1000

# The feed tells of a connection that is silent or lost long before this, and of every try to get another one.
STREAM_SILENCE_S_MAX = 120.0
CANDLES_SILENCE_S_MAX = 300.0

TICKER = "ticker"
CANDLES = "candles"

OnClosed = Callable[[Candle], Awaitable[None]]
OnTicker = Callable[[Ticker], Awaitable[None]]
_InOrder = CandleUpdate | Heartbeat | StreamLive


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What to follow: `lookback_candles` of history warm up whoever decides on candles."""

    product_ids: Sequence[ProductId]
    granularity: Granularity
    lookback_candles: int


class MarketWatcher:
    """Turns the feed's events into calls: `on_closed` for each closed candle once and in order, `on_ticker` for each
    ticker. Candles and tickers have a line each, so that a gap being filled holds up no price. Within its line each
    call is awaited before the next event is taken, so `progress` means "handled"."""

    def __init__(
        self,
        feed: MarketFeed,
        exchange: Exchange,
        clock: Clock,
        log: EventLog,
        options: WatchOptions,
    ) -> None:
        self._feed = feed
        self._exchange = exchange
        self._clock = clock
        self._log = log
        self._options = options
        self._series = {pid: CandleSeries(pid, options.granularity) for pid in options.product_ids}
        self._told: dict[str, dict[ProductId, datetime]] = {TICKER: {}, CANDLES: {}}
        self._owed: dict[str, datetime] = {}
        self._distrusted = asyncio.Event()
        self.channels: tuple[str, ...] = ()
        """The channels that somebody listens to."""
        self.is_live = False
        self.lost = asyncio.Event()
        """Set while it is certain that there is no market to see: a connection failed, and no other is there yet."""
        self.live_at: datetime | None = None
        """When the newest connection became live, in venue time."""
        self.progress = Progress()
        self._heard_s = clock.monotonic_s()

    @property
    def message_age_s(self) -> float:
        """Real seconds since the last message of the market, since the start before the first."""
        return self._clock.monotonic_s() - self._heard_s

    @property
    def is_blind(self) -> bool:
        """Tell whether the market is not seen: the connection is gone, or a channel of it is dead."""
        return not self.is_live or bool(self._owed)

    def told(self, channel: str) -> Mapping[ProductId, datetime]:
        """Return the newest time a channel has told of each product: of a ticker its own, of a candle its opening."""
        return self._told[channel]

    def distrust(self, channel: str, product_id: ProductId, owed: datetime) -> None:
        """Give up the connection, because `channel` has not told what happened to a product at `owed`.

        The watcher stays blind until that channel tells something as new, on whatever connection.
        """
        self._owed[channel] = owed
        self.is_live = False
        self._log.alarm("market_channel_dead", channel=channel, product_id=product_id, owed=owed)
        self._distrusted.set()

    async def run(
        self,
        on_closed: OnClosed | None = None,
        on_ticker: OnTicker | None = None,
        board: TaskBoard | None = None,
    ) -> None:
        """Follow the feed until cancelled, on a new connection whenever the old one is distrusted."""
        board = board or TaskBoard(self._clock)
        wanted = ((TICKER, on_ticker), (CANDLES, on_closed))
        self.channels = tuple(channel for channel, listener in wanted if listener is not None)
        behind: asyncio.Queue[_InOrder] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            in_order = partial(self._follow_candles, behind, on_closed)
            tasks.create_task(board.keep("candles", CANDLES_SILENCE_S_MAX, in_order))
            while True:
                follow = partial(self._follow, behind, on_ticker)
                following = tasks.create_task(board.keep("market_stream", STREAM_SILENCE_S_MAX, follow))
                await self._distrusted.wait()
                following.cancel()
                await asyncio.wait({following})
                self._distrusted.clear()

    async def _follow(self, behind: "asyncio.Queue[_InOrder]", on_ticker: OnTicker | None, pulse: Pulse) -> None:
        async with aclosing(self._feed.events(self._options.product_ids)) as events:
            async for event in events:
                pulse.beat()
                if not isinstance(event, StreamLost):
                    self._heard_s = self._clock.monotonic_s()
                match event:
                    case Ticker():
                        self._hear(TICKER, event.product_id, event.at)
                        if on_ticker is not None:
                            await on_ticker(event)
                        self.progress.reach(event.at, event.product_id)
                    case StreamLost():
                        self.is_live = False
                        self.lost.set()
                        self._log.alarm("market_stream_lost", cause=event.cause)
                    case StreamLive():
                        self.is_live, self.live_at = True, event.at
                        self.lost.clear()
                        self._log.info("market_stream_live", at=event.at)
                        self._put_behind(behind, event)
                    case CandleUpdate():
                        self._hear(CANDLES, event.candle.product_id, event.candle.opened_at)
                        self._put_behind(behind, event)
                    case _:
                        self._put_behind(behind, event)

    def _put_behind(self, behind: "asyncio.Queue[_InOrder]", event: _InOrder) -> None:
        if behind.qsize() < BEHIND_MAX:
            behind.put_nowait(event)
            return
        # Forgetting them all is a gap like any other: everything up to now is asked for once the venue answers.
        while not behind.empty():
            behind.get_nowait()
        behind.put_nowait(StreamLive(event.at))
        self._log.alarm("candles_shed", at=event.at)

    def _hear(self, channel: str, product_id: ProductId, at: datetime) -> None:
        told = self._told[channel]
        newest = told.get(product_id)
        if newest is None or at > newest:
            told[product_id] = at
        # Another product's word will do: it shows that the channel speaks again.
        if self._owed and (owed := self._owed.get(channel)) is not None and at >= owed:
            del self._owed[channel]
            self._log.info("market_channel_back", channel=channel)

    async def _follow_candles(self, events: asyncio.Queue[_InOrder], on_closed: OnClosed | None, pulse: Pulse) -> None:
        """Handle what comes in order and may have to wait for a request; prices do not wait behind it."""
        while True:
            pulse.rest()
            event = await events.get()
            pulse.beat()
            match event:
                case CandleUpdate():
                    if on_closed is not None:
                        await self._take(event.candle, on_closed)
                    continue
                case StreamLive():
                    if on_closed is not None:
                        await self._catch_up(event.at, on_closed)
                case Heartbeat():
                    pass
            self.progress.reach(event.at)

    async def _take(self, candle: Candle, on_closed: OnClosed) -> None:
        series = self._series.get(candle.product_id)
        if series is None:
            return
        closed, gap = series.update(candle)
        if closed is not None:
            await on_closed(closed)
        if gap is not None:
            await self._fill(series, gap, on_closed)

    async def _catch_up(self, at: datetime, on_closed: OnClosed) -> None:
        for series in self._series.values():
            gap = series.interrupt(at, self._options.lookback_candles)
            if gap is not None:
                await self._fill(series, gap, on_closed)

    async def _fill(self, series: CandleSeries, gap: Gap, on_closed: OnClosed) -> None:
        candles = await self._request(series.product_id, gap)
        for candle in series.fill(gap, candles):
            await on_closed(candle)

    async def _request(self, product_id: ProductId, gap: Gap) -> list[Candle]:
        while True:
            try:
                return list(await self._exchange.candles(product_id, self._options.granularity, gap.start, gap.end))
            except (ExchangeUnreachable, ExchangeRefused) as error:
                self._log.alarm("candle_gap_unfilled", product_id=product_id, start=gap.start, cause=str(error))
                await self._clock.sleep(GAP_RETRY_S)
