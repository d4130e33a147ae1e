"""From outbox to webhook: at least once, until acknowledged, rejected or expired (B265)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.activity import Activity
from bottrader.app.deliver_signals import ATTEMPTS_MAX, SignalDeliverer
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.signals import Signal, SignalId
from bottrader.ports import Delivery, DeliveryReport
from tests.fixtures.coinbase_wire import FixedEntropy
from tests.fixtures.facts import NOON, make_signal
from tests.fixtures.trading_house import turns

YES = DeliveryReport(Delivery.ACKNOWLEDGED, "stored")
NO = DeliveryReport(Delivery.REJECTED, "400 no")
LATER = DeliveryReport(Delivery.RETRY, "no answer")
SIGNAL = replace(make_signal(0), expires_at=NOON + timedelta(hours=1))


class ScriptedSender:
    """Answers what the script says, then the last answer for ever."""

    def __init__(self, *answers: DeliveryReport) -> None:
        self.answers = list(answers)
        self.sent: list[SignalId] = []

    async def send(self, signal: Signal) -> DeliveryReport:
        self.sent.append(signal.signal_id)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Bench:
    def __init__(self, *answers: DeliveryReport, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.sender = ScriptedSender(*answers)
        self.clock = ManualClock(NOON)
        self.log = RecentEvents()
        self.activity = Activity()
        self.deliverer = SignalDeliverer(self.store, self.sender, self.clock, FixedEntropy(), self.log, self.activity)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.deliverer.run())
        yield
        await turns()
        async with asyncio.timeout(1):
            await self.activity.quiet()
        task.cancel()
        await asyncio.wait({task})

    async def deliver(self, signal: Signal = SIGNAL) -> None:
        await self.store.record_signal(signal)
        async with self.running():
            await turns()

    def closed_as(self, signal: Signal = SIGNAL) -> Delivery | None:
        closed = self.store.deliveries.get(signal.signal_id)
        return None if closed is None else closed[0].delivery


async def test_an_acknowledged_signal_is_closed() -> None:
    bench = Bench(YES)
    await bench.deliver()
    assert bench.closed_as() is Delivery.ACKNOWLEDGED
    assert bench.sender.sent == [SIGNAL.signal_id]
    assert bench.log.counts["signal_acknowledged"] == 1


async def test_a_rejected_signal_is_closed_and_told() -> None:
    bench = Bench(NO)
    await bench.deliver()
    assert bench.closed_as() is Delivery.REJECTED
    assert bench.sender.sent == [SIGNAL.signal_id]
    assert [event.event for event in bench.log.newest if event.is_alarm] == ["signal_rejected"]


async def test_it_is_sent_again_until_it_is_acknowledged_ever_more_slowly() -> None:
    """B265: pauses of 0.1, 0.2, ... up to 5 s; the entropy of the test draws the longest ones."""
    bench = Bench(*[LATER] * 8, YES)
    await bench.deliver()
    assert bench.closed_as() is Delivery.ACKNOWLEDGED
    assert set(bench.sender.sent) == {SIGNAL.signal_id}
    assert bench.clock.slept_s == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_an_expired_signal_is_not_sent() -> None:
    bench = Bench(YES)
    stale = replace(SIGNAL, expires_at=NOON - timedelta(microseconds=1))
    await bench.deliver(stale)
    assert bench.sender.sent == []
    assert bench.closed_as(stale) is Delivery.REJECTED


async def test_a_signal_that_expires_while_it_is_retried_is_given_up() -> None:
    bench = Bench(LATER)
    short = replace(SIGNAL, expires_at=NOON + timedelta(seconds=1))
    await bench.deliver(short)
    assert bench.closed_as(short) is Delivery.REJECTED
    assert bench.store.deliveries[short.signal_id][0].detail.endswith(LATER.detail)
    assert len(bench.sender.sent) == 4  # at 0, 0.1, 0.3 and 0.7 s; at 1.5 s it is too late


async def test_a_signal_may_be_sent_at_the_very_moment_of_its_expiry() -> None:
    bench = Bench(YES)
    last = replace(SIGNAL, expires_at=NOON)
    await bench.deliver(last)
    assert bench.closed_as(last) is Delivery.ACKNOWLEDGED


async def test_after_many_attempts_the_row_stays_open_for_the_next_start() -> None:
    bench = Bench(LATER)
    endless = replace(SIGNAL, expires_at=NOON + timedelta(days=1))
    await bench.deliver(endless)
    assert len(bench.sender.sent) == ATTEMPTS_MAX == 30
    assert bench.closed_as(endless) is None
    assert await bench.store.undelivered_signals(10) == [endless]
    assert bench.log.counts["signal_retry"] == 1


async def test_the_outbox_of_an_earlier_life_is_delivered_oldest_first() -> None:
    bench = Bench(YES)
    signals = [replace(make_signal(number), expires_at=NOON + timedelta(hours=1)) for number in (2, 0, 1)]
    for signal in signals:
        await bench.store.record_signal(signal)
    async with bench.running():
        await turns()
    assert bench.sender.sent == [signals[1].signal_id, signals[2].signal_id, signals[0].signal_id]
    assert await bench.store.undelivered_signals(10) == []


async def test_one_signal_that_is_retried_does_not_hold_up_another() -> None:
    class Choosy(ScriptedSender):
        async def send(self, signal: Signal) -> DeliveryReport:
            self.sent.append(signal.signal_id)
            return YES if signal.signal_id == other.signal_id else LATER

    other = replace(make_signal(5), expires_at=NOON + timedelta(hours=1))
    bench = Bench(LATER)
    bench.sender = Choosy(LATER)
    bench.deliverer = SignalDeliverer(bench.store, bench.sender, bench.clock, FixedEntropy(), bench.log, bench.activity)
    async with bench.running():
        bench.deliverer.deliver(SIGNAL)
        bench.deliverer.deliver(other)
        await turns(5)
        assert other.signal_id in bench.store.deliveries
        assert SIGNAL.signal_id not in bench.store.deliveries


async def test_a_delivery_that_cannot_be_closed_is_sent_once_more_by_the_next_start() -> None:
    class Forgetful(MemoryStore):
        async def close_delivery(self, *_: object) -> None:
            raise StoreUnreachable("down")

    bench = Bench(YES, store=Forgetful())
    await bench.deliver()
    assert bench.log.counts["delivery_not_closed"] == 1
    assert await bench.store.undelivered_signals(10) == [SIGNAL]


async def test_a_signal_counts_as_work_from_its_queueing_to_its_end() -> None:
    bench = Bench(YES)
    bench.deliverer.deliver(SIGNAL)
    waiting = asyncio.create_task(bench.activity.quiet())
    await turns()
    assert not waiting.done()
    async with bench.running():
        await turns()
    assert waiting.done()
