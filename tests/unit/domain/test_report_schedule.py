"""When reports are due, at the edges of days, weeks and daylight saving."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bottrader.domain.report_schedule import PACIFIC, ReportKind, ReportPeriod, ReportSchedule

FOUR_TIMES = (time(2, 5), time(8, 5), time(14, 5), time(20, 5))
SCHEDULE = ReportSchedule(ZoneInfo(PACIFIC), FOUR_TIMES, time(9))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def latest(kind: ReportKind, now: str) -> datetime:
    period = SCHEDULE.latest(kind, utc(now))
    assert period is not None
    return period.until


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # Winter: Pacific Time is eight hours behind.
        ("2026-01-14T10:05", "2026-01-14T10:05"),
        ("2026-01-14T10:04", "2026-01-14T04:05"),
        ("2026-01-14T21:00", "2026-01-14T16:05"),
        ("2026-01-14T22:05", "2026-01-14T22:05"),
        # Summer: seven.
        ("2026-07-14T09:05", "2026-07-14T09:05"),
        ("2026-01-01T08:30", "2026-01-01T04:05"),
    ],
)
def test_daily_reports_are_due_four_times_a_day_in_pacific_time(now: str, due: str) -> None:
    assert latest(ReportKind.DAILY, now) == utc(due)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-01-12T17:00", "2026-01-12T17:00"),
        ("2026-01-12T16:59", "2026-01-05T17:00"),
        ("2026-01-19T16:59", "2026-01-12T17:00"),
        ("2026-07-13T16:00", "2026-07-13T16:00"),
    ],
)
def test_the_weekly_report_is_due_on_monday_at_nine(now: str, due: str) -> None:
    assert latest(ReportKind.WEEKLY, now) == utc(due)


def test_a_period_is_bounded_in_utc_also_when_the_clocks_change() -> None:
    """F39: 2:05 does not exist on the 8th of March; it is due at 3:05, and still covers 24 hours."""
    period = SCHEDULE.latest(ReportKind.DAILY, utc("2026-03-08T10:10"))
    assert period == ReportPeriod(ReportKind.DAILY, utc("2026-03-07T10:05"), utc("2026-03-08T10:05"))
    week = SCHEDULE.latest(ReportKind.WEEKLY, utc("2026-03-09T16:00"))
    assert week == ReportPeriod(ReportKind.WEEKLY, utc("2026-03-02T16:00"), utc("2026-03-09T16:00"))


def test_a_time_that_occurs_twice_is_due_once() -> None:
    """F39: 1:30 occurs twice on the 1st of November."""
    schedule = ReportSchedule(ZoneInfo(PACIFIC), (time(1, 30),), time(9))
    due = set()
    now = utc("2026-10-31T00:00")
    while now < utc("2026-11-03T00:00"):
        period = schedule.latest(ReportKind.DAILY, now)
        assert period is not None
        due.add(period.until)
        now += timedelta(minutes=10)
    assert sorted(due)[1:] == [utc("2026-10-31T08:30"), utc("2026-11-01T08:30"), utc("2026-11-02T09:30")]


def test_the_next_report_is_the_earliest_of_both_kinds() -> None:
    assert SCHEDULE.next_due(utc("2026-01-12T16:05")) == utc("2026-01-12T17:00")
    assert SCHEDULE.next_due(utc("2026-01-12T17:00")) == utc("2026-01-12T22:05")


def test_without_daily_times_there_is_no_daily_report() -> None:
    schedule = ReportSchedule(ZoneInfo("UTC"), (), time(9))
    assert schedule.latest(ReportKind.DAILY, utc("2026-01-12T16:05")) is None
    assert schedule.next_due(utc("2026-01-12T16:05")) == utc("2026-01-19T09:00")
