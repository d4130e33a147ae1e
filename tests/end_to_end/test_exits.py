"""Every reason to leave a position, seen in paper sessions of two strategies that end with equal books."""

import asyncio
from collections import Counter

import pytest

from bottrader.adapters.postgres.connection import connect
from bottrader.domain.exits import ExitReason
from tests.fixtures.candle_files import gapping_rows, write_csv
from tests.fixtures.command_line import Shell

pytestmark = pytest.mark.component("position_monitor")

CANDLES = 1000
SEED = 3
EQUAL = "Ledger equals the exchange's to the last digit"
SESSION_S_MAX = 120.0
# The tape loses on purpose: it is to show what ends a position, not to be stopped for its losses.
UNSTOPPED = {
    "BOTTRADER_MAX_DAILY_LOSS": "5000",
    "BOTTRADER_MAX_LOSSES_IN_ROW": "0",
    "BOTTRADER_DYNAMIC_FILTER_ENABLED": "false",
}
TRAILED = UNSTOPPED | {"BOTTRADER_TRAILING_STOP_ENABLED": "true", "BOTTRADER_MAX_HOLD_MINUTES": "120"}
"""What momentum bought is left by the trail, or after two hours."""
TRACKED = UNSTOPPED | {
    "BOTTRADER_PEAK_TRACKING_ENABLED": "true",
    "BOTTRADER_PEAK_TRACKING_MIN_PROFIT_PCT": "0.01",
    "BOTTRADER_PEAK_TRACKING_DRAWDOWN_PCT": "0.015",
    "BOTTRADER_MIN_PROFIT_PCT": "0.03",
    "BOTTRADER_SIGNAL_EXIT_MIN_PROFIT_PCT": "0.001",
    "BOTTRADER_SCORE_BUY_TARGET": "2.0",
    "BOTTRADER_SCORE_SELL_TARGET": "2.0",
    "BOTTRADER_MIN_INDICATORS_REQUIRED": "1",
    "BOTTRADER_ROC_5MIN_SELL_THRESHOLD": "0.6",
    "BOTTRADER_COOLDOWN_BARS": "2",
}
"""What momentum bought is followed to its peak; what the score bought has a fixed target, and ends by signal too."""


async def exits_in(url: str) -> Counter[str]:
    """Return how many sells had which reason."""
    connection = await connect(url)
    try:
        rows = await connection.fetch("SELECT trigger FROM trade_records WHERE side = 'sell' AND filled_size > 0")
    finally:
        await connection.close()
    return Counter(row["trigger"] for row in rows)


async def test_all_eight_reasons_end_positions_and_the_books_stay_equal(
    shell: Shell, database_url: str, empty_database_url: str
) -> None:
    """S5, B91, B96: every tick of both sessions asserts that what was held was judged on it."""
    tape = write_csv(shell.folder / "tape.csv", gapping_rows(CANDLES, SEED)).name
    sessions = {
        database_url: shell.start(
            *("paper", "--strategy", "roc_momentum", "--candles", tape, "--speed", "max"),
            **(TRAILED | {"DATABASE_URL": database_url}),
        ),
        empty_database_url: shell.start(
            *("paper", "--strategy", "score_matrix", "--candles", tape, "--speed", "max"),
            **(TRACKED | {"DATABASE_URL": empty_database_url, "BOTTRADER_DATA_DIR": str(shell.folder / "other")}),
        ),
    }
    seen = []
    for url, session in sessions.items():
        out, err = await asyncio.to_thread(session.communicate, timeout=SESSION_S_MAX)
        assert session.returncode == 0, err
        assert EQUAL in out
        seen.append(await exits_in(url))

    trailed, tracked = seen
    assert set(trailed) == {"SOFT_STOP", "HARD_STOP", "TRAILING_STOP", "MAX_HOLD"}
    assert set(tracked) == {
        *("SOFT_STOP", "HARD_STOP", "PEAK_DRAWDOWN", "PEAK_BREAKEVEN", "SIGNAL_EXIT", "TAKE_PROFIT")
    }
    # The others are not rules of every position: one belongs to the risk limits, one to passive quotes.
    assert {*trailed, *tracked} == {*ExitReason} - {ExitReason.FLATTEN, ExitReason.PASSIVE_LOSS}
