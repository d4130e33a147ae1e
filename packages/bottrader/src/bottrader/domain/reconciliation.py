"""Whether our books equal the venue's: recomputed from facts, compared to the last digit.

    cash of a currency = its movements + what sells in it brought after fees - what buys in it cost with fees
    holding of a coin  = its movements + bought - sold
    fees               = the sum over all executions

A movement is of cash when trades are quoted in its currency, and of a holding otherwise. Before the first trade nothing
tells money from coins and all movements count as cash; the two sides may therefore file a currency differently, and a
coin can be the money of another pair, so what is compared is the total of each currency.

No tolerance: every term is exact on both sides, so a difference of one last digit is a missing or doubled fact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.lots import Execution
from bottrader.domain.market import base_of, quote_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import Side


@dataclass(frozen=True, slots=True)
class Books:
    """Cash by quote currency, holdings by base currency, and all fees paid, in quote currency."""

    cash: dict[str, Decimal]
    holdings: dict[str, Decimal]
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not the same: `what` is `cash USD`, `holding BTC` or `fees`."""

    what: str
    ours: Decimal
    theirs: Decimal

    @property
    def currency(self) -> str:
        """The currency of a total; empty for the fees."""
        return self.what.partition(" ")[2]


def ledger_books(movements: Iterable[tuple[str, Decimal]], executions: Sequence[Execution]) -> Books:
    """Return the books that these facts imply; `movements` are (currency, amount), above zero for money in."""
    cash: dict[str, Decimal] = {}
    holdings: dict[str, Decimal] = {}
    fees = ZERO
    quotes = {quote_of(execution.product_id) for execution in executions}
    for currency, amount in movements:
        _add(cash if not quotes or currency in quotes else holdings, currency, amount)
    for execution in executions:
        # The operators would round to the context of the caller, so the signs are set by exact methods.
        bought = execution.size if execution.side is Side.BUY else EXACT.minus(execution.size)
        spent = EXACT.fma(execution.price, bought, execution.fee)
        _add(cash, quote_of(execution.product_id), EXACT.minus(spent))
        _add(holdings, base_of(execution.product_id), bought)
        fees = EXACT.add(fees, execution.fee)
    return Books(cash, holdings, fees)


def compare_books(ours: Books, theirs: Books) -> list[Difference]:
    """Return every figure that differs, cash first; a currency that one side does not list is zero there."""
    return [figure for figure in figures_of(ours, theirs) if figure.ours != figure.theirs]


def figures_of(ours: Books, theirs: Books) -> list[Difference]:
    """Return the total of every currency as both sides have it, cash first, then the fees.

    What our books never held is left out when it is zero: an exchange lists wallets that nobody ever used.
    """
    held = ours.holdings.keys() | theirs.holdings.keys()
    cash = (ours.cash.keys() | theirs.cash.keys()) - held
    known = ours.cash.keys() | ours.holdings.keys()
    figures = [
        Difference(f"{kind} {currency}", _total(ours, currency), _total(theirs, currency))
        for kind, currencies in (("cash", cash), ("holding", held))
        for currency in sorted(currencies)
        if currency in known or _total(theirs, currency)
    ]
    return [*figures, Difference("fees", ours.fees, theirs.fees)]


def _add(amounts: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    amounts[currency] = EXACT.add(amounts.get(currency, ZERO), amount)


def _total(books: Books, currency: str) -> Decimal:
    return EXACT.add(books.cash.get(currency, ZERO), books.holdings.get(currency, ZERO))
