"""The equity curve: checked as the SVG a browser would read, not as text."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

from bottrader.adapters.report.chart import ChartText, equity_chart

START = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = ChartText("equity", "Equity <over> time", "From 1000 & up", "USD")
SVG = "{http://www.w3.org/2000/svg}"


def points(*equities: str) -> list[tuple[datetime, Decimal]]:
    return [(START + timedelta(hours=hour), Decimal(equity)) for hour, equity in enumerate(equities)]


def drawn(*equities: str) -> ET.Element:
    # The chart is made here from numbers; nothing foreign is parsed.
    return ET.fromstring(equity_chart(points(*equities), TEXT, 1000, 300))  # noqa: S314


def labels(svg: ET.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def vertices(svg: ET.Element) -> list[tuple[float, float]]:
    """Return the corners of the curve in pixels."""
    (path,) = (p.get("d", "") for p in svg.iter(f"{SVG}path") if p.get("class") == "curve")
    x = y = 0.0
    corners = []
    for command, number, second in re.findall(r"([MHV])([\d.-]+)(?: ([\d.-]+))?", path):
        x = float(number) if command in "MH" else x
        y = float(second) if command == "M" else float(number) if command == "V" else y
        corners.append((x, y))
    return corners


def test_the_chart_has_a_title_and_a_description_for_screen_readers() -> None:
    svg = drawn("1000", "1010")
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert (title.text, description.text) == ("Equity <over> time", "From 1000 & up")
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_equity_moves_in_steps_and_never_on_a_slope() -> None:
    corners = vertices(drawn("1000", "1010", "1005"))
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))


def test_higher_equity_is_drawn_higher() -> None:
    corners = vertices(drawn("1000", "1010", "990"))
    began, peak, trough = corners[0][1], corners[2][1], corners[-1][1]
    assert peak < began < trough


def test_the_axis_labels_are_round_and_enclose_the_curve() -> None:
    values = [
        float(label.replace(",", ""))
        for label in labels(drawn("1000", "1008.156", "1004.768"))
        if label[0].isdigit() and ":" not in label and " " not in label
    ]
    assert min(values) <= 1000
    assert max(values) >= 1008.156
    steps = {round(b - a, 6) for a, b in pairwise(values)}
    assert len(steps) == 1
    assert "USD" in labels(drawn("1000", "1010"))


def test_a_flat_curve_can_be_drawn() -> None:
    corners = vertices(drawn("1000", "1000"))
    assert len({y for _, y in corners}) == 1


def test_fewer_than_two_moments_give_no_chart() -> None:
    assert equity_chart([], TEXT, 1000, 300) == ""
    assert equity_chart(points("1000"), TEXT, 1000, 300) == ""
    assert equity_chart([points("1000")[0], (START, Decimal(1010))], TEXT, 1000, 300) == ""


def test_thousands_of_points_stay_small_and_keep_their_extremes() -> None:
    equities = ["1000"] * 5_000
    equities[1_777], equities[3_555] = "900", "1200"
    svg = equity_chart(points(*equities), TEXT, 1000, 300)
    assert len(svg) < 120_000
    heights = [y for _, y in vertices(ET.fromstring(svg))]  # noqa: S314 - made above
    few = [y for _, y in vertices(drawn("1000", "900", "1200", "1000"))]
    assert (min(heights), max(heights)) == (min(few), max(few))


def test_small_steps_have_labels_that_differ() -> None:
    shown = labels(drawn("1000", "1000.02"))
    assert len(shown) == len(set(shown))
