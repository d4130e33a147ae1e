"""The equity curve as inline SVG: no script, no request, colours from the page's own variables.

Realized equity only changes when a sell closes, so it is drawn in steps; a slope would invent money between two trades.
Coordinates are the one place where amounts become floats: a pixel needs no more.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape

from bottrader.adapters.report.figures import MINUS, exact_text, moment_text, money_text

_RIGHT, _TOP, _BOTTOM = 14.0, 28.0, 30.0
# Width of a digit of the tick labels, 12 px in any usual font, and the room between label and plot.
_DIGIT_PX, _GAP_PX = 7.0, 10.0
_LABEL_PX = 72.0
_ROW_PX = 56.0
_TICK_SPANS_S = (
    1, 5, 15, 30,
    60, 300, 900, 1800,
    3600, 3 * 3600, 6 * 3600, 12 * 3600,
    86400, 2 * 86400, 4 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 91 * 86400, 365 * 86400, 3650 * 86400,
)  # fmt: skip
# More marks than this touch each other and only hide the line.
_MARKS_MAX = 120

Point = tuple[datetime, Decimal]


@dataclass(frozen=True, slots=True)
class ChartText:
    """What the chart says besides its line: `element_id` is unique on the page, `unit` the quote currency or `%`."""

    element_id: str
    title: str
    description: str
    unit: str
    is_depth: bool = False
    """Whether the area between the line and where it began is filled, not the one below the line."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """The plot's inner rectangle in pixels and the window of time and equity it shows."""

    width: float
    height: float
    left: float
    start: datetime
    end: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        return self.left + (at - self.start) / (self.end - self.start) * (self.width - self.left - _RIGHT)

    def y(self, equity: float) -> float:
        return _TOP + (self.high - equity) / (self.high - self.low) * (self.height - _TOP - _BOTTOM)

    @property
    def floor(self) -> float:
        return self.height - _BOTTOM


def equity_chart(points: Sequence[Point], text: ChartText, width: int, height: int) -> str:
    """Return an `<svg>` of the steps through `points` (time, equity), oldest first; empty text below two points.

    The dashed line is the equity of the first point.
    """
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return ""
    ticks = _value_ticks(points, int((height - _TOP - _BOTTOM) / _ROW_PX))
    labels = _value_labels(ticks)
    left = max(map(len, labels)) * _DIGIT_PX + _GAP_PX
    frame = _Frame(width, height, left, points[0][0], points[-1][0], ticks[0], ticks[-1])
    line = _steps(_thinned(points, frame), frame)
    baseline = frame.y(float(points[0][1]))
    title, description = f"{text.element_id}-title", f"{text.element_id}-desc"
    parts = [
        f'<svg class="chart" id="{text.element_id}" viewBox="0 0 {width} {height}" role="img"'
        f' aria-labelledby="{title} {description}" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="{title}">{escape(text.title)}</title><desc id="{description}">{escape(text.description)}</desc>',
        _tick(left - _GAP_PX, 10, "end", text.unit),
        *_value_axis(frame, ticks, labels),
        *_time_axis(frame),
        f'<path class="area" d="{line} V{baseline if text.is_depth else frame.floor:.1f} H{left:.1f} Z"/>',
        f'<line class="opening" x1="{left:.1f}" x2="{width - _RIGHT:.1f}" y1="{baseline:.1f}" y2="{baseline:.1f}"/>',
        f'<path class="curve" d="{line}"/>',
        *_marks(points, frame, text.unit),
        "</svg>",
    ]
    return "".join(parts)


def _value_ticks(points: Sequence[Point], rows: int) -> list[float]:
    """Return round values in even steps whose first and last enclose every point."""
    low, high = float(min(equity for _, equity in points)), float(max(equity for _, equity in points))
    if low == high:
        low, high = low - 1, high + 1
    rough = (high - low) / max(rows, 2)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * magnitude for nice in (1, 2, 2.5, 5, 10) if nice * magnitude >= rough * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, last + 1)]


def _value_labels(ticks: Sequence[float]) -> list[str]:
    step = ticks[1] - ticks[0]
    # As many decimals as the step itself has: 0.25 needs two, 2.5 one, 50 none.
    decimals = next((count for count in range(8) if math.isclose(step * 10**count, round(step * 10**count))), 8)
    return [f"{tick:,.{decimals}f}".replace("-", MINUS) for tick in ticks]


def _value_axis(frame: _Frame, ticks: Sequence[float], labels: Sequence[str]) -> Iterator[str]:
    for tick, label in zip(ticks, labels, strict=True):
        y = frame.y(tick)
        yield f'<line class="grid" x1="{frame.left:.1f}" x2="{frame.width - _RIGHT:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _tick(frame.left - _GAP_PX, y + 4, "end", label)


def _time_axis(frame: _Frame) -> Iterator[str]:
    span_s = (frame.end - frame.start).total_seconds()
    labels_max = max(2, int((frame.width - frame.left - _RIGHT) / _LABEL_PX))
    step_s = next((candidate for candidate in _TICK_SPANS_S if candidate * labels_max >= span_s), _TICK_SPANS_S[-1])
    midnight = frame.start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + math.ceil((frame.start - midnight).total_seconds() / step_s) * timedelta(seconds=step_s)
    while at <= frame.end:
        x = frame.x(at)
        is_last = x > frame.width - _RIGHT - _LABEL_PX / 4
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.floor:.1f}" y2="{frame.floor + 5:.1f}"/>'
        yield _tick(x, frame.height - 9, "end" if is_last else "middle", _label(at, step_s))
        at += timedelta(seconds=step_s)


def _tick(x: float, y: float, anchor: str, label: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(label)}</text>'


def _label(at: datetime, step_s: int) -> str:
    day = f"{at.day} {at:%b}"
    if step_s >= 86400:
        return f"{at:%b %Y}" if step_s > 30 * 86400 else day
    if at.hour == at.minute == at.second == 0:
        return day
    return f"{at:%H:%M}" if step_s >= 60 else f"{at:%H:%M:%S}"


def _thinned(points: Sequence[Point], frame: _Frame) -> list[Point]:
    """Keep first, lowest, highest and last point of each pixel column: the same picture in a small page."""
    columns: dict[int, list[Point]] = {}
    for point in points:
        columns.setdefault(int(frame.x(point[0])), []).append(point)
    kept: list[Point] = []
    for column in columns.values():
        wanted = {0, len(column) - 1}
        wanted.add(min(range(len(column)), key=lambda i: column[i][1]))
        wanted.add(max(range(len(column)), key=lambda i: column[i][1]))
        kept.extend(column[i] for i in sorted(wanted))
    return kept


def _steps(points: Sequence[Point], frame: _Frame) -> str:
    first_at, first_equity = points[0]
    path = [f"M{frame.x(first_at):.1f} {frame.y(float(first_equity)):.1f}"]
    path.extend(f"H{frame.x(at):.1f} V{frame.y(float(equity)):.1f}" for at, equity in points[1:])
    return " ".join(path)


def _marks(points: Sequence[Point], frame: _Frame, unit: str) -> Iterator[str]:
    """Yield a dot per closed trade whose tooltip tells the equity after it."""
    if len(points) > _MARKS_MAX:
        return
    for at, equity in points[1:]:
        tip = f"{moment_text(at)}: {money_text(equity)} {escape(unit)} ({exact_text(equity)})"
        yield (
            f'<circle class="mark" cx="{frame.x(at):.1f}" cy="{frame.y(float(equity)):.1f}" r="2.5">'
            f"<title>{tip}</title></circle>"
        )
