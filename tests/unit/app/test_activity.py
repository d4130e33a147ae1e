"""Quiet means that nothing is queued and nothing is being done."""

import asyncio

import pytest

from bottrader.app.activity import Activity
from tests.fixtures.trading_house import turns


async def test_it_is_quiet_at_first() -> None:
    async with asyncio.timeout(1):
        await Activity().quiet()


async def test_it_is_quiet_again_when_all_work_has_ended() -> None:
    activity = Activity()
    activity.begin()
    activity.begin()
    waiting = asyncio.create_task(activity.quiet())
    await turns(3)
    activity.end()
    await turns(3)
    assert not waiting.done()
    activity.end()
    await turns(3)
    assert waiting.done()


async def test_work_that_begins_before_the_waiter_is_woken_counts() -> None:
    """The last work ends and the next begins in one turn: it was never quiet."""
    activity = Activity()
    activity.begin()
    waiting = asyncio.create_task(activity.quiet())
    await turns(3)
    activity.end()
    activity.begin()
    await turns(3)
    assert not waiting.done()
    activity.end()
    await turns(3)
    assert waiting.done()


async def test_a_block_is_work_even_when_it_fails() -> None:
    activity = Activity()
    with pytest.raises(ValueError, match="x"), activity.under_way():
        raise ValueError("x")
    async with asyncio.timeout(1):
        await activity.quiet()


def test_work_that_never_began_cannot_end() -> None:
    with pytest.raises(AssertionError):
        Activity().end()
