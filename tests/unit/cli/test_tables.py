"""The terminal's view of the report, printed to a console of a known width."""

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from bottrader.app.report import Report
from bottrader.app.write_reports import build_report, compare_ledgers
from bottrader.cli.tables import closed_trades_table, ledger_line, summary_table
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size
from bottrader.domain.reconciliation import Books
from bottrader.ports import LedgerSnapshot
from tests.fixtures.small_ledger import NOW, small_ledger, venue_books


def printed(renderable: RenderableType, width: int = 80) -> str:
    target = io.StringIO()
    Console(file=target, width=width, color_system=None).print(renderable)
    return target.getvalue()


def report_of(facts: LedgerSnapshot, exchange_books: Books | None = None) -> Report:
    return build_report(facts, exchange_books, NOW, venue="paper", quote_currency="USD")


def line_with(text: str, word: str) -> str:
    (line,) = (line for line in text.splitlines() if word in line)
    return " ".join(line.split())


def test_each_closed_trade_is_one_line_of_eighty_columns() -> None:
    lines = printed(closed_trades_table(report_of(small_ledger()), 10)).splitlines()
    assert max(map(len, lines)) <= 80
    assert line_with("\n".join(lines), "BTC-USD") == "03-01 13:30 BTC-USD take profit 1 101.00 110.00 +8.16"
    assert line_with("\n".join(lines), "ETH-USD") == "03-01 14:10 ETH-USD hard stop 1 50.00 47.00 −3.39"


def test_a_real_sized_trade_is_not_cut_at_eighty_columns() -> None:
    report = report_of(small_ledger())
    trade = report.closed_trades[0]
    size, price = Size(Decimal("0.12345678")), Price(Decimal("42789.65"))
    wide = replace(trade, exit_reason="TRAILING_STOP", size=size, buy_price=price, sell_price=price)
    shown = line_with(printed(closed_trades_table(replace(report, closed_trades=(wide,)), 10)), "BTC-USD")
    assert shown == "03-01 13:30 BTC-USD trailing stop 0.12345678 42,789.65 42,789.65 +8.16"


@pytest.mark.parametrize(
    ("limit", "products", "caption"),
    [
        (10, ["BTC-USD", "ETH-USD"], "All 2 closed trades."),
        (1, ["ETH-USD"], "The newest 1 of 2."),
        (0, [], "The newest 0 of 2."),
    ],
)
def test_the_limit_keeps_the_newest_trades(limit: int, products: list[str], caption: str) -> None:
    text = printed(closed_trades_table(report_of(small_ledger()), limit))
    assert [name for name in ("BTC-USD", "ETH-USD") if name in text] == products
    assert caption in text


def test_square_brackets_from_the_ledger_are_text_and_not_markup() -> None:
    report = report_of(small_ledger())
    trade = replace(report.closed_trades[0], product_id=ProductId("[red]X-USD"))
    assert "[red]X-USD" in printed(closed_trades_table(replace(report, closed_trades=(trade,)), 5), 120)
    assert "[bold]paper" in printed(summary_table(replace(report, venue="[bold]paper")))


def test_the_summary_shows_the_key_figures() -> None:
    text = printed(summary_table(report_of(small_ledger())))
    assert line_with(text, "Realized P&L") == "Realized P&L +4.77 USD, 2 closed trades"
    assert line_with(text, "Unmatched") == "Unmatched proceeds 29.88 USD, 1 sell without a known buy, not in the P&L"
    assert line_with(text, "Closing cash") == "Closing cash 984.45 USD, opening 1,000.00"
    assert line_with(text, "Max drawdown") == "Max drawdown 0.34 % 3.39 USD"
    assert line_with(text, "Signals") == "Signals 7 5 orders: 5 filled"
    assert max(map(len, text.splitlines())) <= 80


def test_the_summary_of_an_empty_ledger_invents_nothing() -> None:
    """B233."""
    text = printed(summary_table(report_of(LedgerSnapshot())))
    assert line_with(text, "Win rate") == "Win rate n/a no closed trade"
    assert line_with(text, "Max drawdown") == "Max drawdown n/a capital unknown"
    assert line_with(text, "Closing cash") == "Closing cash 0.00 USD, opening unknown"
    assert "Unmatched" not in text


def test_cash_that_no_allocation_explains_is_told() -> None:
    facts = small_ledger()
    text = printed(summary_table(report_of(replace(facts, allocations=facts.allocations[:-1]))))
    assert "29.88 USD is not covered by the allocations yet" in text


def test_the_ledger_line_of_equal_books_names_every_figure() -> None:
    verdict = report_of(small_ledger(), venue_books()).verdict
    assert verdict is not None
    assert ledger_line(verdict).plain == (
        "✓ Ledger equals the exchange's to the last digit: cash USD 984.448, BTC 0, ETH 1, SOL −3, fees 1.552."
    )


def test_the_ledger_line_of_different_books_shows_both_sides() -> None:
    ours = Books({"USD": Decimal("984.448")}, {"ETH": Decimal(1)}, Decimal("1.552"))
    theirs = Books({"USD": Decimal("984.44800001")}, {"ETH": Decimal("0.5")}, Decimal("1.552"))
    assert ledger_line(compare_ledgers(ours, theirs)).plain.splitlines() == [
        "✕ Ledger differs from the exchange's: cash USD, holding ETH.",
        "  cash USD: ours 984.448, the exchange's 984.44800001, 0.00000001 too little",
        "  holding ETH: ours 1, the exchange's 0.5, 0.5 too much",
    ]
