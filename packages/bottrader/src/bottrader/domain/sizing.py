"""Order size: how much quote currency an entry may spend, and how much base currency that buys.

Problem: a signal names a wish, the account holds a limit, the venue takes a fee on top, and sizes come in increments.
If each step rounded as it liked, the order would ask for more than there is and the venue would refuse it.

Rule, all amounts in quote currency:

    requested = the explicit amount, else the size that belongs to the trigger (B29-B35)
    granted   = min(requested, available / (1 + taker fee rate)), rounded down to the cent; of a passive quote at most
                95 % of what is available (B252)
    size      = granted / price, rounded down to the base increment

Worked example (B36): 15 is requested, 12.00 is available, the taker fee is 0.8 %. 12.00 / 1.008 = 11.904..., so 11.90
is granted; its fee is 0.0952, together 11.9952 <= 12.00. At a price of 40,000 and an increment of 0.00000001 that
buys 0.0002975, worth exactly 11.90.

Every rounding is downwards: nothing is ever spent that was not granted, nothing is granted that is not there. A grant
below the minimum is refused instead of raised to it.
"""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.market import Product
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size, floor_to
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Code, Refusal, show_amount

CENT = Decimal("0.01")
PASSIVE_SHARE = Decimal("0.95")
"""Of the available quote currency, what one passive quote may bind at most."""


@dataclass(frozen=True, slots=True)
class SizingRules:
    """Quote amounts per kind of trigger; `order_size_fiat` is for manual orders only."""

    order_size_roc: Decimal = Decimal(15)
    order_size_signal: Decimal = Decimal(15)
    order_size_webhook: Decimal = Decimal(15)
    order_size_fiat: Decimal = Decimal(35)
    order_size_passive: Decimal = Decimal(32)
    order_size_min: Decimal = Decimal(10)


@dataclass(frozen=True, slots=True)
class Grant:
    """Quote amount asked for and quote amount that may be spent, fee not included."""

    requested: Money
    granted: Money


def size_entry(
    trigger: Trigger, explicit: Decimal | None, available: Decimal, taker_rate: Decimal, rules: SizingRules
) -> Grant | Refusal:
    """Return what an entry may spend, with its fee reserved, or why it may spend nothing (B29-B37)."""
    if trigger not in tuple(Trigger):
        # A missing or malformed trigger once got the largest size; the least known order must get none (B34).
        return Refusal(Code.ORDER_BUILD_FAILED, f"an order has a known trigger, was {trigger!r}")
    requested = _size_by_trigger(trigger, rules) if explicit is None else explicit
    if not requested.is_finite() or requested <= ZERO:
        return Refusal(Code.ORDER_BUILD_FAILED, f"an order amount is above zero, was {requested}")
    spendable = _spendable(available, taker_rate)
    if trigger in _PASSIVE:
        spendable = min(spendable, EXACT.multiply(available, PASSIVE_SHARE))
    granted = floor_to(min(requested, spendable), CENT)
    if granted < rules.order_size_min:
        return Refusal(
            Code.INSUFFICIENT_QUOTE,
            f"{show_amount(granted)} of {show_amount(requested)} can be spent with {show_amount(available)} available,"
            f" below minimum {show_amount(rules.order_size_min)}",
        )
    return Grant(Money(requested), Money(granted))


def base_size_for(granted: Money, price: Price, product: Product) -> Size:
    """Return the largest multiple of the base increment whose value at `price` is at most `granted`; may be zero."""
    # Dividing first would round the quotient; the value of whole increments divides without a remainder.
    value = floor_to(granted, EXACT.multiply(price, product.base_increment))
    return Size(floor_to(EXACT.divide(value, price), product.base_increment))


def _spendable(available: Decimal, taker_rate: Decimal) -> Decimal:
    """Return the largest amount of whole cents that leaves room for its own fee."""
    with_fee = EXACT.add(Decimal(1), taker_rate)
    return EXACT.divide(floor_to(available, EXACT.multiply(CENT, with_fee)), with_fee)


def _size_by_trigger(trigger: Trigger, rules: SizingRules) -> Decimal:
    if trigger in _ROC:
        return rules.order_size_roc
    if trigger in _SIGNAL:
        return rules.order_size_signal
    if trigger in _PASSIVE:
        return rules.order_size_passive
    if trigger is Trigger.MANUAL:
        return rules.order_size_fiat
    return rules.order_size_webhook


_ROC = frozenset({Trigger.ROC, Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE})
_SIGNAL = frozenset({Trigger.SIGNAL, Trigger.SCORE, Trigger.RSI_OVERSOLD, Trigger.MACD_CROSS})
_PASSIVE = frozenset(
    {
        Trigger.PASSIVE_BUY,
        Trigger.PASSIVE_SELL,
        Trigger.PASSIVE_EXIT,
        Trigger.PASSIVE_PROFIT,
        Trigger.PASSIVE_LOSS,
    }
)
