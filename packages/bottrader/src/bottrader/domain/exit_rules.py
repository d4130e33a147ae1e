"""What a position may be left for, and by which thresholds: the settings of the exit rules, judged as a whole.

The rules themselves are in `exits`. Here is what they are told: fractions of the position's cost (0.05 is 5 %),
distances as fractions of the high, times in seconds. A set of rules that contradicts itself is refused when it is made,
because a stop that can never fire looks exactly like one that does.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.positions import Position
from bottrader.domain.signals import Trigger


class ExitReason(StrEnum):
    """Why a position is left, in order of priority; `FLATTEN` is no rule but an order of a person or of a limit, and
    `PASSIVE_LOSS` gives up what a quote bought and could not sell in its time."""

    HARD_STOP = "HARD_STOP"
    PEAK_DRAWDOWN = "PEAK_DRAWDOWN"
    PEAK_BREAKEVEN = "PEAK_BREAKEVEN"
    SOFT_STOP = "SOFT_STOP"
    TRAILING_STOP = "TRAILING_STOP"
    MAX_HOLD = "MAX_HOLD"
    SIGNAL_EXIT = "SIGNAL_EXIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    FLATTEN = "FLATTEN"
    PASSIVE_LOSS = "PASSIVE_LOSS"

    @property
    def category(self) -> str:
        """What the exit is counted as, and how its note begins."""
        return _CATEGORIES.get(self, self.value.lower())

    @property
    def trigger(self) -> Trigger:
        """What the exit order is attributed to."""
        return Trigger(self.value)


_CATEGORIES = {
    ExitReason.HARD_STOP: "stop_loss",
    ExitReason.SOFT_STOP: "stop_loss",
    ExitReason.PEAK_DRAWDOWN: "peak_tracking",
    ExitReason.PEAK_BREAKEVEN: "peak_tracking",
    ExitReason.FLATTEN: "manual",
    ExitReason.PASSIVE_LOSS: "max_hold",
}


class ProfitManager(StrEnum):
    """What takes a position's profit; each position has exactly one, and stops are common to all."""

    PEAK_TRACKING = "peak_tracking"
    TRAILING = "trailing"
    FIXED_TARGET = "fixed_target"


@dataclass(frozen=True, slots=True)
class ExitRules:
    """Thresholds as fractions of the position's cost, distances as fractions of the high, times in seconds.

    `soft_stop_pct` sells near the bid, from `soft_stop_market_pct` on at the market. `hold_s_max` 0 is no limit.
    `price_age_s_max` is the age at which a price is too old to judge by.

    Raises:
        ConfigInvalid: naming every threshold that is out of range, stops in the wrong order, or a trail that could
            start below break-even (B147).
    """

    hard_stop_pct: Decimal = Decimal("0.05")
    soft_stop_pct: Decimal = Decimal("0.025")
    soft_stop_market_pct: Decimal = Decimal("0.03")
    take_profit_pct: Decimal = Decimal("0.035")
    trailing_enabled: bool = False
    trailing_activation_pct: Decimal = Decimal("0.035")
    trailing_atr_mult: Decimal = Decimal(2)
    trailing_distance_min_pct: Decimal = Decimal("0.01")
    trailing_distance_max_pct: Decimal = Decimal("0.02")
    signal_exit_enabled: bool = True
    signal_exit_min_profit_pct: Decimal = Decimal("0.01")
    hold_s_min: int = 60
    hold_s_max: int = 0
    peak_enabled: bool = False
    peak_triggers: frozenset[str] = frozenset({Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE, Trigger.ROC})
    peak_activation_pct: Decimal = Decimal("0.06")
    peak_drawdown_pct: Decimal = Decimal("0.05")
    peak_smoothing_s: int = 300
    peak_hold_s_max: int = 86_400
    price_age_s_max: int = 60

    def __post_init__(self) -> None:
        faults = _faults_of(self)
        if faults:
            raise ConfigInvalid("; ".join(faults))

    def manager_of(self, position: Position) -> ProfitManager:
        """Return what takes this position's profit: peak tracking for its triggers, else the trail, else the target."""
        if self.peak_enabled and position.trigger in self.peak_triggers:
            return _PEAK_TRACKING
        return _TRAILING if self.trailing_enabled else _FIXED_TARGET

    def profit_pct(self, trigger: str | None) -> Decimal:
        """Return the net profit from which a position bought for `trigger` is managed as a gain (R23)."""
        if self.peak_enabled and trigger in self.peak_triggers:
            return self.peak_activation_pct
        return self.trailing_activation_pct if self.trailing_enabled else self.take_profit_pct


_ONE = Decimal(1)
# On Python 3.11 a member of an enumeration is found by a call; one of these is wanted for every price.
_PEAK_TRACKING, _TRAILING = ProfitManager.PEAK_TRACKING, ProfitManager.TRAILING
_FIXED_TARGET = ProfitManager.FIXED_TARGET
_SHARES = (
    "hard_stop_pct",
    "soft_stop_pct",
    "soft_stop_market_pct",
    "take_profit_pct",
    "trailing_activation_pct",
    "trailing_distance_min_pct",
    "trailing_distance_max_pct",
    "peak_activation_pct",
    "peak_drawdown_pct",
)


def _faults_of(rules: ExitRules) -> list[str]:
    faults = [
        f"{name} is above 0 and below 1, was {value}"
        for name, value in ((name, getattr(rules, name)) for name in _SHARES)
        if not (value.is_finite() and ZERO < value < _ONE)
    ]
    if not (rules.trailing_atr_mult.is_finite() and rules.trailing_atr_mult > ZERO):
        faults.append(f"trailing_atr_mult is above 0, was {rules.trailing_atr_mult}")
    minimum = rules.signal_exit_min_profit_pct
    if not (minimum.is_finite() and ZERO <= minimum < _ONE):
        faults.append(f"signal_exit_min_profit_pct is at least 0 and below 1, was {minimum}")
    faults += [
        f"{name} is at least 0, was {getattr(rules, name)}"
        for name in ("hold_s_min", "hold_s_max", "peak_smoothing_s", "peak_hold_s_max")
        if getattr(rules, name) < 0
    ]
    if rules.price_age_s_max < 1:
        faults.append(f"price_age_s_max is at least 1, was {rules.price_age_s_max}")
    return faults or [*_faults_of_stops(rules), *_faults_of_trail(rules)]


def _faults_of_stops(rules: ExitRules) -> list[str]:
    soft, market, hard = rules.soft_stop_pct, rules.soft_stop_market_pct, rules.hard_stop_pct
    if hard > market >= soft:
        return []
    return [
        "the stops follow each other: hard_stop_pct is above soft_stop_market_pct, and that is at least soft_stop_pct,"
        f" was {hard}, {market} and {soft}"
    ]


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
