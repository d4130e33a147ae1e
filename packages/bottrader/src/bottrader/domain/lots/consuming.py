"""An execution on its way to being consumed: what remains of it, and how its fee follows what is taken.

A fee share would be f x q / n, which need not end; it is therefore telescoped. After c of n units the fee assigned so
far is f x c / n rounded down to a quantum of 1e-8 (or to the fee's own last digit that is not zero, where that is
finer), and a row gets what was added since the row before. The shares of a consumed execution add up to its fee
exactly, whatever the number of rows: a fee of 0.10 over three equal rows is 0.03333333, 0.03333333, 0.03333334 (B196).
"""

import decimal
from decimal import Decimal

from bottrader.domain.lots.rows import Execution
from bottrader.domain.money import EXACT, ZERO, Money, floor_to


class Lot:
    """What is left of one execution, a buy or a sell, and the part of its fee that its consumed part took along."""

    __slots__ = ("_quantum", "execution", "fee_assigned", "remaining")

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.remaining: Decimal = execution.size
        self.fee_assigned: Decimal = ZERO
        # Zeros at its end are no digits of a fee: 0.10 is split like 0.1, however a database or a file spelled it.
        exponent = int(execution.fee.normalize(EXACT).as_tuple().exponent)
        self._quantum = min(FEE_QUANTUM, Decimal((0, (1,), exponent)))

    def take(self, size: Decimal) -> Money:
        """Consume `size` and return its share of the fee."""
        self.remaining = EXACT.subtract(self.remaining, size)
        assert self.remaining >= ZERO
        assigned = self._fee_of(EXACT.subtract(self.execution.size, self.remaining))
        share = EXACT.subtract(assigned, self.fee_assigned)
        self.fee_assigned = assigned
        return Money(share)

    def _fee_of(self, consumed: Decimal) -> Decimal:
        fee, size = self.execution.fee, self.execution.size
        # Only whole quanta are divided, so the division leaves no remainder and nothing is rounded twice.
        whole = floor_to(_WIDE.multiply(fee, consumed), _WIDE.multiply(self._quantum, size), _WIDE)
        return EXACT.divide(whole, size)


# A fee of 55 digits times a size of 37 (`limits`); what comes of it has the digits of a fee again.
_WIDE = decimal.Context(prec=92, traps=[decimal.Inexact, decimal.InvalidOperation])
FEE_QUANTUM = Decimal("1E-8")
"""Quote currency: what fee shares are whole multiples of, unless the fee itself has a finer digit."""
