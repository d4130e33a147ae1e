"""Coinbase's report is judged as a whole: every problem with its line, and nothing of a file that has one."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bottrader.domain.cash import CashKind, CashRoute
from bottrader.domain.cash_file import CashFile, read_cash_file

CURRENCIES = frozenset({"USD", "EUR", "BTC", "ETH"})
HEAD = (
    "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,"
    "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes\n"
)
PREAMBLE = '\nTransactions\nUser,"Doe, Jane",5b1c-77\n'
NORMALISED = "transaction_id,normalized_type,amount_usd,timestamp\n"


def line(
    key: str = "id-1",
    word: str = "Deposit",
    amount: str = "250.50",
    asset: str = "USD",
    at: str = "2026-01-11 12:00:00 UTC",
) -> str:
    return f'{key},{at},{word},{asset},{amount},USD,$1.00,$250.50,$250.50,$0.00,"a note, with ""quotes"""\n'


def read(*lines: str, preamble: str = PREAMBLE) -> CashFile:
    return read_cash_file(preamble + HEAD + "".join(lines), CURRENCIES)


def reasons(file: CashFile) -> list[tuple[int, str]]:
    return [(problem.line, problem.reason) for problem in file.problems]


def test_a_report_as_people_download_it() -> None:
    """E2: signs by kind, whether the report writes them or not; trades are counted and left out."""
    file = read(
        line("d", "Deposit", "250.50"),
        line("w", "Withdrawal", "-50.25"),
        line("w-old", "Withdrawal", "50.25"),
        line("s", "Send", "0.1", "BTC"),
        line("r", "Receive", "0.5", "BTC"),
        line("x", "Exchange Deposit", "20"),
        line("y", "Exchange Withdrawal", "20"),
        line("z", "Exchange Deposit", "-20"),
        line("t-1", "Advanced Trade Buy", "0.01", "BTC"),
        line("t-2", "Convert", "-3", "DOGE"),
        line("i", "Staking Income", "0.001", "CBETH"),
        "\n",
    )
    assert file.problems == ()
    assert [(m.transaction_id, m.kind, m.amount) for _, m in file.movements] == [
        ("d", CashKind.DEPOSIT, Decimal("250.50")),
        ("w", CashKind.WITHDRAWAL, Decimal("-50.25")),
        ("w-old", CashKind.WITHDRAWAL, Decimal("-50.25")),
        ("s", CashKind.WITHDRAWAL, Decimal("-0.1")),
        ("r", CashKind.DEPOSIT, Decimal("0.5")),
        ("x", CashKind.INTERNAL_TRANSFER, Decimal(-20)),
        ("y", CashKind.INTERNAL_TRANSFER, Decimal(20)),
        ("z", CashKind.INTERNAL_TRANSFER, Decimal(-20)),
    ]
    number, first = file.movements[0]
    assert (number, first.at, first.ingest_via) == (5, datetime(2026, 1, 11, 12, tzinfo=UTC), CashRoute.FILE)
    assert file.trades_count == 2
    (unknown,) = file.unknown
    assert (unknown.transaction_id, unknown.word, unknown.amount) == ("i", "Staking Income", Decimal("0.001"))


@pytest.mark.parametrize(
    "moment", ["2026-01-11T12:00:00Z", "2026-01-11 12:00:00 UTC", "2026-01-11T13:00:00+01:00", "2026-01-11 12:00:00Z"]
)
def test_a_moment_is_the_same_however_it_is_written(moment: str) -> None:
    assert read(line(at=moment)).movements[0][1].at == datetime(2026, 1, 11, 12, tzinfo=UTC)


def test_the_normalised_shape_has_dollars_and_no_signs() -> None:
    """A transfer between own accounts has a sign, since its word has no direction."""
    rows = "a,deposit,500,2026-01-11T12:00:00Z\nb,withdrawal,20.5,2026-01-11T12:00:00Z\n"
    rows += "c,internal_transfer,7,2026-01-11T12:00:00Z\nd,internal_transfer,-7,2026-01-11T12:00:00Z\n"
    rows += "e,gift,9,2026-01-11T12:00:00Z\n"
    file = read_cash_file(NORMALISED + rows, CURRENCIES)
    assert [(m.kind.value, m.amount, m.currency) for _, m in file.movements] == [
        ("deposit", Decimal(500), "USD"),
        ("withdrawal", Decimal("-20.5"), "USD"),
        ("internal_transfer", Decimal(7), "USD"),
        ("internal_transfer", Decimal(-7), "USD"),
    ]
    assert [entry.word for entry in file.unknown] == ["gift"]


def test_the_normalised_shape_may_name_another_currency() -> None:
    head = "transaction_id,normalized_type,amount,currency,timestamp\n"
    file = read_cash_file(f"{head}a,deposit,500,EUR,2026-01-11T12:00:00Z\n", CURRENCIES)
    assert file.movements[0][1].currency == "EUR"
    head = "transaction_id,normalized_type,amount_usd,currency,timestamp\n"
    file = read_cash_file(f"{head}a,deposit,500,EUR,2026-01-11T12:00:00Z\n", CURRENCIES)
    assert "unknown currency 'EUR with amount_usd'" in file.problems[0].reason


def test_every_problem_is_listed_with_its_line_and_nothing_is_taken_for_good() -> None:
    file = read(
        line("good"),
        line("a", at="2026-01-11 12:00:00"),
        line("b", at="yesterday"),
        line("c", asset="DOGE"),
        line("d", amount="-1"),
        line("e", amount="0"),
        line("f", amount="NaN"),
        line("g", amount="1,000.00"),
        line("h", amount="1E+30"),
        line("", "Deposit"),
        line("i", ""),
        "j,2026-01-11 12:00:00 UTC,Deposit\n",
        line("k", amount="many", asset="XXX", at="2026-01-11T12:00:00"),
    )
    told = reasons(file)
    assert [number for number, _ in told] == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17, 17]
    for (_, reason), words in zip(
        told,
        (
            "has no time zone",
            "'yesterday' is no moment",
            "unknown currency 'DOGE'; if it is one of yours, name it with --currency",
            "a deposit is above zero, was -1",
            "an amount of zero moves nothing",
            "an amount is finite, was 'NaN'",
            "has 12 fields where the columns are 11",
            "at most 18 digits before and after the point",
            "has no transaction id",
            "has no transaction type",
            "has 3 fields where the columns are 11",
            "has no time zone",
            "an amount is a decimal number, was 'many'",
            "unknown currency 'XXX'",
        ),
        strict=True,
    ):
        assert words in reason


def test_a_sign_in_the_normalised_shape_is_a_problem() -> None:
    rows = "a,deposit,-500,2026-01-11T12:00:00Z\nb,withdrawal,-20.5,2026-01-11T12:00:00Z\n"
    told = reasons(read_cash_file(NORMALISED + rows, CURRENCIES))
    assert [number for number, _ in told] == [2, 3]
    assert "an amount in this shape has no sign, was -20.5" in told[1][1]


def test_one_id_with_two_contents_is_a_problem_and_with_one_it_counts_once() -> None:
    file = read(line("d"), line("d"), line("d", amount="251"))
    assert reasons(file) == [(7, "transaction d is on line 5 with other content")]
    assert len(read(line("d"), line("d")).movements) == 1
    twice = read(line("i", "Staking Income"), line("i", "Deposit"))
    assert reasons(twice) == [(6, "transaction i is on line 5 with other content")]


@pytest.mark.parametrize(
    ("text", "number", "reason"),
    [
        ("", 1, "has no line that names the columns"),
        ("just\nwords\n", 1, "has no line that names the columns"),
        ("Timestamp,Transaction Type,Asset,Quantity Transacted\n", 1, "lacks the column ID"),
        ("ID,Transaction Type,Quantity Transacted\n", 1, "lacks the column Timestamp, Asset"),
        ("ID,ID,Timestamp,Transaction Type,Asset,Quantity Transacted\n", 1, "names a column twice"),
        (HEAD + '"id-1,2026-01-11 12:00:00 UTC,Deposit\n', 2, "is no CSV"),
    ],
)
def test_a_file_of_another_shape_is_one_clear_problem(text: str, number: int, reason: str) -> None:
    (problem,) = read_cash_file(text, CURRENCIES).problems
    assert (problem.line, reason in problem.reason) == (number, True), problem


def test_lines_are_counted_as_an_editor_does() -> None:
    """A note may hold a line break."""
    note = line("a").replace("a note", "a note\nover two lines")
    assert reasons(read(note, line("b", at="never"), preamble=""))[0][0] == 4
