"""Figures of reports that are not about the P&L of trades, each defined once (R53).

Rates and shares are fractions, amounts quote currency. Quotients have 28 digits, rounded half to even. A figure that
has no meaning for its input is None.
"""

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.money import EXACT, ZERO

CONCENTRATION = Decimal("0.25")
"""A symbol with this share of all exposure, or more, is a warning."""
CASH_TOLERANCE = Decimal("0.01")
REWARD_TO_RISK_MIN = Decimal("1.10")
"""Brackets are worth a second look when their mean R:R is below this."""
READY_TRADES = 500
"""So many trades are enough to judge a strategy by."""

_RATIO = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is held of one symbol: `value` in quote currency, `share` of the value of everything held."""

    symbol: str
    value: Decimal
    share: Decimal

    @property
    def is_concentrated(self) -> bool:
        return self.share >= CONCENTRATION


def break_even_move(fee_rate: Decimal) -> Decimal:
    """Return the price move that pays for both fees of a round trip: 2 x rate. 0.0055 gives 1.10 %."""
    return EXACT.multiply(Decimal(2), fee_rate)


def fraction(part: int, whole: int) -> Decimal | None:
    """Return part / whole, such as linked orders / filled orders; None of nothing."""
    return _RATIO.divide(Decimal(part), Decimal(whole)) if whole else None


def rate_of(fee: Decimal, turnover: Decimal) -> Decimal | None:
    """Return the fee as a fraction of what it was paid on; None without turnover."""
    return _RATIO.divide(fee, turnover) if turnover > ZERO else None


def exposures(values: Mapping[str, Decimal]) -> list[Exposure]:
    """Return what is held, largest first, of symbols with a value above zero (B239)."""
    held = {symbol: value for symbol, value in values.items() if value > ZERO}
    total = ZERO
    for value in held.values():
        total = EXACT.add(total, value)
    return [
        Exposure(symbol, value, _RATIO.divide(value, total))
        for symbol, value in sorted(held.items(), key=lambda item: (-item[1], item[0]))
    ]


def known_cash(ours: Decimal, theirs: Decimal | None) -> Decimal | None:
    """Return the exchange's cash when ours is within 0.01 of it; None, unknown, when it is not or was not asked
    (B234, R52)."""
    if theirs is None or abs(EXACT.subtract(ours, theirs)) > CASH_TOLERANCE:
        return None
    return theirs


def reward_to_risk(entry: Decimal, target: Decimal, stop: Decimal) -> Decimal | None:
    """Return (target - entry) / (entry - stop); None when the stop does not lie below the entry."""
    risk = EXACT.subtract(entry, stop)
    return _RATIO.divide(EXACT.subtract(target, entry), risk) if risk > ZERO else None


def distance(entry: Decimal, price: Decimal) -> Decimal:
    """Return |price - entry| / entry; an entry is above zero."""
    return _RATIO.divide(abs(EXACT.subtract(price, entry)), entry)


def median(amounts: Sequence[Decimal]) -> Decimal | None:
    """Return the middle amount, or the mean of the two in the middle; None of nothing."""
    if not amounts:
        return None
    ordered, middle = sorted(amounts), len(amounts) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return _RATIO.divide(EXACT.add(ordered[middle - 1], ordered[middle]), Decimal(2))


def tenth_percentile(amounts: Sequence[Decimal]) -> Decimal | None:
    """Return the smallest amount that at least a tenth of all do not exceed (nearest rank); None of nothing."""
    return sorted(amounts)[(len(amounts) + 9) // 10 - 1] if amounts else None
