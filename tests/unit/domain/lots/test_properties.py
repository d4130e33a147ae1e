"""What holds for every ledger and every method: conservation, independence of arrival, agreement with an oracle."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import (
    Allocation,
    Execution,
    LotMethod,
    LotQueue,
    LotResult,
    NamedPart,
    OpenLot,
    Selection,
    allocate,
    ledger_key,
)
from bottrader.domain.money import Money, Size
from bottrader.domain.orders import Side
from tests.fixtures.ledgers import (
    ACCOUNTS,
    LARGEST,
    MIXED,
    PRODUCTS,
    SOME,
    Amounts,
    Case,
    cases,
    executions,
    in_order,
    of_product,
    total,
)
from tests.fixtures.lot_oracle import OracleLot, OracleRow, books_of

ORDERS = (LotMethod.FIFO, LotMethod.LIFO, LotMethod.HIFO)
"""The methods that need nothing but the ledger."""
each_method = pytest.mark.parametrize("method", LotMethod)
each_order = pytest.mark.parametrize("method", ORDERS)


def _sums(
    result: LotResult, name: Callable[[Allocation], str | None], value: Callable[[Allocation], Decimal]
) -> dict[str | None, Fraction]:
    found: dict[str | None, Fraction] = {}
    for row in result.allocations:
        found[name(row)] = found.get(name(row), Fraction(0)) + Fraction(value(row))
    return found


@each_method
@given(data=st.data())
@SOME
def test_sizes_are_conserved(method: LotMethod, data: st.DataObject) -> None:
    """P1, E3: what is sold is matched or unmatched, what is bought is matched or open."""
    case = data.draw(cases(method))
    result = case.result
    sold = _sums(result, lambda row: row.sell_execution_id, lambda row: row.size)
    used = _sums(result, lambda row: row.buy_execution_id, lambda row: row.size)
    left = {lot.execution_id: Fraction(lot.size) for lot in result.open_lots}
    for entry in case.ledger:
        found = sold if entry.side is Side.SELL else used
        assert found.get(entry.execution_id, 0) + left.get(entry.execution_id, 0) == Fraction(entry.size)
    assert all(row.size > 0 for row in result.allocations)
    assert all(lot.size > 0 for lot in result.open_lots)


@each_method
@given(data=st.data())
@SOME
def test_fees_are_conserved_to_the_last_digit(method: LotMethod, data: st.DataObject) -> None:
    """P2: the shares of an execution and what is left in its lot are its fee; none is negative."""
    case = data.draw(cases(method))
    result = case.result
    shares = _sums(result, lambda row: row.sell_execution_id, lambda row: row.sell_fee)
    for name, share in _sums(result, lambda row: row.buy_execution_id, lambda row: row.buy_fee or Decimal(0)).items():
        if name is not None:
            shares[name] = share
    for lot in result.open_lots:
        shares[lot.execution_id] = shares.get(lot.execution_id, Fraction(0)) + Fraction(lot.fee)
    for entry in case.ledger:
        assert entry.size == 0 or shares[entry.execution_id] == Fraction(entry.fee)
    assert all(row.sell_fee >= 0 and (row.buy_fee is None or row.buy_fee >= 0) for row in result.allocations)
    assert all(lot.fee >= 0 for lot in result.open_lots)


@each_method
@given(data=st.data())
@SOME
def test_costs_are_conserved(method: LotMethod, data: st.DataObject) -> None:
    """P3: what rows and open lots cost together is what the buys cost."""
    case = data.draw(cases(method))
    result = case.result
    rows = total(row.cost_basis for row in result.allocations if row.cost_basis is not None)
    buys = [entry for entry in case.ledger if entry.side is Side.BUY and entry.size > 0]
    assert rows + total(lot.cost for lot in result.open_lots) == sum(
        (Fraction(buy.price) * Fraction(buy.size) + Fraction(buy.fee) for buy in buys), Fraction(0)
    )


@each_method
@given(data=st.data())
@SOME
def test_money_is_conserved(method: LotMethod, data: st.DataObject) -> None:
    """P4: profit plus unmatched proceeds less open cost is the cash that came in less the cash that went out."""
    case = data.draw(cases(method))
    result = case.result
    flow = Fraction(0)
    for entry in case.ledger:
        if entry.size > 0:
            value = Fraction(entry.price) * Fraction(entry.size)
            flow += (value if entry.side is Side.SELL else -value) - Fraction(entry.fee)
    earned = total(row.pnl if row.pnl is not None else row.net_proceeds for row in result.allocations)
    assert earned - total(lot.cost for lot in result.open_lots) == flow


@each_method
@given(data=st.data())
@SOME
def test_each_row_follows_the_definition_of_its_amounts(method: LotMethod, data: st.DataObject) -> None:
    """B209, and the formulas of the module in rational numbers."""
    case = data.draw(cases(method))
    of_id = {entry.execution_id: entry for entry in case.ledger}
    for row in case.result.allocations:
        sell = of_id[row.sell_execution_id]
        assert (row.sell_order_id, row.sell_price, row.sell_time) == (sell.order_id, sell.price, sell.executed_at)
        proceeds = Fraction(row.size) * Fraction(row.sell_price)
        assert Fraction(row.proceeds) == proceeds
        assert Fraction(row.net_proceeds) == proceeds - Fraction(row.sell_fee)
        if row.buy_execution_id is None:
            assert [row.buy_order_id, row.buy_price, row.buy_fee, row.cost_basis, row.pnl, row.buy_time] == [None] * 6
            continue
        buy = of_id[row.buy_execution_id]
        assert (row.buy_order_id, row.buy_price, row.buy_time) == (buy.order_id, buy.price, buy.executed_at)
        assert row.buy_fee is not None
        assert row.cost_basis is not None
        assert row.pnl is not None
        assert Fraction(row.cost_basis) == Fraction(row.size) * Fraction(buy.price) + Fraction(row.buy_fee)
        assert Fraction(row.pnl) == Fraction(row.net_proceeds) - Fraction(row.cost_basis)


@each_method
@given(data=st.data())
@SOME
def test_no_buy_serves_a_sell_that_precedes_it(method: LotMethod, data: st.DataObject) -> None:
    """P5, B191: nor one of another product or account."""
    case = data.draw(cases(method))
    of_id = {entry.execution_id: entry for entry in case.ledger}
    for row in case.result.allocations:
        if row.buy_execution_id is not None:
            buy, sell = of_id[row.buy_execution_id], of_id[row.sell_execution_id]
            assert (buy.side, sell.side) == (Side.BUY, Side.SELL)
            assert (buy.product_id, buy.account) == (sell.product_id, sell.account) == (row.product_id, row.account)
            assert in_order([sell, buy]) == [buy, sell]


@each_order
@given(data=st.data())
@SOME
def test_a_sell_consumes_lots_in_the_order_of_its_method(method: LotMethod, data: st.DataObject) -> None:
    """P5: each lot is used up before the next one; of equal costs the older comes first; a rest has no lots left."""
    ledger = in_order(data.draw(executions(products=1)))
    of_id = {entry.execution_id: entry for entry in ledger}
    queue = LotQueue(method)

    def preference(lot: OpenLot) -> tuple[Fraction, tuple[object, ...]]:
        buy = of_id[lot.execution_id]
        cost = (Fraction(buy.price) * Fraction(buy.size) + Fraction(buy.fee)) / Fraction(buy.size)
        return -cost if method is LotMethod.HIFO else Fraction(0), ledger_key(buy)

    for entry in ledger:
        lots = sorted(queue.open_lots(), key=preference, reverse=method is LotMethod.LIFO)
        rows = queue.apply(entry)
        matched = [row for row in rows if row.buy_execution_id is not None]
        assert [row.buy_execution_id for row in matched] == [lot.execution_id for lot in lots[: len(matched)]]
        assert [row.size for row in matched[:-1]] == [lot.size for lot in lots[: len(matched)]][:-1]
        if len(rows) > len(matched):
            assert len(matched) == len(lots)
            assert queue.open_lots() == []


@each_method
@given(data=st.data(), seed=st.integers())
@SOME
def test_the_order_of_arrival_changes_nothing(method: LotMethod, data: st.DataObject, seed: int) -> None:
    """B205, R1, E3, P6, P10: identical rows, down to the spelling of each amount, as often as it is asked."""
    case = data.draw(cases(method))
    shuffled = list(case.ledger)
    Random(seed).shuffle(shuffled)
    assert repr(replace(case, ledger=shuffled).result) == repr(case.result) == repr(case.result)


@each_method
@given(data=st.data())
@SOME
def test_how_an_amount_was_spelled_changes_nothing(method: LotMethod, data: st.DataObject) -> None:
    """P6: a file says 0.10 where the database says 0.1; the rows are the same to the byte."""
    case = data.draw(cases(method))
    longer = [
        replace(
            entry,
            size=Size(Decimal(f"{entry.size:f}.0" if entry.size == int(entry.size) else f"{entry.size:f}00")),
            fee=Money(entry.fee.quantize(Decimal("1E-15"))),
        )
        for entry in case.ledger
    ]
    assert repr(replace(case, ledger=longer).result) == repr(case.result)


class _Books:
    """Lots kept as executions arrive: each is applied, and a late one replays its product and account."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._ledgers: dict[tuple[str, str], list[Execution]] = {}
        self._queues: dict[tuple[str, str], LotQueue] = {}
        self._rows: dict[tuple[str, str], list[Allocation]] = {}

    def arrive(self, entry: Execution) -> None:
        name = (entry.product_id, entry.account)
        ledger = self._ledgers.setdefault(name, [])
        ledger.append(entry)
        if name in self._queues and in_order(ledger)[-1] is entry:
            self._rows[name] += self._queues[name].apply(entry)
            return
        queue = self._queues[name] = LotQueue(self.case.method, self.case.selection)
        self._rows[name] = [row for each in in_order(ledger) for row in queue.apply(each)]

    @property
    def result(self) -> LotResult:
        names = sorted(self._queues)
        return LotResult(
            tuple(row for name in names for row in self._rows[name]),
            tuple(lot for name in names for lot in self._queues[name].open_lots()),
        )


@each_method
@given(data=st.data())
@SOME
def test_execution_by_execution_gives_the_rows_of_a_full_run(method: LotMethod, data: st.DataObject) -> None:
    """P7, B206, R8, E3: incremental equals full after every prefix, so at every split, to the byte."""
    case = data.draw(cases(method))
    books = _Books(case)
    ordered = in_order(case.ledger)
    for count, entry in enumerate(ordered, 1):
        books.arrive(entry)
        known = {each.execution_id for each in ordered[:count]}
        parts = tuple(part for part in (case.selection.parts if case.selection else ()) if _sell_of(part) in known)
        selection = None if case.selection is None else Selection(parts)
        assert repr(books.result) == repr(Case(ordered[:count], method, selection).result)


def _sell_of(part: NamedPart) -> str:
    return part.sell_execution_id


@each_order
@given(data=st.data())
@SOME
def test_late_arrivals_are_replayed_to_the_rows_of_a_full_run(method: LotMethod, data: st.DataObject) -> None:
    """P7, P9, B203, F21, F28: executions come in any order, one after the other."""
    case = data.draw(cases(method))
    books = _Books(case)
    for entry in case.ledger:
        books.arrive(entry)
    assert repr(books.result) == repr(case.result)


@each_method
@given(data=st.data())
@SOME
def test_products_and_accounts_do_not_touch_each_other(method: LotMethod, data: st.DataObject) -> None:
    """P8: alone, each has its rows of the whole."""
    case = data.draw(cases(method))
    alone = []
    for product_id in PRODUCTS:
        for account in ACCOUNTS:
            ledger = of_product(case.ledger, product_id, account)
            sells = {entry.execution_id for entry in ledger}
            parts = [part for part in (case.selection.parts if case.selection else ()) if _sell_of(part) in sells]
            alone.append(allocate(ledger, method, Selection(tuple(parts)) if case.selection else None))
    whole = case.result
    assert whole.allocations == tuple(row for each in alone for row in each.allocations)
    assert whole.open_lots == tuple(lot for each in alone for lot in each.open_lots)


@each_order
@given(data=st.data(), number=st.integers(0, 9))
@SOME
def test_a_late_fact_changes_no_earlier_row_and_no_other_product(
    method: LotMethod, data: st.DataObject, number: int
) -> None:
    """P9, B203."""
    case = data.draw(cases(method))
    if not case.ledger:
        return
    late = case.ledger[number % len(case.ledger)]
    before = allocate([entry for entry in case.ledger if entry is not late], method)
    earlier = {entry.execution_id for entry in case.ledger if ledger_key(entry) < ledger_key(late)}

    def kept(result: LotResult) -> list[Allocation]:
        return [
            row
            for row in result.allocations
            if row.sell_execution_id in earlier or (row.product_id, row.account) != (late.product_id, late.account)
        ]

    assert kept(before) == kept(case.result)


@each_method
@given(data=st.data())
@SOME
def test_rows_and_lots_are_those_of_the_oracle(method: LotMethod, data: st.DataObject) -> None:
    """P15: the same rules by an independent program: overlap of intervals, or a search of all buys."""
    _compare(data.draw(cases(method)))


@each_method
@pytest.mark.parametrize("amounts", [LARGEST, MIXED], ids=["largest", "mixed scales"])
@given(data=st.data())
@SOME
def test_the_largest_amounts_and_mixed_scales_are_exact(
    method: LotMethod, amounts: Amounts, data: st.DataObject
) -> None:
    """P11: sizes up to 2**60, prices and fees up to 2**63 at a scale of 8; eighteen digits at any scale."""
    _compare(data.draw(cases(method, products=1, accounts=1, most=6, amounts=amounts)))


def _compare(case: Case) -> None:
    result, books = case.result, books_of(case.ledger, case.method, case.named)
    rows = [
        OracleRow(
            row.sell_execution_id,
            row.buy_execution_id,
            row.size,
            row.proceeds,
            row.sell_fee,
            row.net_proceeds,
            row.buy_fee,
            row.cost_basis,
            row.pnl,
        )
        for row in result.allocations
    ]
    assert rows == books.rows
    assert [OracleLot(lot.execution_id, lot.size, lot.fee) for lot in result.open_lots] == books.lots


@each_method
@given(data=st.data())
@SOME
def test_ten_times_the_size_is_ten_times_the_money(method: LotMethod, data: st.DataObject) -> None:
    """P12, fees 0."""
    case = data.draw(cases(method))
    plain = [replace(entry, fee=Money(Decimal(0))) for entry in case.ledger]
    large = [replace(entry, size=Size(10 * entry.size)) for entry in plain]
    parts = tuple(replace(part, size=Size(10 * part.size)) for part in (case.selection.parts if case.selection else ()))
    ones = replace(case, ledger=plain).result
    tens = Case(large, method, Selection(parts) if case.selection else None).result
    for one, ten in zip(ones.allocations, tens.allocations, strict=True):
        assert (ten.sell_execution_id, ten.buy_execution_id) == (one.sell_execution_id, one.buy_execution_id)
        for name in ("size", "proceeds", "net_proceeds", "cost_basis", "pnl"):
            amount = getattr(one, name)
            assert getattr(ten, name) == (None if amount is None else 10 * amount)
    for lot, wide in zip(ones.open_lots, tens.open_lots, strict=True):
        assert (wide.execution_id, wide.size, wide.cost) == (lot.execution_id, 10 * lot.size, 10 * lot.cost)


@given(ledger=executions(products=1, accounts=1, most=4))
@SOME
def test_an_execution_is_applied_once_and_in_order(ledger: list[Execution]) -> None:
    """P9: a queue takes nothing that is not later than its last; it has to be made anew."""
    queue = LotQueue()
    ordered = in_order(ledger)
    for number, entry in enumerate(ordered):
        queue.apply(entry)
        for known in ordered[: number + 1]:
            with pytest.raises(InvariantBroken, match="does not follow"):
                queue.apply(known)
