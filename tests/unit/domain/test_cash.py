"""What moves money without a trade: kinds by word, signs, and one transaction under two ids."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.domain.cash import (
    CashKind,
    CashMovement,
    CashRoute,
    amount_fault,
    direction_of_word,
    kind_of_word,
    opened_at,
    without_twins,
)
from bottrader.domain.errors import InvariantBroken

NOON = datetime(2026, 1, 11, 12, tzinfo=UTC)


def moved(
    name: str, amount: str = "100", *, seconds: float = 0, via: CashRoute = CashRoute.FILE, currency: str = "USD"
) -> CashMovement:
    kind = CashKind.DEPOSIT if Decimal(amount) > 0 else CashKind.WITHDRAWAL
    return CashMovement(name, kind, currency, Decimal(amount), NOON + timedelta(seconds=seconds), via)


@pytest.mark.parametrize(
    ("word", "kind", "direction"),
    [
        ("Deposit", CashKind.DEPOSIT, 1),
        ("fiat_deposit", CashKind.DEPOSIT, 1),
        ("Receive", CashKind.DEPOSIT, 1),
        ("Withdrawal", CashKind.WITHDRAWAL, -1),
        ("fiat_withdrawal", CashKind.WITHDRAWAL, -1),
        ("Send", CashKind.WITHDRAWAL, -1),
        ("Exchange Deposit", CashKind.INTERNAL_TRANSFER, -1),
        ("Pro Deposit", CashKind.INTERNAL_TRANSFER, -1),
        ("Exchange Withdrawal", CashKind.INTERNAL_TRANSFER, 1),
        ("Vault Withdrawal", CashKind.INTERNAL_TRANSFER, 1),
        ("internal_transfer", CashKind.INTERNAL_TRANSFER, 1),
        ("Staking Income", None, 1),
        ("Advanced Trade Buy", None, 1),
        ("", None, 1),
    ],
)
def test_a_word_of_coinbase_is_one_kind_or_nobody_knows(word: str, kind: CashKind | None, direction: int) -> None:
    """What is deposited at the Exchange leaves this account; an unknown word is never guessed at."""
    assert kind_of_word(word) is kind
    assert direction_of_word(word) == direction


@pytest.mark.parametrize(
    ("kind", "amount", "fault"),
    [
        (CashKind.DEPOSIT, "0", "a deposit is above zero"),
        (CashKind.DEPOSIT, "-1", "a deposit is above zero"),
        (CashKind.WITHDRAWAL, "0", "a withdrawal is below zero"),
        (CashKind.WITHDRAWAL, "1", "a withdrawal is below zero"),
        (CashKind.INTERNAL_TRANSFER, "0", "a transfer of nothing"),
    ],
)
def test_an_amount_that_its_kind_rules_out_is_no_movement(kind: CashKind, amount: str, fault: str) -> None:
    assert amount_fault(kind, Decimal(amount)).startswith(fault)
    with pytest.raises(InvariantBroken, match=fault):
        CashMovement("x", kind, "USD", Decimal(amount), NOON)


@pytest.mark.parametrize("amount", ["-1", "1", "0"])
def test_an_opening_balance_may_be_anything(amount: str) -> None:
    assert amount_fault(CashKind.OPENING_BALANCE, Decimal(amount)) == ""


def test_one_transaction_under_two_ids_counts_once() -> None:
    """E2: the report and the API name it differently."""
    recorded = [moved("csv-1", seconds=0.4)]
    assert without_twins([moved("api-1", via=CashRoute.API)], recorded) == ([], [moved("api-1")])


def test_two_equal_transactions_are_two() -> None:
    """Three came by the API, two of them by the report: one is new."""
    recorded = [moved("csv-1"), moved("csv-2")]
    arriving = [moved(f"api-{number}", via=CashRoute.API) for number in (1, 2, 3)]
    new, twins = without_twins(arriving, recorded)
    assert [movement.transaction_id for movement in new] == ["api-3"]
    assert [movement.transaction_id for movement in twins] == ["api-1", "api-2"]


@pytest.mark.parametrize(
    "other",
    [
        moved("csv-1", seconds=1),
        moved("csv-1", "100.01"),
        moved("csv-1", "-100"),
        moved("csv-1", currency="EUR"),
        moved("api-0", via=CashRoute.API),
    ],
)
def test_what_differs_or_came_by_the_same_route_is_no_twin(other: CashMovement) -> None:
    arriving = moved("api-1", via=CashRoute.API)
    assert without_twins([arriving], [other]) == ([arriving], [])


@pytest.mark.parametrize(("days", "is_twin"), [(3, True), (-3, True), (3.001, False), (-3.001, False)])
def test_a_row_that_a_person_wrote_has_that_persons_date(days: float, is_twin: bool) -> None:
    row = moved("by-hand", seconds=days * 86_400, via=CashRoute.DIRECT)
    arriving = moved("api-1", via=CashRoute.API)
    assert without_twins([arriving], [row]) == (([], [arriving]) if is_twin else ([arriving], []))


def test_what_is_known_by_its_own_id_is_neither_new_nor_the_twin_of_another() -> None:
    recorded = [moved("csv-1"), moved("api-1", via=CashRoute.API)]
    arriving = [moved("api-1", via=CashRoute.API), moved("api-2", via=CashRoute.API)]
    assert without_twins(arriving, recorded) == ([], [arriving[1]])


def test_the_books_open_with_the_first_opening_balance() -> None:
    opening = CashMovement("o", CashKind.OPENING_BALANCE, "USD", Decimal(1), NOON + timedelta(seconds=5))
    assert opened_at([moved("early"), opening]) == opening.at
    assert opened_at([moved("early")]) is None
