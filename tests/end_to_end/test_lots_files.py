"""`bottrader lots compute` and `export` as commands: files in, files out, and an exit code."""

import asyncio
import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.lots import allocate
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import OrderState, Side
from tests.fixtures.command_line import Shell, refused
from tests.fixtures.facts import BTC, at, make_adoption, make_fill, make_intent, record

TRADES = """\
order_id,symbol,side,size,price,fee,time
b1,BTC-USD,buy,1.0,100,0.60,2025-01-01T00:00:00Z
b2,BTC-USD,buy,1.0,110,0.66,2026-01-02T00:00:00+01:00
b2,BTC-USD,buy,1.0,110,0.66,2026-01-02T00:00:00+01:00
s1,BTC-USD,sell,1.5,120,1.08,2026-02-02T00:00:00Z
s2,ETH-USD,sell,2,50,0.25,2026-02-03T00:00:00Z
"""
# By hand: see `bottrader.domain.lots` for s1. Dearest first the 1.0 is of b2 and the 0.5 of b1:
# 120 - 0.72 - 110.66 = 8.62 and 60 - 0.36 - 50.30 = 9.34.
FIFO = [
    "s1,b1,BTC-USD,1,100.6,120,1.32,18.68,2025-01-01T00:00:00Z,2026-02-02T00:00:00Z",
    "s1,b2,BTC-USD,0.5,55.33,60,0.69,4.31,2026-01-01T23:00:00Z,2026-02-02T00:00:00Z",
    "s2,,ETH-USD,2,,100,0.25,,,2026-02-03T00:00:00Z",
]
NEWEST_FIRST = [
    "s1,b2,BTC-USD,1,110.66,120,1.38,8.62,2026-01-01T23:00:00Z,2026-02-02T00:00:00Z",
    "s1,b1,BTC-USD,0.5,50.3,60,0.66,9.34,2025-01-01T00:00:00Z,2026-02-02T00:00:00Z",
    FIFO[2],
]
HEADER = "sell_order_id,buy_order_id,symbol,size,cost_basis,proceeds,fees,pnl,buy_time,sell_time"
# Nothing that a setting could mean is looked at.
MISLEADING = {"DATABASE_URL": "mysql://nowhere/none", "BOTTRADER_MODE": "neither"}


def write(shell: Shell, text: str = TRADES) -> Path:
    file = shell.folder / "trades.csv"
    file.write_text(text)
    return file


def names_in(shell: Shell) -> list[str]:
    return sorted(path.name for path in shell.folder.iterdir())


@pytest.mark.parametrize(("method", "rows"), [("fifo", FIFO), ("lifo", NEWEST_FIRST), ("hifo", NEWEST_FIRST)])
def test_trades_become_allocations_and_open_lots(shell: Shell, method: str, rows: list[str]) -> None:
    """B175, B189, R5"""
    write(shell)
    words = ("lots", "compute", "--in", "trades.csv", "--out", "out.csv", "--open", "lots.csv", "--method", method)

    done = shell.run(*words, **MISLEADING)

    assert (done.returncode, done.stderr) == (0, "")
    assert (shell.folder / "out.csv").read_text().splitlines() == [HEADER, *rows]
    left = {"fifo": "b2,BTC-USD,0.5,55.33,0.33,2026-01-01T23:00:00Z"}.get(
        method, "b1,BTC-USD,0.5,50.3,0.3,2025-01-01T00:00:00Z"
    )
    assert (shell.folder / "lots.csv").read_text().splitlines()[1:] == [left]
    pnl = {"fifo": "22.99"}.get(method, "17.96")
    *said, took = done.stdout.splitlines()
    assert said == [
        "trades: 4, repeated lines counted once: 1",
        f"method: {method}",
        "allocations: 3",
        "unmatched: 1, without a known buy, so without basis and P&L",
        "open lots: 1",
        f"realized P&L BTC-USD: {pnl} USD",
        "realized P&L ETH-USD: 0 USD, unmatched proceeds 99.75 USD",
        "written: out.csv",
        "written: lots.csv",
    ]
    assert took.startswith("took ")
    assert not shell.data_dir.exists()


def test_the_same_trades_in_any_order_give_the_same_bytes(shell: Shell) -> None:
    """R1"""
    first, *lines = TRADES.splitlines()
    write(shell)
    shell.run("lots", "compute", "--in", "trades.csv", "--out", "one.csv")
    write(shell, "\n".join((first, *reversed(lines))) + "\n")
    shell.run("lots", "compute", "--in", "trades.csv", "--out", "two.csv")

    assert (shell.folder / "one.csv").read_bytes() == (shell.folder / "two.csv").read_bytes()


def test_a_file_with_anything_wrong_is_refused_as_a_whole_with_all_of_it(shell: Shell) -> None:
    bad = (
        "x1,BTC-USD,buy,-1,100,0,2026-01-01T00:00:00Z,\n"
        "x2,BTC-USD,buy,1,100,0,2026-01-01T00:00:00,\n"
        "x3,BTC-USD,buy,1,100,0.1,2026-01-01T00:00:00Z,BNB\n"
        "x4,BTC-USD,buy,1,100,0,2026-01-01T00:00:00Z,\n"
        "x4,BTC-USD,buy,1,101,0,2026-01-01T00:00:00Z,\n"
        "x5,BTC-USD,buy\n"
    )
    write(shell, TRADES.splitlines()[0] + ",fee_currency\n" + bad)
    (shell.folder / "out.csv").write_text("from before")

    done = shell.run("lots", "compute", "--in", "trades.csv", "--out", "out.csv", "--open", "lots.csv")

    assert (done.returncode, done.stdout) == (2, "")
    first, *problems = done.stderr.splitlines()
    assert first == "bottrader: trades.csv cannot be used, nothing was written; 5 problems to mend:"
    for problem, start in zip(
        problems,
        [
            "line 2: size is above zero, was '-1'",
            "line 3: time has no time zone",
            "line 4: fee_currency BNB is neither BTC nor USD",
            "line 6: order_id 'x4' was in line 5 with other content (price)",
            "line 7: has 3 cells, the header has 8",
        ],
        strict=True,
    ):
        assert problem.startswith(f"  {start}")
    assert names_in(shell) == ["out.csv", "trades.csv"]
    assert (shell.folder / "out.csv").read_text() == "from before"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--out", "trades.csv"), "--in and --out are the same file trades.csv"),
        (("--out", "./trades.csv"), "--in and --out are the same file"),
        (("--out", "a.csv", "--open", "a.csv"), "--out and --open are the same file a.csv"),
        (("--out", "a.csv", "--open", "trades.csv"), "--in and --open are the same file"),
        (("--out", "deep/a.csv"), "there is no folder deep; make it first"),
        (("--out", "."), ". cannot be written: it is a folder"),
        (("--out", "a.csv", "--method", "specific"), "--method is fifo, lifo or hifo, was 'specific'"),
        (("--out", "a.csv", "--method", "FIFO"), "--method is fifo, lifo or hifo, was 'FIFO'"),
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_touched(
    shell: Shell, words: tuple[str, ...], complaint: str
) -> None:
    file = write(shell)

    assert complaint in refused(shell.run("lots", "compute", "--in", "trades.csv", *words))
    assert file.read_text() == TRADES
    assert names_in(shell) == ["trades.csv"]


def test_a_file_that_is_not_there_is_refused(shell: Shell) -> None:
    sentence = refused(shell.run("lots", "compute", "--in", "nowhere.csv", "--out", "a.csv"))
    assert sentence == "nowhere.csv cannot be read: No such file or directory"


def test_a_year_is_exported_from_a_file(shell: Shell) -> None:
    """B189, B230"""
    write(shell)

    done = shell.run("lots", "export", "--year", "2026", "--in", "trades.csv", **MISLEADING)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "tax year 2026 of trades.csv (fifo); all dates are those of UTC",
        "disposals: 3, 1 without a known buy and to be settled by hand",
        "long term, USD: disposals 1, proceeds 119.28, cost basis 100.6, gain 18.68",
        "short term, USD: disposals 1, proceeds 59.64, cost basis 55.33, gain 4.31",
        "unknown term, USD: disposals 1, proceeds 99.75",
        "these totals equal the ledger's realized P&L and unmatched proceeds of the year, to the last digit",
        "written: disposals-2026.csv",
        "written: totals-2026.csv",
        "written: ledger-2026.beancount",
    ]
    with (shell.folder / "disposals-2026.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    columns = ("description", "date_acquired", "date_sold", "gain", "term")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("1 BTC", "2025-01-01", "2026-02-02", "18.68", "long"),
        ("0.5 BTC", "2026-01-01", "2026-02-02", "4.31", "short"),
        ("2 ETH", "", "2026-02-03", "", "unknown"),
    ]


def test_dates_are_those_of_the_zone_asked_for(shell: Shell) -> None:
    write(shell)
    (shell.folder / "taxes").mkdir()
    words = ("--year", "2026", "--in", "trades.csv", "--zone", "Europe/Berlin", "--out", "taxes", "--method", "lifo")

    done = shell.run("lots", "export", *words)

    assert done.stdout.splitlines()[0] == "tax year 2026 of trades.csv (lifo); all dates are those of Europe/Berlin"
    assert "1 BTC,2026-01-02,2026-02-02" in (shell.folder / "taxes" / "disposals-2026.csv").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--in", "trades.csv", "--zone", "Mars/Base"), "--zone is the name of a time zone such as Europe/Berlin"),
        (("--in", "trades.csv", "--zone", "../etc"), "--zone is the name of a time zone"),
        (("--in", "trades.csv", "--out", "deep"), "there is no folder deep; make it first"),
        (("--method", "lifo"), "--method goes with --in"),
    ],
)
def test_an_export_that_cannot_be_is_refused(shell: Shell, words: tuple[str, ...], complaint: str) -> None:
    write(shell)

    assert complaint in refused(shell.run("lots", "export", "--year", "2026", *words))
    assert names_in(shell) == ["trades.csv"]


async def test_a_year_is_exported_from_the_database(shell: Shell, store: PostgresStore, database_url: str) -> None:
    """0.25 at 30000 came the day before, 0.2 of it went for 31000 with a fee of 0.03: 6199.97 - 6000."""
    sell = make_intent("sold", side=Side.SELL)
    await store.record_adoption(make_adoption())
    await record(store, sell, (OrderState.SENT, None), (OrderState.FILLED, "venue-1"))
    fill = replace(
        make_fill(), side=Side.SELL, size=Size(Decimal("0.2")), price=Price(Decimal(31_000)), fee=Money(Decimal("0.03"))
    )
    await store.record_fills([fill])
    words = ("lots", "export", "--year", "2026")

    behind = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url)
    await store.replace_allocations(BTC, allocate(await store.executions()).allocations, at(200))
    done = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url)

    assert "allocations of version 1 do not cover the sells 1001; run `bottrader lots rebuild`" in refused(behind)
    assert (done.returncode, done.stderr) == (0, "")
    assert "short term, USD: disposals 1, proceeds 6199.97, cost basis 6000, gain 199.97" in done.stdout
    assert "0.05 ~ 0 BTC" in (shell.folder / "ledger-2026.beancount").read_text()
