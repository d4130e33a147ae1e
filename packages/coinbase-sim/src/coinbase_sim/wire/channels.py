"""What each channel says: its snapshot for a new subscriber, and which events of the exchange become its updates."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from coinbase_sim.model import (
    BookChanged,
    BucketChanged,
    Event,
    LevelChanged,
    Order,
    OrderChanged,
    OrderStatus,
    ProductChanged,
    Side,
    TickerChanged,
    TradePrinted,
)
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import events
from coinbase_sim.wire.manners import Manners

ALL_PRODUCTS = ""
"""The subscription key of channels that are not divided by product, and of a `user` subscription to all."""

BUCKET_S = 300
SNAPSHOT_BUCKETS = 100
SNAPSHOT_TRADES = 100
BATCH_INTERVAL = timedelta(seconds=5)

UNDIVIDED = frozenset({"heartbeats", "status"})
"""Channels that ignore product ids."""

REFUSED = {"futures_balance_summary": "futures_balance_summary is for derivatives: this exchange trades spot only"}

_LIVE = frozenset({OrderStatus.PENDING, OrderStatus.OPEN})


class Update(NamedTuple):
    """Something to tell the subscribers of a channel; encoded only when there are any."""

    channel: str
    product_id: str
    encode: Callable[[], events.Message]


class Channels:
    """All channels of one exchange."""

    def __init__(self, simulator: Simulator, manners: Manners) -> None:
        self._simulator = simulator
        self._manners = manners
        self._batched: dict[str, TickerChanged] = {}
        self._snapshots: dict[str, Callable[[Sequence[str]], list[events.Message]]] = {
            "heartbeats": _nothing,
            "status": self._statuses,
            "ticker": self._tickers,
            "ticker_batch": self._ticker_batches,
            "level2": self._depths,
            "market_trades": self._trades,
            "candles": self._candles,
            "user": self._orders,
        }

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._snapshots)

    def snapshot(self, channel: str, product_ids: Sequence[str]) -> list[events.Message]:
        """Return what a new subscriber of these products hears first."""
        return self._snapshots[channel](product_ids)

    def updates(self, event: Event) -> Iterator[Update]:
        """Return what an event means for the channels."""
        match event:
            case TickerChanged(product_id=product_id):
                yield Update("ticker", product_id, lambda: events.ticker(event))
                yield from self._batch(event)
            case TradePrinted(product_id=product_id):
                yield Update("market_trades", product_id, lambda: events.trades([event], event.at))
            case BucketChanged(bar=bar, at=at):
                yield Update("candles", bar.product_id, lambda: events.candles([bar], at))
            case OrderChanged(order=order, at=at):
                product_id = order.request.product_id
                yield Update("user", product_id, lambda: events.user_update(order, at))
            case BookChanged(product_id=product_id, levels=changed, at=at):
                yield Update("level2", product_id, lambda: events.depth(product_id, changed, at))
            case ProductChanged(spec=spec, gates=gates, at=at):
                yield Update("status", ALL_PRODUCTS, lambda: events.statuses([(spec, gates)], at, "update"))

    def _batch(self, event: TickerChanged) -> Iterator[Update]:
        """At most one ticker in five seconds of venue time."""
        last = self._batched.get(event.product_id)
        if last is None or event.at - last.at >= BATCH_INTERVAL:
            self._batched[event.product_id] = event
            yield Update("ticker_batch", event.product_id, lambda: self._batch_of(event))

    def _batch_of(self, ticker: TickerChanged, kind: str = "update") -> events.Message:
        return events.ticker_batch(ticker, kind, with_quotes=self._manners.dialect.batch_quotes)

    def _statuses(self, _product_ids: Sequence[str]) -> list[events.Message]:
        products = [(spec, self._simulator.gates(spec.product_id)) for spec in self._simulator.products.values()]
        return [events.statuses(products, self._simulator.now)]

    def _tickers(self, product_ids: Sequence[str]) -> list[events.Message]:
        return [events.ticker(ticker, "snapshot") for ticker in self._known(product_ids)]

    def _ticker_batches(self, product_ids: Sequence[str]) -> list[events.Message]:
        return [self._batch_of(ticker, "snapshot") for ticker in self._known(product_ids)]

    def _known(self, product_ids: Sequence[str]) -> list[TickerChanged]:
        tickers = [self._simulator.ticker(product_id) for product_id in product_ids]
        return [ticker for ticker in tickers if ticker is not None]

    def _depths(self, product_ids: Sequence[str]) -> list[events.Message]:
        now = self._simulator.now
        # Between two changes of the exchange this is what the others were told level by level.
        return [events.depth(name, self._levels(name), now, "snapshot") for name in product_ids]

    def _levels(self, product_id: str) -> list[LevelChanged]:
        sides = zip((Side.BUY, Side.SELL), self._simulator.depth(product_id), strict=True)
        return [LevelChanged(side, level.price, level.size) for side, levels in sides for level in levels]

    def _trades(self, product_ids: Sequence[str]) -> list[events.Message]:
        now = self._simulator.now
        by_product = [self._simulator.trades(product_id, SNAPSHOT_TRADES) for product_id in product_ids]
        return [events.trades(trades, now, "snapshot") for trades in by_product if trades]

    def _candles(self, product_ids: Sequence[str]) -> list[events.Message]:
        now = self._simulator.now
        begin = now - timedelta(seconds=BUCKET_S * SNAPSHOT_BUCKETS)
        by_product = [self._simulator.candles(product_id, BUCKET_S, begin, now) for product_id in product_ids]
        return [events.candles(bars[::-1], now, "snapshot") for bars in by_product if bars]

    def _orders(self, product_ids: Sequence[str]) -> list[events.Message]:
        def wanted(order: Order) -> bool:
            every = ALL_PRODUCTS in product_ids
            return order.status in _LIVE and (every or order.request.product_id in product_ids)

        return events.user_snapshots([*filter(wanted, self._simulator.orders())], self._simulator.now)


def _nothing(_product_ids: Sequence[str]) -> list[events.Message]:
    return []
