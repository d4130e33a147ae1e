"""Bar charts as inline SVG: no script, no request, colours from the page's own variables.

A gain is drawn to the right of the middle or above it, a loss to the left or below, so that neither is told by its
colour alone. Each bar carries its amount as text, or as a tooltip where there is no room.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bottrader.adapters.report.figures import exact_text, sign_of, signed_money_text
from bottrader.app.periodic.document import Bar

_ROW_PX, _TRACK_PX, _TRACK_TOP_PX = 42.0, 8.0, 24.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 8.0, 24.0, 26.0
_DIGIT_PX = 7.0
# Labels closer than this run into each other.
_LABEL_PX = 24.0


@dataclass(frozen=True, slots=True)
class BarText:
    """What the chart says besides its bars: `element_id` is unique on the page, `unit` the quote currency."""

    element_id: str
    title: str
    unit: str


def bar_chart(bars: Sequence[Bar], text: BarText, width: int) -> str:
    """Return an `<svg>` with one row for each bar, in their order; empty text without a bar."""
    if not bars:
        return ""
    largest = max(abs(float(bar.value)) for bar in bars)
    height = _ROW_PX * len(bars)
    rows = "".join(_row(bar, index * _ROW_PX, width, largest) for index, bar in enumerate(bars))
    middle = width / 2
    axis = (
        f'<line class="middle" x1="{middle:.1f}" x2="{middle:.1f}" y1="{_TRACK_TOP_PX - 3:.1f}" y2="{height - 6:.1f}"/>'
    )
    return f"{_opened(text, width, height)}{rows}{axis}</svg>"


def column_chart(bars: Sequence[Bar], text: BarText, width: int, height: int) -> str:
    """Return an `<svg>` with one column for each bar, in their order; empty text without a bar."""
    if not bars:
        return ""
    values = [float(bar.value) for bar in bars]
    high, low = max(0.0, *values), min(0.0, *values)
    if high == low:
        high = 1.0
    labels = [signed_money_text(bar.value) for bar in (max(bars, key=_value), min(bars, key=_value))]
    left = max(map(len, labels)) * _DIGIT_PX + _LEFT
    scale = (height - _TOP - _BOTTOM) / (high - low)
    zero = _TOP + high * scale
    parts = [_opened(text, width, height), *_limits(labels, (_TOP, zero, _TOP + (high - low) * scale), (left, width))]
    step = (width - left - _RIGHT) / len(bars)
    every = max(1, math.ceil(_LABEL_PX / step))
    for index, (bar, value) in enumerate(zip(bars, values, strict=True)):
        x, length = left + index * step, abs(value) * scale
        top = zero - length if value > 0 else zero
        parts.append(
            f'<rect class="{sign_of(bar.value)}" x="{x + step * 0.15:.1f}" y="{top:.1f}" width="{step * 0.7:.1f}"'
            f' height="{length:.1f}" rx="1.5"><title>{escape(_tip(bar))}</title></rect>'
        )
        if index % every == 0:
            parts.append(_text(x + step / 2, height - 7, "middle", bar.label))
    return "".join((*parts, "</svg>"))


def _row(bar: Bar, y: float, width: int, largest: float) -> str:
    middle = width / 2
    length = abs(float(bar.value)) / largest * (middle - 2) if largest else 0.0
    x = middle if bar.value > 0 else middle - length
    sign = sign_of(bar.value)
    return (
        f'<text x="0" y="{y + 15:.1f}"><tspan class="label">{escape(bar.label)}</tspan>'
        f'<tspan class="note" dx="7">{escape(bar.note)}</tspan></text>'
        f'<text class="amount {sign}" x="{width}" y="{y + 15:.1f}" text-anchor="end">'
        f"{signed_money_text(bar.value)}<title>{escape(_tip(bar))}</title></text>"
        f'<rect class="track" x="0" y="{y + _TRACK_TOP_PX:.1f}" width="{width}" height="{_TRACK_PX}" rx="4"/>'
        f'<rect class="{sign}" x="{x:.1f}" y="{y + _TRACK_TOP_PX:.1f}" width="{length:.1f}" height="{_TRACK_PX}"'
        ' rx="2"/>'
    )


def _limits(labels: Sequence[str], levels: tuple[float, float, float], span: tuple[float, int]) -> Iterator[str]:
    (highest, lowest), (top, zero, bottom), (left, width) = labels, levels, span
    yield f'<line class="middle" x1="{left:.1f}" x2="{width - _RIGHT:.1f}" y1="{zero:.1f}" y2="{zero:.1f}"/>'
    yield _text(left - 6, zero + 4, "end", "0")
    # A limit next to zero would be printed over it.
    if zero - top > 14:
        yield _text(left - 6, top + 4, "end", highest)
    if bottom - zero > 14:
        yield _text(left - 6, bottom + 4, "end", lowest)


def _opened(text: BarText, width: int, height: float) -> str:
    title = f"{text.element_id}-title"
    return (
        f'<svg class="chart drawn" id="{text.element_id}" viewBox="0 0 {width} {height:.0f}" role="img"'
        f' aria-labelledby="{title}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{title}">{escape(text.title)}, in {escape(text.unit)}</title>'
    )


def _text(x: float, y: float, anchor: str, label: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(label)}</text>'


def _tip(bar: Bar) -> str:
    return f"{bar.label}: {exact_text(bar.value)}{', ' if bar.note else ''}{bar.note}"


def _value(bar: Bar) -> float:
    return float(bar.value)
