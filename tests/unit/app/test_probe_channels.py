"""A channel is dead when the venue shows what it has not told; a channel that says nothing may have nothing to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.probe_channels import ChannelProbe
from bottrader.app.watch_market import MarketWatcher, WatchOptions
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import Candle, Granularity, Ticker
from bottrader.ports import CandleUpdate, Heartbeat, StreamLive, StreamLost
from tests.fixtures.trading_house import FEES, ScriptedFeed, price, product, turns
from tests.unit.domain.examples import BTC, at, candle


class Probing:
    """A watcher on a live stream at minute 50, and its probe, looked with by hand."""

    def __init__(self) -> None:
        self.log = RecentEvents()
        self.exchange = MemoryExchange(ManualClock(at(0)), [product(BTC)], {}, FEES)
        self.feed = ScriptedFeed(StreamLive(at(50)))
        options = WatchOptions([BTC], Granularity.FIVE_MINUTE, 3)
        self.watcher = MarketWatcher(self.feed, self.exchange, ManualClock(at(0)), self.log, options)  # type: ignore[arg-type]
        self.probe = ChannelProbe(self.watcher, self.exchange, options)

    async def tell(self, *events: object) -> None:
        self.feed.tell(*events)
        await turns()

    async def look(self, times: int) -> None:
        for _ in range(times):
            await self.probe.look()
            await turns()

    def trade(self, minutes: float) -> Ticker:
        """The venue has traded; whoever asks is shown it."""
        ticker = Ticker(BTC, price("100"), price("100"), price("100"), at(minutes))
        self.exchange.show(ticker)
        return ticker

    @property
    def dead(self) -> list[object]:
        return [told.fields["channel"] for told in self.log.newest if told.event == "market_channel_dead"]


@asynccontextmanager
async def probing(*, tickers: bool = True, candles: bool = False) -> AsyncIterator[Probing]:
    probing = Probing()

    async def ignore(_: Ticker | Candle) -> None: ...

    work = probing.watcher.run(ignore if candles else None, ignore if tickers else None)
    task = asyncio.create_task(work)
    await turns()
    yield probing
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.cpu_budget(1000, "an hour of looks, one a second")
async def test_a_quiet_product_is_not_a_dead_channel() -> None:
    """F27: nothing was traded, so nothing had to be told, for an hour."""
    async with probing() as probe:
        await probe.tell(probe.trade(50))
        await probe.look(3600)
        assert probe.dead == []
        assert not probe.watcher.is_blind


async def test_a_trade_that_the_channel_does_not_tell_makes_it_dead() -> None:
    """F27: asked at the fifth quiet look, judged at the sixth, although heartbeats come all the time."""
    async with probing() as probe:
        await probe.tell(probe.trade(50))
        await probe.look(1)
        probe.trade(51)
        await probe.look(5)
        await probe.tell(Heartbeat(at(52)))
        assert probe.dead == []
        await probe.look(1)
        assert probe.dead == ["ticker"]
        assert probe.watcher.is_blind
        assert probe.feed.connections_count == 2


async def test_a_channel_that_never_told_anything_is_dead_once_there_was_a_trade() -> None:
    async with probing() as probe:
        probe.trade(50.1)
        await probe.look(7)
        assert probe.dead == ["ticker"]


async def test_what_was_traded_before_the_connection_is_not_owed() -> None:
    async with probing() as probe:
        probe.trade(50)
        await probe.look(60)
        assert probe.dead == []


async def test_a_question_that_overtakes_the_stream_costs_nothing() -> None:
    """The trade is told between the question and the next look."""
    async with probing() as probe:
        await probe.tell(probe.trade(50))
        await probe.look(5)
        late = probe.trade(51)
        await probe.look(1)
        await probe.tell(late)
        await probe.look(30)
        assert probe.dead == []


async def test_a_venue_that_does_not_answer_proves_nothing() -> None:
    """D11"""
    async with probing() as probe:
        probe.trade(51)
        probe.exchange.query_error = ExchangeUnreachable("down")
        await probe.look(60)
        assert probe.dead == []


async def test_what_was_shown_before_a_loss_is_not_held_against_the_next_connection() -> None:
    async with probing() as probe:
        probe.trade(51)
        await probe.look(5)
        await probe.tell(StreamLost("gone"))
        await probe.look(1)
        await probe.tell(StreamLive(at(52)))
        await probe.look(60)
        assert probe.dead == []


@pytest.mark.parametrize(("number", "is_dead"), [(10, False), (11, True)])
async def test_candles_are_dead_when_a_later_one_was_not_told(number: int, is_dead: bool) -> None:
    """F27: the bucket that formed when the stream began may stay as it is, a later one has to be told."""
    async with probing(tickers=False, candles=True) as probe:
        await probe.tell(CandleUpdate(candle(10, "100"), at(50)))
        probe.exchange.add_candles([candle(number, "100")])
        await probe.look(17)
        assert (probe.dead == ["candles"]) is is_dead


async def test_a_channel_that_nobody_listens_to_is_not_asked_about() -> None:
    async with probing(tickers=False, candles=True) as probe:
        probe.trade(55)
        await probe.look(60)
        assert probe.dead == []


async def test_while_the_channel_stays_dead_the_connection_is_made_anew_again_and_again() -> None:
    async with probing() as probe:
        probe.trade(51)
        await probe.look(7)
        probe.trade(53)
        await probe.tell(StreamLive(at(52)))
        await probe.look(7)
        assert probe.dead == ["ticker", "ticker"]
        assert probe.watcher.is_blind
