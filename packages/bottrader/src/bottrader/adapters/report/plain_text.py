"""A periodic report as plain text, for mail readers and terminals: 78 columns, with every figure of the page."""

import textwrap
from collections.abc import Iterator, Sequence

from bottrader.adapters.report.cells import agreement_text, shown, title_of, window_text
from bottrader.adapters.report.figures import moment_text, signed_money_text
from bottrader.app.periodic.document import BarChart, LineChart, PeriodicReport, Section, Table, Unit

WIDTH = 78
_LABEL_WIDTH = 24
_LEFT = frozenset({Unit.TEXT, Unit.MOMENT})


def render_text(report: PeriodicReport) -> str:
    """Return the report with its sections underlined; a table too wide for the page becomes a list."""
    head = [
        f"BotTrader: {title_of(report)}",
        report.venue,
        window_text(report),
        f"made {moment_text(report.made_at)} UTC, amounts in {report.currency}",
    ]
    body = [line for section in report.sections for line in _section(section, report.currency)]
    return "\n".join((*head, *body)) + "\n"


def _section(section: Section, currency: str) -> Iterator[str]:
    yield from ("", "", section.name.value, "=" * len(section.name.value))
    if section.lead:
        yield from textwrap.wrap(section.lead, WIDTH)
    for agreement in section.agreements:
        yield from textwrap.wrap(agreement_text(agreement, currency), WIDTH)
    for figure in section.figures:
        text = f"{figure.label + ':':<{_LABEL_WIDTH}}{shown(figure.value, figure.unit)}"
        yield f"{text}  ({figure.note})" if figure.note else text
    for chart in section.charts:
        yield from _chart(chart)
    for table in section.tables:
        yield from _table(table)
    for remark in section.remarks:
        yield from textwrap.wrap(remark, WIDTH, initial_indent="* ", subsequent_indent="  ")


def _chart(chart: BarChart | LineChart) -> Iterator[str]:
    yield from ("", chart.title)
    if isinstance(chart, LineChart):
        yield from textwrap.wrap(_line_text(chart), WIDTH, subsequent_indent="  ")
        return
    # Twenty-four hours of nothing say nothing.
    bars = [bar for bar in chart.bars if bar.value or not chart.is_scale]
    if not bars:
        yield from textwrap.wrap(chart.empty, WIDTH)
    for bar in bars:
        yield f"  {bar.label:<{_LABEL_WIDTH}}{signed_money_text(bar.value):>12}  {bar.note}".rstrip()


def _line_text(chart: LineChart) -> str:
    if not chart.points:
        return chart.empty
    values = [value for _, value in chart.points]
    first, last, low, high = (shown(value, chart.unit) for value in (values[0], values[-1], min(values), max(values)))
    return f"from {first} to {last}, between {low} and {high}"


def _table(table: Table) -> Iterator[str]:
    yield from ("", table.caption)
    if not table.rows:
        yield from textwrap.wrap(table.empty, WIDTH)
        return
    cells = [
        [shown(value, column.unit) for value, column in zip(row, table.columns, strict=True)] for row in table.rows
    ]
    headings = [column.heading for column in table.columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    if sum(widths) + 2 * len(widths) > WIDTH:
        yield from _list(headings, cells)
        return
    is_left = [column.unit in _LEFT for column in table.columns]
    for row in (headings, *cells):
        yield "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, is_left, strict=True)
        ).rstrip()


def _list(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in cells:
        pairs = ", ".join(f"{heading} {cell}" for heading, cell in zip(headings[1:], row[1:], strict=True))
        yield from textwrap.wrap(f"{row[0]}: {pairs}", WIDTH, initial_indent="- ", subsequent_indent="  ")
