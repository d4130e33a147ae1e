"""The trailing stop: a price below the highest one seen that rises with it and never falls.

    distance = trailing_atr_mult x ATR, held within the minimum and the maximum share of the high
    stop     = high - distance, or the last stop where that is higher

Without an ATR the distance is the maximum: an unknown range must not leave a position without a stop (R68).
Worked example (B140, B141): a high of 50,000 with an ATR of 1,000 gives a distance of 2,000, held to 2 % of the high,
1,000: the stop is 49,000. At 52,000 it is 50,960.
"""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.exit_rules import ExitRules
from bottrader.domain.money import EXACT, Price


@dataclass(frozen=True, slots=True)
class Trail:
    """The active trailing stop of one position: the highest price seen and the price that ends it."""

    high: Price
    stop: Price


def follow_trail(trail: Trail | None, price: Price, atr: Decimal | None, rules: ExitRules) -> Trail:
    """Start the trail at `price` or raise it; it never falls, whatever price and range do (B146)."""
    high = price if trail is None else max(trail.high, price)
    distance = EXACT.multiply(high, rules.trailing_distance_max_pct)
    if atr is not None and atr.is_finite():
        wanted = EXACT.multiply(atr, rules.trailing_atr_mult)
        distance = min(distance, max(wanted, EXACT.multiply(high, rules.trailing_distance_min_pct)))
    stop = Price(EXACT.subtract(high, distance))
    if trail is not None and high == trail.high and stop <= trail.stop:
        return trail
    return Trail(high, stop if trail is None else max(trail.stop, stop))
