"""Which tasks live, by a clock that the test moves."""

import asyncio
from datetime import timedelta

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.app.figures import Figure, Reading
from bottrader.app.tasks import Pulse, TaskBoard


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.board = TaskBoard(self.clock, "webhook")

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_task_that_works_for_too_long_without_a_beat_is_silent(bench: Bench) -> None:
    """B305, R54: at exactly the longest silence it is alive, later it is not, and one beat brings it back."""
    pulse = bench.board.register("look", 10)
    bench.wait(10)
    assert bench.board.faults() == []
    bench.wait(0.5)
    assert bench.board.faults() == ["the task webhook.look has been silent for more than 10 s"]
    assert bench.board.ages_s() == {"webhook.look": 10.5}
    pulse.beat()
    assert bench.board.faults() == []
    assert bench.board.ages_s() == {"webhook.look": 0}


def test_a_task_that_was_never_started_is_noticed(bench: Bench) -> None:
    """R54: it was put on the board, and nobody ever ran it."""
    bench.board.register("accumulate", 60)
    bench.wait(61)
    assert bench.board.faults() == ["the task webhook.accumulate has been silent for more than 60 s"]


def test_a_task_that_waits_for_work_is_alive_however_long_it_waits(bench: Bench) -> None:
    """B305: and its silence counts from the moment it takes the work up."""
    pulse = bench.board.register("act.BTC-USD", 10)
    pulse.rest()
    bench.wait(86_400)
    assert bench.board.faults() == []
    assert bench.board.ages_s() == {"webhook.act.BTC-USD": 0}
    pulse.beat()
    bench.wait(11)
    assert bench.board.faults() == ["the task webhook.act.BTC-USD has been silent for more than 10 s"]


async def test_a_task_that_returns_has_ended_and_is_never_well_again(bench: Bench) -> None:
    """B305, R54"""

    async def work(pulse: Pulse) -> None:
        pulse.rest()

    await bench.board.keep("reconcile", 10, work)
    assert bench.board.faults() == ["the task webhook.reconcile has ended"]


async def test_a_task_that_fails_has_ended_and_its_error_goes_on(bench: Bench) -> None:
    """B305"""

    async def work(_: Pulse) -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await bench.board.keep("judge", 10, work)
    assert bench.board.faults() == ["the task webhook.judge has ended"]


async def test_a_task_that_is_cancelled_has_ended_within_one_beat(bench: Bench) -> None:
    """B305"""

    async def work(pulse: Pulse) -> None:
        pulse.rest()
        await asyncio.Event().wait()

    task = asyncio.create_task(bench.board.keep("judge", 10, work))
    await asyncio.sleep(0)
    assert bench.board.faults() == []
    task.cancel()
    await asyncio.wait({task})
    assert bench.board.faults() == ["the task webhook.judge has ended"]


async def test_a_task_that_begins_anew_takes_its_place_again(bench: Bench) -> None:
    async def work(_: Pulse) -> None:
        return

    await bench.board.keep("market_stream", 10, work)
    bench.board.register("market_stream", 10)
    assert bench.board.faults() == []


async def test_a_long_sleep_beats_meanwhile(bench: Bench) -> None:
    """An hour between two pages is 720 naps of 5 s, after each of which it has just beaten."""
    pulse = bench.board.register("pages", 10)
    await pulse.sleep(3600)
    assert bench.clock.slept_s == [5.0] * 720
    assert (pulse.age_s, bench.board.faults()) == (0, [])
    await pulse.sleep(7)
    assert bench.clock.slept_s[-2:] == [5.0, 2.0]


def test_its_numbers_are_age_and_limit_of_each_task(bench: Bench) -> None:
    bench.board.register("look", 10)
    bench.wait(4)
    assert bench.board.readings() == [
        Reading(Figure.TASK_BEAT_AGE_S, 4, "webhook.look"),
        Reading(Figure.TASK_SILENCE_MAX_S, 10, "webhook.look"),
    ]
