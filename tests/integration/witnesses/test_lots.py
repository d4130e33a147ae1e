"""Tax lots against beancount and rp2, which nobody here wrote; tests/fixtures/lot_witnesses.py has the rules."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from bottrader.domain.lots import Allocation, Execution, LotMethod, allocate
from tests.fixtures.lot_witnesses import ask_beancount, ask_rp2, beancount_ledger, random_log

METHODS = (LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO)
SMALL = 700
LARGE = pytest.param(6_000, marks=pytest.mark.nightly)
# A row has two fee shares, each less than a quantum away from the quotient.
FEE_SHARES = Decimal("2E-8")

Lots = dict[tuple[str, str], Decimal]


def _logs(count: int, method: LotMethod) -> list[list[Execution]]:
    return [random_log(Random(f"{method} {number}"), method) for number in range(count)]


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize("method", METHODS)
def test_beancount_books_the_same_lots(tmp_path: Path, method: LotMethod, count: int) -> None:
    """R4, R5"""
    logs = _logs(count, method)
    ledger = tmp_path / "random.beancount"
    ledger.write_text(beancount_ledger(logs, method))

    booked = ask_beancount(ledger)

    assert booked["errors"] == []
    theirs: list[Lots] = [{} for _ in logs]
    for narration, postings in booked["bookings"]:
        number, sell_id = narration.split()
        for _, size, _, cost, _, buy_id in postings:
            if cost is not None and size.startswith("-"):
                theirs[int(number)][sell_id, buy_id] = -Decimal(size)
    for number, log in enumerate(logs):
        result = allocate(log, method)
        assert _lots(result.allocations) == theirs[number], f"log {number}"
        left = {lot.execution_id: (lot.size, lot.price) for lot in result.open_lots}
        inventory = booked["inventories"][f"Assets:Log{number}"]
        assert left == {label: (Decimal(size), Decimal(cost)) for size, _, cost, _, label in inventory}, f"log {number}"


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize("method", METHODS)
def test_rp2_computes_the_same_gains(tmp_path: Path, method: LotMethod, count: int) -> None:
    """R4"""
    logs = [log for log in _logs(count, method) if any(each.side == "sell" for each in log)]

    for number, rows in enumerate(ask_rp2(logs, method, tmp_path)):
        result = allocate(logs[number], method)
        theirs: Lots = {(sell, buy): Decimal(size) for sell, buy, size, _ in rows}
        assert _lots(result.allocations) == theirs, f"log {number}"
        gains = {(sell, buy): Decimal(gain) for sell, buy, _, gain in rows}
        for row in result.allocations:
            assert row.buy_execution_id is not None
            assert row.pnl is not None
            assert abs(row.pnl - gains[row.sell_execution_id, row.buy_execution_id]) < FEE_SHARES, f"log {number}"


def _lots(allocations: Sequence[Allocation]) -> Lots:
    return {(row.sell_execution_id, row.buy_execution_id or ""): row.size for row in allocations}
