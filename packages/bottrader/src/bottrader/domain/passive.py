"""Passive market making: buy a little above the bid, sell a little below the ask, and earn what lies between.

Problem: what lies between has to pay two maker fees, and a market that stands still fills neither side. So a quote is
made only while every gate is open, each with its own reason, in this order:

    no-buy list, profitable of late, not excluded by results, active, a usable book,
    spread >= required, range of the last five candles >= required, spread left between the quotes >= required

    required = max(spread_min_pct x mid, (2m + edge_buffer_pct) x mid, 2 ticks)     m the maker fee rate, mid the middle
                                                                                    of bid and ask

A gate whose data is missing is closed (R77). The quotes lie one tick inside the book and are shifted by the inventory:

    bias = (quote held - base held) / (quote held + base held) x bias_factor x spread      both in quote currency
    buy  = bid + 1 tick + bias, below the ask always      sell = ask - 1 tick + bias, above the bid always

so that too much of the coin lowers both: less is bought, and sold sooner. The bias is rounded towards zero to ticks.

What was bought at e is sold at break-even + 0.2 % of e or better; when it has been held for `lifetime_s`, at break-even
or better while the price allows it, and else with a loss. Break-even is that of two maker fees: e(1 + m) / (1 - m).

Worked example (B250, B253, B254): mid 100, tick 0.01, m 0.4 %: required is max(0.025, 0.805, 0.02) = 0.805. With 800 of
quote and 200 of base currency and a spread of 0.02 the bias is 0.6 x 0.10 x 0.02 = 0.0012. Bought at 100, break-even is
100.4 / 0.996 = 100.8032..., and the profit is taken from 101.0032... on.
"""

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.exit_prices import break_even_price, entry_cost_per_unit
from bottrader.domain.maker_prices import beside_touch
from bottrader.domain.market import Candle, Ticker
from bottrader.domain.money import EXACT, ZERO, Price, exact, floor_to
from bottrader.domain.orders import Side
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Code, Refusal

CANDLES_MIN = 5
"""Candles whose range is judged; with fewer there is no range and no quote (B251)."""
PROFIT_SHARE = Decimal("0.002")
"""Of the entry price, on top of break-even: the profit a quote asks for."""


@dataclass(frozen=True, slots=True)
class PassiveRules:
    """Spreads as fractions of the mid, times in seconds, the volume in quote currency over a day.

    Raises:
        ConfigInvalid: naming every rule that is out of range.
    """

    spread_min_pct: Decimal = Decimal("0.00025")
    edge_buffer_pct: Decimal = Decimal("0.00005")
    ignore_fees: bool = False
    """Leave the fees and the buffer out of the required spread."""
    lifetime_s: int = 600
    bias_factor: Decimal = Decimal("0.10")
    quote_volume_min: Decimal = Decimal(1_000_000)
    needs_history: bool = True
    """Quote only what has been profitable and is active; a new account has no history and would never begin."""

    def __post_init__(self) -> None:
        shares = (("spread_min_pct", self.spread_min_pct), ("edge_buffer_pct", self.edge_buffer_pct))
        faults = [
            f"{name} is at least 0 and below 1, was {value}"
            for name, value in shares
            if not (value.is_finite() and ZERO <= value < _ONE)
        ]
        if not (self.bias_factor.is_finite() and ZERO <= self.bias_factor <= _ONE):
            faults.append(f"bias_factor is between 0 and 1, was {self.bias_factor}")
        if not (self.quote_volume_min.is_finite() and self.quote_volume_min >= ZERO):
            faults.append(f"quote_volume_min is at least 0, was {self.quote_volume_min}")
        if self.lifetime_s < 1:
            faults.append(f"lifetime_s is at least 1, was {self.lifetime_s}")
        if faults:
            raise ConfigInvalid("; ".join(faults))


@dataclass(frozen=True, slots=True)
class PassiveStanding:
    """What a product's own results say; None where nothing is known."""

    is_profitable: bool | None = None
    quote_volume: Decimal | None = None
    exclusion: str | None = None
    """Why its results exclude it."""
    is_active: bool | None = None
    """Whether the leaderboard of the last hours holds it eligible."""


@dataclass(frozen=True, slots=True)
class QuoteView:
    """All that the gates look at; `candles` are the newest closed ones, oldest first."""

    is_no_buy: bool
    standing: PassiveStanding
    ticker: Ticker | None
    candles: Sequence[Candle]
    tick: Decimal
    maker_rate: Decimal


def required_move(mid: Decimal, tick: Decimal, maker_rate: Decimal, rules: PassiveRules) -> Decimal:
    """Return the smallest spread that is worth a quote, in price units, exactly."""
    with exact():
        fees = ZERO if rules.ignore_fees else 2 * maker_rate + rules.edge_buffer_pct
        return max(rules.spread_min_pct * mid, fees * mid, 2 * tick)


def required_spread(mid: Decimal, tick: Decimal, maker_rate: Decimal, rules: PassiveRules) -> Decimal:
    """Return the required spread as a fraction of the mid, for display, to 28 digits (B250)."""
    return _DISPLAY.divide(required_move(mid, tick, maker_rate, rules), mid)


def candle_range(candles: Sequence[Candle]) -> Decimal | None:
    """Return highest high - lowest low of the last five candles, None when there are fewer."""
    newest = candles[-CANDLES_MIN:]
    if len(newest) < CANDLES_MIN:
        return None
    return EXACT.subtract(max(each.high for each in newest), min(each.low for each in newest))


def closed_gate(view: QuoteView, rules: PassiveRules) -> Refusal | None:
    """Return the first gate that is closed, None when a quote may be made."""
    if view.is_no_buy:
        return Refusal(Code.SHILL_REJECT, "the coin is on the list of coins that are never bought")
    return _closed_by_results(view.standing, rules) or _closed_by_book(view, rules)


def _closed_by_results(standing: PassiveStanding, rules: PassiveRules) -> Refusal | None:
    volume = standing.quote_volume
    if rules.needs_history and not standing.is_profitable:
        return Refusal("PASSIVE_NOT_PROFITABLE", "fewer than two trades of the last seven days, or they did not gain")
    if rules.needs_history and (volume is None or volume < rules.quote_volume_min):
        known = "not known" if volume is None else f"{volume}"
        message = f"the volume of the last day is {known}, {rules.quote_volume_min} is asked for"
        return Refusal("PASSIVE_NOT_PROFITABLE", message)
    if standing.exclusion is not None:
        return Refusal("PASSIVE_EXCLUDED", standing.exclusion)
    if rules.needs_history and not standing.is_active:
        return Refusal("PASSIVE_NOT_ACTIVE", "the leaderboard does not hold it eligible")
    return None


def _closed_by_book(view: QuoteView, rules: PassiveRules) -> Refusal | None:
    ticker = view.ticker
    if ticker is None or not ticker.is_sane:
        return Refusal("PASSIVE_NO_BOOK", "there is no book, or it is crossed")
    with exact():
        spread, mid = ticker.ask - ticker.bid, (ticker.bid + ticker.ask) * _HALF
        left = spread - 2 * view.tick
    required = required_move(mid, view.tick, view.maker_rate, rules)
    moved = candle_range(view.candles)
    if spread < required:
        return Refusal("PASSIVE_SPREAD", f"the spread of {spread} is below the required {required}")
    if moved is None:
        return Refusal("PASSIVE_RANGE", f"fewer than {CANDLES_MIN} candles are known, so their range is not")
    if moved < required:
        return Refusal("PASSIVE_RANGE", f"the last {CANDLES_MIN} candles moved by {moved}, below {required}")
    if left < required:
        return Refusal("PASSIVE_INNER_SPREAD", f"between quotes one tick inside {left} is left, below {required}")
    return None


def inventory_bias(quote_held: Decimal, base_held: Decimal, spread: Decimal, rules: PassiveRules) -> Decimal:
    """Return by how much both quotes shift, in price units; `base_held` in quote currency; zero of nothing (B253)."""
    total = EXACT.add(quote_held, base_held)
    if total <= ZERO:
        return ZERO
    with exact():
        weight = (quote_held - base_held) * rules.bias_factor * spread
    return _DISPLAY.divide(weight, total)


def buy_quote(ticker: Ticker, tick: Decimal, bias: Decimal) -> Price | None:
    """Return the price of a buy one tick inside the book and shifted, below the ask; None when none above zero is."""
    wanted = EXACT.add(EXACT.add(ticker.bid, tick), _whole_ticks(bias, tick))
    return beside_touch(Side.BUY, wanted, ticker.bid, ticker.ask, tick)


def sell_quote(ticker: Ticker, tick: Decimal, bias: Decimal, least: Decimal) -> Price:
    """Return the price of a sell one tick inside the book and shifted, above the bid and at least `least`."""
    inside = EXACT.add(EXACT.subtract(ticker.ask, tick), _whole_ticks(bias, tick))
    price = beside_touch(Side.SELL, max(inside, least), ticker.bid, ticker.ask, tick)
    assert price is not None, "a sell is above the bid, and that is above zero"
    return price


def maker_break_even(entry: Decimal, maker_rate: Decimal) -> Decimal:
    """Return the price at which a quote that was bought as a maker loses nothing as a maker: e(1 + m) / (1 - m)."""
    return break_even_price(entry_cost_per_unit(entry, maker_rate), maker_rate)


def profit_price(entry: Decimal, maker_rate: Decimal) -> Decimal:
    """Return break-even + 0.2 % of the entry, from which the profit is taken (B255)."""
    return EXACT.add(maker_break_even(entry, maker_rate), EXACT.multiply(entry, PROFIT_SHARE))


def judge_held(entry: Decimal, price: Decimal, age_s: float, maker_rate: Decimal, rules: PassiveRules) -> Trigger:
    """Return how a position that a quote bought is left at this price.

    `PASSIVE_SELL` quotes it out, `PASSIVE_PROFIT` as near as the profit allows, `PASSIVE_EXIT` at break-even or better
    because it is too old, and `PASSIVE_LOSS` gives it up (B254, B255).
    """
    if age_s > rules.lifetime_s:
        return Trigger.PASSIVE_EXIT if price >= maker_break_even(entry, maker_rate) else Trigger.PASSIVE_LOSS
    return Trigger.PASSIVE_PROFIT if price >= profit_price(entry, maker_rate) else Trigger.PASSIVE_SELL


def _whole_ticks(bias: Decimal, tick: Decimal) -> Decimal:
    """Return a bias in whole ticks, rounded towards zero."""
    size = floor_to(abs(bias), tick)
    return size if bias >= ZERO else EXACT.minus(size)


_ONE = Decimal(1)
_HALF = Decimal("0.5")
_DISPLAY = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)
