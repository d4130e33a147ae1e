"""Daily and weekly reports in each format: the same figures, all sections, nothing that must be fetched."""

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from bottrader.adapters.report.bars import BarText, bar_chart, column_chart
from bottrader.adapters.report.cells import agreement_text, exact, shown
from bottrader.adapters.report.csv_file import HEADER, render_csv
from bottrader.adapters.report.periodic_html import render_page
from bottrader.adapters.report.plain_text import WIDTH, render_text
from bottrader.app.periodic.document import Agreement, Bar, PeriodicReport, Unit, Value, sections_of
from bottrader.app.periodic.view import Observed
from bottrader.ports import LedgerSnapshot
from tests.fixtures.report_facts import WEEK, facts_of, report_of, section_of
from tests.fixtures.small_ledger import START
from tests.unit.adapters.report.test_html import Page

DAILY, WEEKLY = report_of(), report_of(facts_of(period=WEEK), period=WEEK)
EMPTY = report_of(facts_of(LedgerSnapshot()), Observed())
BOTH = pytest.mark.parametrize("report", [DAILY, WEEKLY, EMPTY], ids=["daily", "weekly", "empty"])
TEXT = BarText("bars", "P&L <b>", "USD")
SVG = "{http://www.w3.org/2000/svg}"


@BOTH
def test_every_section_is_in_every_format(report: PeriodicReport) -> None:
    page, text, rows = Page(render_page(report)), render_text(report), list(csv.reader(io.StringIO(render_csv(report))))
    lines = text.splitlines()
    for name in sections_of(report.period.kind):
        assert name.value in page.words
        assert lines[lines.index(name.value) + 1] == "=" * len(name.value)
        assert any(row[0] == name.value for row in rows) or not section_of(report, name).figures


@BOTH
def test_the_page_needs_nothing_but_itself(report: PeriodicReport) -> None:
    page = render_page(report)
    assert re.findall(r"""(?:src|href|action)\s*=\s*["']?(?!data:,|#)[^"'\s>]+""", page) == []
    assert "<script" not in page
    assert "@import" not in page
    assert "url(" not in page


@BOTH
def test_no_element_id_occurs_twice(report: PeriodicReport) -> None:
    ids = [attributes["id"] for _, attributes in Page(render_page(report)).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_format_says_which_total_equals_the_ledgers() -> None:
    """B235, E6"""
    said = "Realized P&L 4.77 USD equals the ledger's sum of 3 allocations of version 3 (fifo)."
    assert said in " ".join(Page(render_page(DAILY)).words)
    assert said in " ".join(render_text(DAILY).split())
    rows = list(csv.reader(io.StringIO(render_csv(DAILY))))
    assert ["Key metrics", "ledger: allocations of version 3 (fifo)", "Realized P&L", "4.768", "money"] in rows


def test_every_format_shows_cents_and_the_csv_every_digit() -> None:
    """B227"""
    assert "+4.77" in Page(render_page(DAILY)).words
    assert re.search(r"^Realized P&L: +\+4\.77 ", render_text(DAILY), re.MULTILINE)
    rows = list(csv.reader(io.StringIO(render_csv(DAILY))))
    assert ["Key metrics", "", "Realized P&L", "4.768", "signed money"] in rows


def test_every_format_shows_what_is_unknown_as_such() -> None:
    """R51"""
    assert "n/a" in Page(render_page(EMPTY)).words
    assert re.search(r"^Win rate: +n/a", render_text(EMPTY), re.MULTILINE)
    rows = list(csv.reader(io.StringIO(render_csv(EMPTY))))
    assert ["Key metrics", "", "Win rate", "", "fraction"] in rows


def test_the_csv_has_a_row_for_each_figure_and_five_columns() -> None:
    rows = list(csv.reader(io.StringIO(render_csv(DAILY))))
    assert tuple(rows[0]) == HEADER
    assert {len(row) for row in rows} == {5}
    assert len({tuple(row[:3]) for row in rows}) == len(rows)
    assert ["Sources", "webhook", "Trades by source: P&L", "4.768", "signed money"] in rows
    assert ["Hour of day", "05", "P&L by hour of day", "8.156", "signed money"] in rows
    assert render_csv(DAILY).endswith("\r\n")


def test_plain_text_stays_within_its_width() -> None:
    lines = [line for report in (DAILY, WEEKLY, EMPTY) for line in render_text(report).splitlines()]
    assert max(len(line) for line in lines if "(" not in line) <= WIDTH
    assert "- BTC-USD: Brackets 1, Average R:R 2.00" in render_text(DAILY)


def test_plain_text_leaves_out_hours_without_a_trade() -> None:
    hours = render_text(DAILY).split("P&L by hour of day")[1].split("Hours with two")[0]
    assert [line.split()[:2] for line in hours.splitlines() if line.strip()] == [["05", "+8.16"], ["06", "−3.39"]]


@pytest.mark.parametrize(
    ("value", "unit", "people", "machines"),
    [
        (Decimal("-1234.565"), Unit.SIGNED, "−1,234.56", "-1234.565"),
        (Decimal("0.5122"), Unit.FRACTION, "51.22 %", "0.5122"),
        (Decimal("1.95238"), Unit.NUMBER, "1.95", "1.95238"),
        (Decimal("1E-8"), Unit.SIZE, "0.00000001", "0.00000001"),
        (Decimal("0.1373"), Unit.PRICE, "0.1373", "0.1373"),
        (12, Unit.COUNT, "12", "12"),
        (START, Unit.MOMENT, "2026-03-01 12:00", "2026-03-01T12:00:00+00:00"),
        (timedelta(minutes=4, seconds=1), Unit.SPAN, "4 min 1 s", "241"),
        (None, Unit.MONEY, "n/a", ""),
        ("buy", Unit.TEXT, "buy", "buy"),
        ("=HYPERLINK(1)", Unit.TEXT, "=HYPERLINK(1)", "'=HYPERLINK(1)"),
    ],
)
def test_a_value_reads_well_for_people_and_exactly_for_machines(
    value: Value, unit: Unit, people: str, machines: str
) -> None:
    assert (shown(value, unit), exact(value)) == (people, machines)


def test_an_agreement_agrees_with_its_subject_in_number() -> None:
    assert agreement_text(Agreement("Fees", Decimal("1.5"), 2, "executions"), "USD") == (
        "Fees 1.50 USD equal the ledger's sum of 2 executions."
    )


def test_foreign_text_is_escaped() -> None:
    report = replace(DAILY, venue="<script>alert(1)</script>")
    assert "<script>" not in render_page(report)
    svg = bar_chart([Bar("<i>", Decimal(1), "&")], TEXT, 300)
    assert ET.fromstring(svg).find(f"{SVG}title").text == "P&L <b>, in USD"  # type: ignore[union-attr]  # noqa: S314 - made here


def rects(svg: str, kind: str) -> list[dict[str, float]]:
    found = [each for each in ET.fromstring(svg).iter(f"{SVG}rect") if each.get("class") == kind]  # noqa: S314 - made here
    return [{name: float(each.get(name, "0")) for name in ("x", "y", "width", "height")} for each in found]


def test_a_gain_is_right_of_the_middle_and_a_loss_left_of_it_as_long_as_they_are_large() -> None:
    svg = bar_chart([Bar("a", Decimal(50)), Bar("b", Decimal(-100)), Bar("c", Decimal(0))], TEXT, 400)
    ((gain,), (loss,), (even,)) = (rects(svg, kind) for kind in ("gain", "loss", "even"))
    assert (gain["x"], gain["width"]) == (200, 99)
    assert (loss["x"], loss["width"]) == (2, 198)
    assert even["width"] == 0


def test_a_gain_stands_above_zero_and_a_loss_hangs_below_it() -> None:
    svg = column_chart([Bar("00", Decimal(30)), Bar("01", Decimal(-10))], TEXT, 400, 250)
    ((gain,), (loss,)) = (rects(svg, kind) for kind in ("gain", "loss"))
    assert gain["y"] + gain["height"] == pytest.approx(loss["y"])
    assert gain["height"] == pytest.approx(3 * loss["height"])


@pytest.mark.parametrize("values", [(0, 0), (5, 5), (-5, -5)])
def test_columns_can_be_drawn_whatever_their_signs(values: tuple[int, int]) -> None:
    bars = [Bar(f"{hour:02}", Decimal(value)) for hour, value in enumerate(values)]
    svg = ET.fromstring(column_chart(bars, TEXT, 330, 190))  # noqa: S314 - made here
    for rect in svg.iter(f"{SVG}rect"):
        assert 0 <= float(rect.get("y", "-1")) <= 190


def test_hours_have_labels_that_do_not_touch_on_a_phone() -> None:
    svg = ET.fromstring(column_chart([Bar(f"{hour:02}", Decimal(hour)) for hour in range(24)], TEXT, 330, 190))  # noqa: S314 - made here
    at = [float(text.get("x", "0")) for text in svg.iter(f"{SVG}text") if text.get("text-anchor") == "middle"]
    assert min(later - earlier for earlier, later in pairwise(at)) >= 24


def test_no_bar_gives_no_chart() -> None:
    assert bar_chart([], TEXT, 300) == column_chart([], TEXT, 300, 200) == ""
