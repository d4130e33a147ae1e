"""The figures around an exit: net return, break-even, the price of an order, each with its fees.

p is a price, t the fee rate of the exit, c the cost of a unit with its entry fee:

    net return = (p(1 - t) - c) / c        c = e(1 + m), e the entry price, m the fee rate of the entry
    break-even = c / (1 - t)

Worked example (B88): bought at 100 with m = 0.4 %, a unit cost 100.4; at t = 0.8 % it breaks even at 101.209677...
"""

import decimal
from decimal import Decimal

from bottrader.domain.market import Product
from bottrader.domain.money import EXACT, Price, floor_to

EXIT_LIMIT_SHARE = Decimal("0.9995")


def net_return(cost_per_unit: Decimal, price: Decimal, fee_rate: Decimal) -> Decimal:
    """Return (p(1 - t) - c) / c as a fraction to 28 digits, for display (B79-B87)."""
    proceeds = EXACT.multiply(price, EXACT.subtract(_ONE, fee_rate))
    return _DISPLAY.divide(EXACT.subtract(proceeds, cost_per_unit), cost_per_unit)


def entry_cost_per_unit(entry: Decimal, maker_rate: Decimal) -> Decimal:
    """Return what a unit bought at `entry` costs with its fee: e(1 + m)."""
    return EXACT.multiply(entry, EXACT.add(_ONE, maker_rate))


def break_even_price(cost_per_unit: Decimal, fee_rate: Decimal) -> Decimal:
    """Return c / (1 - t), the price at which selling loses nothing, rounded up at the 28th digit (B88)."""
    return _UP.divide(cost_per_unit, EXACT.subtract(_ONE, fee_rate))


def price_of_proceeds(proceeds: Decimal, size: Decimal, fee_rate: Decimal) -> Price:
    """Return the highest price to 28 digits at which `size` brings at most `proceeds` after the exit fee."""
    return Price(_DOWN.divide(proceeds, EXACT.multiply(size, EXACT.subtract(_ONE, fee_rate))))


def exit_limit_price(bid: Price, product: Product) -> Price:
    """Return the limit of a regular exit: 0.05 % below the bid, rounded down to the tick, at least one tick (B124)."""
    limit = floor_to(EXACT.multiply(bid, EXIT_LIMIT_SHARE), product.price_increment)
    return Price(max(limit, product.price_increment))


_ONE = Decimal(1)
_DISPLAY = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)
_UP = decimal.Context(prec=28, rounding=decimal.ROUND_CEILING)
_DOWN = decimal.Context(prec=28, rounding=decimal.ROUND_FLOOR)
