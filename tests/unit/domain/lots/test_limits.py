"""The limits of amounts: everything within is exact, and what is beyond is refused by name."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.lots import LotMethod, LotQueue, allocate, check_amounts
from bottrader.domain.money import Size
from bottrader.domain.orders import Side
from tests.fixtures.lot_oracle import books_of
from tests.unit.domain.examples import execution

MOST = "9999999999999999999.999999999999999999"
MOST_FEE = MOST + "9" * 18
LEAST = "0.000000000000000001"


@pytest.mark.parametrize("method", LotMethod)
def test_amounts_at_the_limits_are_exact(method: LotMethod) -> None:
    """P11: 37 digits of size and price, 55 of a fee; each row is that of the oracle."""
    ledger = [
        execution(Side.BUY, "a", MOST, MOST, fee=MOST_FEE),
        execution(Side.BUY, "b", MOST, LEAST, fee=LEAST + "0" * 17 + "1", minute=1),
        execution(Side.SELL, "s", LEAST, MOST, fee=MOST_FEE, minute=2),
        execution(Side.SELL, "t", MOST, MOST, fee="0", minute=3),
        execution(Side.SELL, "u", MOST, LEAST, fee=MOST_FEE, minute=4),
    ]
    result, books = allocate(ledger, method), books_of(ledger, method)
    assert [(row.sell_execution_id, row.buy_execution_id, row.size) for row in result.allocations] == [
        (row.sell_id, row.buy_id, row.size) for row in books.rows
    ]
    assert [(row.pnl, row.net_proceeds, row.buy_fee, row.sell_fee) for row in result.allocations] == [
        (row.pnl, row.net_proceeds, row.buy_fee, row.sell_fee) for row in books.rows
    ]
    assert result.open_lots == ()


@pytest.mark.parametrize(
    ("size", "at_price", "fee", "reason"),
    [
        ("10000000000000000000", "1", "0", r"execution e has the size 10000000000000000000; an amount is below 1E\+19"),
        ("1", "10000000000000000000", "0", "execution e has the price 10000000000000000000; an amount is below"),
        ("1", "1", "10000000000000000000", "execution e has the fee 10000000000000000000; an amount is below"),
        ("1", "1", "-10000000000000000000", "execution e has the fee -10000000000000000000; an amount is below"),
        ("1", "1", "NaN", "execution e has the fee NaN; an amount is below"),
        ("1.0000000000000000001", "1", "0", "1.0000000000000000001; a size has at most 18 decimals"),
        ("1.00000000000000000010", "1", "0", "1.00000000000000000010; a size has at most 18 decimals"),
        ("1", "1.0000000000000000001", "0", "1.0000000000000000001; a price has at most 18 decimals"),
        ("1", "1", f"0.{'0' * 36}1", "a fee has at most 36 decimals"),
        ("-1", "1", "0", "execution e has the size -1; a size is not negative"),
        ("1", "-1", "0", "execution e has the price -1; a price is not negative"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_with_its_id(size: str, at_price: str, fee: str, reason: str) -> None:
    """P11."""
    with pytest.raises(AmountInvalid, match=reason):
        allocate([execution(Side.BUY, "e", size, at_price, fee=fee)])


@pytest.mark.parametrize(
    ("size", "at_price", "fee"),
    [
        (MOST, MOST, MOST_FEE),
        ("0", "0", f"-{MOST_FEE}"),
        ("1." + "0" * 40, "1." + "0" * 40, "1." + "0" * 40),
        (f"{LEAST}0", f"{LEAST}00", f"{LEAST}{'0' * 50}"),
    ],
)
def test_what_is_within_is_taken(size: str, at_price: str, fee: str) -> None:
    """Zeros at the end of an amount are no decimals; a fee may be a rebate."""
    check_amounts(execution(Side.BUY, "e", size, at_price, fee=fee))


def test_a_refused_execution_leaves_no_trace() -> None:
    queue = LotQueue()
    good = execution(Side.BUY, "e", "1", "1")
    with pytest.raises(AmountInvalid):
        queue.apply(replace(good, size=Size(Decimal(-1))))
    assert queue.apply(good) == []
