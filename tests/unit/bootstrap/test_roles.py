"""Running until told to stop, and failing as what went wrong."""

import asyncio

import pytest

from bottrader.bootstrap.roles import first_cause, run_until
from bottrader.domain.errors import InvariantBroken


async def test_work_that_ends_ends_the_run() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("worked")

    await run_until(work(), asyncio.Event())
    assert done == ["worked"]


async def test_a_stop_lets_the_work_clean_up() -> None:
    stop, done = asyncio.Event(), []

    async def work() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("cleaned up")

    await run_until(work(), stop)
    assert done == ["cleaned up"]


async def test_a_failure_deep_inside_is_raised_as_itself() -> None:
    async def fail() -> None:
        raise InvariantBroken("the books contradict themselves")

    async def work() -> None:
        async with asyncio.TaskGroup() as outer:
            outer.create_task(asyncio.Event().wait())
            async with asyncio.TaskGroup() as inner:
                inner.create_task(fail())

    with pytest.raises(InvariantBroken, match="contradict"):
        await run_until(work(), asyncio.Event())


async def test_a_run_that_is_cancelled_cancels_its_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    run = asyncio.create_task(run_until(work(), asyncio.Event()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert ended.is_set()


def test_the_first_cause_lies_within_groups_of_groups() -> None:
    inner = ValueError("x")
    assert first_cause(ExceptionGroup("o", [ExceptionGroup("i", [inner]), KeyError("later")])) is inner
