"""Prices at which an order joins the book without taking from it.

A maker order wants to be first in its queue, so it steps two ticks inside the spread, but never onto the other side: a
post-only order that would cross is refused, and a chaser that is refused again and again never trades (R20).

    buy  = min(bid + 2 ticks, ask - 1 tick)      always below the ask
    sell = max(ask - 2 ticks, bid + 1 tick)      always above the bid

Worked example (B72, B73), tick 0.01: between 100.00 and 100.10 the buy is 100.02 and the sell 100.08; between 100.00
and 100.01 there is no room, so the buy joins the bid at 100.00 and the sell the ask at 100.01.

Whoever wants another price than two ticks inside (a quote does) asks for the one `beside_touch` that is nearest to it.
"""

from decimal import Decimal

from bottrader.domain.money import ZERO, Price, ceil_to, exact, floor_to
from bottrader.domain.orders import Side

STEP_TICKS = 2


def maker_price(side: Side, bid: Price, ask: Price, tick: Decimal) -> Price | None:
    """Return the price of a maker order, rounded away from the other side; None when no price above zero is left."""
    with exact():
        wanted = ask - STEP_TICKS * tick if side is Side.SELL else bid + STEP_TICKS * tick
    return beside_touch(side, wanted, bid, ask, tick)


def beside_touch(side: Side, wanted: Decimal, bid: Price, ask: Price, tick: Decimal) -> Price | None:
    """Return the price nearest to `wanted` that takes nothing: a buy below the ask, a sell above the bid.

    It is rounded away from the other side, so a buy never pays more than `wanted` and a sell never takes less; None
    when no price above zero is left.
    """
    with exact():
        if side is Side.SELL:
            return Price(ceil_to(max(wanted, bid + tick), tick))
        price = floor_to(min(wanted, ask - tick), tick)
    return Price(price) if price > ZERO else None
