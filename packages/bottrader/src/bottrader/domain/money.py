"""Exact amounts: the only door through which a number becomes money.

A binary float cannot hold 0.1, and a ledger that started with one never balances again. Every amount is therefore a
`Decimal`, and three types say what it counts, so that a price is not added to a size unnoticed:

* `Price`: quote currency for one unit of base currency
* `Size`: units of base currency
* `Money`: units of quote currency

Arithmetic is exact or it fails. Python's default context keeps 28 digits and rounds the rest in silence; a price of 18
digits times a size of 18 digits times a rate of 6 needs 42. `EXACT` keeps 76 and traps a result that would not fit.
Worked example: 42789.654321 x 0.00012345 = 5.28238282592745 (14 decimals, none lost).

Rounding happens only where the venue asks for a multiple of an increment, and each function names its direction.
"""

import decimal
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import NewType

from bottrader.domain.errors import AmountInvalid

Price = NewType("Price", Decimal)
Size = NewType("Size", Decimal)
Money = NewType("Money", Decimal)

ZERO = Decimal(0)

# 76 digits hold the product of four 18-digit factors; a result that needs more is a bug, so it raises `Inexact`.
EXACT = decimal.Context(
    prec=76,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow, decimal.FloatOperation],
)


def exact() -> AbstractContextManager[decimal.Context]:
    """Return a context manager in which `+ - *` on amounts are exact or raise `decimal.Inexact`."""
    return decimal.localcontext(EXACT)


def parse_amount(value: str | int | Decimal) -> Decimal:
    """Return the amount that `value` spells, digit for digit.

    Raises:
        AmountInvalid: for a float or bool (their digits are already lost or meaningless), and for text that is not a
            finite number.
    """
    # Text is what streams bring by the hundred thousand, so it is told apart first.
    if type(value) is not str and (isinstance(value, bool) or not isinstance(value, str | int | Decimal)):
        raise AmountInvalid(f"an amount is text, an integer or a Decimal, was {type(value).__name__} {value!r}")
    try:
        amount = Decimal(value)
    except decimal.InvalidOperation:
        raise AmountInvalid(f"an amount is a decimal number, was {value!r}") from None
    if not amount.is_finite():
        raise AmountInvalid(f"an amount is finite, was {value!r}")
    return amount


def parse_price(value: str | int | Decimal) -> Price:
    """Return a price; raises `AmountInvalid` unless it is finite and above zero."""
    amount = parse_amount(value)
    if amount <= ZERO:
        raise AmountInvalid(f"a price is above zero, was {value!r}")
    return Price(amount)


def parse_size(value: str | int | Decimal) -> Size:
    """Return a size; raises `AmountInvalid` unless it is finite and not negative."""
    amount = parse_amount(value)
    if amount < ZERO:
        raise AmountInvalid(f"a size is not negative, was {value!r}")
    return Size(amount)


def parse_money(value: str | int | Decimal) -> Money:
    """Return an amount of quote currency, of either sign; raises `AmountInvalid` unless it is finite."""
    return Money(parse_amount(value))


def floor_to(value: Decimal, increment: Decimal, context: decimal.Context = EXACT) -> Decimal:
    """Round `value` down, towards minus infinity, to a multiple of `increment` (above zero).

    An increment need not be a power of ten: 5 and 0.25 exist, so counting decimals would be wrong. A wider `context` is
    for values of more than 76 digits.
    """
    if increment <= ZERO:
        raise AmountInvalid(f"an increment is above zero, was {increment}")
    # The remainder is exact where a quotient may not be; it carries the sign of the value.
    excess = context.remainder(value, increment)
    if excess < ZERO:
        excess = context.add(excess, increment)
    return context.subtract(value, excess).quantize(increment, context=context)


def ceil_to(value: Decimal, increment: Decimal) -> Decimal:
    """Round `value` up, towards plus infinity, to a multiple of `increment` (above zero)."""
    return EXACT.minus(floor_to(EXACT.minus(value), increment))


def is_multiple(value: Decimal, increment: Decimal) -> bool:
    """Tell whether `value` is an exact multiple of `increment` (above zero)."""
    return floor_to(value, increment) == value


def canonical(value: Decimal) -> Decimal:
    """Return the same amount in its one plain spelling: no exponent, no zeros at the end of the fraction.

    Two paths to one amount may leave 1.50 and 1.5 behind, and a database keeps the difference.
    """
    # A sum has the digits of its finer part, and the zero of `ZERO` stands at the ones.
    return EXACT.add(value.normalize(EXACT), ZERO)
