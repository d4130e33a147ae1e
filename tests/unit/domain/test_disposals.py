"""Disposals: what a tax form asks for, with totals that equal the ledger's."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bottrader.domain.disposals import (
    TaxYear,
    Term,
    TermTotals,
    check_totals,
    tax_year,
    uncovered_sells,
)
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution, LotResult, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side


def trade(name: str, size: str, price: str, fee: str, at: str, product_id: str = "BTC-USD") -> Execution:
    """Return a buy when the name begins with b, else a sell."""
    return Execution(
        execution_id=name,
        order_id=ClientOrderId(name),
        product_id=ProductId(product_id),
        side=Side.BUY if name.startswith("b") else Side.SELL,
        price=Price(Decimal(price)),
        size=Size(Decimal(size)),
        fee=Money(Decimal(fee)),
        executed_at=datetime.fromisoformat(at).replace(tzinfo=UTC),
        sequence=0,
    )


def taxes(year: int, *trades: Execution, zone: str = "UTC") -> TaxYear:
    return tax_year(trades, allocate(trades).allocations, year, ZoneInfo(zone))


WORKED = (
    trade("b1", "0.5", "40000", "10", "2025-01-01T10:00"),
    trade("s1", "0.5", "50000", "12", "2026-01-02T09:00"),
)


def test_the_worked_example() -> None:
    """Proceeds are after the sell's fee and the basis is with the buy's: 25000 - 12 and 20000 + 10."""
    year = taxes(2026, *WORKED)

    (row,) = year.disposals
    assert row.description == "0.5 BTC"
    assert (row.acquired_on, row.disposed_on) == (date(2025, 1, 1), date(2026, 1, 2))
    assert (row.proceeds, row.cost_basis, row.gain) == (Decimal(24988), Decimal(20010), Decimal(4978))
    assert (row.term, row.sell_order_id, row.buy_order_id) == (Term.LONG, "s1", "b1")
    assert year.totals == (TermTotals("USD", Term.LONG, 1, Decimal(24988), Decimal(20010), Decimal(4978)),)
    assert year.unmatched_count == 0


@pytest.mark.parametrize(
    ("sold", "term"),
    [("2025-06-01T10:00", Term.SHORT), ("2026-01-01T23:59", Term.SHORT), ("2026-01-02T00:00", Term.LONG)],
)
def test_the_term_follows_the_calendar(sold: str, term: Term) -> None:
    """B229, B230, B231"""
    trades = (WORKED[0], replace(WORKED[1], executed_at=datetime.fromisoformat(sold).replace(tzinfo=UTC)))
    year = taxes(int(sold[:4]), *trades)

    assert [row.term for row in year.disposals] == [term]


def test_dates_years_and_terms_are_those_of_one_time_zone() -> None:
    """In Los Angeles it is still 1 January, and at the turn of the year still the old one."""
    early = replace(WORKED[1], executed_at=datetime(2026, 1, 2, 7, tzinfo=UTC))
    assert [row.term for row in taxes(2026, WORKED[0], early).disposals] == [Term.LONG]
    (row,) = taxes(2026, WORKED[0], early, zone="America/Los_Angeles").disposals
    assert (row.acquired_on, row.disposed_on, row.term) == (date(2025, 1, 1), date(2026, 1, 1), Term.SHORT)

    turn = replace(WORKED[1], executed_at=datetime(2026, 1, 1, 7, 59, tzinfo=UTC))
    assert taxes(2026, WORKED[0], turn, zone="America/Los_Angeles").disposals == ()
    assert len(taxes(2025, WORKED[0], turn, zone="America/Los_Angeles").disposals) == 1


def test_a_sell_without_a_buy_is_listed_without_basis_gain_and_term() -> None:
    """B190, R5"""
    year = taxes(2026, WORKED[0], trade("s1", "0.75", "50000", "12", "2026-01-02T09:00"))

    known, unknown = year.disposals
    assert (known.proceeds, known.gain) == (Decimal(24992), Decimal(4982))
    assert (unknown.acquired_on, unknown.cost_basis, unknown.gain, unknown.buy_order_id) == (None, None, None, None)
    assert (unknown.term, unknown.proceeds) == (Term.UNKNOWN, Decimal(12496))
    assert year.unmatched_count == 1
    assert [(each.term, each.proceeds, each.gain) for each in year.totals] == [
        (Term.LONG, Decimal(24992), Decimal(4982)),
        (Term.UNKNOWN, Decimal(12496), Decimal(0)),
    ]


def test_totals_are_by_currency_and_term() -> None:
    trades = (
        trade("b1", "2", "10", "0", "2025-01-01T00:00", "ADA-USD"),
        trade("s1", "1", "12", "0", "2026-01-01T00:00", "ADA-USD"),
        trade("s2", "1", "13", "0", "2026-01-02T00:00", "ADA-USD"),
        trade("b2", "1", "10", "0", "2026-01-01T00:00", "BTC-EUR"),
        trade("s3", "1", "7", "0", "2026-03-01T00:00", "BTC-EUR"),
    )

    assert [(each.currency, each.term, each.disposals_count, each.gain) for each in taxes(2026, *trades).totals] == [
        ("EUR", Term.SHORT, 1, Decimal(-3)),
        ("USD", Term.LONG, 1, Decimal(3)),
        ("USD", Term.SHORT, 1, Decimal(2)),
    ]


def test_the_books_end_with_the_year_and_begin_with_the_first_trade() -> None:
    later = trade("b2", "1", "10", "0", "2027-01-01T00:00")
    sold = trade("s2", "1", "10", "0", "2027-01-02T00:00")
    year = taxes(2026, *WORKED, later, sold)

    assert year.executions == WORKED
    assert [each.sell_order_id for each in year.allocations] == ["s1"]
    assert taxes(2025, *WORKED).executions == WORKED[:1]
    assert len(taxes(2027, *WORKED, later, sold).executions) == 4
    assert len(taxes(2027, *WORKED, later, sold).disposals) == 1


def test_rows_are_in_the_order_of_the_sells() -> None:
    trades = (
        trade("s2", "1", "7", "0", "2026-03-01T00:00", "ADA-USD"),
        trade("s1", "1", "7", "0", "2026-02-01T00:00", "BTC-EUR"),
    )
    assert [row.sell_order_id for row in taxes(2026, *trades).disposals] == ["s1", "s2"]


def test_totals_that_differ_from_the_ledger_in_one_digit_are_not_handed_out() -> None:
    result = allocate((*WORKED, trade("s2", "1", "7", "0", "2026-03-01T00:00")))
    totals = tax_year((), result.allocations, 2026, UTC).totals
    check_totals(totals, result.allocations)
    digit = Decimal("1E-18")

    for changed in (
        [replace(totals[0], gain=totals[0].gain + digit), totals[1]],
        [totals[0], replace(totals[1], proceeds=totals[1].proceeds - digit)],
        totals[:1],
        [*totals, replace(totals[0], currency="EUR")],
    ):
        with pytest.raises(InvariantBroken, match=r"the form's totals in (USD|EUR) are gain"):
            check_totals(changed, result.allocations)


def test_a_sell_whose_allocations_do_not_add_up_to_it_is_told() -> None:
    sells = (trade("s2", "1", "7", "0", "2026-03-01T00:00"), trade("s3", "1", "7", "0", "2026-03-02T00:00"))
    result: LotResult = allocate((*WORKED, *sells))

    assert uncovered_sells((*WORKED, *sells), result.allocations) == []
    assert uncovered_sells((*WORKED, *sells), result.allocations[:1]) == ["s2", "s3"]
    assert uncovered_sells(WORKED, result.allocations) == ["s2", "s3"]
    assert uncovered_sells((*WORKED, replace(sells[0], size=Size(Decimal(2))), sells[1]), result.allocations) == ["s2"]
