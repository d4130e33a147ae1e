"""How much one sender may send, and what is remembered of it."""

from datetime import timedelta

import pytest

from bottrader.adapters.http.flood import RecentRequests, SenderRate
from bottrader.adapters.memory.clock import ManualClock


def test_a_burst_of_one_second_is_let_in_and_more_comes_with_time() -> None:
    """F48"""
    clock = ManualClock()
    rate = SenderRate(2, clock)
    assert [rate.allows() for _ in range(3)] == [True, True, False]
    clock.advance(timedelta(milliseconds=499))
    assert not rate.allows()
    clock.advance(timedelta(milliseconds=1))
    assert [rate.allows(), rate.allows()] == [True, False]


def test_a_long_quiet_time_gives_no_more_than_one_second() -> None:
    clock = ManualClock()
    rate = SenderRate(2, clock)
    clock.advance(timedelta(days=1))
    assert [rate.allows() for _ in range(3)] == [True, True, False]


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero, was 0"):
        SenderRate(0, ManualClock())


def test_the_oldest_request_is_forgotten_first() -> None:
    recent = RecentRequests(2)
    for digest in ("a", "b", "a", "c"):
        recent.add(digest)
    assert ["a" in recent, "b" in recent, "c" in recent] == [False, True, True]
