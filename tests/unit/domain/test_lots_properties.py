"""What holds for every ledger: conservation, independence of arrival, and agreement with another algorithm."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.lots import Allocation, Execution, LotResult, allocate, ledger_key
from bottrader.domain.orders import Side
from tests.unit.domain.examples import BTC, ETH, at, execution
from tests.unit.domain.ledgers import Match, executions, match_by_intervals, total


def _sums(
    result: LotResult, name: Callable[[Allocation], str | None], value: Callable[[Allocation], Decimal]
) -> dict[str | None, Fraction]:
    found: dict[str | None, Fraction] = {}
    for row in result.allocations:
        found[name(row)] = found.get(name(row), Fraction(0)) + Fraction(value(row))
    return found


@given(executions())
@settings(deadline=None, max_examples=25)
def test_sizes_and_fees_are_conserved(ledger: list[Execution]) -> None:
    """P1, P2: what is sold is matched or unmatched, what is bought is matched or open, and so are the fees."""
    result = allocate(ledger)
    sold = _sums(result, lambda row: row.sell_execution_id, lambda row: row.size)
    sell_fees = _sums(result, lambda row: row.sell_execution_id, lambda row: row.sell_fee)
    used = _sums(result, lambda row: row.buy_execution_id, lambda row: row.size)
    buy_fees = _sums(result, lambda row: row.buy_execution_id, lambda row: row.buy_fee or Decimal(0))
    left = {lot.execution_id: lot for lot in result.open_lots}
    for entry in ledger:
        if entry.size == 0:
            continue
        name = entry.execution_id
        if entry.side is Side.SELL:
            assert sold[name] == Fraction(entry.size)
            assert sell_fees[name] == Fraction(entry.fee)
        else:
            rest = left.get(name)
            assert used.get(name, 0) + Fraction(rest.size if rest else 0) == Fraction(entry.size)
            assert buy_fees.get(name, 0) + Fraction(rest.fee if rest else 0) == Fraction(entry.fee)
    assert all(row.sell_fee >= 0 and (row.buy_fee is None or row.buy_fee >= 0) for row in result.allocations)
    assert all(row.size > 0 for row in result.allocations)


@given(executions())
@settings(deadline=None, max_examples=25)
def test_money_is_conserved(ledger: list[Execution]) -> None:
    """P4: profit plus unmatched proceeds less open cost is the cash that came in less the cash that went out."""
    result = allocate(ledger)
    counted = [entry for entry in ledger if entry.size > 0]
    flow = Fraction(0)
    for entry in counted:
        value = Fraction(entry.price) * Fraction(entry.size)
        flow += value - Fraction(entry.fee) if entry.side is Side.SELL else -value - Fraction(entry.fee)
    earned = total([row.pnl if row.pnl is not None else row.net_proceeds for row in result.allocations])
    assert earned - total([lot.cost for lot in result.open_lots]) == flow


@given(executions())
@settings(deadline=None, max_examples=25)
def test_each_row_follows_the_definition_of_its_amounts(ledger: list[Execution]) -> None:
    """B209, and the formulas of the module in rational numbers."""
    for row in allocate(ledger).allocations:
        proceeds = Fraction(row.size) * Fraction(row.sell_price)
        assert Fraction(row.proceeds) == proceeds
        assert Fraction(row.net_proceeds) == proceeds - Fraction(row.sell_fee)
        if row.pnl is None:
            continue
        assert row.buy_price is not None
        assert row.buy_fee is not None
        assert row.cost_basis is not None
        assert row.buy_time is not None
        assert Fraction(row.cost_basis) == Fraction(row.size) * Fraction(row.buy_price) + Fraction(row.buy_fee)
        assert Fraction(row.pnl) == Fraction(row.net_proceeds) - Fraction(row.cost_basis)
        assert row.buy_time <= row.sell_time


@given(executions(products=1))
@settings(deadline=None, max_examples=25)
def test_the_rows_are_those_of_an_interval_matching(ledger: list[Execution]) -> None:
    """The same rule by another algorithm: overlaps of intervals, in rational numbers."""
    found = [
        Match(row.sell_execution_id, row.buy_execution_id, Fraction(row.size)) for row in allocate(ledger).allocations
    ]
    assert found == match_by_intervals(sorted(ledger, key=ledger_key))


@given(executions(), st.integers())
@settings(deadline=None, max_examples=25)
def test_the_order_of_arrival_changes_nothing(ledger: list[Execution], seed: int) -> None:
    """B205, R1, P6, P10: identical rows, down to the spelling of each amount."""
    shuffled = list(ledger)
    Random(seed).shuffle(shuffled)
    assert repr(allocate(shuffled)) == repr(allocate(ledger))


@given(executions())
@settings(deadline=None, max_examples=25)
def test_products_do_not_touch_each_other(ledger: list[Execution]) -> None:
    """P8."""
    alone = [allocate([entry for entry in ledger if entry.product_id == product]) for product in (BTC, ETH)]
    whole = allocate(ledger)
    assert whole.allocations == alone[0].allocations + alone[1].allocations
    assert whole.open_lots == alone[0].open_lots + alone[1].open_lots


@given(executions(products=1), st.integers(0, 14))
@settings(deadline=None, max_examples=25)
def test_a_later_fact_changes_no_earlier_row(ledger: list[Execution], cut: int) -> None:
    """P9, B203."""
    ordered = sorted(ledger, key=ledger_key)
    early = allocate(ordered[:cut]).allocations
    assert allocate(ordered).allocations[: len(early)] == early


@given(executions(products=1))
@settings(deadline=None, max_examples=25)
def test_ten_times_the_size_is_ten_times_the_money(ledger: list[Execution]) -> None:
    """P12, fees 0."""
    plain = [_scaled(entry, 1) for entry in ledger]
    large = [_scaled(entry, 10) for entry in ledger]
    for one, ten in zip(allocate(plain).allocations, allocate(large).allocations, strict=True):
        assert Fraction(ten.size) == 10 * Fraction(one.size)
        assert Fraction(ten.proceeds) == 10 * Fraction(one.proceeds)
        assert (ten.pnl is None) == (one.pnl is None)
        if one.pnl is not None and ten.pnl is not None:
            assert Fraction(ten.pnl) == 10 * Fraction(one.pnl)


def _scaled(entry: Execution, factor: int) -> Execution:
    size = str(Decimal(entry.size) * factor)
    minute = (entry.executed_at - at(0)).total_seconds() / 60
    return execution(entry.side, entry.execution_id, size, str(entry.price), minute=minute, sequence=entry.sequence)
