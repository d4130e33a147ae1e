"""The venue's wallets: what is available, what is held for open orders, and the fees taken.

Orders move money in four ways only. `reserve` (available to hold) and `release` (hold to available) conserve each
currency's total; `spend` (leaves the hold) and `receive` (joins the available) are the two legs of a trade. `change` is
for what no order does: a deposit, a withdrawal, an amended fill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coinbase_sim.amounts import ZERO


@dataclass(frozen=True, slots=True)
class CashTransaction:
    """Money or coins that came or went without an order; `amount` is above zero for what came."""

    transaction_id: str
    kind: str
    """Coinbase's word: `fiat_deposit`, `fiat_withdrawal`, `send`, `exchange_deposit` ..."""
    currency: str
    amount: Decimal
    at: datetime


class Ledger:
    """Balances by currency; a balance never goes below zero."""

    def __init__(self, available: Mapping[str, Decimal], held: Mapping[str, Decimal], fees: Decimal = ZERO) -> None:
        currencies = {**available, **held}
        self._available = {currency: available.get(currency, ZERO) for currency in currencies}
        self._held = {currency: held.get(currency, ZERO) for currency in currencies}
        self.fees = fees
        for amount in (*self._available.values(), *self._held.values()):
            assert amount >= ZERO, f"a balance is not negative, was {amount}"

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(self._available)

    def available(self, currency: str) -> Decimal:
        return self._available[currency]

    def held(self, currency: str) -> Decimal:
        return self._held[currency]

    def total(self, currency: str) -> Decimal:
        return self._available[currency] + self._held[currency]

    def reserve(self, currency: str, amount: Decimal) -> None:
        assert ZERO <= amount <= self._available[currency], f"cannot reserve {amount} {currency}"
        self._available[currency] -= amount
        self._held[currency] += amount

    def release(self, currency: str, amount: Decimal) -> None:
        self.spend(currency, amount)
        self.receive(currency, amount)

    def spend(self, currency: str, amount: Decimal) -> None:
        assert ZERO <= amount <= self._held[currency], f"cannot spend {amount} of held {currency}"
        self._held[currency] -= amount

    def receive(self, currency: str, amount: Decimal) -> None:
        assert amount >= ZERO, f"cannot receive {amount} {currency}"
        self._available[currency] += amount

    def change(self, currency: str, amount: Decimal) -> None:
        """Add `amount`, which may be negative, to what is available of a currency, known or not."""
        available = self._available.get(currency, ZERO) + amount
        assert available >= ZERO, f"cannot take {-amount} {currency}"
        self._available[currency] = available
        self._held.setdefault(currency, ZERO)
