"""The clocks of live and paper trading."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bottrader.adapters.system.clock import SystemClock, VenueClock

START = datetime(2023, 3, 1, tzinfo=UTC)


class SteppedClock(SystemClock):
    """A host whose clock is set by the test."""

    reading = datetime(2026, 1, 1, tzinfo=UTC)

    def wall(self) -> datetime:
        return self.reading


def test_live_venue_time_follows_the_wall() -> None:
    clock = SteppedClock()
    clock.reading += timedelta(seconds=5)
    assert clock.now() == clock.reading


def test_live_venue_time_stands_still_when_the_host_steps_back() -> None:
    """F38"""
    clock = SteppedClock()
    newest = clock.now()
    clock.reading -= timedelta(hours=1)
    assert clock.now() == newest
    assert clock.wall() == newest - timedelta(hours=1)


def test_wall_time_is_aware_utc() -> None:
    assert SystemClock().wall().tzinfo is UTC
    assert VenueClock(START).wall().tzinfo is UTC


def test_venue_time_begins_at_the_start_given() -> None:
    assert VenueClock(START).now() == START


def test_venue_time_is_the_newest_time_shown() -> None:
    clock = VenueClock(START)
    clock.observe(START + timedelta(minutes=2))
    clock.observe(START + timedelta(minutes=1))
    assert clock.now() == START + timedelta(minutes=2)


def test_venue_time_is_utc_whatever_zone_it_was_shown_in() -> None:
    clock = VenueClock(START)
    clock.observe(datetime(2023, 3, 1, 3, 0, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2023-03-01T01:00:00+00:00"


def test_a_naive_venue_time_is_refused() -> None:
    with pytest.raises(ValueError, match="venue time has a time zone"):
        VenueClock(START).observe(datetime(2023, 3, 1))  # noqa: DTZ001 - the point of the test


def test_showing_venue_time_leaves_the_wall_alone() -> None:
    clock = VenueClock(START)
    clock.observe(datetime(2031, 1, 1, tzinfo=UTC))
    assert clock.wall() < datetime(2031, 1, 1, tzinfo=UTC)


def test_real_seconds_do_not_follow_the_wall_clock_back() -> None:
    """F38"""
    live, replayed = SteppedClock(), VenueClock(START)
    before = live.monotonic_s(), replayed.monotonic_s()
    live.reading -= timedelta(hours=1)
    assert before[0] <= live.monotonic_s() < before[0] + 60
    assert before[1] <= replayed.monotonic_s() < before[1] + 60
