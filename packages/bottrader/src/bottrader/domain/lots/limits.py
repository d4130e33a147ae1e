"""What amounts an execution may have, so that everything computed from it is exact.

A size and a price are below 10^19 and end within 18 decimals: 37 digits each, so their product has 74, and fees and
sums of a row have room in the 76 of `EXACT`. Whatever fits 64 bits at 8 decimals is far inside. A fee may end within
36 decimals, because a fee in a coin is a product itself. What is beyond is refused with the id of the execution: it is
no trade of any venue, and rounding it would be an invented fact.
"""

from decimal import Decimal

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.lots.rows import Execution
from bottrader.domain.money import ZERO

AMOUNT_LIMIT = Decimal("1E19")
"""What every amount is below, either way from zero."""
PLACES_MAX = 18
"""Decimals of a size or a price."""
FEE_PLACES_MAX = 2 * PLACES_MAX


def check_amounts(execution: Execution) -> None:
    """Raise `AmountInvalid` when size, price or fee is beyond the limits, or size or price is negative."""
    for name, amount, places in (
        ("size", execution.size, PLACES_MAX),
        ("price", execution.price, PLACES_MAX),
        ("fee", execution.fee, FEE_PLACES_MAX),
    ):
        if not amount.is_finite() or amount.copy_abs() >= AMOUNT_LIMIT:
            reason = f"an amount is below {AMOUNT_LIMIT}"
        elif _decimals(amount) > places:
            reason = f"a {name} has at most {places} decimals"
        elif amount < ZERO and name != "fee":
            reason = f"a {name} is not negative"
        else:
            continue
        raise AmountInvalid(f"execution {execution.execution_id} has the {name} {amount}; {reason}")


def _decimals(amount: Decimal) -> int:
    _, digits, exponent = amount.as_tuple()
    decimals = -int(exponent)
    # Zeros at the end are spelling, and no digits of the amount.
    for digit in reversed(digits):
        if digit:
            break
        decimals -= 1
    return decimals
