"""When to leave a position: eight rules, each judged on its own, one decision with one reason.

Definitions. p is the price, t the taker fee rate, c the cost of the position with its entry fees, s its size:

    net return = (p x s x (1 - t) - c) / c

Rules in order of priority; the first that holds names the reason, and no rule switches a stop off (R66):

    HARD_STOP       net return <= -hard_stop_pct
    PEAK_DRAWDOWN   peak tracking has started, and the smoothed price has fallen by peak_drawdown_pct from its high
    PEAK_BREAKEVEN  peak tracking has started, and net return <= 0
    SOFT_STOP       net return <= -soft_stop_pct, unless a bracket confirmed open at the venue is about to do the same:
                    its stop lies within 0.5 % of the unit's cost from the soft stop, and net > -soft_stop_market_pct
    TRAILING_STOP   the trail is active and p <= its stop
    MAX_HOLD        held >= hold_s_max, or under peak tracking >= peak_hold_s_max
    SIGNAL_EXIT     the strategy says sell, net return >= signal_exit_min_profit_pct, held >= hold_s_min, and neither
                    peak tracking nor a trail is active
    TAKE_PROFIT     net return >= take_profit_pct, where the fixed target is what manages the profit

Each position has one profit manager: peak tracking for its triggers, else the trail, else the fixed target. From
-soft_stop_market_pct on any exit is an emergency, whatever names its reason: a market order that no gap can jump (R83).

Worked example (B91, B96): bought at 40,000 without fees, stop 4.5 %. At 38,200 the net return is exactly -4.5 %, so it
triggers. Rates are compared by multiplication, p x s x (1 - t) <= c x (1 - stop), both sides exact, because a rounded
quotient could lie on either side of its threshold.

Price. The last trade counts if it lies within bid and ask. Outside it is older than the book, and the nearer of the two
counts instead. A price that is too old, not a number, not positive, or from a crossed book decides nothing: it must
neither trigger a stop nor silence one (F30), so it is an answer of its own and the caller raises an alarm.
"""

import decimal
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bottrader.domain.exit_prices import exit_limit_price, price_of_proceeds
from bottrader.domain.exit_rules import ExitReason, ExitRules, ProfitManager
from bottrader.domain.money import EXACT, ZERO, Price
from bottrader.domain.peaks import Peak, PriceSample, follow_peak, has_drawn_down
from bottrader.domain.positions import Position
from bottrader.domain.trailing import Trail, follow_trail

__all__ = [
    "EffectiveStop",
    "Exit",
    "ExitReason",
    "ExitRules",
    "ExitState",
    "Hold",
    "MarketView",
    "PriceUnusable",
    "decide_exit",
    "effective_stop",
    "exit_limit_price",
]

BRACKET_REACH_PCT = Decimal("0.005")
"""How far a bracket's stop may lie from the soft stop, as a share of what a unit cost, to be waited for."""


@dataclass(frozen=True, slots=True)
class ExitState:
    """What must be remembered of a position between two prices, restarts included."""

    trail: Trail | None = None
    peak: Peak | None = None


@dataclass(frozen=True, slots=True)
class MarketView:
    """What the market looks like at `at` (venue time), `age_s` seconds ago; `atr` in price units, None while unknown.

    `bracket_stop` is the stop price of a bracket that the venue confirmed as open for this position, None without one.
    """

    price: Price
    bid: Price
    ask: Price
    at: datetime
    atr: Decimal | None
    sell_signal: bool = False
    bracket_stop: Price | None = None
    age_s: float = 0.0


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


@dataclass(frozen=True, slots=True)
class EffectiveStop:
    """The price that ends a position as things stand, and the name of the stop that holds it there."""

    price: Price
    source: str


Decision = Exit | Hold | PriceUnusable


def decide_exit(
    position: Position, market: MarketView, rules: ExitRules, state: ExitState, fee_rate: Decimal
) -> tuple[Decision, ExitState]:
    """Return the one decision for this position and price, and the state to remember.

    The state stays as it is on an exit: the order may fill in part or not at all, and a trail that started anew would
    have a lower stop. The caller forgets it when the position is closed.
    """
    price = _usable_price(market, rules)
    if price is None:
        return PriceUnusable(_describe_unusable(market)), state
    proceeds = EXACT.multiply(EXACT.multiply(price, position.size), EXACT.subtract(_ONE, fee_rate))
    case = _new(_Case, (position, market, rules, fee_rate, price, proceeds))
    manager = rules.manager_of(position)
    state = _follow(case, manager, state)
    reason = _first_reason(case, manager, state)
    if reason is None:
        return _HOLD, state
    emergency = proceeds <= case.worth(EXACT.subtract(_ONE, rules.soft_stop_market_pct))
    return Exit(reason, _describe(reason, case, state), emergency), state


def effective_stop(
    position: Position, rules: ExitRules, state: ExitState, fee_rate: Decimal, bracket_stop: Price | None = None
) -> EffectiveStop:
    """Return the highest of bracket, soft, trailing and break-even stop: the one answer to "where is the stop?".

    The hard stop is never that: `ExitRules` has it below the soft one. Prices that follow from a net return are rounded
    down at the 28th digit, far below any tick (R25).
    """
    peak, trail = _active(rules.manager_of(position), state)
    stops = [EffectiveStop(_price_at(position, fee_rate, EXACT.subtract(_ONE, rules.soft_stop_pct)), "soft")]
    if bracket_stop is not None:
        stops.append(EffectiveStop(bracket_stop, "bracket"))
    if trail is not None:
        stops.append(EffectiveStop(trail.stop, "trailing"))
    if peak is not None:
        stops.append(EffectiveStop(_price_at(position, fee_rate, _ONE), "break_even"))
    return max(stops, key=lambda stop: stop.price)


_ONE = Decimal(1)
_HUNDRED = Decimal(100)
_HOLD = Hold()
# On Python 3.11 a member of an enumeration is found by a call; these are wanted several times for every price.
_PEAK_TRACKING, _TRAILING = ProfitManager.PEAK_TRACKING, ProfitManager.TRAILING
_FIXED_TARGET = ProfitManager.FIXED_TARGET
# What `_Case(...)` does, without the call that spreads its arguments: one is made of every price.
_new = tuple.__new__
_DISPLAY = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


class _Case(NamedTuple):
    """A position with the price it is judged by and what all of it would bring at that price after the exit fee."""

    position: Position
    market: MarketView
    rules: ExitRules
    fee_rate: Decimal
    price: Price
    proceeds: Decimal

    def worth(self, share: Decimal) -> Decimal:
        """Return `share` of the position's cost: the proceeds at which the net return is exactly `share` - 1."""
        return EXACT.multiply(self.position.cost, share)

    def has_gained(self, share: Decimal) -> bool:
        return self.proceeds >= self.worth(EXACT.add(_ONE, share))

    @property
    def held_s(self) -> float:
        return (self.market.at - self.position.opened_at).total_seconds()

    @property
    def sample(self) -> PriceSample:
        return PriceSample(self.market.at, self.price)


def _price_at(position: Position, fee_rate: Decimal, share: Decimal) -> Price:
    return price_of_proceeds(EXACT.multiply(position.cost, share), position.size, fee_rate)


def _usable_price(market: MarketView, rules: ExitRules) -> Price | None:
    price, bid, ask = market.price, market.bid, market.ask
    if not (price.is_finite() and bid.is_finite() and ask.is_finite()):
        return None
    # Written so that an age that is not a number is unusable too.
    if not (price > ZERO and ZERO < bid <= ask and market.age_s <= rules.price_age_s_max):
        return None
    if price < bid:
        return bid
    return min(price, ask)


def _describe_unusable(market: MarketView) -> str:
    return (
        f"price {market.price}, bid {market.bid}, ask {market.ask} at {market.at.isoformat()} cannot be judged"
        f" {market.age_s:.0f} s later"
    )


def _follow(case: _Case, manager: ProfitManager, state: ExitState) -> ExitState:
    """Take the price into what the position's profit manager remembers."""
    rules = case.rules
    if manager is _TRAILING:
        trail = state.trail
        if trail is not None or case.has_gained(rules.trailing_activation_pct):
            trail = follow_trail(trail, case.price, case.market.atr, rules)
        return ExitState(trail, state.peak)
    if manager is _PEAK_TRACKING:
        before = state.peak or Peak(None)
        is_reached = case.has_gained(rules.peak_activation_pct)
        peak = follow_peak(before, case.sample, rules.peak_smoothing_s, is_reached=is_reached)
        return ExitState(state.trail, peak)
    return state


def _first_reason(case: _Case, manager: ProfitManager, state: ExitState) -> ExitReason | None:
    rules, proceeds = case.rules, case.proceeds
    # The stops' thresholds follow each other, so at a smaller loss than the soft stop's the hard one cannot hold.
    is_soft = proceeds <= case.worth(EXACT.subtract(_ONE, rules.soft_stop_pct))
    if is_soft and proceeds <= case.worth(EXACT.subtract(_ONE, rules.hard_stop_pct)):
        return ExitReason.HARD_STOP
    peak, trail = _active(manager, state)
    if peak is not None:
        if has_drawn_down(peak, case.sample, rules.peak_smoothing_s, rules.peak_drawdown_pct):
            return ExitReason.PEAK_DRAWDOWN
        if proceeds <= case.position.cost:
            return ExitReason.PEAK_BREAKEVEN
    if is_soft and not _is_left_to_bracket(case):
        return ExitReason.SOFT_STOP
    if trail is not None and case.price <= trail.stop:
        return ExitReason.TRAILING_STOP
    return _late_reason(case, manager, is_managed=peak is not None or trail is not None)


def _active(manager: ProfitManager, state: ExitState) -> tuple[Peak | None, Trail | None]:
    """Return the peak that is tracked and the trail that is active; what another manager left behind is neither."""
    peak = state.peak if manager is _PEAK_TRACKING else None
    trail = state.trail if manager is _TRAILING else None
    return (peak if peak is not None and peak.high is not None else None), trail


def _late_reason(case: _Case, manager: ProfitManager, *, is_managed: bool) -> ExitReason | None:
    """Return what ends a position that no stop ends: time, a signal, its target."""
    rules = case.rules
    if rules.hold_s_max > 0 and case.held_s >= rules.hold_s_max:
        return ExitReason.MAX_HOLD
    if manager is _PEAK_TRACKING and 0 < rules.peak_hold_s_max <= case.held_s:
        return ExitReason.MAX_HOLD
    if (
        case.market.sell_signal
        and rules.signal_exit_enabled
        and not is_managed
        and case.has_gained(rules.signal_exit_min_profit_pct)
        and case.held_s >= rules.hold_s_min
    ):
        return ExitReason.SIGNAL_EXIT
    if manager is _FIXED_TARGET and case.has_gained(rules.take_profit_pct):
        return ExitReason.TAKE_PROFIT
    return None


def _is_left_to_bracket(case: _Case) -> bool:
    """Tell whether a bracket at the venue is about to do what the soft stop would (B107-B110)."""
    rules, stop = case.rules, case.market.bracket_stop
    if stop is None or not stop.is_finite():
        return False
    if case.proceeds <= case.worth(EXACT.subtract(_ONE, rules.soft_stop_market_pct)):
        return False
    # |stop - soft stop| <= reach x cost / size, multiplied by size x (1 - t) so that nothing is rounded.
    keep = EXACT.subtract(_ONE, case.fee_rate)
    brings = EXACT.multiply(EXACT.multiply(stop, case.position.size), keep)
    distance = abs(EXACT.subtract(brings, case.worth(EXACT.subtract(_ONE, rules.soft_stop_pct))))
    return distance <= EXACT.multiply(case.worth(BRACKET_REACH_PCT), keep)


def _describe(reason: ExitReason, case: _Case, state: ExitState) -> str:
    rules, market, cost = case.rules, case.market, case.position.cost
    net = _DISPLAY.divide(EXACT.subtract(case.proceeds, cost), cost)
    match reason:
        case ExitReason.HARD_STOP:
            rule = f"hard stop at {_percent(EXACT.minus(rules.hard_stop_pct))}"
        case ExitReason.SOFT_STOP:
            rule = f"soft stop at {_percent(EXACT.minus(rules.soft_stop_pct))}"
        case ExitReason.PEAK_DRAWDOWN | ExitReason.PEAK_BREAKEVEN:
            assert state.peak is not None
            limit = (
                "break-even" if reason is ExitReason.PEAK_BREAKEVEN else _percent(EXACT.minus(rules.peak_drawdown_pct))
            )
            rule = f"{limit} after the peak of {state.peak.high}"
        case ExitReason.TRAILING_STOP:
            assert state.trail is not None
            unknown = " (range unknown, widest distance)" if market.atr is None else ""
            rule = f"stop {state.trail.stop} below the high of {state.trail.high}{unknown}"
        case ExitReason.MAX_HOLD:
            rule = f"held for {case.held_s / 60:.0f} min"
        case ExitReason.SIGNAL_EXIT:
            rule = f"sell signal from {_percent(rules.signal_exit_min_profit_pct)} on"
        case _:
            rule = f"target {_percent(rules.take_profit_pct)}"
    return f"{reason.category}: {rule}, net {_percent(net)} at {case.price} (bid {market.bid}, ask {market.ask})"


def _percent(fraction: Decimal) -> str:
    return f"{_DISPLAY.multiply(fraction, _HUNDRED):+.3f} %"
