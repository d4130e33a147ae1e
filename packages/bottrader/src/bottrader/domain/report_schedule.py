"""When reports are due, and what they cover.

Times of day are those of a zone, by default Pacific Time, because that is when the owner reads them. What a report
covers is bounded in UTC: a daily one the 24 hours before it was due, a weekly one the seven times 24 hours, also when
the clocks change in between (F39). A time of day that the clocks skip is due as long after the gap began as it would
have been (02:05 becomes 03:05); one that occurs twice is due the first time only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MONDAY = 0
PACIFIC = "America/Los_Angeles"


class ReportKind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def span(self) -> timedelta:
        return timedelta(days=1 if self is ReportKind.DAILY else 7)


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The window `[since, until)` of a report, aware UTC; a scheduled one is due at `until`."""

    kind: ReportKind
    since: datetime
    until: datetime

    @classmethod
    def ending(cls, kind: ReportKind, until: datetime) -> "ReportPeriod":
        """Return the period of the usual length that ends at `until`."""
        return cls(kind, until - kind.span, until)


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """Times of day in `zone`; weekly reports are made on `weekday`, 0 for Monday."""

    zone: ZoneInfo
    daily_at: tuple[time, ...]
    weekly_at: time
    weekday: int = MONDAY

    def latest(self, kind: ReportKind, now: datetime) -> ReportPeriod | None:
        """Return the newest period that is due at `now`; None when that kind is never due."""
        # Far enough back for a weekly one, whatever the clocks do.
        due = [at for at in self._times(kind, now - timedelta(days=9), days=11) if at <= now]
        return ReportPeriod.ending(kind, max(due)) if due else None

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next report of any kind after `now` is due; None when none ever is."""
        due = [at for kind in ReportKind for at in self._times(kind, now, days=10) if at > now]
        return min(due, default=None)

    def _times(self, kind: ReportKind, start: datetime, days: int) -> Iterator[datetime]:
        first = start.astimezone(self.zone).date()
        for day in (first + timedelta(days=offset) for offset in range(days)):
            if kind is ReportKind.WEEKLY and day.weekday() != self.weekday:
                continue
            for at in self.daily_at if kind is ReportKind.DAILY else (self.weekly_at,):
                # The first of two equal times has fold 0, which is also what reads a skipped one by the old offset.
                yield datetime.combine(day, at, self.zone).astimezone(UTC)
