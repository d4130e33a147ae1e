"""Money and coins that come and go without a trade of ours.

A movement's sign says its direction: above zero is in. Deposits and withdrawals are what a person put in and took out;
a transfer between own accounts moves the balance as well and is neither (it never counts as a net deposit).

Which of these a transaction is, follows from Coinbase's word for it, as the CSV report writes it (`Advanced Trade Buy`)
or the v2 API does (`advanced_trade_fill`). A word that is not listed here is not guessed at: a person looks at it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.money import ZERO


class CashKind(StrEnum):
    OPENING_BALANCE = "opening_balance"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    INTERNAL_TRANSFER = "internal_transfer"
    """Between own accounts, in either direction; no net deposit."""
    ADOPTION = "adoption"
    """The other side of an `Adoption`: follows from that fact and is never recorded by itself."""
    FOREIGN_TRADE = "foreign_trade"
    """What a trade that is not the bot's moved: follows from its fills and is never recorded by itself."""


HAND_DATED = timedelta(days=3)
"""How far a person's date of a movement may be off the exchange's."""

DERIVED_KINDS = frozenset({CashKind.ADOPTION, CashKind.FOREIGN_TRADE})


class CashRoute(StrEnum):
    """How a movement came into the books."""

    DIRECT = "direct"
    """By the bot itself when it opened them, or as a row that a person inserted."""
    FILE = "file"
    API = "api"


@dataclass(frozen=True, slots=True)
class CashMovement:
    """Money or coins that came (`amount` above zero) or went without a trade of ours; key: `transaction_id`.

    Two movements are equal when their content is, whatever way they came in by. Raises `InvariantBroken` for an amount
    that its kind rules out.
    """

    transaction_id: str
    kind: CashKind
    currency: str
    amount: Decimal
    at: datetime
    ingest_via: CashRoute = field(default=CashRoute.DIRECT, compare=False)

    def __post_init__(self) -> None:
        fault = amount_fault(self.kind, self.amount)
        if fault:
            raise InvariantBroken(f"cash movement {self.transaction_id}: {fault}")


def amount_fault(kind: CashKind, amount: Decimal) -> str:
    """Return why this kind cannot move this amount, the empty text when it can."""
    if kind is CashKind.DEPOSIT and not amount > ZERO:
        return f"a deposit is above zero, was {amount}"
    if kind is CashKind.WITHDRAWAL and not amount < ZERO:
        return f"a withdrawal is below zero, was {amount}"
    if kind is CashKind.INTERNAL_TRANSFER and not amount:
        return "a transfer of nothing is none"
    return ""


def record_fault(movement: CashMovement) -> str:
    """Return why this movement cannot be recorded by itself, the empty text when it can."""
    return f"{movement.kind} follows from another fact" if movement.kind in DERIVED_KINDS else ""


FILL_WORDS = frozenset(
    {
        "advance_trade_buy",
        "advance_trade_fill",
        "advance_trade_sell",
        "advanced_trade_buy",
        "advanced_trade_fill",
        "advanced_trade_sell",
    }
)
"""Trades of the account this bot trades in: their fills tell of them."""

TRADE_WORDS = FILL_WORDS | {"buy", "sell", "convert", "trade"}
"""All trades; those of Coinbase's simple app have no fills."""

_KINDS = {
    "deposit": CashKind.DEPOSIT,
    "fiat_deposit": CashKind.DEPOSIT,
    "receive": CashKind.DEPOSIT,
    "withdrawal": CashKind.WITHDRAWAL,
    "fiat_withdrawal": CashKind.WITHDRAWAL,
    "send": CashKind.WITHDRAWAL,
}
_INTO = frozenset({"pro_withdrawal", "exchange_withdrawal", "vault_withdrawal", "intx_withdrawal"})
"""Withdrawn from another account of one's own, so it arrives here."""
_OUT_OF = frozenset({"pro_deposit", "exchange_deposit", "vault_deposit", "intx_deposit"})
_EITHER_WAY = frozenset(
    {
        "internal_transfer",
        "transfer",
        "staking_transfer",
        "unstaking_transfer",
        "retail_staking_transfer",
        "retail_unstaking_transfer",
    }
)


def plain_word(word: str) -> str:
    """Return Coinbase's word in one spelling: `Advanced Trade Buy` is `advanced_trade_buy`."""
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")


def kind_of_word(word: str) -> CashKind | None:
    """Return what a transaction of this word is; None when a person has to say."""
    plain = plain_word(word)
    return CashKind.INTERNAL_TRANSFER if plain in _INTO | _OUT_OF | _EITHER_WAY else _KINDS.get(plain)


def direction_of_word(word: str) -> int:
    """Return 1 for what comes in and -1 for what goes out, by Coinbase's word alone."""
    plain = plain_word(word)
    return -1 if plain in _OUT_OF or _KINDS.get(plain) is CashKind.WITHDRAWAL else 1


def without_twins(
    arriving: Iterable[CashMovement], recorded: Sequence[CashMovement]
) -> tuple[list[CashMovement], list[CashMovement]]:
    """Return (new, twins): what is not recorded yet, and what is recorded already under the id of another route.

    The CSV report and the API name one transaction by different ids, so one that came by one route is recognised when
    it comes by the other: same kind, currency, amount and second. A row that a person wrote has that person's date, and
    is the twin of one up to three days off. Each recorded movement is the twin of one only. What is known by its own
    id is in neither list.
    """
    known = {movement.transaction_id for movement in recorded}
    arrived = {movement.transaction_id: movement for movement in arriving}
    others = [movement for movement in recorded if movement.transaction_id not in arrived]
    new: list[CashMovement] = []
    twins: list[CashMovement] = []
    for transaction_id in sorted(arrived.keys() - known):
        movement = arrived[transaction_id]
        twin = next((other for other in others if _are_twins(movement, other)), None)
        if twin is None:
            new.append(movement)
        else:
            others.remove(twin)
            twins.append(movement)
    return new, twins


def _are_twins(one: CashMovement, other: CashMovement) -> bool:
    if (one.kind, one.currency, one.amount) != (other.kind, other.currency, other.amount):
        return False
    if CashRoute.DIRECT in (one.ingest_via, other.ingest_via):
        return abs(one.at - other.at) <= HAND_DATED
    is_same_second = one.at.replace(microsecond=0) == other.at.replace(microsecond=0)
    return one.ingest_via is not other.ingest_via and is_same_second


def opened_at(movements: Iterable[CashMovement]) -> datetime | None:
    """Return when the books were opened, None when they are not; what moved earlier is in the opening balance."""
    return min((each.at for each in movements if each.kind is CashKind.OPENING_BALANCE), default=None)
