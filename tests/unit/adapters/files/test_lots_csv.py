"""Allocations and open lots as CSV, against files that were computed by hand."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from bottrader.adapters.files.lots_csv import amount_text, moment_text, write_allocations, write_open_lots
from bottrader.adapters.files.trades_csv import TradesFile, read_trades
from bottrader.domain.lots import allocate

# The fees of this log are the worked example of `bottrader.domain.lots`; then a fee of 0.10 over three equal sells, a
# sell that only a part of is covered, and one of a coin that nobody bought.
TRADES = """\
order_id,symbol,side,size,price,fee,time,account
b1,BTC-USD,buy,1.0,100,0.60,2026-01-01T00:00:00Z,main
b2,BTC-USD,buy,1.0,110,0.66,2026-01-02T00:00:00+01:00,main
s1,BTC-USD,sell,1.5,120,1.08,2026-02-02T00:00:00.120Z,main
b3,ADA-USD,buy,3,1,0.10,2026-01-01T00:00:00Z,
s2,ADA-USD,sell,1,2,0,2026-01-02T00:00:00Z,
s3,ADA-USD,sell,1,2,0,2026-01-03T00:00:00Z,
s4,ADA-USD,sell,3,2,0.30,2026-01-04T00:00:00Z,
s5,ETH-EUR,sell,0.5,2000,2500,2026-01-05T00:00:00Z,main
"""
# By hand: 1.0 x 100 + 0.60 = 100.60; 1.0 x 120 - 0.72 - 100.60 = 18.68. 0.5 x 110 + 0.33 = 55.33; 60 - 0.36 - 55.33.
# s4: 0.10 of its fee goes with the one ADA that is left, 0.20 with the two that nobody bought (B190, B196).
ALLOCATIONS = """\
sell_order_id,buy_order_id,symbol,size,cost_basis,proceeds,fees,pnl,buy_time,sell_time
s2,b3,ADA-USD,1,1.03333333,2,0.03333333,0.96666667,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z
s3,b3,ADA-USD,1,1.03333333,2,0.03333333,0.96666667,2026-01-01T00:00:00Z,2026-01-03T00:00:00Z
s4,b3,ADA-USD,1,1.03333334,2,0.13333334,0.86666666,2026-01-01T00:00:00Z,2026-01-04T00:00:00Z
s4,,ADA-USD,2,,4,0.2,,,2026-01-04T00:00:00Z
s1,b1,BTC-USD,1,100.6,120,1.32,18.68,2026-01-01T00:00:00Z,2026-02-02T00:00:00.120000Z
s1,b2,BTC-USD,0.5,55.33,60,0.69,4.31,2026-01-01T23:00:00Z,2026-02-02T00:00:00.120000Z
s5,,ETH-EUR,0.5,,1000,2500,,,2026-01-05T00:00:00Z
"""
OPEN_LOTS = """\
buy_order_id,symbol,size,cost_basis,fees,buy_time,account
b2,BTC-USD,0.5,55.33,0.33,2026-01-01T23:00:00Z,main
"""

# The account's trades of 4 December with fees of 0 (B208); cost, proceeds and P&L multiplied out by hand.
REPLAY = """\
order_id,symbol,side,size,price,fee,time
b1,ADA-USD,buy,226.27,0.1373,0,2025-12-04T10:00:00Z
s1,ADA-USD,sell,226.25,0.1357,0,2025-12-04T10:30:00Z
b2,ADA-USD,buy,229.28,0.1359,0,2025-12-04T11:00:00Z
s2,ADA-USD,sell,229.28,0.1360,0,2025-12-04T11:30:00Z
b3,ADA-USD,buy,243.13,0.1273,0,2025-12-04T12:00:00Z
s3,ADA-USD,sell,243.13,0.1278,0,2025-12-04T12:30:00Z
b4,ADA-USD,buy,269.60,0.1228,0,2025-12-04T13:00:00Z
s4,ADA-USD,sell,269.60,0.1221,0,2025-12-04T13:30:00Z
"""
REPLAYED = """\
s1,b1,ADA-USD,226.25,31.064125,30.702125,0,-0.362
s2,b1,ADA-USD,0.02,0.002746,0.00272,0,-0.000026
s2,b2,ADA-USD,229.26,31.156434,31.17936,0,0.022926
s3,b2,ADA-USD,0.02,0.002718,0.002556,0,-0.000162
s3,b3,ADA-USD,243.11,30.947903,31.069458,0,0.121555
s4,b3,ADA-USD,0.02,0.002546,0.002442,0,-0.000104
s4,b4,ADA-USD,269.58,33.104424,32.915718,0,-0.188706
"""


def read(folder: Path, text: str) -> TradesFile:
    file = folder / "trades.csv"
    file.write_text(text)
    return read_trades(file)


def test_rows_are_those_computed_by_hand(tmp_path: Path) -> None:
    """B175, B181, B189, B190, B196, B199, R5: both fees are in, and an unmatched sell has neither basis nor P&L."""
    trades = read(tmp_path, TRADES)
    result = allocate(trades.executions)
    rows, lots = StringIO(), StringIO()

    write_allocations(rows, result.allocations)
    write_open_lots(lots, result.open_lots, has_accounts=trades.has_accounts)

    assert rows.getvalue() == ALLOCATIONS
    assert lots.getvalue() == OPEN_LOTS


def test_the_replay_of_the_fourth_of_december(tmp_path: Path) -> None:
    """B208, R4"""
    result = allocate(read(tmp_path, REPLAY).executions)
    rows, lots = StringIO(), StringIO()

    write_allocations(rows, result.allocations)
    write_open_lots(lots, result.open_lots, has_accounts=False)

    assert [row.rsplit(",", 2)[0] for row in rows.getvalue().splitlines()[1:]] == REPLAYED.splitlines()
    assert lots.getvalue().splitlines()[1:] == ["b4,ADA-USD,0.02,0.002456,0,2025-12-04T13:00:00Z"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1E+3", "1000"),
        ("1.500", "1.5"),
        ("0E-8", "0"),
        ("1E-18", "0.000000000000000001"),
        ("-0.10", "-0.1"),
        ("100", "100"),
    ],
)
def test_an_amount_has_no_exponent_and_no_zeros_at_its_end(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount)) == text


def test_nothing_is_written_where_nothing_is_known() -> None:
    assert (amount_text(None), moment_text(None)) == ("", "")


def test_a_moment_is_written_in_utc_as_fine_as_it_is() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert moment_text(datetime(2026, 1, 1, 8, 0, 0, 1, tzinfo=tokyo)) == "2025-12-31T23:00:00.000001Z"
    assert moment_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
