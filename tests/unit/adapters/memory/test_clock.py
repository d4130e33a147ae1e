"""The clock that moves when told to."""

from datetime import UTC, datetime, timedelta

import pytest

from bottrader.adapters.memory.clock import ManualClock

START = datetime(2023, 3, 1, tzinfo=UTC)


async def test_sleeping_moves_the_clock_and_is_noted() -> None:
    clock = ManualClock(START)
    await clock.sleep(1.5)
    assert clock.now() == clock.wall() == START + timedelta(seconds=1.5)
    assert clock.slept_s == [1.5]


def test_the_clock_moves_as_far_as_it_is_told() -> None:
    clock = ManualClock(START)
    clock.advance(timedelta(minutes=3))
    assert clock.now() == START + timedelta(minutes=3)


def test_the_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="a clock goes forward"):
        ManualClock(START).advance(timedelta(seconds=-1))
