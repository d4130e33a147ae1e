"""A periodic report as CSV: one file with a row for each figure.

One file, because it goes along with a mail and is opened by a spreadsheet as it is; and a row for each figure, because
the sections have different columns, and a reader that looks for one figure finds it by section, item and name however
many others there are. Values have every digit, a point, and no thousands separator; an unknown one is an empty cell.

    section,item,figure,value,unit
    Key metrics,,Realized P&L,4.768,signed money
    Symbols,BTC-USD,Win rate,0.6666666666666666666666666667,fraction
"""

import csv
import io
from collections.abc import Iterator

from bottrader.adapters.report.cells import exact
from bottrader.app.periodic.document import BarChart, LineChart, PeriodicReport, Section, Table, Unit

HEADER = ("section", "item", "figure", "value", "unit")
Line = tuple[str, str, str, str, str]


def render_csv(report: PeriodicReport) -> str:
    """Return the file's text, with CRLF line ends (RFC 4180)."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(HEADER)
    writer.writerows(_lines(report))
    return written.getvalue()


def _lines(report: PeriodicReport) -> Iterator[Line]:
    about = (
        ("kind", report.period.kind.value, Unit.TEXT),
        ("from", report.period.since, Unit.MOMENT),
        ("until", report.period.until, Unit.MOMENT),
        ("made at", report.made_at, Unit.MOMENT),
        ("venue", report.venue, Unit.TEXT),
        ("currency", report.currency, Unit.TEXT),
    )
    for name, value, unit in about:
        yield "Report", "", name, exact(value), unit.value
    for section in report.sections:
        yield from _section_lines(section)


def _section_lines(section: Section) -> Iterator[Line]:
    name = section.name.value
    for agreement in section.agreements:
        yield name, f"ledger: {agreement.rows}", agreement.what, exact(agreement.amount), Unit.MONEY.value
        yield name, f"ledger: {agreement.rows}", "rows", str(agreement.rows_count), Unit.COUNT.value
    for figure in section.figures:
        yield name, "", exact(figure.label), exact(figure.value), figure.unit.value
    for chart in section.charts:
        yield from _chart_lines(name, chart)
    for table in section.tables:
        yield from _table_lines(name, table)
    for number, remark in enumerate(section.remarks, start=1):
        yield name, f"remark {number}", "text", exact(remark), Unit.TEXT.value


def _chart_lines(name: str, chart: BarChart | LineChart) -> Iterator[Line]:
    if isinstance(chart, BarChart):
        for bar in chart.bars:
            yield name, exact(bar.label), chart.title, exact(bar.value), Unit.SIGNED.value
    else:
        for at, value in chart.points:
            yield name, exact(at), chart.title, exact(value), chart.unit.value


def _table_lines(name: str, table: Table) -> Iterator[Line]:
    yield name, table.caption, "rows", str(len(table.rows)), Unit.COUNT.value
    for number, row in enumerate(table.rows, start=1):
        # The first column names the row, unless it is a moment, which several rows may share.
        label = exact(row[0]) if table.columns[0].unit is Unit.TEXT else f"{table.caption} {number}"
        for column, value in zip(table.columns, row, strict=True):
            if not (column is table.columns[0] and column.unit is Unit.TEXT):
                yield name, label, f"{table.caption}: {column.heading}", exact(value), column.unit.value
