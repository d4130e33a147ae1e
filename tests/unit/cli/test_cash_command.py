"""What `bottrader cash` and `bottrader reconcile` tell."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from bottrader.app.import_cash import CashImport
from bottrader.app.reconcile import Reconciliation
from bottrader.cli.cash_command import movements_table, summary, totals_table
from bottrader.cli.reconcile_command import account_of, is_equal
from bottrader.domain.cash import CashKind, CashMovement
from bottrader.domain.corrections import Correction, CorrectionKind
from bottrader.domain.reconciliation import Difference

NOON = datetime(2026, 1, 11, 12, tzinfo=UTC)
MOVES = [
    CashMovement("o", CashKind.OPENING_BALANCE, "USD", Decimal(1000), NOON),
    CashMovement("d", CashKind.DEPOSIT, "USD", Decimal("250.5"), NOON),
    CashMovement("w", CashKind.WITHDRAWAL, "USD", Decimal("-50.25"), NOON),
    CashMovement("t", CashKind.INTERNAL_TRANSFER, "USD", Decimal(-300), NOON),
    CashMovement("b", CashKind.DEPOSIT, "BTC", Decimal("0.5"), NOON),
]


def lines_of(table: object) -> list[list[str]]:
    console = Console(width=160, record=True)
    console.print(table)
    return [line.split() for line in console.export_text().splitlines()]


def test_totals_are_by_currency_and_a_transfer_is_no_net_deposit() -> None:
    """1000 + 250.5 - 50.25 = 1200.25, and the 300 that went to an own account are not taken from it."""
    _, bitcoin, dollars = lines_of(totals_table(MOVES))
    assert bitcoin == ["BTC", "0", "0.5", "0", "0", "0.5"]
    minus = "\N{MINUS SIGN}"
    assert dollars == ["USD", "1000", "250.5", f"{minus}50.25", f"{minus}300", "1200.25"]


def test_each_movement_is_one_line() -> None:
    assert len(lines_of(movements_table(MOVES))) == 1 + len(MOVES)
    assert lines_of(movements_table(MOVES))[-1] == ["2026-01-11T12:00:00+00:00", "deposit", "BTC", "0.5", "b"]


def test_an_import_tells_only_what_happened() -> None:
    assert summary(CashImport((), 0, 0, 0, 0, 0, 0, None)) == ["0 recorded"]
    told = summary(CashImport(tuple(MOVES[:1]), 2, 3, 4, 5, 6, 7, NOON))
    assert told[0] == "1 recorded"
    assert [line.partition(" ")[0] for line in told] == ["1", "2", "3", "4", "5", "6", "7"]
    assert "2026-01-11T12:00:00+00:00" in told[3]


@pytest.mark.parametrize(
    ("found", "verdict", "last"),
    [
        (Reconciliation(NOON, 0, ()), True, "the books are equal to the exchange's"),
        (Reconciliation(NOON, 2, ()), False, "2 orders are not settled yet, so balances were not compared: run again"),
        (
            Reconciliation(NOON, 0, (Difference("cash USD", Decimal(1), Decimal(2)),)),
            False,
            "differs: cash USD: ours 1, theirs 2",
        ),
    ],
)
def test_books_are_equal_only_when_they_were_compared_and_nothing_differs(
    found: Reconciliation, verdict: bool, last: str
) -> None:
    assert is_equal(found) is verdict
    assert account_of(found)[-1] == last


def test_a_correction_is_one_line_with_both_sides() -> None:
    correction = Correction(CorrectionKind.CASH, "d-1", "not recorded", "deposit 5 USD", "recorded", NOON)
    told = account_of(Reconciliation(NOON, 0, (), (), (correction,)))
    assert told[0] == "cash d-1: ours not recorded; theirs deposit 5 USD; recorded"
