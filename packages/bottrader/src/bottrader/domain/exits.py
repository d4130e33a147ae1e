"""When to leave a position: four rules, each judged on its own, one decision with one reason.

Definitions. p is the price, t the taker fee rate, c the cost of the position with its entry fees, s its size:

    net return = (p x s x (1 - t) - c) / c

Rules in order of priority; the first that holds names the reason, and no rule switches a stop off (R66):

    HARD_STOP      net return <= -hard_stop_pct; an emergency: leave at the market
    TRAILING_STOP  the trail is active and p <= its stop
    SIGNAL_EXIT    the strategy says sell, net return >= signal_exit_min_profit_pct, held >= hold_s_min, and the
                   trail is not active
    TAKE_PROFIT    net return >= take_profit_pct, and trailing is off: one profit manager per position

Trail. It starts when net return >= trailing_activation_pct. From then on high is the highest price, and the stop is
high less the distance trailing_atr_mult x ATR, held within the minimum and maximum share of high. The stop only
rises. Without an ATR the distance is the maximum: an unknown range must not leave a position without a stop (R68).

Worked example (B91, B96): bought at 40,000 without fees, hard stop 4.5 %. At 38,200 the net return is exactly -4.5 %,
so it triggers. Rates are compared by multiplication, p x s x (1 - t) <= c x (1 - hard_stop_pct), both sides exact,
because a rounded quotient could lie on either side of its threshold.

Price. The last trade counts if it lies within bid and ask. Outside it is older than the book, and the nearer of the two
counts instead. A price that is not a number, not positive, or from a crossed book decides nothing: it must neither
trigger a stop nor silence one (F30), so it is an answer of its own and the caller raises an alarm.
"""

import decimal
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import Product
from bottrader.domain.money import EXACT, ZERO, Price, floor_to
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger


class ExitReason(StrEnum):
    """Why a position is left, in order of priority."""

    HARD_STOP = "HARD_STOP"
    TRAILING_STOP = "TRAILING_STOP"
    SIGNAL_EXIT = "SIGNAL_EXIT"
    TAKE_PROFIT = "TAKE_PROFIT"

    @property
    def category(self) -> str:
        """What the exit is counted as, and how its note begins."""
        return "stop_loss" if self is ExitReason.HARD_STOP else self.value.lower()

    @property
    def trigger(self) -> Trigger:
        """What the exit order is attributed to."""
        return Trigger(self.value)


@dataclass(frozen=True, slots=True)
class ExitRules:
    """The thresholds as fractions of the position's cost, distances as fractions of the high (0.045 is 4.5 %).

    Raises:
        ConfigInvalid: naming every threshold that is out of range, or a trail that could start below break-even
            (B147).
    """

    hard_stop_pct: Decimal = Decimal("0.045")
    take_profit_pct: Decimal = Decimal("0.035")
    trailing_enabled: bool = False
    trailing_activation_pct: Decimal = Decimal("0.035")
    trailing_atr_mult: Decimal = Decimal(2)
    trailing_distance_min_pct: Decimal = Decimal("0.01")
    trailing_distance_max_pct: Decimal = Decimal("0.02")
    signal_exit_min_profit_pct: Decimal = Decimal("0.01")
    hold_s_min: int = 60

    def __post_init__(self) -> None:
        faults = _faults_of(self)
        if faults:
            raise ConfigInvalid("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Trail:
    """The active trailing stop of one position: the highest price seen and the price that ends it."""

    high: Price
    stop: Price


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the market looks like at `at` (venue time); `atr` in price units, None while unknown."""

    price: Price
    bid: Price
    ask: Price
    at: datetime
    atr: Decimal | None
    sell_signal: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the position. An emergency is a market order; any other exit is a limit order near the bid."""

    reason: ExitReason
    note: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class PriceUnusable:
    """No rule could be judged; the caller raises an alarm and asks for a better price."""

    reason: str


def decide_exit(
    position: Position, market: MarketView, rules: ExitRules, trail: Trail | None, fee_rate: Decimal
) -> tuple[Exit | Hold | PriceUnusable, Trail | None]:
    """Return the one decision for this position and price, and the trail to remember.

    The trail stays as it is on an exit: the order may fill in part or not at all, and a trail that started anew would
    have a lower stop. The caller forgets it when the position is closed.
    """
    price = _usable_price(market)
    if price is None:
        return PriceUnusable(_describe_unusable(market)), trail
    proceeds = EXACT.multiply(EXACT.multiply(price, position.size), EXACT.subtract(_ONE, fee_rate))
    if rules.trailing_enabled:
        trail = _follow(position, market, rules, trail, (price, proceeds))
    reason = _first_reason(position, market, rules, trail, (price, proceeds))
    if reason is None:
        return _HOLD, trail
    note = _describe(reason, position, market, rules, trail, (price, proceeds))
    return Exit(reason, note, emergency=reason is ExitReason.HARD_STOP), trail


def net_return(cost_per_unit: Decimal, price: Decimal, fee_rate: Decimal) -> Decimal:
    """Return (p(1 - t) - c) / c as a fraction to 28 digits, for display (B79-B87)."""
    proceeds = EXACT.multiply(price, EXACT.subtract(_ONE, fee_rate))
    return _DISPLAY.divide(EXACT.subtract(proceeds, cost_per_unit), cost_per_unit)


def entry_cost_per_unit(entry: Decimal, maker_rate: Decimal) -> Decimal:
    """Return what a unit bought at `entry` costs with its fee: e(1 + m)."""
    return EXACT.multiply(entry, EXACT.add(_ONE, maker_rate))


def break_even_price(cost_per_unit: Decimal, fee_rate: Decimal) -> Decimal:
    """Return c / (1 - t), the price at which selling loses nothing, rounded up at the 28th digit (B88)."""
    return _DISPLAY_UP.divide(cost_per_unit, EXACT.subtract(_ONE, fee_rate))


def exit_limit_price(bid: Price, product: Product) -> Price:
    """Return the limit of a regular exit: 0.05 % below the bid, rounded down to the tick, at least one tick (B124)."""
    limit = floor_to(EXACT.multiply(bid, _EXIT_LIMIT_SHARE), product.price_increment)
    return Price(max(limit, product.price_increment))


_ONE = Decimal(1)
_HUNDRED = Decimal(100)
_EXIT_LIMIT_SHARE = Decimal("0.9995")
_HOLD = Hold()
_DISPLAY = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)
_DISPLAY_UP = decimal.Context(prec=28, rounding=decimal.ROUND_CEILING)

# The price the rules are judged by, and what the whole position would bring at it after the exit fee.
_Mark = tuple[Price, Decimal]


def _usable_price(market: MarketView) -> Price | None:
    price, bid, ask = market.price, market.bid, market.ask
    if not (price.is_finite() and bid.is_finite() and ask.is_finite()):
        return None
    if not (price > ZERO and ZERO < bid <= ask):
        return None
    return min(max(price, bid), ask)


def _describe_unusable(market: MarketView) -> str:
    return f"price {market.price}, bid {market.bid}, ask {market.ask} at {market.at.isoformat()} cannot be judged"


def _follow(position: Position, market: MarketView, rules: ExitRules, trail: Trail | None, mark: _Mark) -> Trail | None:
    """Start the trail or raise it; it never falls, whatever price and range do (B146)."""
    price, proceeds = mark
    if trail is None and proceeds < _worth(position, EXACT.add(_ONE, rules.trailing_activation_pct)):
        return None
    high = price if trail is None else max(trail.high, price)
    distance = EXACT.multiply(high, rules.trailing_distance_max_pct)
    if market.atr is not None and market.atr.is_finite():
        wanted = EXACT.multiply(market.atr, rules.trailing_atr_mult)
        distance = min(distance, max(wanted, EXACT.multiply(high, rules.trailing_distance_min_pct)))
    stop = Price(EXACT.subtract(high, distance))
    return Trail(high, stop if trail is None else max(trail.stop, stop))


def _first_reason(
    position: Position, market: MarketView, rules: ExitRules, trail: Trail | None, mark: _Mark
) -> ExitReason | None:
    price, proceeds = mark
    if proceeds <= _worth(position, EXACT.subtract(_ONE, rules.hard_stop_pct)):
        return ExitReason.HARD_STOP
    if rules.trailing_enabled and trail is not None:
        return ExitReason.TRAILING_STOP if price <= trail.stop else None
    if (
        market.sell_signal
        and proceeds >= _worth(position, EXACT.add(_ONE, rules.signal_exit_min_profit_pct))
        and (market.at - position.opened_at).total_seconds() >= rules.hold_s_min
    ):
        return ExitReason.SIGNAL_EXIT
    if not rules.trailing_enabled and proceeds >= _worth(position, EXACT.add(_ONE, rules.take_profit_pct)):
        return ExitReason.TAKE_PROFIT
    return None


def _worth(position: Position, share: Decimal) -> Decimal:
    """Return `share` of the position's cost: the proceeds at which the net return is exactly `share` - 1."""
    return EXACT.multiply(position.cost, share)


def _describe(
    reason: ExitReason,
    position: Position,
    market: MarketView,
    rules: ExitRules,
    trail: Trail | None,
    mark: _Mark,
) -> str:
    price, proceeds = mark
    net = _DISPLAY.divide(EXACT.subtract(proceeds, position.cost), position.cost)
    figures = f"net {_percent(net)} at {price} (bid {market.bid}, ask {market.ask})"
    match reason:
        case ExitReason.HARD_STOP:
            rule = f"hard stop at {_percent(EXACT.minus(rules.hard_stop_pct))}"
        case ExitReason.TRAILING_STOP:
            assert trail is not None
            rule = f"stop {trail.stop} below the high of {trail.high}"
        case ExitReason.SIGNAL_EXIT:
            rule = f"sell signal from {_percent(rules.signal_exit_min_profit_pct)} on"
        case _:
            rule = f"target {_percent(rules.take_profit_pct)}"
    return f"{reason.category}: {rule}, {figures}"


def _percent(fraction: Decimal) -> str:
    return f"{_DISPLAY.multiply(fraction, _HUNDRED):+.3f} %"


def _faults_of(rules: ExitRules) -> list[str]:
    faults = [
        f"{name} is above 0 and below 1, was {value}"
        for name, value in (
            ("hard_stop_pct", rules.hard_stop_pct),
            ("take_profit_pct", rules.take_profit_pct),
            ("trailing_activation_pct", rules.trailing_activation_pct),
            ("trailing_distance_min_pct", rules.trailing_distance_min_pct),
            ("trailing_distance_max_pct", rules.trailing_distance_max_pct),
        )
        if not (value.is_finite() and ZERO < value < _ONE)
    ]
    if not (rules.trailing_atr_mult.is_finite() and rules.trailing_atr_mult > ZERO):
        faults.append(f"trailing_atr_mult is above 0, was {rules.trailing_atr_mult}")
    minimum = rules.signal_exit_min_profit_pct
    if not (minimum.is_finite() and ZERO <= minimum < _ONE):
        faults.append(f"signal_exit_min_profit_pct is at least 0 and below 1, was {minimum}")
    if rules.hold_s_min < 0:
        faults.append(f"hold_s_min is at least 0, was {rules.hold_s_min}")
    return faults or _faults_of_trail(rules)


def _faults_of_trail(rules: ExitRules) -> list[str]:
    nearest, farthest = rules.trailing_distance_min_pct, rules.trailing_distance_max_pct
    if nearest > farthest:
        return [f"trailing_distance_min_pct is at most trailing_distance_max_pct, was {nearest} and {farthest}"]
    start = EXACT.multiply(
        EXACT.add(_ONE, rules.trailing_activation_pct), EXACT.subtract(_ONE, rules.trailing_distance_max_pct)
    )
    if start < _ONE:
        return [
            "a trail starts at break-even or above: (1 + trailing_activation_pct) x (1 - trailing_distance_max_pct) is"
            f" at least 1, was {start}; raise the activation or lower the maximum distance"
        ]
    return []
