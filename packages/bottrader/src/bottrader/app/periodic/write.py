"""A periodic report, made of the facts: the same facts give the same report, however often it is made."""

from collections.abc import Callable, Mapping

from bottrader.app.periodic import books, decisions, money, results
from bottrader.app.periodic.document import PeriodicReport, Section, SectionName, sections_of
from bottrader.app.periodic.view import Observed, Occasion, PeriodView
from bottrader.domain.report_schedule import ReportKind
from bottrader.ports import ReportFacts

_SECTIONS: Mapping[SectionName, Callable[[PeriodView], Section]] = {
    SectionName.KEY_METRICS: results.key_metrics,
    SectionName.EQUITY: results.equity,
    SectionName.PROFIT_BY_GROUP: results.profit_by_group,
    SectionName.COSTS: money.costs,
    SectionName.TRADE_STATS: results.trade_stats,
    SectionName.RISK: money.risk,
    SectionName.SIGNAL_SCORES: decisions.signal_scores,
    SectionName.OVERRIDES: decisions.overrides,
    SectionName.TRIGGERS: decisions.triggers,
    SectionName.SOURCES: decisions.sources,
    SectionName.HODL: money.hodl,
    SectionName.EXPOSURE: money.exposure,
    SectionName.FIFO_HEALTH: books.fifo_health,
    SectionName.LINKAGE: decisions.linkage,
    SectionName.FAST_TRIPS: results.fast_trips,
    SectionName.BRACKETS: decisions.brackets,
    SectionName.SYMBOLS: results.symbols,
    SectionName.SCORE_BANDS: results.score_bands,
    SectionName.HOURS: results.hours,
    SectionName.READINESS: results.readiness,
    SectionName.NOTES: books.notes,
}
_WEEKLY = {SectionName.SYMBOLS: results.symbols_of_week}


def build_periodic_report(facts: ReportFacts, observed: Observed, occasion: Occasion) -> PeriodicReport:
    """Return the report of `occasion`; `facts` are those of its period.

    Raises:
        InvariantBroken: when a total does not equal what the ledger adds up by itself, or the books contradict each
            other: a report that would have to hide it is not made.
    """
    view = PeriodView(facts, observed, occasion)
    kind = occasion.period.kind
    makers = {**_SECTIONS, **_WEEKLY} if kind is ReportKind.WEEKLY else _SECTIONS
    sections = tuple(makers[name](view) for name in sections_of(kind))
    return PeriodicReport(occasion.period, occasion.venue, view.currency, occasion.made_at, sections)
