"""Money and coins of the exchange in memory that come and go without an order."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from bottrader.domain.cash import FILL_WORDS, amount_fault, kind_of_word
from bottrader.domain.errors import AdapterError
from bottrader.domain.money import ZERO, exact
from bottrader.ports import Clock, VenueMovement


class MemoryWallet:
    """Balances by currency, and what moved them without an order."""

    def __init__(self, clock: Clock, totals: dict[str, Decimal]) -> None:
        self.query_error: AdapterError | None = None
        """While set, every query raises it."""
        self.cash_error: AdapterError | None = None
        """While set, the question for movements raises it, and no other does."""
        self._clock = clock
        self._totals = totals
        self._movements: list[VenueMovement] = []

    def move_cash(self, currency: str, amount: Decimal, word: str) -> VenueMovement:
        """Let money or coins come (`amount` above zero) or go, under the venue's word for it, and list it."""
        kind = kind_of_word("receive" if word == "send" and amount > ZERO else word)
        if kind is not None and amount_fault(kind, amount):
            kind = None
        at = self._clock.now().replace(microsecond=0)
        movement = VenueMovement(f"cash-{len(self._movements) + 1}", kind, word, currency, amount, at)
        self._movements.append(movement)
        with exact():
            self._move(currency, amount)
        return movement

    async def movements_since(self, at: datetime, currencies: Collection[str]) -> Sequence[VenueMovement]:
        self._check_query()
        if self.cash_error is not None:
            raise self.cash_error
        since = at.replace(microsecond=0)
        wanted = [m for m in self._movements if m.currency in currencies and m.word not in FILL_WORDS]
        return [m for m in wanted if m.at >= since]

    def _move(self, currency: str, amount: Decimal) -> None:
        self._totals[currency] = self._totals.get(currency, ZERO) + amount

    def _check_query(self) -> None:
        if self.query_error is not None:
            raise self.query_error
