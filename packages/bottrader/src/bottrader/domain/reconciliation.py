"""Whether our books equal the venue's: recomputed from facts, compared to the last digit.

    cash of a currency = its movements + what sells in it brought after fees - what buys in it cost with fees
    holding of a coin  = bought - sold
    fees               = the sum over all executions

No tolerance: every term is exact on both sides, so a difference of one last digit is a missing or doubled fact.
"""

from collections.abc import Iterable, Mapping, Sequence
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


def ledger_books(movements: Iterable[tuple[str, Decimal]], executions: Sequence[Execution]) -> Books:
    """Return the books that these facts imply; `movements` are (currency, amount), above zero for money in."""
    cash: dict[str, Decimal] = {}
    holdings: dict[str, Decimal] = {}
    fees = ZERO
    for currency, amount in movements:
        _add(cash, currency, amount)
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
    differences = [
        *_compare("cash", ours.cash, theirs.cash),
        *_compare("holding", ours.holdings, theirs.holdings),
    ]
    if ours.fees != theirs.fees:
        differences.append(Difference("fees", ours.fees, theirs.fees))
    return differences


def _add(amounts: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    amounts[currency] = EXACT.add(amounts.get(currency, ZERO), amount)


def _compare(kind: str, ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> list[Difference]:
    return [
        Difference(f"{kind} {currency}", ours.get(currency, ZERO), theirs.get(currency, ZERO))
        for currency in sorted(ours.keys() | theirs.keys())
        if ours.get(currency, ZERO) != theirs.get(currency, ZERO)
    ]
