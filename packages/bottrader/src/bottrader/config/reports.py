"""When reports are made."""

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from bottrader.config.fields import SettingsGroup, TimesOfDay, time_of_day, zone_name
from bottrader.domain.report_schedule import PACIFIC, ReportSchedule


class ReportSettings(SettingsGroup):
    """Times of the daily and the weekly report."""

    report_time_zone: Annotated[str, BeforeValidator(zone_name)] = Field(
        PACIFIC, description="time zone of the times below and of the hours of day in a report"
    )
    report_daily_at: TimesOfDay = Field(
        (time(2, 5), time(8, 5), time(14, 5), time(20, 5)),
        description="when reports of the last 24 hours are made, separated by commas; none: never",
    )
    report_weekly_at: Annotated[time, BeforeValidator(time_of_day)] = Field(
        time(9), description="when the report of the last seven days is made, on Mondays"
    )

    def report_schedule(self) -> ReportSchedule:
        return ReportSchedule(ZoneInfo(self.report_time_zone), self.report_daily_at, self.report_weekly_at)
