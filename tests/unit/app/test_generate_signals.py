"""From closed candle to durable signal."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.generate_signals import SignalGenerator
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import Candle
from bottrader.domain.signals import Action, Signal, SignalId, Trigger, derive_signal_id
from bottrader.domain.strategy import Decision, StrategySnapshot, make_strategy
from tests.unit.domain.examples import BTC, START, at, candle

BUY = Decision(Action.BUY, Trigger.ROC_MOMO, "roc 12", {"roc": Decimal("12.5")})
LIFE = timedelta(seconds=30)


@dataclass
class FixedStrategy:
    """Decides the same on every candle."""

    decision: Decision | None
    snapshot: StrategySnapshot = make_strategy("roc_momentum", {}).snapshot
    warmup_candles: int = 0

    def on_candle(self, _: Candle) -> Decision | None:
        return self.decision


class FlakyStore(MemoryStore):
    """Fails so many times; `is_done` says whether the commits happened all the same."""

    def __init__(self, failures: int, *, is_done: bool) -> None:
        super().__init__()
        self.failures = failures
        self.is_done = is_done
        self.asked: list[SignalId] = []

    async def record_signal(self, signal: Signal) -> bool:
        self.asked.append(signal.signal_id)
        if self.failures > 0:
            self.failures -= 1
            if self.is_done:
                await super().record_signal(signal)
            raise StoreUnreachable("no answer")
        return await super().record_signal(signal)


class Bench:
    """A generator with a clock that stands at the end of candle 0."""

    def __init__(self, store: MemoryStore | None = None, decision: Decision | None = BUY) -> None:
        self.store = store or MemoryStore()
        self.clock = ManualClock(at(5))
        self.log = RecentEvents()
        self.delivered: list[Signal] = []
        self.durable_at_delivery: list[bool] = []
        strategy = FixedStrategy(decision)
        self.snapshot_hash = strategy.snapshot.content_hash
        self.generator = SignalGenerator(self.store, self.clock, self.log, {BTC: strategy}, LIFE)

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
    assert signal.snapshot_hash == bench.snapshot_hash


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
