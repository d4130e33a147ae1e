"""Exact arithmetic of the simulated venue: its own decimal context, and rounding with the direction in the name.

The caller's decimal context is never used: a library that lowered the precision elsewhere must not change what this
exchange charges. 76 digits hold price x size x rate of any order that passes the products' limits; a result that would
not fit raises `decimal.Inexact` instead of losing a digit.
"""

import decimal
from contextlib import AbstractContextManager
from decimal import Decimal

ZERO = Decimal(0)
ONE = Decimal(1)

EXACT = decimal.Context(
    prec=76,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow, decimal.FloatOperation],
)

# For figures that are shown and never booked (a percentage), and for the quotient inside a rounding to an increment.
_ROUNDING = decimal.Context(prec=76, rounding=decimal.ROUND_HALF_EVEN)


def exact() -> AbstractContextManager[decimal.Context]:
    """Return a context manager in which `+ - *` are exact or raise `decimal.Inexact`."""
    return decimal.localcontext(EXACT)


def units_down(amount: Decimal, increment: Decimal) -> int:
    """Return how many whole increments fit in `amount` (not negative), rounding down."""
    return int(EXACT.divide_int(amount, increment))


def units_nearest(amount: Decimal, increment: Decimal) -> int:
    """Return the number of increments nearest to `amount`, a tie going to the even number."""
    return int(_ROUNDING.divide(amount, increment).to_integral_value(rounding=decimal.ROUND_HALF_EVEN))


def is_multiple(amount: Decimal, increment: Decimal) -> bool:
    """Tell whether `amount` is an exact multiple of `increment`; the increment need not be a power of ten."""
    try:
        return _ROUNDING.remainder(amount, increment) == ZERO
    except decimal.InvalidOperation:
        # More than 76 digits lie between the amount and the increment: no order of this venue is that large.
        return False


def percent_change(before: Decimal, after: Decimal) -> Decimal:
    """Return the change from `before` (above zero) to `after` in percent, half-even to eight decimals: for display."""
    ratio = _ROUNDING.divide(_ROUNDING.subtract(after, before), before)
    return _ROUNDING.multiply(ratio, Decimal(100)).quantize(Decimal("1E-8"), context=_ROUNDING)


def share(part: Decimal, whole: Decimal) -> Decimal:
    """Return `part / whole`, half-even to eight decimals, and zero for a whole of zero: for display."""
    if whole == ZERO:
        return ZERO
    return _ROUNDING.divide(part, whole).quantize(Decimal("1E-8"), context=_ROUNDING)
