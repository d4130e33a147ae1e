"""The limits that hold whatever a signal says: the size of one position, of all of them, and the age of the price.

An order whose outcome is unknown may be live, so it counts as filled in full (S3): the worst case is what is limited.
"""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.money import EXACT
from bottrader.domain.validation import Refusal, show_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Quote amounts for one position and for all together, and the oldest price an entry may be based on."""

    exposure_quote_max: Decimal
    position_quote_max: Decimal = Decimal(250)
    price_age_s_max: int = 60


def check_risk(
    entry_quote: Decimal,
    position_quote: Decimal,
    open_order_quote: Decimal,
    exposure_quote: Decimal,
    price_age_s: float,
    limits: RiskLimits,
) -> Refusal | None:
    """Return the limit an entry would break, or None; a limit may be reached but not passed.

    Quote amounts: `position_quote` is held of this product, `open_order_quote` is the worst case of its open and
    unknown buy orders, `exposure_quote` is the value of all positions plus the worst case of other products' open buy
    orders.
    """
    # Written so that an age that is not a number refuses too.
    if not price_age_s <= limits.price_age_s_max:
        return Refusal(
            "STALE_PRICE", f"the price is {price_age_s:.0f} s old, at most {limits.price_age_s_max} s are allowed"
        )
    added = EXACT.add(entry_quote, open_order_quote)
    position = EXACT.add(position_quote, added)
    if position > limits.position_quote_max:
        return Refusal(
            "POSITION_LIMIT",
            f"the position could reach {show_amount(position)}, above its limit of"
            f" {show_amount(limits.position_quote_max)}",
        )
    exposure = EXACT.add(exposure_quote, added)
    if exposure > limits.exposure_quote_max:
        return Refusal(
            "EXPOSURE_LIMIT",
            f"all positions together could reach {show_amount(exposure)}, above their limit of"
            f" {show_amount(limits.exposure_quote_max)}",
        )
    return None
