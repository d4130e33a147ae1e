"""The screen of `bottrader status`: what could not be seen is said, and never shown as none."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bottrader.bootstrap.status import Standing, Status
from bottrader.cli.status_command import UNSEEN, shown_status, status_lines
from bottrader.domain.orders import OpenOrder, OrderState, VenueOrderId
from bottrader.domain.risk import KillSwitch
from bottrader.domain.smoke import BooksUnseen, DiskSeen, HealthSeen, LogSeen, Seen, SmokeCheck, Verdict
from tests.fixtures.facts import NOON
from tests.fixtures.trading_house import House, btc_entry

ABSENT = Status(
    mode="paper",
    seen=Seen(
        health=HealthSeen("http://127.0.0.1:5003/health", cause="no answer (connection refused)"),
        services=(),
        books=BooksUnseen("there is no database", "start one"),
        due=(),
        log=LogSeen("data", timedelta(0), is_named=False),
        disk=DiskSeen("data", Decimal("0.1")),
    ),
    checks=(SmokeCheck("database", Verdict.FAIL, "there is no database", "start one"),),
    standing=None,
    kill_file=None,
    market_age_s=None,
    allocation_age_s=None,
)


def test_without_bot_and_database_the_screen_says_so() -> None:
    lines = dict(status_lines(ABSENT))
    assert lines["Bot"] == "NOT HEALTHY, mode paper"
    assert lines["database"] == "FAIL: there is no database"
    for name in ("Leases", "Positions", "Open orders", "Kill switch", "Today", "Report"):
        assert lines[name] == UNSEEN
    shown = shown_status(ABSENT)
    assert (shown["healthy"], shown["positions"], shown["day_pnl"]) == (False, None, None)


async def test_a_position_that_no_bot_watches_is_unprotected_and_an_unknown_order_is_shown() -> None:
    house = await House().open()
    await house.buy("0.01")
    order = OpenOrder(btc_entry(house), OrderState.UNKNOWN, VenueOrderId("v"), NOON)
    switch = KillSwitch(True, "lunch", "cli", NOON)
    standing = Standing(tuple(house.portfolio.positions()), (order,), switch, Decimal("-1.5"))
    lines = dict(status_lines(replace(ABSENT, standing=standing, market_age_s=2.4)))
    # 0.01 at 40,000 and a fee of 0.8 %.
    assert lines["Positions"] == "BTC-USD 0.01, cost 403.20: NONE: no bot watches it"
    assert "unknown" in lines["Open orders"]
    assert lines["Kill switch"].endswith("(cli): lunch")
    assert (lines["Today"], lines["Market data"]) == ("-1.50 earned by sells", "2 s old")


def test_a_kill_file_is_shown_without_a_database() -> None:
    assert dict(status_lines(replace(ABSENT, kill_file="by hand")))["Kill switch"] == "on, by a file: by hand"
