"""Disposals: the rows that a tax form asks for, and their totals.

A row is one allocation: a part of one sell that one buy covers. Its proceeds are what was received after the sell's fee
(the form's amount realized), its cost basis is what was paid with the buy's fee, and its gain is their difference, the
allocation's P&L to the last digit. Whether it is short or long term follows from the calendar dates of both, in one
time zone for all rows. A sell without a known buy has neither basis, gain nor term, and is listed as such: a made-up
basis of zero would be a made-up gain (R5).

Worked example. 0.5 BTC bought on 2025-01-01 for 20000 with a fee of 10, sold on 2026-01-02 for 25000 with a fee of 12:
proceeds 24988, cost basis 20010, gain 4978, long term, since the first anniversary was the day before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation, Execution
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import EXACT, ZERO, Money, Size
from bottrader.domain.orders import ClientOrderId, Side
from bottrader.domain.performance import is_long_term, realized_pnl, unmatched_proceeds


class Term(StrEnum):
    """How long it was held; unknown when nobody knows when it was acquired."""

    SHORT = "short"
    LONG = "long"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Disposal:
    """One row of the form; money in the quote currency of the product, exact."""

    product_id: ProductId
    size: Size
    acquired_on: date | None
    disposed_on: date
    proceeds: Money
    cost_basis: Money | None
    gain: Money | None
    term: Term
    sell_order_id: ClientOrderId
    buy_order_id: ClientOrderId | None

    @property
    def description(self) -> str:
        """What was disposed of: `0.5 BTC`."""
        return f"{self.size:f} {base_of(self.product_id)}"


@dataclass(frozen=True, slots=True)
class TermTotals:
    """The disposals of one quote currency and term; basis and gain are zero where they are unknown."""

    currency: str
    term: Term
    disposals_count: int
    proceeds: Decimal
    cost_basis: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class TaxYear:
    """A calendar year in a time zone: its disposals and their totals, and the books of all time up to its end."""

    year: int
    zone: tzinfo
    disposals: tuple[Disposal, ...]
    totals: tuple[TermTotals, ...]
    executions: tuple[Execution, ...]
    allocations: tuple[Allocation, ...]

    @property
    def unmatched_count(self) -> int:
        """How many disposals have no known buy."""
        return sum(each.term is Term.UNKNOWN for each in self.disposals)


def tax_year(executions: Iterable[Execution], allocations: Iterable[Allocation], year: int, zone: tzinfo) -> TaxYear:
    """Return what a year's form asks for, its totals held against the ledger's own.

    Raises:
        InvariantBroken: when the totals and the ledger differ in any digit.
    """
    until = [each for each in allocations if local_date(each.sell_time, zone).year <= year]
    of_year = [each for each in until if local_date(each.sell_time, zone).year == year]
    disposals = disposals_of(of_year, zone)
    totals = totals_by_term(disposals)
    check_totals(totals, of_year)
    return TaxYear(
        year=year,
        zone=zone,
        disposals=tuple(disposals),
        totals=tuple(totals),
        executions=tuple(each for each in executions if local_date(each.executed_at, zone).year <= year),
        allocations=tuple(until),
    )


def disposals_of(allocations: Iterable[Allocation], zone: tzinfo) -> list[Disposal]:
    """Return one row per allocation, by time of sell; dates are those of `zone`."""
    ordered = sorted(allocations, key=lambda each: (each.sell_time, each.product_id))
    return [_disposal(each, zone) for each in ordered]


def totals_by_term(disposals: Sequence[Disposal]) -> list[TermTotals]:
    """Return the totals of each quote currency and term that occurs, in order of both names."""
    groups: dict[tuple[str, Term], list[Disposal]] = {}
    for row in disposals:
        groups.setdefault((quote_of(row.product_id), row.term), []).append(row)
    return [_totals(currency, term, rows) for (currency, term), rows in sorted(groups.items())]


def check_totals(totals: Iterable[TermTotals], allocations: Sequence[Allocation]) -> None:
    """Hold totals against the ledger's own figures: P&L, and proceeds of sells that nothing covers.

    Raises:
        InvariantBroken: when they differ in any digit.
    """
    by_currency: dict[str, list[TermTotals]] = {}
    for each in totals:
        by_currency.setdefault(each.currency, []).append(each)
    for currency in sorted({quote_of(each.product_id) for each in allocations} | set(by_currency)):
        of_currency = by_currency.get(currency, [])
        ledger = [each for each in allocations if quote_of(each.product_id) == currency]
        gain = _sum(each.gain for each in of_currency)
        unknown = _sum(each.proceeds for each in of_currency if each.term is Term.UNKNOWN)
        expected = (realized_pnl(ledger), unmatched_proceeds(ledger))
        if (gain, unknown) != expected:
            raise InvariantBroken(
                f"the form's totals in {currency} are gain {gain} and unmatched proceeds {unknown}, the ledger's are"
                f" {expected[0]} and {expected[1]}"
            )


def uncovered_sells(executions: Iterable[Execution], allocations: Iterable[Allocation]) -> list[str]:
    """Return the ids of sells whose allocations do not add up to their size: not allocated yet, or not any more."""
    sizes: dict[str, Decimal] = {}
    for each in allocations:
        sizes[each.sell_execution_id] = EXACT.add(sizes.get(each.sell_execution_id, ZERO), each.size)
    sells = {each.execution_id: each.size for each in executions if each.side is Side.SELL}
    return sorted(sell for sell in sizes.keys() | sells.keys() if sizes.get(sell, ZERO) != sells.get(sell, ZERO))


def term_of(allocation: Allocation, zone: tzinfo) -> Term:
    """Return how long what was sold had been held, by calendar dates in `zone` (B229-B231)."""
    if allocation.buy_time is None:
        return Term.UNKNOWN
    is_long = is_long_term(local_date(allocation.buy_time, zone), local_date(allocation.sell_time, zone))
    return Term.LONG if is_long else Term.SHORT


def local_date(moment: datetime, zone: tzinfo) -> date:
    """Return the calendar date of a moment in a time zone."""
    return moment.astimezone(zone).date()


def _disposal(allocation: Allocation, zone: tzinfo) -> Disposal:
    return Disposal(
        product_id=allocation.product_id,
        size=allocation.size,
        acquired_on=None if allocation.buy_time is None else local_date(allocation.buy_time, zone),
        disposed_on=local_date(allocation.sell_time, zone),
        proceeds=allocation.net_proceeds,
        cost_basis=allocation.cost_basis,
        gain=allocation.pnl,
        term=term_of(allocation, zone),
        sell_order_id=allocation.sell_order_id,
        buy_order_id=allocation.buy_order_id,
    )


def _totals(currency: str, term: Term, rows: Sequence[Disposal]) -> TermTotals:
    return TermTotals(
        currency=currency,
        term=term,
        disposals_count=len(rows),
        proceeds=_sum(row.proceeds for row in rows),
        cost_basis=_sum(row.cost_basis for row in rows if row.cost_basis is not None),
        gain=_sum(row.gain for row in rows if row.gain is not None),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
