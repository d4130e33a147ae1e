"""`bottrader lots compute` and `export` in one process; the commands themselves run in tests/end_to_end."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bottrader.adapters.files.lots_csv import write_allocations, write_open_lots
from bottrader.adapters.files.trades_csv import read_trades
from bottrader.cli import app
from bottrader.domain.errors import ConfigInvalid, FileRefused
from bottrader.domain.lots import LotMethod, allocate
from bottrader.domain.money import EXACT

runner = CliRunner()
HEADER = "order_id,symbol,side,size,price,fee,time"
TRADES = f"""{HEADER}
b1,BTC-USD,buy,1,100,0,2025-01-01T00:00:00Z
s1,BTC-USD,sell,1,120,0,2026-02-02T00:00:00Z
s2,BTC-USD,sell,1,120,0,2026-02-03T00:00:00Z
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trades.csv").write_text(TRADES)
    return tmp_path


def test_compute_says_what_it_did(folder: Path) -> None:
    done = runner.invoke(app, ["lots", "compute", "--in", "trades.csv", "--out", "out.csv", "--open", "open.csv"])

    assert done.exit_code == 0
    assert done.stdout.splitlines()[:-1] == [
        "trades: 3",
        "method: fifo",
        "allocations: 2",
        "unmatched: 1, without a known buy, so without basis and P&L",
        "open lots: 0",
        "realized P&L BTC-USD: 20 USD, unmatched proceeds 120 USD",
        "written: out.csv",
        "written: open.csv",
    ]
    assert (folder / "open.csv").read_text() == "buy_order_id,symbol,size,cost_basis,fees,buy_time\n"


def test_export_says_what_it_did(folder: Path) -> None:
    done = runner.invoke(app, ["lots", "export", "--year", "2026", "--in", "trades.csv"])

    assert done.exit_code == 0
    assert "long term, USD: disposals 1, proceeds 120, cost basis 100, gain 20" in done.stdout
    assert {path.name for path in folder.iterdir()} == {
        *("trades.csv", "disposals-2026.csv", "totals-2026.csv", "ledger-2026.beancount")
    }


@pytest.mark.parametrize(
    ("words", "error", "complaint"),
    [
        (["compute", "--in", "trades.csv", "--out", "trades.csv"], FileRefused, "are the same file"),
        (["compute", "--in", "trades.csv", "--out", "a", "--method", "average"], ConfigInvalid, "was 'average'"),
        (["export", "--year", "2026", "--method", "fifo"], ConfigInvalid, "--method goes with --in"),
        (["export", "--year", "2026", "--in", "trades.csv", "--zone", "Nowhere"], ConfigInvalid, "was 'Nowhere'"),
        (["export", "--year", "2026", "--in", "trades.csv", "--out", "no"], FileRefused, "no folder no"),
    ],
)
def test_what_cannot_be_is_refused(folder: Path, words: list[str], error: type[Exception], complaint: str) -> None:
    asked = runner.invoke(app, ["lots", *words])

    assert isinstance(asked.exception, error)
    assert complaint in str(asked.exception)
    assert [path.name for path in folder.iterdir()] == ["trades.csv"]


def test_the_trades_are_not_written_over_by_an_export(folder: Path) -> None:
    (folder / "trades.csv").rename("totals-2026.csv")
    asked = runner.invoke(app, ["lots", "export", "--year", "2026", "--in", "totals-2026.csv"])

    assert isinstance(asked.exception, FileRefused)
    assert (folder / "totals-2026.csv").read_text() == TRADES


LONG = st.decimals(min_value=Decimal("1E-18"), max_value=Decimal(10**15 - 1), places=18)
SHORT = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(100), places=2)
AMOUNTS = st.one_of(SHORT, LONG)


@given(
    trades=st.lists(st.tuples(st.sampled_from(["buy", "sell"]), AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=8),
    method=st.sampled_from([LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO]),
)
def test_whatever_a_file_may_hold_is_written_to_the_last_digit(
    trades: list[tuple[str, Decimal, Decimal, Decimal]], method: LotMethod
) -> None:
    """B198, B209: what is sold and what is left adds up to what was bought, in the texts of the files alone."""
    lines = [
        f"t{number},BTC-USD,{side},{size:f},{price:f},{fee:f},2026-01-01T00:00:{number:02d}Z"
        for number, (side, size, price, fee) in enumerate(trades)
    ]
    # One folder for all examples: each writes over what the one before wrote.
    folder = Path.cwd()
    (folder / "trades.csv").write_text("\n".join((HEADER, *lines)) + "\n")
    result = allocate(read_trades(folder / "trades.csv").executions, method)
    with (folder / "out.csv").open("w") as rows, (folder / "open.csv").open("w") as lots:
        write_allocations(rows, result.allocations)
        write_open_lots(lots, result.open_lots, has_accounts=False)

    written = _read(folder / "out.csv")
    left = _read(folder / "open.csv")
    with_buy = [row for row in written if row["buy_order_id"]]
    sides = {side: [each for each in trades if each[0] == side] for side in ("buy", "sell")}
    assert _sum(written, "size") == _total(size for _, size, _, _ in sides["sell"])
    assert EXACT.add(_sum(with_buy, "size"), _sum(left, "size")) == _total(size for _, size, _, _ in sides["buy"])
    # Cost is what was paid, and all fees of buys and sells are somewhere.
    paid = _total(EXACT.fma(size, price, fee) for _, size, price, fee in sides["buy"])
    assert EXACT.add(_sum(with_buy, "cost_basis"), _sum(left, "cost_basis")) == paid
    assert EXACT.add(_sum(written, "fees"), _sum(left, "fees")) == _total(fee for *_, fee in trades)
    assert _sum(written, "proceeds") == _total(EXACT.multiply(size, price) for _, size, price, _ in sides["sell"])
    for row in written:
        assert all("E" not in row[name] for name in ("size", "cost_basis", "proceeds", "fees", "pnl"))


def _read(file: Path) -> list[dict[str, str]]:
    with file.open() as stream:
        return list(csv.DictReader(stream))


def _sum(rows: list[dict[str, str]], column: str) -> Decimal:
    return _total(Decimal(row[column]) for row in rows)


def _total(amounts: Iterator[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
