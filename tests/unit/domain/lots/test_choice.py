"""Which lot each method consumes, by rows computed by hand."""

from decimal import Decimal
from fractions import Fraction

import pytest

from bottrader.domain.lots import Execution, LotMethod, LotQueue, allocate, unit_cost
from bottrader.domain.orders import Side
from tests.unit.domain.examples import execution


def buy(name: str, size: str, price: str, *, fee: str = "0", minute: float = 0) -> Execution:
    return execution(Side.BUY, name, size, price, fee=fee, minute=minute)


def sell(name: str, size: str, price: str, *, minute: float = 60) -> Execution:
    return execution(Side.SELL, name, size, price, minute=minute)


# 1.0 each at 100, 130, 110; then 1.5 sold at 120.
LEDGER = [buy("a", "1", "100"), buy("b", "1", "130", minute=1), buy("c", "1", "110", minute=2), sell("s", "1.5", "120")]


@pytest.mark.parametrize(
    ("method", "rows", "left"),
    [
        # 120 - 100 = 20; 0.5 x (120 - 130) = -5.
        (LotMethod.FIFO, [("a", "1", "20"), ("b", "0.5", "-5")], [("b", "0.5"), ("c", "1")]),
        # 120 - 110 = 10; 0.5 x (120 - 130) = -5.
        (LotMethod.LIFO, [("c", "1", "10"), ("b", "0.5", "-5")], [("a", "1"), ("b", "0.5")]),
        # 120 - 130 = -10; 0.5 x (120 - 110) = 5.
        (LotMethod.HIFO, [("b", "1", "-10"), ("c", "0.5", "5")], [("a", "1"), ("c", "0.5")]),
        # Nothing is named, so the oldest go first.
        (LotMethod.SPECIFIC, [("a", "1", "20"), ("b", "0.5", "-5")], [("b", "0.5"), ("c", "1")]),
    ],
)
def test_each_method_has_its_own_rows(
    method: LotMethod, rows: list[tuple[str, str, str]], left: list[tuple[str, str]]
) -> None:
    result = allocate(LEDGER, method)
    assert [(row.buy_execution_id, row.size, row.pnl) for row in result.allocations] == [
        (name, Decimal(size), Decimal(pnl)) for name, size, pnl in rows
    ]
    assert [(lot.execution_id, lot.size) for lot in result.open_lots] == [(name, Decimal(size)) for name, size in left]


def test_the_dearest_lot_is_found_with_its_fee() -> None:
    """1.0 at 100 with fee 3 cost 103; 1.0 at 101 with fee 0.50 cost 101.50, at the higher price."""
    ledger = [buy("a", "1", "101", fee="0.50"), buy("b", "1", "100", fee="3", minute=1), sell("s", "1", "120")]
    (row,) = allocate(ledger, LotMethod.HIFO).allocations
    assert (row.buy_execution_id, row.pnl) == ("b", Decimal(17))


def test_a_fee_counts_per_unit() -> None:
    """10 at 100 with fee 3 cost 100.30 each; 1 at 100 with fee 0.50 cost 100.50."""
    ledger = [buy("a", "10", "100", fee="3"), buy("b", "1", "100", fee="0.50", minute=1), sell("s", "1", "120")]
    assert [row.buy_execution_id for row in allocate(ledger, LotMethod.HIFO).allocations] == ["b"]


def test_costs_that_differ_after_the_twentieth_digit_are_told_apart() -> None:
    """A third of one hundred-millionth: 3 units at 1 with fee 0.00000001, and 3 with twice that; floats see equals."""
    ledger = [
        buy("a", "3", "10000000000", fee="0.00000001"),
        buy("b", "3", "10000000000", fee="0.00000002", minute=1),
        sell("s", "1", "1"),
    ]
    assert [row.buy_execution_id for row in allocate(ledger, LotMethod.HIFO).allocations] == ["b"]
    assert unit_cost(ledger[0]) == 10**10 + Fraction(1, 3 * 10**8)


def test_of_equally_dear_lots_the_oldest_goes_first() -> None:
    """2 at 100 with fee 2 and 1 at 101 cost 101 each."""
    ledger = [
        buy("z", "2", "100", fee="2"),
        buy("a", "1", "101", minute=1),
        buy("m", "1", "101.00", minute=2),
        sell("s", "3.5", "120"),
    ]
    result = allocate(ledger, LotMethod.HIFO)
    assert [row.buy_execution_id for row in result.allocations] == ["z", "a", "m"]
    assert [lot.execution_id for lot in result.open_lots] == ["m"]


def test_a_lot_used_in_part_keeps_its_place_among_the_dearest() -> None:
    """The third of a fee of 0.10 that was rounded down stays in the lot and makes it no dearer."""
    ledger = [
        buy("a", "3", "100", fee="0.10"),
        buy("b", "3", "100", fee="0.10", minute=1),
        sell("s", "1", "120", minute=2),
        sell("t", "1", "120", minute=3),
        sell("u", "2", "120", minute=4),
    ]
    rows = allocate(ledger, LotMethod.HIFO).allocations
    assert [(row.sell_execution_id, row.buy_execution_id) for row in rows] == [
        ("s", "a"),
        ("t", "a"),
        ("u", "a"),
        ("u", "b"),
    ]


@pytest.mark.parametrize("method", LotMethod)
def test_lots_are_told_oldest_first_whatever_is_consumed_first(method: LotMethod) -> None:
    queue = LotQueue(method)
    for entry in LEDGER[:3]:
        queue.apply(entry)
    assert [lot.execution_id for lot in queue.open_lots()] == ["a", "b", "c"]


@pytest.mark.parametrize("method", LotMethod)
def test_a_dearer_lot_bought_after_a_sell_is_for_the_next_sell(method: LotMethod) -> None:
    """B191 in every method: 1 at 100, sold; 1 at 200 later."""
    ledger = [
        buy("a", "1", "100"),
        sell("s", "1.5", "120", minute=1),
        buy("b", "1", "200", minute=2),
        sell("t", "1", "120", minute=3),
    ]
    rows = allocate(ledger, method).allocations
    assert [(row.sell_execution_id, row.buy_execution_id, row.pnl) for row in rows] == [
        ("s", "a", Decimal(20)),
        ("s", None, None),
        ("t", "b", Decimal(-80)),
    ]
