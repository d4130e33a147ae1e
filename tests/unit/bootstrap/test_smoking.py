"""Where a smoke test looks, from settings and options."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bottrader.bootstrap.smoking import SmokeOptions, _disk, _log, webhook_origin
from bottrader.config import load_settings
from bottrader.domain.errors import StartupRefused
from tests.fixtures.facts import NOON


@pytest.mark.parametrize(
    ("host", "url", "origin"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:5003"),
        ("::1", None, "http://[::1]:5003"),
        ("0.0.0.0", None, "http://127.0.0.1:5003"),  # noqa: S104 - what a container listens on
        ("127.0.0.1", "https://bot.example", "https://bot.example"),
    ],
)
def test_the_webhook_is_called_where_it_listens_unless_said_otherwise(host: str, url: str | None, origin: str) -> None:
    assert webhook_origin(load_settings({"webhook_host": host}, None), SmokeOptions(url=url)) == origin


@pytest.mark.parametrize("url", ["bot:5003", "ftp://bot", "http://", "http://bot:0", "http://bot:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StartupRefused, match="--url looks like"):
        webhook_origin(load_settings({}, None), SmokeOptions(url=url))


def test_log_and_disk_of_another_machine_are_not_taken_for_its_own(tmp_path: Path) -> None:
    """What is here would say nothing of the bot there."""
    (tmp_path / "bot.log").touch()
    options = SmokeOptions(url="http://bot.example:5003")
    settings = load_settings({"data_dir": tmp_path}, None)
    assert _log(settings, options, NOON).age is None
    assert _disk(settings, "http://bot.example:5003").used is None
    assert _log(settings, SmokeOptions(), NOON).age is not None
    assert _log(settings, SmokeOptions(log_lines=["2000-01-01T00:00:00Z old"]), NOON).age == NOON - datetime(
        2000, 1, 1, tzinfo=UTC
    )
    assert _disk(settings, "http://127.0.0.1:5003").used is not None
