"""Find a channel that is dead on a connection that lives (F27).

Heartbeats prove the connection, not its channels, and a channel that says nothing may have nothing to say: a quiet
product is not a dead channel. What tells them apart is the venue itself. A channel that has been silent for a while,
over all products, is checked by request: when the venue shows a newer trade (or a newer candle) than the channel has
told, and the channel has still not told it by the next look, it is dead. Both times are the venue's, so no clock of
ours takes part, and a request that overtakes the stream costs nothing. The watcher is blind from then on and connects
anew.

A candle counts by the time it opened, because only the next candle makes one count; a bucket that is half told is not a
fault yet. The user channel cannot be checked like this, see `follow_user`.
"""

from collections.abc import Mapping
from datetime import datetime

from bottrader.app.watch_market import CANDLES, TICKER, MarketWatcher, WatchOptions
from bottrader.domain.candle_series import bucket_start
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import ProductId
from bottrader.ports import Exchange

# So many looks without a word make a channel worth a question, and again after as many. A look comes once a second.
QUIET_LOOKS = {TICKER: 5, CANDLES: 15}


class ChannelProbe:
    """Looks after the channels of one watcher; `look` is called once a second of real time."""

    def __init__(self, watcher: MarketWatcher, exchange: Exchange, options: WatchOptions) -> None:
        self._watcher = watcher
        self._exchange = exchange
        self._options = options
        self._heard: dict[str, dict[ProductId, datetime]] = {}
        self._quiet_looks = dict.fromkeys(QUIET_LOOKS, 0)
        self._owed: dict[str, dict[ProductId, datetime]] = {}

    async def look(self) -> None:
        """Judge what was asked before, and ask about a channel that has been quiet for long."""
        if not self._watcher.is_live:
            # The connection's own loss is known; what was shown before it says nothing of the next one.
            self._owed.clear()
            self._quiet_looks = dict.fromkeys(QUIET_LOOKS, 0)
            return
        for channel in self._watcher.channels:
            if self._is_dead(channel):
                return
            if self._is_quiet(channel):
                self._owed[channel] = await self._ask(channel)

    def _is_dead(self, channel: str) -> bool:
        told = self._watcher.told(channel)
        for product_id, owed in self._owed.pop(channel, {}).items():
            if product_id not in told or told[product_id] < owed:
                self._watcher.distrust(channel, product_id, owed)
                return True
        return False

    def _is_quiet(self, channel: str) -> bool:
        told = dict(self._watcher.told(channel))
        if told != self._heard.get(channel):
            self._heard[channel] = told
            self._quiet_looks[channel] = 0
            return False
        self._quiet_looks[channel] += 1
        return self._quiet_looks[channel] % QUIET_LOOKS[channel] == 0

    async def _ask(self, channel: str) -> dict[ProductId, datetime]:
        """Return what the venue shows of the time since we are connected and the channel has not told; nothing when
        the venue does not answer. What is older than the connection was never owed to it."""
        assert self._watcher.live_at is not None, "a connection that lives has a beginning"
        live_at, told = self._watcher.live_at, self._watcher.told(channel)
        since = {pid: max(live_at, told.get(pid, live_at)) for pid in self._options.product_ids}
        try:
            shown = await (self._trades() if channel == TICKER else self._candles(since))
        except AdapterError:
            return {}
        return {pid: at for pid, at in shown.items() if since[pid] < at}

    async def _trades(self) -> dict[ProductId, datetime]:
        quotes = await self._exchange.tickers(self._options.product_ids)
        return {quote.product_id: quote.at for quote in quotes}

    async def _candles(self, since: Mapping[ProductId, datetime]) -> dict[ProductId, datetime]:
        width = self._options.granularity
        newest: dict[ProductId, datetime] = {}
        for product_id, at in since.items():
            following = bucket_start(at, width) + width.span
            end = following + self._options.lookback_candles * width.span
            for candle in await self._exchange.candles(product_id, width, following, end):
                newest[product_id] = candle.opened_at
        return newest
