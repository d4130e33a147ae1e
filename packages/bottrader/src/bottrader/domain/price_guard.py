"""Which price is believed: one tick that is far from all before it is not acted on until something else agrees (F30).

A quote that is wrong by a factor looks like any other: positive, not crossed, in order. What gives it away is that it
stands alone. A price that departs from the last believed one by more than `jump_rate_max` (a fraction: 0.1 is 10 %) is
therefore doubted, and believed once a second observation agrees with it within the same fraction: a later tick, or a
quote that was asked for. A quote that agrees with the old price instead clears the doubt. So

    a persistent move   is acted on at its second tick, or as soon as a quote confirms it
    a single outlier    is never acted on

The first price of all has nothing to be compared with and needs its second observation too. Three figures are compared,
because each decides something: the mark (the last trade held within bid and ask) triggers stops, the ask sizes entries,
the bid prices exits.

Worked example, 10 %: believed 40,000; a tick of 400,000 is doubted, the next one of 40,010 is near 40,000 and believed.
Believed 40,000; 35,000 is doubted (12.5 % below), 34,000 lies within 10 % of 35,000 and is believed. 36,000 is exactly
10 % below 40,000 and believed at once.
"""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.market import Ticker
from bottrader.domain.money import EXACT


@dataclass(frozen=True, slots=True)
class Belief:
    """What is held of one product's price: the one that may be acted on, and one that waits for a second opinion."""

    believed: Ticker | None = None
    doubted: Ticker | None = None


def weigh_price(belief: Belief, ticker: Ticker, jump_rate_max: Decimal, *, is_requested: bool = False) -> Belief:
    """Return the belief after `ticker`; it was believed when it is the `believed` one of the result.

    `is_requested` marks a quote that was asked for: an observation of its own whatever its time. A streamed tick
    confirms only what is older than itself, so that a message told twice does not confirm itself. A price that cannot
    be judged at all (zero, crossed, no number) changes nothing.
    """
    if not ticker.is_sane:
        return belief
    if belief.believed is not None and agree(belief.believed, ticker, jump_rate_max):
        return Belief(ticker)
    doubted = belief.doubted
    if doubted is not None and (is_requested or ticker.at > doubted.at) and agree(doubted, ticker, jump_rate_max):
        return Belief(ticker)
    return Belief(belief.believed, ticker)


def agree(before: Ticker, after_: Ticker, rate_max: Decimal) -> bool:
    """Tell whether mark, bid and ask each lie within `rate_max` of what they were; both tickers are sane."""
    return (
        _is_near(before.bid, after_.bid, rate_max)
        and _is_near(before.ask, after_.ask, rate_max)
        and _is_near(before.mark, after_.mark, rate_max)
    )


def _is_near(before: Decimal, after_: Decimal, rate_max: Decimal) -> bool:
    return abs(EXACT.subtract(after_, before)) <= EXACT.multiply(before, rate_max)
