"""Who is interrupted when nothing comes, and who is not. In real time, because the event loop's timers are."""

import asyncio
import time
from typing import Any

import pytest

from bottrader.adapters.coinbase.watchdog import Overdue, Watchdog

pytestmark = pytest.mark.component("websocket_handler")

SILENCE_S = 0.05


async def never() -> None:
    await asyncio.get_running_loop().create_future()


async def after(wait_s: float, what: str) -> str:
    await asyncio.sleep(wait_s)
    return what


async def test_a_wait_is_ended_when_nothing_comes_and_not_before() -> None:
    """F23"""
    loop = asyncio.get_running_loop()
    async with Watchdog(SILENCE_S, 10) as watchdog:
        watchdog.is_strict = False
        began = loop.time()
        with pytest.raises(Overdue):
            await watchdog.wait(never())
    assert SILENCE_S - 0.001 <= loop.time() - began < 20 * SILENCE_S


async def test_each_arrival_gives_the_next_one_the_full_time() -> None:
    async with Watchdog(4 * SILENCE_S, 10) as watchdog:
        for number in range(4):
            assert await watchdog.wait(after(2 * SILENCE_S, f"{number}")) == f"{number}"
        with pytest.raises(Overdue):
            await watchdog.wait(never())


async def test_arrivals_do_not_put_off_the_first_deadline_while_it_is_strict() -> None:
    """F26"""
    async with Watchdog(10, SILENCE_S) as watchdog:

        async def chatter() -> None:
            while True:
                await watchdog.wait(after(SILENCE_S / 10, "chatter"))

        with pytest.raises(Overdue):
            await chatter()


async def test_a_consumer_that_takes_its_time_is_not_a_silent_venue() -> None:
    async with Watchdog(SILENCE_S, SILENCE_S) as watchdog:
        watchdog.is_strict = False
        await watchdog.wait(after(0, "first"))
        await asyncio.sleep(3 * SILENCE_S)
        assert await watchdog.wait(after(SILENCE_S / 5, "second")) == "second"


async def test_a_wait_driven_by_another_task_interrupts_that_task_and_leaves_no_trace() -> None:
    async with Watchdog(SILENCE_S, 10) as watchdog:
        watchdog.is_strict = False
        await watchdog.wait(after(0, "in this task"))

        async def wait() -> int:
            with pytest.raises(Overdue):
                await watchdog.wait(never())
            task: Any = asyncio.current_task()
            return int(task.cancelling())

        assert await asyncio.create_task(wait()) == 0


async def test_a_cancellation_by_somebody_else_goes_through() -> None:
    async with Watchdog(SILENCE_S, 10) as watchdog:
        waiting = asyncio.create_task(watchdog.wait(never()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_a_cancellation_at_the_very_moment_of_the_watchdogs_own_goes_through() -> None:
    loop = asyncio.get_running_loop()
    async with Watchdog(SILENCE_S, 10) as watchdog:
        waiting = asyncio.create_task(watchdog.wait(never()))
        await asyncio.sleep(0)
        loop.call_later(1.5 * SILENCE_S, waiting.cancel)
        # The loop is held up until both timers are due, so they go off in one round.
        time.sleep(2 * SILENCE_S)  # noqa: ASYNC251 - blocking is the point
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert waiting.cancelling() == 1
