"""Which exchange, and with which key."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bottrader.bootstrap.paper import LAST_SESSION_FILE, last_session
from bottrader.bootstrap.roles import Bot, Role, run_role
from bottrader.bootstrap.venue import _check, _check_clock, _check_is_private, address_of
from bottrader.config import load_settings
from bottrader.domain.errors import ConfigInvalid, StartupRefused
from bottrader.ports import KeyPermissions
from tests.fixtures.coinbase_wire import new_key, pem_of

NEAR = {
    "exchange_rest_url": "http://127.0.0.1:9",
    "exchange_market_ws_url": "ws://127.0.0.1:9",
    "exchange_user_ws_url": "ws://exchange:9",
}


def test_without_a_key_the_way_out_is_named() -> None:
    with pytest.raises(ConfigInvalid, match=r"BOTTRADER_EXCHANGE_KEY_FILE.*bottrader paper"):
        address_of(load_settings(NEAR, None))


def test_a_bare_pem_file_goes_with_the_name_that_was_set(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem_of(new_key()))
    settings = load_settings(
        {**NEAR, "exchange_key_file": file, "exchange_key_name": "organizations/o/apiKeys/k"}, None
    )
    address = address_of(settings)
    assert (address.rest_url, address.key.name) == ("http://127.0.0.1:9", "organizations/o/apiKeys/k")
    assert address.market_ws_url == settings.exchange_market_ws_url


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    profile = {**NEAR, "exchange_key_file": tmp_path / "gone.pem", "exchange_key_name": "organizations/o/apiKeys/k"}
    with pytest.raises(ConfigInvalid, match=r"gone\.pem cannot be read"):
        address_of(load_settings(profile, None))


@pytest.mark.parametrize(
    ("can_trade", "can_transfer", "word"), [(True, True, "transfer funds"), (False, False, "cannot trade")]
)
def test_a_key_that_can_do_too_much_or_too_little_is_refused(can_trade: bool, can_transfer: bool, word: str) -> None:
    """Promise P2."""
    with pytest.raises(StartupRefused, match=word):
        _check(KeyPermissions(True, can_trade, can_transfer, "p"))


def test_a_key_that_views_and_trades_is_taken() -> None:
    _check(KeyPermissions(can_view=True, can_trade=True, can_transfer=False, portfolio_id="p"))


ASKED_AT = datetime(2026, 4, 7, 14, 30, tzinfo=UTC)
ANSWERED_AT = ASKED_AT + timedelta(seconds=2)
A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("venue_s", [-5, 0, 1, 7])
def test_a_clock_is_right_as_long_as_the_round_trip_can_explain_the_difference(venue_s: int) -> None:
    """Five seconds either way of the two seconds in which the venue may have looked at its clock."""
    _check_clock(ASKED_AT, ASKED_AT + timedelta(seconds=venue_s), ANSWERED_AT)


def test_a_clock_that_is_fast_is_refused_with_both_times() -> None:
    with pytest.raises(StartupRefused, match=r"14:30:00 UTC but the exchange's 2026-04-07 14:29:54 UTC, more than 5 s"):
        _check_clock(ASKED_AT, ASKED_AT - timedelta(seconds=5) - A_MOMENT, ANSWERED_AT)


def test_a_clock_that_is_slow_is_refused_with_both_times() -> None:
    with pytest.raises(StartupRefused, match=r"14:30:02 UTC but the exchange's 2026-04-07 14:30:07 UTC.*NTP"):
        _check_clock(ASKED_AT, ANSWERED_AT + timedelta(seconds=5) + A_MOMENT, ANSWERED_AT)


def bot_of(**profile: object) -> Any:
    bot = Bot.__new__(Bot)
    bot._settings = load_settings(profile, None)  # noqa: SLF001 - only what the two rules below read
    bot._venue = SimpleNamespace(entropy=SimpleNamespace(secret=lambda: "invented"))  # type: ignore[assignment]  # noqa: SLF001
    return bot


@pytest.mark.parametrize("role", [Role.SIGHOOK, Role.WEBHOOK])
async def test_two_processes_need_a_secret_in_common(role: Role) -> None:
    """It is refused before anything is opened."""
    with pytest.raises(ConfigInvalid, match="BOTTRADER_WEBHOOK_SECRET"):
        await run_role(load_settings(env_file=None), role, asyncio.Event())


def test_one_process_may_invent_its_secret_and_a_given_one_wins() -> None:
    given = "given-and-long-enough-0123"
    assert bot_of()._secret() == "invented"  # noqa: SLF001 - asked for before any socket is opened
    assert bot_of(webhook_secret=given)._secret() == given  # noqa: SLF001


def test_paper_trading_never_talks_to_an_exchange_out_in_the_world() -> None:
    with pytest.raises(ConfigInvalid, match=r"BOTTRADER_MODE is paper, but https://api\.coinbase\.com"):
        address_of(load_settings(env_file=None))


@pytest.mark.parametrize(
    ("profile", "url"),
    [
        ({}, "http://127.0.0.1:7/webhook"),
        ({"webhook_host": "::1"}, "http://[::1]:7/webhook"),
        ({"webhook_url": "https://elsewhere/hook"}, "https://elsewhere/hook"),
    ],
)
def test_sighook_delivers_to_the_webhook_of_the_settings(profile: dict[str, str], url: str) -> None:
    assert bot_of(**profile)._webhook_url(7) == url  # noqa: SLF001 - as above


def test_the_last_session_is_the_one_that_was_noted(tmp_path: Path) -> None:
    assert last_session(tmp_path) is None
    (tmp_path / LAST_SESSION_FILE).write_text('{"database": "paper_x"}')
    assert last_session(tmp_path) == "paper_x"


@pytest.mark.parametrize(("rights", "is_refused"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_the_key_to_real_money_is_refused_when_others_may_read_or_change_it(
    tmp_path: Path, rights: int, is_refused: bool
) -> None:
    """Promise P3: a container's own mount, /run/secrets, is taken as it is."""
    file = tmp_path / "key.pem"
    file.write_text(pem_of(new_key()))
    file.chmod(rights)
    if is_refused:
        with pytest.raises(ConfigInvalid, match=r"open to other users .* chmod 600"):
            _check_is_private(file)
    else:
        _check_is_private(file)
