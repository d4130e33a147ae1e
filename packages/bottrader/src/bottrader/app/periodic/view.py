"""The facts of a window, grouped once for all sections, and proof that the report adds up as the ledger does.

What was traded is that of the window; what is held, owed and open is of the moment the report is made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cached_property

from bottrader.app.periodic.document import Agreement
from bottrader.app.report import Report, total
from bottrader.app.write_reports import build_report
from bottrader.domain import performance
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation, Execution
from bottrader.domain.market import FeeRates, ProductId
from bottrader.domain.money import EXACT, ZERO, Money, Price
from bottrader.domain.orders import ClientOrderId, trigger_of
from bottrader.domain.report_schedule import ReportPeriod
from bottrader.domain.round_trips import Group, RoundTrip, closed_within, round_trips_of
from bottrader.ports import ReportFacts, StrategyLink, TradeRecord

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the exchange said when it was asked; empty when it was not, or did not answer."""

    cash: Mapping[str, Decimal] | None = None
    """By currency."""
    prices: Mapping[ProductId, Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a report is made for: `fee_rates` are the account's, else the configured ones; `zone` names hours of day."""

    period: ReportPeriod
    made_at: datetime
    venue: str
    quote_currency: str
    fee_rates: FeeRates
    hodl: frozenset[str]
    zone: tzinfo


class PeriodView:
    """The facts as the sections look at them.

    Raises:
        InvariantBroken: when a total is not the one that the ledger itself adds up, or the books contradict each other.
    """

    def __init__(self, facts: ReportFacts, observed: Observed, occasion: Occasion) -> None:
        self.facts = facts
        self.observed = observed
        self.occasion = occasion
        ledger = facts.ledger
        self.books: Report = build_report(
            ledger, None, occasion.made_at, venue=occasion.venue, quote_currency=occasion.quote_currency
        )
        period = occasion.period
        self.allocations: list[Allocation] = closed_within(ledger.allocations, period.since, period.until)
        self.trips: list[RoundTrip] = round_trips_of(self.allocations)
        self.pnls: list[Decimal] = performance.known_pnls(trip.trade for trip in self.trips)
        self.executions: list[Execution] = [
            each for each in ledger.executions if period.since <= each.executed_at < period.until
        ]
        self.orders: list[TradeRecord] = [
            each for each in ledger.trade_records if period.since <= each.order_time < period.until
        ]
        self.agreements = _agreements(self)

    @property
    def currency(self) -> str:
        return self.books.cash.currency

    @cached_property
    def realized_pnl(self) -> Money:
        return total(self.pnls)

    @cached_property
    def links(self) -> Mapping[ClientOrderId, StrategyLink]:
        return {link.order_id: link for link in self.facts.links}

    @cached_property
    def executions_of(self) -> Mapping[ClientOrderId, Sequence[Execution]]:
        """All executions by order, of any time."""
        found: dict[ClientOrderId, list[Execution]] = {}
        for execution in self.facts.ledger.executions:
            found.setdefault(execution.order_id, []).append(execution)
        return found

    @cached_property
    def sources(self) -> Mapping[ClientOrderId, str]:
        return {record.order_id: record.source for record in self.facts.ledger.trade_records}

    @cached_property
    def equity(self) -> Sequence[tuple[datetime, Decimal]]:
        """Net deposits plus realized P&L, from the beginning of the window on; empty when the capital is unknown."""
        capital = self.books.cash.net_deposits
        if capital is None or not self.allocations:
            return []
        since = self.occasion.period.since
        earlier = closed_within(self.facts.ledger.allocations, datetime.min.replace(tzinfo=since.tzinfo), since)
        opening = EXACT.add(capital, performance.realized_pnl(earlier))
        return performance.equity_curve(opening, self.allocations, since)

    @cached_property
    def held(self) -> Mapping[ProductId, tuple[Decimal, Decimal]]:
        """Size and cost, entry fees included, of the open lots of each product."""
        held: dict[ProductId, tuple[Decimal, Decimal]] = {}
        for lot in self.books.open_lots:
            size, cost = held.get(lot.product_id, (ZERO, ZERO))
            held[lot.product_id] = (EXACT.add(size, lot.size), EXACT.add(cost, lot.cost))
        return held

    @cached_property
    def values(self) -> Mapping[ProductId, Decimal]:
        """What is held of each product at its price; products without a known price are not in it."""
        prices = self.observed.prices
        return {
            product_id: EXACT.multiply(size, prices[product_id])
            for product_id, (size, _) in self.held.items()
            if product_id in prices
        }

    @property
    def is_priced(self) -> bool:
        """Whether everything held has a known price."""
        return self.values.keys() == self.held.keys()

    def entry_score(self, trip: RoundTrip) -> Decimal | None:
        """Return the score of the buy that it began with, reached through the allocation (R85)."""
        link = None if trip.entry_order_id is None else self.links.get(trip.entry_order_id)
        return None if link is None else link.buy_score

    def source_of(self, trip: RoundTrip) -> str:
        return self.sources.get(trip.trade.sell_order_id, UNKNOWN)

    def add_up(self, groups: Iterable[Group], what: str) -> None:
        """Raise `InvariantBroken` unless the groups add up to the realized P&L of the window."""
        found = total(group.pnl for group in groups)
        if found != self.realized_pnl:
            raise InvariantBroken(f"P&L {what} adds up to {found}, all of it to {self.realized_pnl}")


def entry_trigger(trip: RoundTrip) -> str:
    """Return the trigger of the buy that it began with, `unknown` for one that is not ours."""
    found = None if trip.entry_order_id is None else trigger_of(trip.entry_order_id)
    return UNKNOWN if found is None else str(found)


def exit_trigger(trip: RoundTrip) -> str:
    """Return the trigger of the sell that ended it, `unknown` for one that is not ours."""
    found = trigger_of(trip.trade.sell_order_id)
    return UNKNOWN if found is None else str(found)


def _agreements(view: PeriodView) -> tuple[Agreement, ...]:
    """Hold every total against what the store adds up by itself; two ways that differ are never hidden (E6, B235)."""
    theirs, version = view.facts.totals, view.facts.version
    unmatched = [row for row in view.allocations if row.pnl is None]
    of_version = f"of version {version.number} ({version.method})"
    checks = (
        ("realized P&L", view.realized_pnl, theirs.realized_pnl),
        ("unmatched proceeds", performance.unmatched_proceeds(view.allocations), theirs.unmatched_proceeds),
        ("fees", total(each.fee for each in view.executions), theirs.fees),
        ("allocations", len(view.allocations) - len(unmatched), theirs.allocations_count),
        ("unmatched sells", len(unmatched), theirs.unmatched_count),
        ("executions", len(view.executions), theirs.executions_count),
    )
    faults = [f"{what} {ours} here and {ledgers} in the ledger" for what, ours, ledgers in checks if ours != ledgers]
    if faults:
        raise InvariantBroken(f"the report does not equal the ledger, {of_version}: {'; '.join(faults)}")
    return (
        Agreement("Realized P&L", theirs.realized_pnl, theirs.allocations_count, f"allocations {of_version}"),
        Agreement("Unmatched proceeds", theirs.unmatched_proceeds, theirs.unmatched_count, "sells without a buy"),
        Agreement("Fees", theirs.fees, theirs.executions_count, "executions"),
    )
