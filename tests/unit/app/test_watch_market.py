"""The market: closed candles once and in order, gaps by request, prices never behind them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.watch_market import MarketWatcher, WatchOptions
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import Candle, Granularity, ProductId, Ticker
from bottrader.ports import CandleUpdate, Heartbeat, StreamLive, StreamLost
from tests.fixtures.trading_house import FEES, ScriptedFeed, price, product, turns
from tests.unit.domain.examples import BTC, at, candle


@dataclass
class Watch:
    """A watcher at work; `closed` holds the numbers of the candles it handed out."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(at(0)))
    log: RecentEvents = field(default_factory=RecentEvents)
    closed: list[int] = field(default_factory=list)
    prices: list[Ticker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.exchange = MemoryExchange(self.clock, [product(BTC)], {}, FEES)
        self.feed = ScriptedFeed()
        self.watcher = MarketWatcher(
            self.feed,  # type: ignore[arg-type]
            self.exchange,
            self.clock,
            self.log,
            WatchOptions([BTC], Granularity.FIVE_MINUTE, 3),
        )

    async def on_closed(self, closed: Candle) -> None:
        self.closed.append(int((closed.opened_at - at(0)).total_seconds()) // 300)

    async def on_ticker(self, ticker: Ticker) -> None:
        self.prices.append(ticker)

    def listed(self, *numbers: int) -> None:
        self.exchange.add_candles(candle(number, "100") for number in numbers)

    async def tell(self, *events: object) -> None:
        self.feed.tell(*events)
        await turns()

    def is_blind(self) -> bool:
        return self.watcher.is_blind

    async def update(self, *numbers: int) -> None:
        await self.tell(*(CandleUpdate(candle(number, "100"), at(5 * number)) for number in numbers))


@asynccontextmanager
async def watching(
    *, candles: bool = True, tickers: bool = True, on_closed: Callable[[Candle], Awaitable[None]] | None = None
) -> AsyncIterator[Watch]:
    watch = Watch()
    follow = (on_closed or watch.on_closed) if candles else None
    task = asyncio.create_task(watch.watcher.run(follow, watch.on_ticker if tickers else None))
    yield watch
    task.cancel()
    await asyncio.wait({task})


def ticker(text: str, minutes: float = 0, product_id: ProductId = BTC) -> Ticker:
    return Ticker(product_id, price(text), price(text), price(text), at(minutes))


async def test_it_is_blind_until_the_stream_lives_and_again_when_it_is_lost() -> None:
    """S7"""
    async with watching() as watch:
        assert watch.is_blind()
        await watch.tell(StreamLive(at(0)))
        assert not watch.is_blind()
        await watch.tell(StreamLost("silence"))
        assert watch.is_blind()
        assert [event.fields["cause"] for event in watch.log.newest if event.is_alarm] == ["silence"]
        await watch.tell(StreamLive(at(1)))
        assert not watch.is_blind()


async def test_a_distrusted_connection_is_made_anew_and_blind_until_the_channel_speaks() -> None:
    """F27, S7: a new connection alone proves nothing; the channel has to tell something as new as what it owed."""
    async with watching() as watch:
        await watch.tell(StreamLive(at(0)), ticker("100", 0))
        watch.watcher.distrust("ticker", BTC, at(1))
        await turns()
        assert watch.feed.connections_count == 2
        assert watch.is_blind()
        await watch.tell(StreamLive(at(2)))
        assert watch.is_blind()
        await watch.tell(CandleUpdate(candle(1, "100"), at(3)), ticker("100", 0.9))
        assert watch.is_blind()
        await watch.tell(ticker("100", 1))
        assert not watch.is_blind()
        assert [told.fields["channel"] for told in watch.log.newest if told.event == "market_channel_dead"] == [
            "ticker"
        ]


async def test_candles_and_prices_go_on_after_a_distrusted_connection() -> None:
    """R39: what was missed meanwhile is asked for, and each candle is handed out once."""
    async with watching() as watch:
        await watch.tell(StreamLive(at(50)))
        await watch.update(10, 11)
        watch.watcher.distrust("candles", BTC, at(60))
        await turns()
        watch.listed(11, 12, 13)
        await watch.tell(StreamLive(at(71)))
        await watch.update(14, 15)
        assert watch.closed == [10, 11, 12, 13, 14]
        assert not watch.is_blind()


async def test_the_first_connection_asks_for_history() -> None:
    """Three candles before the one that is forming at minute 51."""
    async with watching() as watch:
        watch.listed(*range(11))
        await watch.tell(StreamLive(at(51)))
        assert watch.closed == [7, 8, 9]
        assert watch.watcher.progress.has_reached(at(51))


async def test_a_candle_is_handed_out_when_the_next_one_appears() -> None:
    async with watching() as watch:
        await watch.tell(StreamLive(at(50)))
        await watch.update(10, 10, 10)
        assert watch.closed == []
        await watch.update(11, 11)
        assert watch.closed == [10]


async def test_a_gap_is_filled_by_request_before_the_next_candle() -> None:
    """R39"""
    async with watching() as watch:
        await watch.tell(StreamLive(at(50)))
        watch.listed(11, 12)
        await watch.update(10, 13, 14)
        assert watch.closed == [10, 11, 12, 13]


async def test_what_happened_while_the_connection_was_gone_is_asked_for() -> None:
    """B270"""
    async with watching() as watch:
        await watch.tell(StreamLive(at(50)))
        await watch.update(10, 11)
        watch.listed(11, 12, 13)
        await watch.tell(StreamLost("gone"), StreamLive(at(71)))
        await watch.update(14, 15)
        assert watch.closed == [10, 11, 12, 13, 14]


@pytest.mark.parametrize("error", [ExchangeUnreachable("down"), ExchangeRefused("no")])
async def test_a_gap_that_cannot_be_filled_is_asked_for_again_and_prices_do_not_wait(
    error: ExchangeUnreachable | ExchangeRefused,
) -> None:
    """A stop must not stand behind a request for candles."""
    async with watching() as watch:
        watch.listed(9)
        watch.exchange.query_error = error
        await watch.tell(StreamLive(at(50)), ticker("38000", 50))
        assert [seen.price for seen in watch.prices] == [price("38000")]
        assert watch.watcher.progress.has_reached(at(50), BTC)
        assert not watch.watcher.progress.has_reached(at(50))
        assert watch.closed == []
        assert watch.log.counts["candle_gap_unfilled"] > 1
        assert set(watch.clock.slept_s) == {1.0}
        watch.exchange.query_error = None
        await turns()
        assert watch.closed == [9]
        assert watch.watcher.progress.has_reached(at(50))


async def test_what_waits_behind_a_gap_is_bounded_and_nothing_is_lost() -> None:
    """F36: the venue answers no question for hours; what is shed meanwhile is asked for afterwards."""
    gate = asyncio.Event()
    closed: list[int] = []

    async def slowly(candle_: Candle) -> None:
        await gate.wait()
        closed.append(int((candle_.opened_at - at(0)).total_seconds()) // 300)

    async with watching(on_closed=slowly) as watch:
        await watch.tell(StreamLive(at(0)))
        await watch.update(0, 1)
        for number in range(2, 8):
            await watch.update(*[number] * 200)
        assert watch.log.counts["candles_shed"] == 1
        watch.listed(*range(8))
        gate.set()
        await watch.update(8, 9)
        assert closed == list(range(9))


async def test_a_heartbeat_means_that_everything_before_it_is_handled() -> None:
    gate = asyncio.Event()

    async def slowly(_: Candle) -> None:
        await gate.wait()

    async with watching(on_closed=slowly) as watch:
        await watch.tell(StreamLive(at(50)))
        await watch.update(10, 11)
        await watch.tell(Heartbeat(at(56)))
        assert not watch.watcher.progress.has_reached(at(56))
        gate.set()
        await turns()
        assert watch.watcher.progress.has_reached(at(56))


async def test_candles_of_other_products_are_ignored() -> None:
    async with watching() as watch:
        watch.feed.tell(StreamLive(at(50)))
        other = Candle(
            ProductId("ETH-USD"), at(50), price("1"), price("1"), price("1"), price("1"), candle(0, "1").volume
        )
        await watch.tell(CandleUpdate(other, at(50)), Heartbeat(at(51)))
        assert watch.watcher.progress.has_reached(at(51))
        assert watch.closed == []


async def test_whoever_wants_prices_only_causes_no_requests() -> None:
    async with watching(candles=False) as watch:
        watch.exchange.query_error = ExchangeUnreachable("not to be asked")
        await watch.tell(StreamLive(at(50)), ticker("1", 50), Heartbeat(at(51)))
        await watch.update(10, 11)
        assert watch.watcher.progress.has_reached(at(51))
        assert len(watch.prices) == 1
        assert watch.log.counts["candle_gap_unfilled"] == 0


async def test_whoever_wants_candles_only_hears_no_prices() -> None:
    async with watching(tickers=False) as watch:
        await watch.tell(StreamLive(at(50)), ticker("1", 50))
        assert watch.prices == []
        assert watch.watcher.progress.has_reached(at(50), BTC)
