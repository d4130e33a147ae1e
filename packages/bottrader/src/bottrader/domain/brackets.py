"""Where a bracket lies around a position, whether to place it, and whether such brackets can pay at all.

Definitions. e is the mean price of what is held, fees left out; m and t are the maker and taker fee rates. A bracket is
a resting sell of the whole position at its target, which becomes an exit once the last trade reaches its stop.

    base     = max(stop_min_pct, ATR / e x atr_multiplier_stop)     or stop_loss_pct when the mode is fixed
    spread   = (ask - bid) / ask                                    or spread_cushion_pct without a book
    fee      = t or m, as fee_side says
    stop     = e x (1 - (base x roc_sl_multiplier + spread + fee))
    target   = e x (1 + (take_profit_pct x roc_tp_multiplier + spread + fee))

The multipliers count for positions that a ROC trigger opened. Target and stop carry the same cushions (R24): with
cushions on one side only, what is won is less than it looks while what is lost is not.

Worked example (B56, B60): e 100, ATR 2, bid 99.90, ask 100.00, t 0.0055. The base is 0.02 x 1.8 = 0.036, the spread
0.001, so the stop lies 0.0425 below at 95.75, and the target 0.025 + 0.001 + 0.0055 above at 103.15.

Break-even win rate (B65). Entered and sold as maker a target of tp brings reward = (1 + tp)(1 - m)/(1 + m) - 1; a stop
of sl left as taker costs risk = 1 - (1 - sl)(1 - t)/(1 + m). Winning risk/(reward + risk) of the time earns nothing.
With m 0.004, t 0.008, sl 0.0215 and tp 0.0345 that is 0.033328/0.05969 = 0.5584 (both sides times 1 + m).
"""

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import FeeRates
from bottrader.domain.money import EXACT, ZERO, Price, ceil_to, exact
from bottrader.domain.orders import Fill, OrderIntent, OrderKind
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Code, Refusal

MIDS_MAX = 30
"""So many of the latest mid prices tell how much the price moves about."""
MIDS_MIN = 10
ROC_TRIGGERS = frozenset({Trigger.ROC, Trigger.ROC_MOMO, Trigger.ROC_MOMO_OVERRIDE})


class StopMode(StrEnum):
    ATR = "atr"
    FIXED = "fixed"


class FeeSide(StrEnum):
    TAKER = "taker"
    MAKER = "maker"


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketRules:
    """Distances as fractions of the entry price (0.012 is 1.2 %), ticks as whole numbers, notionals in quote currency.

    Raises:
        ConfigInvalid: naming every value that is out of range.
    """

    stop_mode: StopMode = StopMode.ATR
    stop_min_pct: Decimal = Decimal("0.012")
    atr_multiplier_stop: Decimal = Decimal("1.8")
    stop_loss_pct: Decimal = Decimal("0.01")
    take_profit_pct: Decimal = Decimal("0.025")
    roc_sl_multiplier: Decimal = Decimal(2)
    roc_tp_multiplier: Decimal = Decimal(3)
    spread_cushion_pct: Decimal = Decimal("0.0015")
    fee_side: FeeSide = FeeSide.TAKER
    tp_ticks_min: int = 3
    sl_limit_offset_ticks: int = 2
    spread_to_fee_min: Decimal = Decimal(2)
    sigma_ratio: Decimal = Decimal(1)
    far_notional_min: Decimal = Decimal(250)

    def __post_init__(self) -> None:
        fractions = ("stop_min_pct", "stop_loss_pct", "take_profit_pct")
        faults = [
            f"{name} is above 0 and below 1, was {getattr(self, name)}"
            for name in fractions
            if not ZERO < getattr(self, name) < 1
        ]
        positive = ("atr_multiplier_stop", "roc_sl_multiplier", "roc_tp_multiplier", "sigma_ratio")
        faults += [
            f"{name} is above 0, was {getattr(self, name)}" for name in positive if not getattr(self, name) > ZERO
        ]
        if not ZERO <= self.spread_cushion_pct < 1:
            faults.append(f"spread_cushion_pct is at least 0 and below 1, was {self.spread_cushion_pct}")
        if faults:
            raise ConfigInvalid("; ".join(faults))


@dataclass(frozen=True, slots=True)
class Touch:
    """The top of the book; the sizes, in base currency, are None where only prices are known."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None

    @property
    def is_sane(self) -> bool:
        return self.bid.is_finite() and self.ask.is_finite() and ZERO < self.bid <= self.ask

    @property
    def spread(self) -> Decimal:
        """The spread as a fraction of the ask."""
        return _DIVIDED.divide(EXACT.subtract(self.ask, self.bid), self.ask)


@dataclass(frozen=True, slots=True)
class Held:
    """What a bracket is placed around: `atr` in price units, None while it is not known."""

    entry_price: Decimal
    trigger: str | None
    atr: Decimal | None

    @property
    def is_from_roc(self) -> bool:
        return self.trigger in ROC_TRIGGERS


@dataclass(frozen=True, slots=True)
class Distances:
    """How far stop and target lie from the entry, as fractions, and what that is made of."""

    stop_pct: Decimal
    target_pct: Decimal
    spread: Decimal
    fee: Decimal
    is_atr_missing: bool

    def around(self, entry_price: Decimal, tick: Decimal) -> tuple[Price, Price]:
        """Return stop and target, each rounded up to the tick: never a wider stop, never a smaller profit."""
        stop = EXACT.multiply(entry_price, EXACT.subtract(_ONE, self.stop_pct))
        target = EXACT.multiply(entry_price, EXACT.add(_ONE, self.target_pct))
        return Price(ceil_to(_shortened(stop), tick)), Price(ceil_to(_shortened(target), tick))


def bracket_distances(held: Held, touch: Touch | None, fees: FeeRates, rules: BracketRules) -> Distances:
    """Return how far from its entry a position is bracketed (B55-B61); without an ATR at the floor (B64)."""
    spread = rules.spread_cushion_pct if touch is None else touch.spread
    fee = fees.taker if rules.fee_side is FeeSide.TAKER else fees.maker
    base, is_atr_missing = _base(held, rules)
    with exact():
        stop = base * (rules.roc_sl_multiplier if held.is_from_roc else _ONE) + spread + fee
        target = rules.take_profit_pct * (rules.roc_tp_multiplier if held.is_from_roc else _ONE) + spread + fee
    return Distances(stop, target, spread, fee, is_atr_missing)


def refuse_without_atr(atr: Decimal | None, rules: BracketRules) -> Refusal | None:
    """Refuse an entry whose stop could not be measured (B63, R33)."""
    if rules.stop_mode is StopMode.FIXED or atr is not None:
        return None
    return Refusal(Code.ORDER_BUILD_FAILED, "the ATR is not available yet, so the stop of an entry is not known")


@dataclass(frozen=True, slots=True)
class RestingTargets:
    """Prices as they rest at the venue; `stop_limit` is the worst price the stop is meant to sell at."""

    target: Price
    stop: Price
    stop_limit: Price


def resting_targets(stop: Price, target: Price, ask: Decimal, tick: Decimal, rules: BracketRules) -> RestingTargets:
    """Keep the target clear of the touch and put the stop's limit beyond the stop (B71)."""
    with exact():
        nearest = ask + rules.tp_ticks_min * tick
        stop_limit = stop - rules.sl_limit_offset_ticks * tick
    return RestingTargets(Price(ceil_to(max(target, nearest), tick)), stop, Price(stop_limit))


def risk_points(
    targets: RestingTargets,
    touch: Touch,
    mids: Sequence[Decimal],
    terms: tuple[Decimal, FeeRates],
    rules: BracketRules,
) -> int | Refusal:
    """Return how many things speak against resting a bracket here; below `RISK_POINTS_MAX` it is placed (B67-B70).

    One point each: the spread is small beside the fees, the target or the stop lies within a tick of the touch, the
    price moves about more than the target is away, the book leans to one side, its far side is thin. What is not known
    (sizes, fewer than `MIDS_MIN` mids) gives no point. `terms` are the tick and the fee rates.
    """
    tick, fees = terms
    if not touch.is_sane:
        return Refusal(
            Code.ORDER_BUILD_FAILED, f"a book of {touch.bid} to {touch.ask} is no book to place a bracket in"
        )
    with exact():
        is_thin_spread = touch.spread < rules.spread_to_fee_min * (fees.maker + fees.taker)
        points = [
            is_thin_spread,
            targets.target - touch.ask <= tick,
            touch.bid - targets.stop <= tick,
            _moves_beyond(targets.target, touch, mids, rules),
        ]
        if touch.bid_size is not None and touch.ask_size is not None:
            leans = touch.bid_size < _RATIO_MIN * touch.ask_size or touch.bid_size > _RATIO_MAX * touch.ask_size
            points += [leans, touch.ask_size * touch.ask < rules.far_notional_min]
    return sum(points)


RISK_POINTS_MAX = 2


def break_even_win_rate(stop_pct: Decimal, target_pct: Decimal, fees: FeeRates) -> Decimal:
    """Return the share of trades that must win for nothing to be lost, 1 or more when none would do (B65, B66)."""
    reward, risk = _reward_and_risk(stop_pct, target_pct, fees)
    total = EXACT.add(reward, risk)
    return _DIVIDED.divide(risk, total) if reward > ZERO and total > ZERO else _ONE


def check_win_rate(rules: BracketRules, fees: FeeRates, win_rate_max: Decimal) -> None:
    """Raise `ConfigInvalid` when even the tightest stop needs more wins than `win_rate_max` of all trades (R24)."""
    floor = Held(_ONE, None, None)
    distances = bracket_distances(floor, None, fees, rules)
    needed = break_even_win_rate(distances.stop_pct, distances.target_pct, fees)
    if needed > win_rate_max:
        reward, risk = _reward_and_risk(distances.stop_pct, distances.target_pct, fees)
        paid = EXACT.add(_ONE, fees.maker)
        brings, costs = _DIVIDED.divide(reward, paid), _DIVIDED.divide(risk, paid)
        raise ConfigInvalid(
            f"brackets would have to win {needed:.4f} of the time to break even, at most {win_rate_max} is allowed:"
            f" a target of {distances.target_pct} brings {brings:.4f} after fees, a stop of {distances.stop_pct}"
            f" costs {costs:.4f}; raise TAKE_PROFIT or tighten the stop"
        )


def describe_outcome(intent: OrderIntent, fills: Sequence[Fill]) -> str:
    """Return the reason that a bracket's fills give, by the leg that traded last, empty for any other order.

    Below its target only the stop sells: a limit never trades at less than its price.
    """
    if intent.kind is not OrderKind.BRACKET_GTC or not fills or intent.limit_price is None:
        return ""
    last = fills[-1]
    if last.price >= intent.limit_price:
        return f"take_profit: bracket's target {intent.limit_price}, sold at {last.price}"
    return f"stop_loss: bracket's stop {intent.stop_price}, sold at {last.price}"


_ONE = Decimal(1)
_RATIO_MIN = Decimal("0.7")
_RATIO_MAX = Decimal("1.5")
_DIVIDED = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)
# A mean price or a spread need not end. Its last digits must not lift a price that lies on the grid to the next tick.
_SHORTENED = decimal.Context(prec=20, rounding=decimal.ROUND_HALF_EVEN)


def _shortened(price: Decimal) -> Decimal:
    return _SHORTENED.plus(price)


def _base(held: Held, rules: BracketRules) -> tuple[Decimal, bool]:
    if rules.stop_mode is StopMode.FIXED:
        return rules.stop_loss_pct, False
    if held.atr is None:
        return rules.stop_min_pct, True
    measured = EXACT.multiply(_DIVIDED.divide(held.atr, held.entry_price), rules.atr_multiplier_stop)
    return max(rules.stop_min_pct, measured), False


def _moves_beyond(target: Price, touch: Touch, mids: Sequence[Decimal], rules: BracketRules) -> bool:
    """Tell whether the deviation of the latest mids is more than the way to the target; both relative to the mid."""
    latest = mids[-MIDS_MAX:]
    count = len(latest)
    if count < MIDS_MIN:
        return False
    with exact():
        # Squared and times count squared, so that neither a root nor a quotient has to be rounded.
        spread_out = count * sum((mid * mid for mid in latest), ZERO) - sum(latest, ZERO) ** 2
        way = (2 * target - touch.bid - touch.ask) * rules.sigma_ratio * count
        return way <= ZERO or 4 * spread_out > way * way


def _reward_and_risk(stop_pct: Decimal, target_pct: Decimal, fees: FeeRates) -> tuple[Decimal, Decimal]:
    """Return both times (1 + m), which keeps them exact."""
    with exact():
        paid = 1 + fees.maker
        reward = (1 + target_pct) * (1 - fees.maker) - paid
        risk = paid - (1 - stop_pct) * (1 - fees.taker)
    return reward, risk
