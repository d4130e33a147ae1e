"""A periodic report as a value: sections of figures, tables and charts, which every format shows all of.

Amounts are exact; a format rounds when it shows them. None is an unknown figure: every format shows it as `n/a`, and
none puts another figure in its place (R51).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.report_schedule import ReportKind, ReportPeriod

Value = Decimal | int | str | datetime | timedelta | None


class Unit(StrEnum):
    """How a value is meant, and so how it is shown."""

    MONEY = "money"
    """Quote currency."""
    SIGNED = "signed money"
    """Quote currency gained (above zero) or lost."""
    FRACTION = "fraction"
    """Shown as a percentage."""
    NUMBER = "number"
    """A ratio or score, shown with two decimals."""
    COUNT = "count"
    SIZE = "size"
    """Base currency, every digit."""
    PRICE = "price"
    TEXT = "text"
    MOMENT = "moment"
    SPAN = "duration"


class SectionName(StrEnum):
    """The sections that there are; the value is the heading."""

    KEY_METRICS = "Key metrics"
    EQUITY = "Equity and drawdown"
    PROFIT_BY_GROUP = "Where it came from"
    COSTS = "Costs and break-even"
    TRADE_STATS = "Trade statistics"
    RISK = "Risk and capital"
    SIGNAL_SCORES = "Signal scores"
    OVERRIDES = "Momentum overrides"
    TRIGGERS = "Triggers"
    SOURCES = "Sources"
    HODL = "HODL positions"
    EXPOSURE = "Exposure"
    FIFO_HEALTH = "Allocation health"
    LINKAGE = "Strategy linkage"
    FAST_TRIPS = "Fast round trips"
    BRACKETS = "Targets and stops"
    SYMBOLS = "Symbols"
    SCORE_BANDS = "Score bands"
    HOURS = "Hour of day"
    READINESS = "Readiness"
    NOTES = "Notes"


DAILY_SECTIONS = (
    SectionName.KEY_METRICS,
    SectionName.EQUITY,
    SectionName.PROFIT_BY_GROUP,
    SectionName.COSTS,
    SectionName.TRADE_STATS,
    SectionName.RISK,
    SectionName.SIGNAL_SCORES,
    SectionName.OVERRIDES,
    SectionName.TRIGGERS,
    SectionName.SOURCES,
    SectionName.HODL,
    SectionName.EXPOSURE,
    SectionName.FIFO_HEALTH,
    SectionName.LINKAGE,
    SectionName.FAST_TRIPS,
    SectionName.BRACKETS,
    SectionName.SYMBOLS,
    SectionName.HOURS,
    SectionName.NOTES,
)
WEEKLY_SECTIONS = (
    SectionName.KEY_METRICS,
    SectionName.EQUITY,
    SectionName.PROFIT_BY_GROUP,
    SectionName.COSTS,
    SectionName.TRADE_STATS,
    SectionName.RISK,
    SectionName.SYMBOLS,
    SectionName.SCORE_BANDS,
    SectionName.HOURS,
    SectionName.READINESS,
    SectionName.NOTES,
)


def sections_of(kind: ReportKind) -> tuple[SectionName, ...]:
    """Return the sections of a report, in the order of the page."""
    return DAILY_SECTIONS if kind is ReportKind.DAILY else WEEKLY_SECTIONS


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: Value
    unit: Unit
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values in the order of `columns`; `empty` is the sentence that stands for a table without a row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    empty: str


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: Decimal
    note: str = ""


@dataclass(frozen=True, slots=True)
class BarChart:
    """Quote currency by group; `is_scale` when the order of the bars means something, as hours do."""

    title: str
    bars: tuple[Bar, ...]
    empty: str
    is_scale: bool = False


@dataclass(frozen=True, slots=True)
class LineChart:
    """Values over time, each holding until the next point; FRACTION or MONEY."""

    title: str
    points: tuple[tuple[datetime, Decimal], ...]
    unit: Unit
    empty: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """A total that was found equal to what the ledger adds up by itself: `amount` over `rows_count` of `rows`."""

    what: str
    amount: Decimal
    rows_count: int
    rows: str


@dataclass(frozen=True, slots=True)
class Section:
    name: SectionName
    lead: str = ""
    agreements: tuple[Agreement, ...] = ()
    figures: tuple[Figure, ...] = ()
    charts: tuple[BarChart | LineChart, ...] = ()
    tables: tuple[Table, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeriodicReport:
    """Sections in the order of the page; amounts are in `currency`, times UTC."""

    period: ReportPeriod
    venue: str
    currency: str
    made_at: datetime
    sections: tuple[Section, ...]
