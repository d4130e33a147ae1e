"""From closed candle to durable signal."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.generate_signals import DecisionMakers, SignalGenerator
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import Candle, ProductId
from bottrader.domain.signals import Action, Breakdown, LastSide, Signal, SignalId, Trigger, derive_signal_id
from bottrader.domain.strategy import Decision, Hold, Strategy
from tests.fixtures.facts import make_inbound, make_signal
from tests.unit.domain.examples import BTC, START, at, candle

pytestmark = pytest.mark.component("signal_manager")

WHY = Breakdown("score")
BUY = Decision(Action.BUY, Trigger.ROC_MOMO, "roc 12", {"roc": Decimal("12.5")}, WHY)
LIFE = timedelta(seconds=30)


@dataclass(frozen=True)
class NoParameters:
    """Nothing can be set."""


class FixedStrategy(Strategy):
    """Decides the same on every candle, and remembers what it was told."""

    Parameters = NoParameters
    warmup_candles = 0

    def __init__(self, decision: Decision | Hold | None) -> None:
        self.decision = decision
        self.told: list[LastSide | None] = []

    def on_candle(self, candle: Candle, last: LastSide | None) -> Decision | Hold | None:
        self.told.append(last)
        return self.decision


class FlakyStore(MemoryStore):
    """Fails so many times; `is_done` says whether the commits happened all the same."""

    def __init__(self, failures: int, *, is_done: bool) -> None:
        super().__init__()
        self.lost_answers = failures
        self.is_done = is_done
        self.asked: list[SignalId] = []

    async def record_signal(self, signal: Signal) -> bool:
        self.asked.append(signal.signal_id)
        if self.lost_answers > 0:
            self.lost_answers -= 1
            if self.is_done:
                await super().record_signal(signal)
            raise StoreUnreachable("no answer")
        return await super().record_signal(signal)


class BlindStore(MemoryStore):
    """Cannot be asked for the last side so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.lost_answers = failures

    async def last_side(self, product_id: ProductId) -> LastSide | None:
        if self.lost_answers > 0:
            self.lost_answers -= 1
            raise StoreUnreachable("no answer")
        return await super().last_side(product_id)


class Bench:
    """A generator with a clock that stands at the end of candle 0."""

    def __init__(self, store: MemoryStore | None = None, decision: Decision | Hold | None = BUY) -> None:
        self.store = store or MemoryStore()
        self.clock = ManualClock(at(5))
        self.log = RecentEvents()
        self.delivered: list[Signal] = []
        self.durable_at_delivery: list[bool] = []
        self.strategy = FixedStrategy(decision)
        self.snapshot_hash = "5eed"
        makers = DecisionMakers({BTC: self.strategy}, self.snapshot_hash)
        self.generator = SignalGenerator(self.store, self.clock, self.log, makers, LIFE)

    def deliver(self, signal: Signal) -> None:
        self.durable_at_delivery.append(signal.signal_id in self.store._signals)  # noqa: SLF001 - is it there already?
        self.delivered.append(signal)

    async def close(self, number: int = 0) -> None:
        await self.generator.on_closed(candle(number, "100"), self.deliver)


async def test_a_signal_carries_the_decision_and_its_times() -> None:
    bench = Bench()
    await bench.close()
    (signal,) = bench.delivered
    assert (signal.product_id, signal.action, signal.trigger, signal.note) == (
        BTC,
        Action.BUY,
        Trigger.ROC_MOMO,
        "roc 12",
    )
    assert (signal.price, signal.scores, signal.quote_size) == (Decimal(100), {"roc": Decimal("12.5")}, None)
    assert (signal.candle_opened_at, signal.born_at, signal.expires_at) == (START, at(5), at(5.5))
    assert (signal.snapshot_hash, signal.breakdown) == (bench.snapshot_hash, WHY)


async def test_the_id_follows_from_candle_snapshot_and_side() -> None:
    """B174"""
    first, second = Bench(), Bench()
    await first.close()
    await second.close()
    assert first.delivered == second.delivered
    assert first.delivered[0].signal_id == derive_signal_id(BTC, START, first.snapshot_hash, Action.BUY)


async def test_a_signal_is_durable_before_anybody_hears_of_it() -> None:
    bench = Bench()
    await bench.close()
    assert bench.durable_at_delivery == [True]
    assert await bench.store.undelivered_signals(10) == bench.delivered


async def test_no_decision_is_no_signal() -> None:
    bench = Bench(decision=None)
    await bench.close()
    assert bench.delivered == []
    assert await bench.store.signals_count() == 0


async def test_a_signal_that_is_known_is_not_delivered_again() -> None:
    bench = Bench()
    await bench.close()
    await bench.close()
    assert len(bench.delivered) == 1
    assert bench.log.counts["signal_born"] == 1


async def test_a_decision_on_an_old_candle_is_history() -> None:
    """F47: 30 s after the close it is still traded, a moment later it is not even stored."""
    bench = Bench()
    bench.clock.advance(LIFE)
    await bench.close()
    assert len(bench.delivered) == 1
    late = Bench()
    late.clock.advance(LIFE + timedelta(microseconds=1))
    await late.close()
    assert late.delivered == []
    assert await late.store.signals_count() == 0


async def test_a_store_that_does_not_answer_is_asked_again_with_the_same_id() -> None:
    store = FlakyStore(3, is_done=False)
    bench = Bench(store)
    await bench.close()
    assert len(store.asked) == 4
    assert len(set(store.asked)) == 1
    assert len(bench.delivered) == 1
    assert bench.clock.slept_s == [0.5, 0.5, 0.5]
    assert bench.log.counts["signal_not_stored"] == 3


async def test_a_commit_that_happened_unconfirmed_is_delivered_all_the_same() -> None:
    """F42: the second attempt finds the signal known, by our own first one; the outbox would be too late."""
    bench = Bench(FlakyStore(1, is_done=True))
    await bench.close()
    assert [signal.candle_opened_at for signal in bench.delivered] == [START]
    assert await bench.store.signals_count() == 1


async def test_a_store_that_stays_silent_is_given_up_when_the_signal_is_stale() -> None:
    store = FlakyStore(10_000, is_done=False)
    bench = Bench(store)
    await bench.close()
    assert bench.delivered == []
    assert len(store.asked) == 61  # at 0, 0.5, ... 30.0 s


async def test_the_strategy_is_told_the_last_accepted_side_and_not_the_last_born() -> None:
    """B164: the first signal was born and never accepted; then it is."""
    bench = Bench()
    await bench.close(0)
    bench.clock.advance(timedelta(minutes=5))
    await bench.close(1)
    await bench.store.accept_signal(make_inbound(bench.delivered[1]))
    bench.clock.advance(timedelta(minutes=5))
    await bench.close(2)
    assert bench.strategy.told == [None, None, LastSide(Action.BUY, at(5), at(5))]


async def test_a_restart_is_told_the_same_side() -> None:
    """B164"""
    bench = Bench()
    await bench.close(0)
    await bench.store.accept_signal(make_inbound(bench.delivered[0]))
    restarted = Bench(bench.store)
    restarted.clock.advance(timedelta(minutes=5))
    await restarted.close(1)
    assert restarted.strategy.told == [LastSide(Action.BUY, START, START)]


async def test_history_is_seen_without_asking_the_store() -> None:
    bench = Bench()
    bench.clock.advance(timedelta(hours=1))
    await bench.store.accept_signal(make_inbound(make_signal()))
    await bench.close(0)
    assert bench.strategy.told == [None]


async def test_a_side_that_cannot_be_read_is_asked_for_again() -> None:
    store = BlindStore(2)
    bench = Bench(store)
    await bench.close()
    assert len(bench.delivered) == 1
    assert bench.log.counts["last_side_unknown"] == 2
    assert bench.clock.slept_s == [0.5, 0.5]


async def test_without_knowing_the_last_side_nothing_is_decided() -> None:
    """The candle still reaches the indicators; its decision would ignore a cooldown, so it is not traded."""
    bench = Bench(BlindStore(10_000))
    await bench.close()
    assert bench.strategy.told == [None]
    assert bench.delivered == []


async def test_a_hold_is_told_with_its_scores_and_is_no_signal() -> None:
    hold = Hold(lambda: ({"buy_score": Decimal("3.8")}, Breakdown("buy_suppressed_hysteresis")))
    bench = Bench(decision=hold)
    await bench.close()
    assert bench.delivered == []
    (event,) = bench.log.newest
    assert (event.event, event.fields["action"], event.fields["trigger"]) == (
        "score",
        "hold",
        "buy_suppressed_hysteresis",
    )


async def test_decisions_on_history_are_not_in_the_score_log() -> None:
    bench = Bench()
    bench.clock.advance(timedelta(hours=1))
    await bench.close()
    assert bench.log.counts["score"] == 0
