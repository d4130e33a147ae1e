"""The request budget: how much, how fast, and who goes first."""

import asyncio
from datetime import timedelta

import pytest

from bottrader.adapters.coinbase.limiter import Priority, TokenBucket
from bottrader.adapters.memory.clock import ManualClock


async def test_orders_use_the_whole_burst_without_waiting() -> None:
    clock = ManualClock()
    bucket = TokenBucket(rate_per_s=10, burst=5, clock=clock)
    for _ in range(5):
        await bucket.take(Priority.ORDER)
    assert clock.slept_s == []


async def test_questions_leave_two_tokens_to_orders() -> None:
    """F6"""
    clock = ManualClock()
    bucket = TokenBucket(rate_per_s=10, burst=5, clock=clock)
    for _ in range(3):
        await bucket.take(Priority.QUERY)
    assert clock.slept_s == []
    await bucket.take(Priority.ORDER)
    await bucket.take(Priority.ORDER)
    assert clock.slept_s == []
    await bucket.take(Priority.ORDER)
    assert clock.slept_s == [pytest.approx(0.1)]


async def test_requests_are_spaced_by_the_rate_once_the_burst_is_spent() -> None:
    clock = ManualClock()
    bucket = TokenBucket(rate_per_s=10, burst=3, clock=clock)
    start = clock.wall()
    for _ in range(21):
        await bucket.take(Priority.QUERY)
    # The first question finds the one token above the reserve; the other 20 wait a tenth of a second each.
    assert clock.wall() - start == pytest.approx(timedelta(seconds=2), abs=timedelta(milliseconds=40))


class SharedClock(ManualClock):
    """Time passes for all sleepers alike, 10 ms a turn, as long as anybody sleeps."""

    async def sleep(self, seconds: float) -> None:
        wakes_at = self.wall() + timedelta(seconds=seconds)
        # One turn at a time: an event would not let time pass for the others.
        while self.wall() < wakes_at:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def pass_time(self, turns: int) -> None:
        for _ in range(turns):
            self.advance(timedelta(milliseconds=10))
            await asyncio.sleep(0)


async def test_an_order_passes_questions_that_waited_longer() -> None:
    """F6"""
    clock = SharedClock()
    bucket = TokenBucket(rate_per_s=10, burst=3, clock=clock)
    for _ in range(3):
        await bucket.take(Priority.ORDER)
    served: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await bucket.take(priority)
        served.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask("question", Priority.QUERY))
        tasks.create_task(ask("question", Priority.QUERY))
        await asyncio.sleep(0)
        await clock.pass_time(5)
        tasks.create_task(ask("order", Priority.ORDER))
        await clock.pass_time(200)
    assert served == ["order", "question", "question"]


async def test_a_cancel_passes_orders_that_waited_longer() -> None:
    """F6: both need one token, and the order leaves it to the cancel that came later."""
    clock = SharedClock()
    bucket = TokenBucket(rate_per_s=10, burst=3, clock=clock)
    for _ in range(3):
        await bucket.take(Priority.CANCEL)
    served: list[str] = []

    async def ask(name: str, priority: Priority) -> None:
        await bucket.take(priority)
        served.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ask("question", Priority.QUERY))
        tasks.create_task(ask("order", Priority.ORDER))
        await asyncio.sleep(0)
        await clock.pass_time(5)
        tasks.create_task(ask("cancel", Priority.CANCEL))
        await clock.pass_time(200)
    assert served == ["cancel", "order", "question"]


async def test_a_cancel_that_was_given_up_is_not_waited_for() -> None:
    clock = SharedClock()
    bucket = TokenBucket(rate_per_s=10, burst=3, clock=clock)
    for _ in range(3):
        await bucket.take(Priority.ORDER)
    cancel = asyncio.create_task(bucket.take(Priority.CANCEL))
    await asyncio.sleep(0)
    cancel.cancel()
    order = asyncio.create_task(bucket.take(Priority.ORDER))
    await clock.pass_time(15)
    assert order.done()


async def test_an_hour_of_silence_fills_the_bucket_only_to_its_burst() -> None:
    clock = ManualClock()
    bucket = TokenBucket(rate_per_s=10, burst=3, clock=clock)
    clock.advance(timedelta(hours=1))
    for _ in range(4):
        await bucket.take(Priority.ORDER)
    assert len(clock.slept_s) == 1


@pytest.mark.parametrize(("rate", "burst"), [(0, 10), (-1, 10), (10, 2)])
def test_a_bucket_that_could_never_serve_a_question_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="a bucket has a rate above 0"):
        TokenBucket(rate, burst, ManualClock())
