"""The page, read as a browser reads it: parsed, not compared with a stored copy."""

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from bottrader.adapters.report.html import render_html
from bottrader.app.report import Report
from bottrader.app.write_reports import build_report
from bottrader.domain.money import Money, Price
from bottrader.domain.orders import Side
from bottrader.domain.reconciliation import Books
from bottrader.ports import CashKind, LedgerSnapshot
from tests.fixtures.small_ledger import (
    BUY_BTC,
    NOW,
    execution,
    minutes,
    movement,
    record,
    small_ledger,
    venue_books,
)

pytestmark = pytest.mark.component("report_generator")

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Text, attributes and nesting of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def titles(self) -> set[str]:
        return {attrs["title"] or "" for _, attrs in self.tags if "title" in attrs}


def report_of(facts: LedgerSnapshot, exchange_books: Books | None = None) -> Report:
    return build_report(facts, exchange_books, NOW, venue="paper", quote_currency="USD")


def page_of(facts: LedgerSnapshot, exchange_books: Books | None = None) -> Page:
    return Page(render_html(report_of(facts, exchange_books)))


def test_the_page_needs_nothing_but_itself() -> None:
    document = render_html(report_of(small_ledger(), venue_books()))
    links = [value for _, attrs in Page(document).tags for name, value in attrs.items() if name in {"src", "href"}]
    assert links == ["data:,"]
    assert "@import" not in document
    assert "url(" not in document
    assert "<script" not in document


def test_the_key_figures_are_rounded_for_the_eye_and_exact_on_demand() -> None:
    """B227: 4.768 reads +4.77 and keeps its digits in the title."""
    page = page_of(small_ledger())
    assert "Realized profit and loss +4.77 USD" in page.text
    assert "Closing cash 984.45 opening 1,000.00" in page.text
    assert "Win rate 50.00 % 1 of 2 won" in page.text
    assert "Profit factor 2.41" in page.text
    assert "Max drawdown 0.34 % 3.39 below a peak" in page.text
    assert {"4.768", "984.448", "1.552"} <= page.titles


def test_hostile_text_from_the_ledger_stays_text() -> None:
    note = "<script>alert('x')</script> & \"more\""
    document = render_html(report_of(small_ledger(note=note)))
    assert "<script" not in document
    assert note in Page(document).text


def test_a_hostile_venue_name_stays_text() -> None:
    report = replace(report_of(small_ledger()), venue='"><img src=x onerror=y>')
    assert all(tag != "img" for tag, _ in Page(render_html(report)).tags)


def test_equal_books_show_a_line_that_says_so_and_both_figures() -> None:
    page = page_of(small_ledger(), venue_books())
    assert "✓ Ledger equals the exchange's to the last digit" in page.text
    assert "cash USD 984.448 984.448 ✓ equal" in page.text
    assert "fees 1.552 1.552 ✓ equal" in page.text
    assert "✕" not in page.text


def test_different_books_show_by_how_much_and_come_before_all_figures() -> None:
    page = page_of(small_ledger(), venue_books(cash="984.44800001"))
    assert "✕ Ledger differs from the exchange's: cash USD" in page.text
    assert "cash USD 984.448 984.44800001 ✕ 0.00000001 too little" in page.text
    assert "holding ETH 1 1 ✓ equal" in page.text
    assert page.text.index("Ledger differs") < page.text.index("Key figures")


def test_books_that_nobody_compared_are_not_called_equal() -> None:
    page = page_of(small_ledger())
    assert "The ledger was not compared with the exchange's" in page.text
    assert "equals" not in page.text


def test_closed_trades_are_newest_first_with_reason_note_and_parent() -> None:
    page = page_of(small_ledger())
    table = page.text[page.text.index("Why it closed") :]
    assert table.index("hard stop") < table.index("take profit")
    assert "take profit 3 % above break-even closes ROC-BTC-aaaaaaaa…" in table
    assert "−3.39" in table
    assert BUY_BTC in page.titles


def test_an_unmatched_sell_has_its_own_list_and_no_profit() -> None:
    """R5."""
    page = page_of(small_ledger())
    assert "Sells without a known buy brought 29.88 more, not counted here" in page.text
    _, _, part = page.text.partition("They wait for review.")
    assert "SOL-USD 2026-03-01 15:20 SIGNAL_EXIT-SOL-eeeeeeee… 3 29.88" in part
    assert "+29.88" not in page.text


def test_the_cash_statement_adds_up_line_by_line() -> None:
    page = page_of(small_ledger())
    assert (
        "Opening cash 1,000.00 Received for sells +187.00 Paid for buys −201.00 Fees −1.55 Closing cash 984.45"
        in page.text
    )


def test_deposits_appear_in_the_cash_statement_when_there_were_any() -> None:
    moves = (movement(CashKind.OPENING_BALANCE, "1000"), movement(CashKind.WITHDRAWAL, "-200"))
    page = page_of(replace(small_ledger(), cash_movements=moves))
    assert "Opening cash 1,000.00 Withdrawn −200.00 Received" in page.text
    assert "Deposited" not in page.text


def test_unallocated_sells_are_a_warning_under_the_cash() -> None:
    facts = small_ledger()
    page = page_of(replace(facts, allocations=facts.allocations[:-1]))
    assert "29.88 USD of this is not covered by the allocations yet" in page.text
    assert "not covered" not in (page_of(facts)).text


def test_an_empty_ledger_makes_a_page_that_says_what_is_missing() -> None:
    page = page_of(LedgerSnapshot())
    assert "no orders yet" in page.text
    assert "the capital is unknown" in page.text
    assert "No trade has closed yet." in page.text
    assert "Nothing is held" in page.text
    assert "Max drawdown n/a capital unknown" in page.text


def test_a_single_open_position_is_a_lot_and_no_trade() -> None:
    buy = execution(1, BUY_BTC, Side.BUY, "100 1 0.4", minutes(0))
    page = page_of(LedgerSnapshot((buy,), (movement(CashKind.OPENING_BALANCE, "1000"),), (), (record(buy),)))
    assert "Together 100.40" in page.text
    assert "it begins with the first closed trade" in page.text
    assert "Win rate n/a no closed trade" in page.text


def test_the_bars_have_lengths_in_proportion_and_signs_in_words() -> None:
    """3.388 of 8.156 is 41.5 %."""
    page = page_of(small_ledger())
    shares = [re.findall(r"[\d.]+", attrs["style"] or "")[0] for _, attrs in page.tags if "style" in attrs]
    assert shares == ["100.0", "41.5", "100.0", "41.5"]
    assert "take profit 1 trade +8.16 hard stop 1 trade −3.39" in page.text


def test_element_ids_are_unique_and_labels_point_at_them() -> None:
    page = page_of(small_ledger(), venue_books())
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = {name for _, attrs in page.tags for name in (attrs.get("aria-labelledby") or "").split()}
    assert named <= set(ids)


def test_a_long_history_lists_the_newest_trades_and_counts_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bottrader.adapters.report.html.ROWS_SHOWN_MAX", 3)
    report = report_of(small_ledger())
    many = tuple(replace(report.closed_trades[0], pnl=Money(Decimal(number))) for number in range(50, 60))
    page = Page(render_html(replace(report, closed_trades=many)))
    assert "the newest 3 of 10 are listed" in page.text
    listed = re.findall(r"\+5\d\.00", page.text)
    assert listed == ["+59.00", "+58.00", "+57.00"]


def test_the_exact_price_is_kept_where_the_shown_one_is_shorter() -> None:
    report = report_of(small_ledger())
    trade = replace(report.closed_trades[0], buy_price=Price(Decimal("42789.654321")))
    page = Page(render_html(replace(report, closed_trades=(trade,))))
    assert "42,789.65" in page.text
    assert "42789.654321" in page.titles
