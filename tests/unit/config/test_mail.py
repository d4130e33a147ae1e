"""Settings of mail and of report times: what they become, and which of them make no sense together."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bottrader.config import load_settings
from bottrader.config.mail import MailTls
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.report_schedule import ReportKind, ReportSchedule

PASSWORD = "canary-7f3a"
ACCOUNT = {
    "smtp_host": "email-smtp.eu-west-1.amazonaws.com",
    "report_sender": "bot@example.org",
    "report_recipients": "a@example.org, b@example.org",
}


def test_without_settings_no_mail_is_sent() -> None:
    settings = load_settings({}, None)
    assert (settings.smtp_host, settings.smtp_port, settings.smtp_tls, settings.report_recipients) == (
        None,
        587,
        MailTls.STARTTLS,
        (),
    )


def test_addresses_are_separated_by_commas() -> None:
    settings = load_settings(ACCOUNT, None)
    assert settings.report_recipients == ("a@example.org", "b@example.org")


@pytest.mark.parametrize(
    ("absent", "named"),
    [
        ("smtp_host", "BOTTRADER_SMTP_HOST"),
        ("report_sender", "BOTTRADER_REPORT_SENDER"),
        ("report_recipients", "BOTTRADER_REPORT_RECIPIENTS"),
    ],
)
def test_mail_that_is_set_up_by_halves_is_refused(absent: str, named: str) -> None:
    with pytest.raises(ConfigInvalid, match=f"without {named}; set all three or none"):
        load_settings({name: value for name, value in ACCOUNT.items() if name != absent}, None)


def test_user_and_password_go_together() -> None:
    with pytest.raises(ConfigInvalid, match="go together"):
        load_settings({**ACCOUNT, "smtp_user": "bot"}, None)


def test_a_password_does_not_travel_in_the_clear() -> None:
    given = {**ACCOUNT, "smtp_user": "bot", "smtp_password": PASSWORD, "smtp_tls": "none"}
    with pytest.raises(ConfigInvalid, match="in the clear") as refused:
        load_settings(given, None)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("password", ["", "two\nlines"])
def test_a_password_is_one_line(password: str) -> None:
    given = {**ACCOUNT, "smtp_user": "bot", "smtp_password": password}
    with pytest.raises(ConfigInvalid) as refused:
        load_settings(given, None)
    assert "two" not in str(refused.value)


def test_the_password_is_stars_wherever_settings_are_shown() -> None:
    """E7"""
    settings = load_settings({**ACCOUNT, "smtp_user": "bot", "smtp_password": PASSWORD}, None)
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in repr(settings.shown())
    assert settings.shown()["smtp_password"] == "**********"


@pytest.mark.parametrize("address", ["bot", "bot@", "a b@example.org", "a@example.org\nBcc: b@example.org", "@x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigInvalid, match="a mail address is written name@host"):
        load_settings({**ACCOUNT, "report_sender": address}, None)


def test_reports_are_due_at_the_times_of_the_owner() -> None:
    settings = load_settings({}, None)
    four = (time(2, 5), time(8, 5), time(14, 5), time(20, 5))
    assert settings.report_schedule() == ReportSchedule(ZoneInfo("America/Los_Angeles"), four, time(9))
    assert settings.shown()["report_daily_at"] == "02:05,08:05,14:05,20:05"
    assert settings.shown()["report_weekly_at"] == "09:00"


def test_times_and_their_zone_can_be_chosen() -> None:
    settings = load_settings(
        {"report_time_zone": "Europe/Berlin", "report_daily_at": "07:30", "report_weekly_at": "08:00"}, None
    )
    period = settings.report_schedule().latest(ReportKind.DAILY, datetime(2026, 1, 14, 12, tzinfo=UTC))
    assert period is not None
    assert period.until == datetime(2026, 1, 14, 6, 30, tzinfo=UTC)


def test_no_time_means_no_daily_report() -> None:
    assert load_settings({"report_daily_at": ""}, None).report_schedule().daily_at == ()


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("report_daily_at", "2:05", "a time of day is written HH:MM"),
        ("report_daily_at", "24:00", "a time of day is written HH:MM"),
        ("report_daily_at", "02:05,02:05", "each time of day once"),
        ("report_weekly_at", 900, "a time of day is written HH:MM"),
        ("report_time_zone", "Mars/Olympus", "a time zone is written as in"),
        ("report_time_zone", "../etc/passwd", "a time zone is written as in"),
    ],
)
def test_a_time_or_zone_that_is_none_is_refused(setting: str, value: object, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        load_settings({setting: value}, None)


@pytest.mark.parametrize("name", ["REPORT_SENDER", "REPORT_RECIPIENTS"])
def test_the_older_names_are_answered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "a@example.org")
    with pytest.raises(ConfigInvalid, match=f"{name} is read by nobody when written so; write BOTTRADER_{name}"):
        load_settings({}, None)
