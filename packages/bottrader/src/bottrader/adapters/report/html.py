"""The report as one HTML file: no script, no request, light and dark, readable on a phone and on paper.

All text from the ledger (notes, reasons, ids) is escaped by the template engine; only the style sheet and the chart,
which escapes its own text, are inserted as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from bottrader.adapters.report import figures, pages
from bottrader.adapters.report.chart import ChartText, equity_chart
from bottrader.app.report import CashFlow, Report
from bottrader.domain.performance import Totals

# A page with tens of thousands of rows is one that no phone opens and nobody reads; the totals count every row.
ROWS_SHOWN_MAX = 500
_CHART_SIZES = {"wide": (1030, 300), "narrow": (350, 230)}


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    trades_count: int
    pnl: Decimal
    share_pct: str


@dataclass(frozen=True, slots=True)
class _Bars:
    element_id: str
    heading: str
    rows: tuple[_Bar, ...]


@dataclass(frozen=True, slots=True)
class _CashLine:
    label: str
    amount_text: str
    exact_text: str


def render_html(report: Report) -> str:
    """Return the report as one self-contained HTML document."""
    reasons = {figures.reason_text(name): totals for name, totals in report.pnl_by_exit_reason.items()}
    return _template().render(
        report=report,
        verdict=report.verdict,
        unit=report.cash.currency,
        profit_factor_text=figures.profit_factor_text(report.profit_factor, report.wins_count),
        orders_text=figures.orders_text(report.orders_by_status),
        charts=[_chart(report, shape) for shape in _CHART_SIZES],
        chart_absence=_chart_absence(report),
        groups=(
            _Bars("by-reason", "Profit and loss by exit reason", _bars(reasons)),
            _Bars("by-product", "Profit and loss by product", _bars(report.pnl_by_product)),
        ),
        trades=report.closed_trades[::-1][:ROWS_SHOWN_MAX],
        unmatched=report.unmatched_sells[::-1][:ROWS_SHOWN_MAX],
        lots=report.open_lots[:ROWS_SHOWN_MAX],
        cash_lines=tuple(_cash_lines(report.cash)),
    )


@cache
def _template() -> Template:
    """Compiled once, when the first page is asked for: that takes longer than to fill it in."""
    return pages.compiled(
        "report.html.j2",
        money=figures.money_text,
        signed=figures.signed_money_text,
        exact=figures.exact_text,
        price=figures.price_text,
        percent=figures.percent_text,
        moment=figures.moment_text,
        span=figures.span_text,
        reason=figures.reason_text,
        sign=figures.sign_of,
        verdict=figures.verdict_text,
        gap=figures.gap_text,
    )


def _chart(report: Report, shape: str) -> Markup:
    """Return the curve drawn for wide or narrow screens: one that shrinks would shrink its labels too."""
    text = ChartText(f"equity-{shape}", "Equity over time", _chart_description(report), report.cash.currency)
    # The chart's own elements are HTML already; all foreign text in it went through `html.escape`.
    return Markup(equity_chart(report.equity_curve, text, *_CHART_SIZES[shape]))  # noqa: S704


def _chart_description(report: Report) -> str:
    if not report.equity_curve:
        return ""
    (began_at, began), (ended_at, ended) = report.equity_curve[0], report.equity_curve[-1]
    equities = [equity for _, equity in report.equity_curve]
    return (
        f"From {figures.money_text(began)} on {figures.moment_text(began_at)} to {figures.money_text(ended)}"
        f" on {figures.moment_text(ended_at)} {report.cash.currency},"
        f" between {figures.money_text(min(equities))} and {figures.money_text(max(equities))}."
    )


def _chart_absence(report: Report) -> str:
    if report.cash.opening is None:
        return "There is no curve: no opening balance or deposit is recorded, so the capital is unknown."
    return "There is no curve yet: it begins with the first closed trade."


def _bars(groups: Mapping[str, Totals]) -> tuple[_Bar, ...]:
    """Return one bar per group, best first, its length relative to the largest gain or loss."""
    largest = max((abs(totals.pnl) for totals in groups.values()), default=Decimal(0))
    return tuple(
        # A length on the screen needs no more than a float.
        _Bar(name, totals.trades_count, totals.pnl, f"{float(abs(totals.pnl) / largest) * 100:.1f}" if largest else "0")
        for name, totals in sorted(groups.items(), key=lambda item: (-item[1].pnl, item[0]))
    )


def _cash_lines(cash: CashFlow) -> Iterator[_CashLine]:
    if cash.opening is None:
        yield _CashLine("Opening cash", "unknown", "")
    else:
        yield _CashLine("Opening cash", figures.money_text(cash.opening), figures.exact_text(cash.opening))
    steps = (
        ("Deposited", cash.deposited),
        ("Withdrawn", -cash.withdrawn),
        ("Received for sells", cash.sold),
        ("Paid for buys", -cash.bought),
        ("Fees", -cash.fees),
    )
    for label, amount in steps:
        # Most books see neither deposit nor withdrawal; trades and fees are shown even at zero.
        if amount or label not in {"Deposited", "Withdrawn"}:
            yield _CashLine(label, figures.signed_money_text(amount), figures.exact_text(amount))
