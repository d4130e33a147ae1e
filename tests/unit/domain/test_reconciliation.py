"""Books recomputed from facts, compared to the last digit."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings

from bottrader.domain.lots import Execution
from bottrader.domain.market import ProductId
from bottrader.domain.orders import Side
from bottrader.domain.reconciliation import Books, Difference, compare_books, ledger_books
from tests.fixtures.ledgers import executions
from tests.unit.domain.examples import execution

NOTHING = Books({}, {}, Decimal(0))


def test_the_books_of_one_round_trip() -> None:
    """B290: 10000, buy 0.001 at 40000, sell 0.001 at 42000, fees 0."""
    bought = execution(Side.BUY, "b", "0.001", "40000")
    sold = execution(Side.SELL, "s", "0.001", "42000", minute=1)
    opening = [("USD", Decimal(10_000))]
    assert ledger_books(opening, [bought]) == Books({"USD": Decimal(9960)}, {"BTC": Decimal("0.001")}, Decimal(0))
    assert ledger_books(opening, [bought, sold]) == Books({"USD": Decimal(10_002)}, {"BTC": Decimal(0)}, Decimal(0))


def test_fees_leave_the_cash_on_both_sides() -> None:
    """B129: fees of 0.40 and 0.38, gross -2.00, net -2.78."""
    ledger = [
        execution(Side.BUY, "b", "0.001", "40000", fee="0.40"),
        execution(Side.SELL, "s", "0.001", "38000", fee="0.38", minute=1),
    ]
    books = ledger_books([("USD", Decimal(100)), ("USD", Decimal(-10))], ledger)
    assert books.cash == {"USD": Decimal("87.22")}
    assert books.fees == Decimal("0.78")


def test_each_currency_has_its_own_figure() -> None:
    ledger = [
        execution(Side.BUY, "a", "2", "3", product_id=ProductId("ETH-USD")),
        execution(Side.BUY, "b", "1", "5", product_id=ProductId("ETH-EUR")),
    ]
    books = ledger_books([("EUR", Decimal(7))], ledger)
    assert books == Books({"EUR": Decimal(2), "USD": Decimal(-6)}, {"ETH": Decimal(3)}, Decimal(0))


def test_no_digit_is_lost() -> None:
    """A sum of 31 digits; the default context would keep 28."""
    ledger = [execution(Side.BUY, "b", "0.0000000001", "0.0000000001")]
    books = ledger_books([("USD", Decimal(10_000_000_000))], ledger)
    assert str(books.cash["USD"]) == "9999999999.99999999999999999999"


def test_a_single_amount_of_more_than_28_digits_is_kept_whole() -> None:
    """36 decimals; a minus sign in the default context would round them away."""
    bought = execution(Side.BUY, "b", "1.000000000000000001", "12345678.123456789012345678")
    books = ledger_books([], [bought])
    assert Fraction(books.cash["USD"]) == -Fraction("1.000000000000000001") * Fraction("12345678.123456789012345678")


def test_equal_books_have_no_difference_and_what_is_missing_counts_as_zero() -> None:
    ours = Books({"USD": Decimal("1.50")}, {"BTC": Decimal(0)}, Decimal(1))
    theirs = Books({"USD": Decimal("1.5"), "EUR": Decimal(0)}, {}, Decimal("1.0"))
    assert compare_books(ours, theirs) == []
    assert compare_books(NOTHING, NOTHING) == []


def test_every_difference_is_named_with_both_figures() -> None:
    ours = Books({"USD": Decimal(1), "EUR": Decimal(5)}, {"BTC": Decimal("0.1")}, Decimal("0.2"))
    theirs = Books({"USD": Decimal("1.00000001"), "EUR": Decimal(5)}, {"ETH": Decimal(3)}, Decimal("0.3"))
    assert compare_books(ours, theirs) == [
        Difference("cash USD", Decimal(1), Decimal("1.00000001")),
        Difference("holding BTC", Decimal("0.1"), Decimal(0)),
        Difference("holding ETH", Decimal(0), Decimal(3)),
        Difference("fees", Decimal("0.2"), Decimal("0.3")),
    ]


@given(executions())
@settings(deadline=None, max_examples=25)
def test_the_books_are_the_sums_of_their_definition(ledger: list[Execution]) -> None:
    books = ledger_books([("USD", Decimal(1000))], ledger)
    cash = Fraction(1000)
    for entry in ledger:
        value = Fraction(entry.price) * Fraction(entry.size)
        cash += (value if entry.side is Side.SELL else -value) - Fraction(entry.fee)
    assert Fraction(books.cash["USD"]) == cash
    assert Fraction(books.fees) == sum(Fraction(entry.fee) for entry in ledger)
    for base, held in books.holdings.items():
        of_base = [entry for entry in ledger if entry.product_id.startswith(base)]
        bought = sum(Fraction(entry.size) for entry in of_base if entry.side is Side.BUY)
        sold = sum(Fraction(entry.size) for entry in of_base if entry.side is Side.SELL)
        assert Fraction(held) == bought - sold
