"""The ledger that `bottrader lots export` writes, loaded by beancount: no error, and what it holds is what we hold."""

import subprocess
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from bottrader.adapters.files.beancount import write_beancount
from bottrader.domain.disposals import TaxYear, Term, tax_year
from bottrader.domain.lots import Execution, LotMethod, LotResult, allocate
from bottrader.domain.market import ProductId, base_of
from bottrader.domain.orders import ClientOrderId
from tests.fixtures.lot_witnesses import ask_beancount, random_log
from tests.fixtures.processes import BIN

PRODUCTS = tuple(map(ProductId, ("BTC-USD", "1INCH-USD", "ETH-EUR", "T-BTC")))
METHODS = (LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO)


def _trades(seed: str, count: int) -> list[Execution]:
    """Return logs of several products and accounts, many trades a day, with sells that no buy covers."""
    chance = Random(seed)
    trades = []
    for number in range(count):
        product_id, account = chance.choice(PRODUCTS), chance.choice(("", "main", "cold wallet"))
        for each in random_log(chance, LotMethod.FIFO, may_oversell=True):
            name = f'{number} "{each.execution_id}"'
            moment = each.executed_at + timedelta(days=60 * number, minutes=chance.randrange(10_000))
            ids = replace(each, execution_id=name, order_id=ClientOrderId(name), product_id=product_id)
            trades.append(replace(ids, account=account, executed_at=moment))
    return trades


def _export(file: Path, trades: list[Execution], result: LotResult, year: int) -> TaxYear:
    taxes = tax_year(trades, result.allocations, year, UTC)
    with file.open("w", encoding="utf-8") as stream:
        write_beancount(stream, taxes)
    return taxes


@pytest.mark.parametrize("method", METHODS)
def test_beancount_holds_what_we_hold(tmp_path: Path, method: LotMethod) -> None:
    """R4, R5"""
    trades = _trades(f"export {method}", 15)
    # The last year of all, so that the books of the file are all the books.
    year = max(each.executed_at for each in trades).year
    file = tmp_path / "ledger.beancount"
    result = allocate(trades, method)
    taxes = _export(file, trades, result, year)

    loaded = ask_beancount(file)

    assert loaded["errors"] == []
    theirs = defaultdict(list)
    gains: dict[str, Decimal] = defaultdict(Decimal)
    for account, positions in loaded["inventories"].items():
        kind = account.split(":")[-2]
        for size, currency, price, _, label in positions:
            if kind == "Coins":
                theirs[label].append((currency.removeprefix("X-"), Decimal(size), Decimal(price)))
            if account.startswith("Income:"):
                gains[kind] -= Decimal(size)
    ours = {lot.execution_id: [(base_of(lot.product_id), lot.size, lot.price)] for lot in result.open_lots}
    assert theirs == ours
    known = [row.pnl for row in result.allocations if row.pnl is not None]
    assert sum(gains.values()) == sum(known)
    assert len(known) < len(result.allocations)
    assert taxes.totals


def test_the_gains_of_one_year_are_the_totals_of_the_form(tmp_path: Path) -> None:
    """A ledger until the end of a year less that until the end of the year before is what the form says of it."""
    trades = [each for each in _trades("years", 25) if each.product_id == "BTC-USD"]
    result = allocate(trades)
    years = range(2024, max(each.executed_at for each in trades).year + 1)
    before: dict[str, Decimal] = {}
    assert len(years) > 2
    for year in years:
        file = tmp_path / f"{year}.beancount"
        taxes = _export(file, trades, result, year)
        loaded = ask_beancount(file)
        assert loaded["errors"] == []
        gains: dict[str, Decimal] = defaultdict(Decimal)
        for account, positions in loaded["inventories"].items():
            if account.startswith("Income:"):
                gains[account.split(":")[-2]] -= sum(Decimal(size) for size, *_ in positions)
        form = {f"{row.term}-Term".title(): row.gain for row in taxes.totals if row.term is not Term.UNKNOWN}
        for term, gain in form.items():
            assert gains[term] - before.get(term, Decimal(0)) == gain, (year, term)
        before = gains


def test_bean_check_is_content_and_sees_a_lot_that_is_not_there(tmp_path: Path) -> None:
    trades = _trades("check", 5)
    file = tmp_path / "ledger.beancount"
    _export(file, trades, allocate(trades), 2026)
    assert _bean_check(file) == (0, "")

    text = file.read_text()
    held = next(line for line in text.splitlines() if "balance Assets" in line)
    file.write_text(text.replace(held, held.replace(" ~ 0 ", "1 ~ 0 ")))

    code, said = _bean_check(file)
    assert code == 1
    assert "Balance failed" in said


def _bean_check(file: Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(BIN / "bean-check"), "--no-cache", str(file)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
