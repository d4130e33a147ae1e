"""A periodic report as one HTML file: no script, no request, light and dark, readable on a phone.

Each chart is drawn twice, for wide and for narrow screens, because one that shrinks would shrink its labels too. What a
chart shows also stands in the text or the CSV: some mail readers leave drawings out.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from bottrader.adapters.report import cells, figures, pages
from bottrader.adapters.report.bars import BarText, bar_chart, column_chart
from bottrader.adapters.report.chart import ChartText, equity_chart
from bottrader.app.periodic.document import BarChart, LineChart, PeriodicReport, Unit, Value

_LINE_SIZES = {"wide": (1030, 240), "narrow": (330, 200)}
_COLUMN_SIZES = {"wide": (1030, 220), "narrow": (330, 190)}
_BAR_WIDTHS = {"wide": 480, "narrow": 330}
_LEFT = frozenset({Unit.TEXT, Unit.MOMENT})


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A chart in both sizes, or the sentence that stands for it."""

    title: str
    is_broad: bool
    wide: Markup
    narrow: Markup
    absence: str


def render_page(report: PeriodicReport) -> str:
    """Return the report as one self-contained HTML document."""
    drawings = {
        section.name: [
            _drawn(chart, f"{section.name.name.lower()}-{number}", report.currency)
            for number, chart in enumerate(section.charts)
        ]
        for section in report.sections
    }
    return _template().render(
        report=report,
        title=cells.title_of(report),
        window=cells.window_text(report),
        drawings=drawings,
    )


@cache
def _template() -> Template:
    """Compiled once, when the first page is asked for."""
    return pages.compiled(
        "periodic.html.j2",
        shown=cells.shown,
        exact=cells.exact,
        moment=figures.moment_text,
        agreement=cells.agreement_text,
        sign=_sign,
        is_left=lambda unit: unit in _LEFT,
    )


def _sign(value: Value, unit: Unit) -> str:
    return figures.sign_of(value) if unit is Unit.SIGNED and isinstance(value, Decimal) else ""


def _drawn(chart: BarChart | LineChart, name: str, currency: str) -> _Drawing:
    # The charts' own elements are HTML already; all foreign text in them went through `html.escape`.
    wide, narrow = (Markup(_svg(chart, f"{name}-{shape}", shape, currency)) for shape in _BAR_WIDTHS)  # noqa: S704
    is_broad = isinstance(chart, LineChart) or chart.is_scale
    return _Drawing(chart.title, is_broad, wide, narrow, chart.empty)


def _svg(chart: BarChart | LineChart, element_id: str, shape: str, currency: str) -> str:
    if isinstance(chart, LineChart):
        return _line(chart, element_id, shape, currency)
    text = BarText(element_id, chart.title, currency)
    if chart.is_scale:
        return column_chart(chart.bars, text, *_COLUMN_SIZES[shape])
    return bar_chart(chart.bars, text, _BAR_WIDTHS[shape])


def _line(chart: LineChart, element_id: str, shape: str, currency: str) -> str:
    is_fraction = chart.unit is Unit.FRACTION
    points = [(at, value * 100 if is_fraction else value) for at, value in chart.points]
    values = [value for _, value in chart.points] or [Decimal(0)]
    described = ", ".join(
        f"{name} {cells.shown(value, chart.unit)}"
        for name, value in (
            ("first", values[0]),
            ("last", values[-1]),
            ("lowest", min(values)),
            ("highest", max(values)),
        )
    )
    unit = "%" if is_fraction else currency
    text = ChartText(element_id, f"{chart.title} over time", described, unit, is_depth=is_fraction)
    return equity_chart(points, text, *_LINE_SIZES[shape])
