"""Round trips and their groups against figures computed by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bottrader.domain.lots import Allocation, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.domain.performance import Trade
from bottrader.domain.round_trips import (
    Group,
    RoundTrip,
    band_verdict,
    closed_within,
    grouped,
    hour_in,
    is_fast,
    is_weak,
    round_trips_of,
    score_band,
    symbol_verdict,
)
from tests.unit.domain.examples import BTC, ETH, at, execution

PACIFIC = ZoneInfo("America/Los_Angeles")


def trip(pnl: str = "1", closed_at: datetime | None = None, product_id: ProductId = BTC) -> RoundTrip:
    trade = Trade(ClientOrderId("s"), product_id, closed_at or at(0), Decimal(pnl), Decimal(10), Decimal(0), True)
    return RoundTrip(trade, None, None)


def group(count: int, pnl: str, average: str, win_rate: str | None) -> Group:
    return Group(count, Decimal(pnl), Decimal(average), None if win_rate is None else Decimal(win_rate))


def rows_of_two_buys() -> list[Allocation]:
    """0.4 bought at 100 in minute 0 and 0.6 at 110 in minute 1, sold together at 120 in minute 5."""
    return list(
        allocate(
            [
                execution(Side.BUY, "small", "0.4", "100", minute=0),
                execution(Side.BUY, "large", "0.6", "110", minute=1),
                execution(Side.SELL, "exit", "1.0", "120", minute=5),
            ]
        ).allocations
    )


def test_a_round_trip_begins_with_its_first_buy_and_is_attributed_to_its_largest() -> None:
    """R85: 0.6 x 110 = 66 is more than 0.4 x 100 = 40; P&L 0.4 x 20 + 0.6 x 10 = 14."""
    rows = rows_of_two_buys()
    (found,) = round_trips_of(rows[::-1])
    assert found.entry_order_id == rows[1].buy_order_id
    assert (found.opened_at, found.held, found.trade.pnl) == (at(0), timedelta(minutes=5), Decimal(14))


def test_of_two_buys_of_equal_cost_the_older_one_counts() -> None:
    ledger = [
        execution(Side.BUY, "older", "0.5", "100", minute=0),
        execution(Side.BUY, "newer", "0.5", "100", minute=1),
        execution(Side.SELL, "exit", "1.0", "120", minute=5),
    ]
    rows = allocate(ledger).allocations
    (found,) = round_trips_of(rows[::-1])
    assert found.entry_order_id == rows[0].buy_order_id


def test_several_rows_of_one_buy_count_together() -> None:
    """Two sells' worth of one order: 0.3 + 0.3 at 100 outweigh 0.5 at 110, that is 60 against 55."""
    first = execution(Side.BUY, "parts", "0.3", "100", minute=0)
    second = replace(execution(Side.BUY, "parts", "0.3", "100", minute=1), execution_id="parts-2")
    ledger = [first, second, execution(Side.BUY, "whole", "0.5", "110", minute=2)]
    rows = allocate([*ledger, execution(Side.SELL, "exit", "1.1", "120", minute=5)]).allocations
    (found,) = round_trips_of(rows)
    assert found.entry_order_id == first.order_id


def test_a_sell_without_a_buy_is_held_for_no_known_time() -> None:
    rows = allocate([execution(Side.SELL, "exit", "1.0", "120", minute=5)]).allocations
    (found,) = round_trips_of(rows)
    assert (found.opened_at, found.entry_order_id, found.held) == (None, None, None)
    assert not is_fast(found)
    assert grouped([found], lambda _: "all") == {}


@pytest.mark.parametrize(("seconds", "expected"), [(0, True), (60, True), (61, False)])
def test_a_round_trip_of_a_minute_or_less_is_fast(seconds: int, expected: bool) -> None:
    assert is_fast(replace(trip(closed_at=at(0)), opened_at=at(0) - timedelta(seconds=seconds))) is expected


def test_a_sell_order_is_in_the_window_in_which_it_was_completed_and_whole() -> None:
    """Half of an order has another P&L; the end of a window belongs to the next one."""
    early = execution(Side.SELL, "exit", "0.5", "120", minute=5)
    late = replace(execution(Side.SELL, "exit", "0.5", "120", minute=10), execution_id="exit-2")
    rows = allocate([execution(Side.BUY, "entry", "1.0", "100", minute=0), early, late]).allocations
    assert closed_within(rows, at(0), at(10)) == []
    assert closed_within(rows, at(10), at(11)) == list(rows)
    assert closed_within(rows, at(11), at(20)) == []


def test_groups_have_count_sum_mean_and_win_rate() -> None:
    """B220, B222: 100, -30, 20 and a break-even: 90 over 4 is 22.5; 2 of 3 decisive ones were won."""
    trips = [trip("100"), trip("-30"), trip("5", product_id=ETH), trip("20"), trip("0")]
    found = grouped(trips, lambda each: each.trade.product_id)
    assert list(found) == [BTC, ETH]
    assert found[BTC] == group(4, "90", "22.5", "0.6666666666666666666666666667")
    assert found[ETH] == group(1, "5", "5", "1")


@pytest.mark.parametrize(
    ("score", "band"),
    [
        ("4.2", "≥ 4.0"),
        ("4.0", "≥ 4.0"),
        ("3.999", "3.0-4.0"),
        ("3.0", "3.0-4.0"),
        ("2.999", "2.5-3.0"),
        ("2.5", "2.5-3.0"),
        ("2.499", "< 2.5"),
        (None, "no score"),
    ],
)
def test_a_score_is_in_one_band(score: str | None, band: str) -> None:
    """B237: 4.2 is in the highest band; unknown is not low."""
    assert score_band(None if score is None else Decimal(score)) == band


@pytest.mark.parametrize(
    ("average", "verdict"), [("-0.01", "losing"), ("0", "marginal"), ("0.10", "marginal"), ("0.11", "profitable")]
)
def test_a_band_is_judged_by_its_mean(average: str, verdict: str) -> None:
    assert band_verdict(Decimal(average)) == verdict


@pytest.mark.parametrize(
    ("utc", "hour"),
    [
        ("2026-03-08T09:59:00+00:00", 1),
        # The clocks skip from 2 to 3.
        ("2026-03-08T10:00:00+00:00", 3),
        # One o'clock occurs twice.
        ("2026-11-01T08:30:00+00:00", 1),
        ("2026-11-01T09:30:00+00:00", 1),
        ("2026-11-01T10:30:00+00:00", 2),
    ],
)
def test_hours_of_day_are_those_of_the_zone(utc: str, hour: int) -> None:
    """F39"""
    assert hour_in(PACIFIC, trip(closed_at=datetime.fromisoformat(utc))) == hour


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (group(3, "-0.51", "-0.17", "0"), "consider exclusion"),
        (group(3, "-0.50", "-0.17", "0"), ""),
        (group(9, "-0.90", "-0.10", "0"), ""),
        (group(3, "1.01", "0.34", "0.41"), "star"),
        (group(3, "1.00", "0.33", "0.41"), ""),
        (group(3, "1.01", "0.34", "0.40"), ""),
        (group(3, "1.01", "0.34", None), ""),
    ],
)
def test_a_week_suggests_what_the_thresholds_say(found: Group, verdict: str) -> None:
    assert symbol_verdict(found) == verdict


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (group(10, "1", "0.1", "0.44"), True),
        (group(10, "1", "0.1", "0.45"), False),
        (group(9, "1", "0.1", "0.1"), False),
        (group(10, "0", "0", None), False),
    ],
)
def test_a_weak_symbol_has_ten_trades_and_wins_under_45_percent(found: Group, expected: bool) -> None:
    assert is_weak(found) is expected
