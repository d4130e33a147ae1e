"""How far a stream has been handled; times never go back."""

import asyncio

from bottrader.app.progress import Progress
from tests.fixtures.facts import at
from tests.fixtures.trading_house import turns


def test_nothing_is_reached_at_first() -> None:
    progress = Progress()
    assert progress.newest is None
    assert not progress.has_reached(at(0))
    assert not progress.has_reached(at(0), "BTC-USD")


def test_a_subject_is_reached_for_itself_alone() -> None:
    progress = Progress()
    progress.reach(at(5), "BTC-USD")
    assert progress.has_reached(at(5), "BTC-USD")
    assert not progress.has_reached(at(5.001), "BTC-USD")
    assert not progress.has_reached(at(5), "ETH-USD")
    assert not progress.has_reached(at(5))
    assert progress.newest == at(5)


def test_what_holds_for_all_holds_for_each() -> None:
    progress = Progress()
    progress.reach(at(5))
    assert progress.has_reached(at(5))
    assert progress.has_reached(at(5), "BTC-USD")


def test_an_older_time_takes_nothing_back() -> None:
    """A reconnected stream may begin with an older time than the last price had."""
    progress = Progress()
    progress.reach(at(8), "BTC-USD")
    progress.reach(at(7))
    progress.reach(at(5))
    progress.reach(at(6), "BTC-USD")
    assert progress.has_reached(at(8), "BTC-USD")
    assert progress.has_reached(at(7))
    assert progress.newest == at(8)


async def test_whoever_waits_is_woken_when_the_time_is_reached() -> None:
    progress = Progress()
    waiters = [asyncio.create_task(progress.reached(at(5), subject)) for subject in (None, "BTC-USD", "ETH-USD")]
    await turns(3)
    progress.reach(at(5), "BTC-USD")
    await turns(3)
    assert [waiter.done() for waiter in waiters] == [False, True, False]
    progress.reach(at(4))
    await turns(3)
    assert [waiter.done() for waiter in waiters] == [False, True, False]
    progress.reach(at(6))
    await turns(3)
    assert all(waiter.done() for waiter in waiters)
