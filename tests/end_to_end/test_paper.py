"""Paper trading as a user runs it: to the end, interrupted, killed, and gone on with."""

import asyncio
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bottrader.adapters.postgres.connection import Connection, connect
from tests.fixtures.candle_files import lively_rows, write_csv, write_parquet
from tests.fixtures.command_line import Shell, refused
from tests.fixtures.processes import eventually

CANDLES = 300
"""A day and an hour of five-minute candles."""
PASSIVE_CANDLES = 40
SEED = 3
"""With it one position ends by a signal and one by its trailing stop, where that is enabled."""
EQUAL = "Ledger equals the exchange's to the last digit"
# Venue seconds per second: the file of 90,000 s would take nine seconds, so a test can stop it on the way.
MODERATE = "10000"
STOP_S_MAX = 5.0

TRADES = """
    SELECT order_id, symbol, side, size, price, status, order_time, parent_id, trigger, filled_size, filled_value, fees
    FROM trade_records ORDER BY order_time, order_id"""


@pytest.fixture
def candles(shell: Shell) -> str:
    return write_csv(shell.folder / "BTC-USD.csv", lively_rows(CANDLES, SEED)).name


async def trades_in(url: str) -> list[dict[str, Any]]:
    connection = await connect(url)
    try:
        return [dict(row) for row in await connection.fetch(TRADES)]
    finally:
        await connection.close()


async def at_least(sql: Connection, count: int) -> None:
    """Return once so many orders are in the books."""
    await eventually(
        lambda: sql.fetchval("SELECT count(*) >= $1 FROM trade_records WHERE filled_size > 0", count), f"{count} orders"
    )


async def ended(process: subprocess.Popen[str], seconds: float) -> tuple[str, str]:
    """Return what a process said once it has ended; fails when it takes longer."""
    try:
        return await asyncio.to_thread(process.communicate, timeout=seconds)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the process did not end within {seconds} s")


def table_of(said: str) -> list[str]:
    """Return the lines of the table of closed trades."""
    return [line for line in said.splitlines() if re.match(r"\d\d-\d\d \d\d:\d\d ", line)]


def test_a_file_is_traded_to_its_end_and_going_on_with_it_doubles_nothing(shell: Shell, candles: str) -> None:
    """With the embedded database, as for somebody who has none."""
    words = ("paper", "--candles", candles, "--speed", "max")

    first = shell.run(*words)
    again = shell.run(*words)
    report = shell.run("report", "--out", "page.html")
    anew = shell.run(*words, "--fresh")

    for result in (first, again, anew):
        assert result.returncode == 0, result.stderr
        assert EQUAL in result.stdout
        assert "goes on from here" not in result.stdout
    trades = table_of(first.stdout)
    assert trades
    assert table_of(again.stdout) == table_of(anew.stdout) == trades
    assert report.returncode == 0, report.stderr
    assert table_of(report.stdout) == trades
    page = (shell.folder / "page.html").read_text()
    assert page.count("BTC-USD") >= len(trades)
    assert "to the last digit" in (shell.data_dir / "reports" / "paper.html").read_text()


async def test_csv_and_parquet_give_the_same_trades(
    shell: Shell, candles: str, database_url: str, empty_database_url: str
) -> None:
    """One seed, one market, one history: the same orders under the same ids, in two databases."""
    write_parquet(shell.folder / "BTC-USD.parquet", lively_rows(CANDLES, SEED))
    runs = [
        shell.start("paper", "--candles", name, "--speed", "max", DATABASE_URL=url)
        for name, url in ((candles, database_url), ("BTC-USD.parquet", empty_database_url))
    ]

    for run in runs:
        out, err = await ended(run, 60)
        assert run.returncode == 0, err
        assert EQUAL in out

    trades = await trades_in(database_url)
    assert {trade["side"] for trade in trades} == {"buy", "sell"}
    assert await trades_in(empty_database_url) == trades


@pytest.mark.parametrize("trailing", ["false", "true"])
async def test_ctrl_c_stops_and_the_next_start_goes_on_to_the_same_end(
    shell: Shell, candles: str, database_url: str, empty_database_url: str, sql: Connection, trailing: str
) -> None:
    shell.environment["BOTTRADER_TRAILING_STOP_ENABLED"] = trailing
    interrupted = shell.start("paper", "--candles", candles, "--speed", MODERATE, DATABASE_URL=database_url)
    await at_least(sql, 3)
    interrupted.send_signal(signal.SIGINT)
    out, err = await ended(interrupted, STOP_S_MAX)
    assert interrupted.returncode == 0, err
    assert "the same command goes on from here" in out
    assert EQUAL in out
    before = await trades_in(database_url)

    resumed = await asyncio.to_thread(
        shell.run, "paper", "--candles", candles, "--speed", "max", DATABASE_URL=database_url
    )
    elsewhere = {"DATABASE_URL": empty_database_url, "BOTTRADER_DATA_DIR": str(shell.folder / "elsewhere")}
    whole = await asyncio.to_thread(shell.run, "paper", "--candles", candles, "--speed", "max", **elsewhere)

    assert (resumed.returncode, whole.returncode) == (0, 0), resumed.stderr + whole.stderr
    trades = await trades_in(database_url)
    assert len(trades) > len(before)
    assert ("TRAILING_STOP" in {trade["trigger"] for trade in trades}) == (trailing == "true")
    assert trades[: len(before)] == before
    assert trades == await trades_in(empty_database_url)
    assert resumed.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    assert EQUAL in resumed.stdout


async def test_a_killed_session_goes_on_with_equal_books(
    shell: Shell, candles: str, database_url: str, empty_database_url: str
) -> None:
    """F31: power cuts at arbitrary moments; nothing is ordered twice, nothing is lost, the same trades come of it."""
    words = ("paper", "--candles", candles, "--speed", MODERATE)
    connection = await connect(database_url)
    for orders in (1, 3):
        process = shell.start(*words, DATABASE_URL=database_url)
        await at_least(connection, orders)
        process.kill()
        await ended(process, STOP_S_MAX)
    await connection.close()

    to_the_end = ("paper", "--candles", candles, "--speed", "max")
    elsewhere = {"DATABASE_URL": empty_database_url, "BOTTRADER_DATA_DIR": str(shell.folder / "elsewhere")}
    last = await asyncio.to_thread(shell.run, *to_the_end, DATABASE_URL=database_url)
    whole = await asyncio.to_thread(shell.run, *to_the_end, **elsewhere)

    assert (last.returncode, whole.returncode) == (0, 0), last.stderr + whole.stderr
    assert EQUAL in last.stdout
    assert await trades_in(database_url) == await trades_in(empty_database_url)


def test_a_killed_session_goes_on_in_its_embedded_database(shell: Shell, candles: str) -> None:
    process = shell.start("paper", "--candles", candles, "--speed", "3000")
    log = _wait_for_log(shell.data_dir, process)
    process.kill()
    process.communicate()

    result = shell.run("paper", "--candles", candles, "--speed", "max")

    assert result.returncode == 0, result.stdout + result.stderr
    assert EQUAL in result.stdout
    assert log.read_text().count('"ready"') == 2


async def test_one_seed_gives_the_same_orders_again(
    shell: Shell, database_url: str, empty_database_url: str, sql: Connection
) -> None:
    """The synthetic market never ends, so two runs are stopped at different times and their beginnings compared."""
    words = ("paper", "--seed", "5", "--speed", "max", "--symbols", "BTC-USD,ETH-USD")
    for url, orders in ((database_url, 4), (empty_database_url, 8)):
        folder = str(shell.folder / f"data_{orders}")
        process = shell.start(*words, DATABASE_URL=url, BOTTRADER_DATA_DIR=folder)
        await _orders_in(url, orders)
        process.send_signal(signal.SIGINT)
        out, err = await ended(process, STOP_S_MAX)
        assert process.returncode == 0, err
        assert EQUAL in out

    first, second = await trades_in(database_url), await trades_in(empty_database_url)
    settled = min(len(first), len(second)) - 2
    assert settled >= 2
    assert first[:settled] == second[:settled]


def test_a_second_process_is_kept_out_of_the_session(shell: Shell, candles: str) -> None:
    """Two exchanges on one ledger would never agree again."""
    words = ("paper", "--candles", candles, "--speed", "1")
    running = shell.start(*words)
    _wait_for_log(shell.data_dir, running)

    assert "another process is running this very session" in refused(shell.run(*words))

    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=10)
    assert running.returncode == 0
    assert EQUAL in out


async def test_exchange_and_books_of_two_sessions_are_not_mixed(
    shell: Shell, candles: str, database_url: str, empty_database_url: str
) -> None:
    words = ("paper", "--candles", candles, "--speed", "max")
    first = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url)
    assert first.returncode == 0, first.stderr

    for _ in range(2):
        with_other_books = await asyncio.to_thread(shell.run, *words, DATABASE_URL=empty_database_url)
        assert "has traded, but this database has none of its books" in refused(with_other_books)
        folder = str(shell.folder / "elsewhere")
        elsewhere = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url, BOTTRADER_DATA_DIR=folder)
        assert "the exchange's state" in refused(elsewhere)


async def _orders_in(url: str, count: int) -> None:
    async def are_there() -> bool:
        connection = await connect(url)
        try:
            exists = await connection.fetchval("SELECT to_regclass('trade_records') IS NOT NULL")
            if not exists:
                return False
            return bool(
                await connection.fetchval("SELECT count(*) >= $1 FROM trade_records WHERE filled_size > 0", count)
            )
        finally:
            await connection.close()

    await eventually(are_there, f"{count} orders")


def _wait_for_log(data_dir: Path, process: subprocess.Popen[str]) -> Path:
    """Return the session's log once the bot has said that it is ready."""

    async def ready() -> Path | None:
        assert process.poll() is None, process.communicate()
        logs = list(data_dir.glob("paper/*/bottrader.jsonl"))
        return logs[0] if logs and '"ready"' in logs[0].read_text() else None

    log: Path = asyncio.run(eventually(ready, "the session is ready"))
    return log


def test_the_matrix_trades_and_each_signal_can_be_explained(shell: Shell, candles: str) -> None:
    """B280, R47: with looser targets than the defaults, because the file is a day long."""
    loose = {
        "BOTTRADER_SCORE_BUY_TARGET": "2.0",
        "BOTTRADER_SCORE_SELL_TARGET": "2.0",
        "BOTTRADER_MIN_INDICATORS_REQUIRED": "1",
        "BOTTRADER_ROC_5MIN_BUY_THRESHOLD": "50",
    }
    traded = shell.run("paper", "--strategy", "score_matrix", "--candles", candles, "--speed", "max", **loose)
    assert traded.returncode == 0, traded.stderr
    assert EQUAL in traded.stdout
    log = next(shell.data_dir.rglob("bottrader.jsonl")).read_text().splitlines()
    told = [json.loads(line) for line in log]
    scores = [line for line in told if line["event"] == "score"]
    assert {line["action"] for line in scores} >= {"hold", "buy"}
    assert all(len(line["top_buy_components"]) == 5 for line in scores)
    ordered = [line for line in told if line["event"] == "order_sent"]
    assert ordered

    refusals = [line["signal_id"] for line in told if line["event"] == "signal_refused"]
    born = [line["signal_id"] for line in told if line["event"] == "signal_born"]
    for signal_id in (*born[:1], *refusals[:1]):
        explained = shell.run("explain", signal_id)
        assert explained.returncode == 0, explained.stderr
        for word in (signal_id, "Buy W-Bottom", "Sell M-Top", "buy score", "decided by", "outcome"):
            assert word in explained.stdout
    assert "SUCCESS" in shell.run("explain", ordered_signal(told)).stdout


def ordered_signal(told: list[dict[str, Any]]) -> str:
    """Return a signal that was neither refused nor expired."""
    ended = {line["signal_id"] for line in told if line["event"] in ("signal_refused", "signal_expired")}
    born = [str(line["signal_id"]) for line in told if line["event"] == "signal_born"]
    return next(signal_id for signal_id in born if signal_id not in ended)


def test_a_signal_that_is_not_there_is_one_sentence(shell: Shell) -> None:
    result = shell.run("explain", "no-such-signal")
    assert (result.returncode, result.stdout) == (2, "")
    # On a busy machine the embedded server has its own word to say when it is stopped.
    (sentence,) = (line for line in result.stderr.splitlines() if line.startswith("bottrader: "))
    assert "there is no signal 'no-such-signal' in the books of bottrader" in sentence


def test_a_strategy_that_is_not_there_is_one_sentence(shell: Shell) -> None:
    sentence = refused(shell.run("paper", "--strategy", "moon", "--speed", "max"))
    assert "BOTTRADER_STRATEGY is one of: passive_market_making, roc_momentum, score_matrix; was 'moon'" in sentence
    assert not shell.data_dir.exists()


async def test_passive_quotes_rest_fill_and_are_left_with_books_that_agree(
    shell: Shell, database_url: str, sql: Connection
) -> None:
    """B254, B255, S5: offers that fill as a maker, losses that end in time, and quotes that were cancelled."""
    candles = write_csv(shell.folder / "BTC-USD.csv", lively_rows(PASSIVE_CANDLES, SEED)).name
    settings = {
        # The replayed book is narrow, and two fees of 0.4 % are wider than any real one.
        "BOTTRADER_PASSIVE_IGNORE_FEES_FOR_SPREAD": "true",
        "BOTTRADER_MIN_SPREAD_PCT": "0.00001",
        "BOTTRADER_ORDER_SIZE_PASSIVE": "500",
    }
    words = ("paper", "--strategy", "passive_market_making", "--candles", candles, "--speed", "max")

    result = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url, **settings)

    assert result.returncode == 0, result.stderr
    assert EQUAL in result.stdout
    left = "\n".join(table_of(result.stdout))
    assert "passive sell" in left
    assert "passive loss" in left
    kinds = await sql.fetch("SELECT DISTINCT side, kind FROM order_intents WHERE trigger LIKE 'PASSIVE%'")
    assert {(row["side"], row["kind"]) for row in kinds} == {
        ("buy", "limit_gtc_post_only"),
        ("sell", "limit_gtc_post_only"),
        ("sell", "limit_ioc"),
    }
    assert await sql.fetchval("SELECT count(*) > 0 FROM trade_records WHERE status = 'cancelled'")
    assert await sql.fetchval("SELECT array_agg(DISTINCT source) FROM trade_records") == ["passivemm"]
