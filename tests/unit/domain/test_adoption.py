"""What an adoption is worth to the books; the store contract checks that the stores derive the same."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.adoption import is_adopted
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.money import Price, Size
from bottrader.domain.orders import trigger_of
from bottrader.domain.reconciliation import ledger_books
from tests.fixtures.facts import at, make_adoption


def test_cash_and_coins_are_what_they_were() -> None:
    """E2: the books open with 1 BTC and 500 USD; 0.25 BTC are adopted at 30,000."""
    adoption = replace(make_adoption(), booked_size=Decimal("0.25"))
    opening = [("USD", Decimal(500)), ("BTC", Decimal(1))]
    movements = [*opening, *((currency, amount) for _, currency, amount in adoption.movements)]
    books = ledger_books(movements, [adoption.execution])
    assert (books.cash, books.holdings, books.fees) == ({"USD": Decimal(500)}, {"BTC": Decimal(1)}, Decimal(0))


def test_coins_that_nobody_had_booked_enter_the_books() -> None:
    """F52: an airdrop of 0.25 BTC, of which the books knew nothing."""
    adoption = replace(make_adoption(), booked_size=Decimal(0))
    books = ledger_books([(currency, amount) for _, currency, amount in adoption.movements], [adoption.execution])
    assert (books.cash, books.holdings) == ({"USD": Decimal(0)}, {"BTC": Decimal("0.25")})


def test_its_key_is_what_was_adopted_however_it_is_written() -> None:
    adoption = make_adoption()
    assert replace(adoption, size=Size(Decimal("0.2500")), recorded_at=at(90)).order_id == adoption.order_id
    others = (
        replace(adoption, size=Size(Decimal("0.26"))),
        replace(adoption, price=Price(Decimal(1))),
        replace(adoption, acquired_at=at(1)),
    )
    assert len({adoption.order_id, *(other.order_id for other in others)}) == 4
    assert trigger_of(adoption.order_id) == "MANUAL"


def test_its_execution_is_told_from_a_trade() -> None:
    assert is_adopted(make_adoption().execution.execution_id)
    assert not is_adopted("1001")
    assert not is_adopted("record:by-hand")


@pytest.mark.parametrize(
    "terms", [{"size": "0"}, {"price": "0"}, {"booked_size": "-0.1"}, {"booked_size": "0.26"}], ids=str
)
def test_terms_that_make_no_sense_are_refused(terms: dict[str, str]) -> None:
    with pytest.raises(InvariantBroken):
        replace(make_adoption(), **{name: Decimal(value) for name, value in terms.items()})  # type: ignore[arg-type]
