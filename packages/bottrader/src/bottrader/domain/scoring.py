"""The score matrix: fourteen indicators vote with weights, and a few rules decide whether their sum may trade.

Problem: one indicator alone cries often and wrongly. So each side adds up the weights of its indicators that fired, and
signals when the sum reaches its target. Then it has to pass, in this order, each with its own reason:

    minimum      at least `indicators_min` indicators of the side fired
    hysteresis   turning away from the last side needs target x (1 + flip_hysteresis)
    cooldown     the opposite side is silent for `cooldown_candles` candles after a turn
    red day      a buy needs a known change over 24 hours, and one that is not negative unless that is allowed

Before the score a strong momentum is judged on its own: ROC beyond its threshold, changing by more than
max(`roc_diff_min`, `roc_diff_spread_share` x spread), with an RSI in the middle. It overrides score, hysteresis and
cooldown, but not the red day, which is one rule for every buy. When both sides signal the larger score wins, and a tie
is a sell.

Worked example (B160-B162), target 2.5: Buy MACD 1.8 + Buy ROC 2.0 = 3.8 reaches it with two of three indicators, so it
is suppressed; with Buy Touch 1.5 it is 5.3 and buys. From then on a sell needs 2.5 x 1.10 = 2.75: 2.70 is suppressed.

The cooldown counts five-minute slots by the candles' opening times. A row index stands still once a window is full, and
a cooldown counted by it never ended (R69). There is one table of weights (R72).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.indicators import Reading, ReadingRow, Readings
from bottrader.domain.market import Granularity
from bottrader.domain.money import EXACT, ZERO, Price
from bottrader.domain.signals import Action, Breakdown, Component, LastSide, Trigger


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """What each indicator adds to the score of its side when it fires; both sides sum to 12.2 (B159).

    Raises:
        ConfigInvalid: naming every weight that is negative or not finite.
    """

    buy_ratio: Decimal = Decimal("1.2")
    sell_ratio: Decimal = Decimal("1.2")
    buy_touch: Decimal = Decimal("1.5")
    sell_touch: Decimal = Decimal("1.5")
    buy_w_bottom: Decimal = Decimal("2.0")
    sell_m_top: Decimal = Decimal("2.0")
    buy_rsi: Decimal = Decimal("1.5")
    sell_rsi: Decimal = Decimal("1.5")
    buy_roc: Decimal = Decimal("2.0")
    sell_roc: Decimal = Decimal("2.0")
    buy_macd: Decimal = Decimal("1.8")
    sell_macd: Decimal = Decimal("1.8")
    buy_swing: Decimal = Decimal("2.2")
    sell_swing: Decimal = Decimal("2.2")

    def __post_init__(self) -> None:
        faults = [
            f"weight {name} is at least 0, was {weight}"
            for name, weight in self.by_field()
            if not (weight.is_finite() and weight >= ZERO)
        ]
        if faults:
            raise ConfigInvalid("; ".join(faults))

    def by_field(self) -> Iterator[tuple[str, Decimal]]:
        for each in fields(self):
            yield each.name, getattr(self, each.name)

    def by_indicator(self) -> dict[str, Decimal]:
        """Return the weights under the names that readings bear: `Buy W-Bottom` for `buy_w_bottom`."""
        return {_indicator_name(name): weight for name, weight in self.by_field()}


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """Targets in points, `flip_hysteresis` as a fraction, ROC thresholds in percent and both positive magnitudes.

    Raises:
        ConfigInvalid: naming every rule that is out of range; a sell threshold of zero or below would sell a rising
            market (B171, R26).
    """

    buy_target: Decimal = Decimal("5.5")
    sell_target: Decimal = Decimal("5.5")
    indicators_min: int = 3
    flip_hysteresis: Decimal = Decimal("0.10")
    cooldown_candles: int = 7
    allow_buys_on_red_day: bool = True
    roc_buy_threshold_pct: Decimal = Decimal(10)
    roc_sell_threshold_pct: Decimal = Decimal(10)
    roc_diff_min: Decimal = Decimal("0.3")
    roc_diff_spread_share: Decimal = Decimal("0.5")
    momentum_rsi_min: Decimal = Decimal(45)
    momentum_rsi_max: Decimal = Decimal(55)

    def __post_init__(self) -> None:
        faults = [
            *_faults_of(
                self, ("buy_target", "sell_target", "roc_buy_threshold_pct", "roc_sell_threshold_pct"), "above"
            ),
            *_faults_of(self, ("flip_hysteresis", "roc_diff_min", "roc_diff_spread_share"), "at least"),
        ]
        if self.indicators_min < 1:
            faults.append(f"indicators_min is at least 1, was {self.indicators_min}")
        if self.cooldown_candles < 0:
            faults.append(f"cooldown_candles is at least 0, was {self.cooldown_candles}")
        low, high = self.momentum_rsi_min, self.momentum_rsi_max
        if not (low.is_finite() and high.is_finite() and ZERO <= low <= high <= _RSI_MAX):
            faults.append(f"0 <= momentum_rsi_min <= momentum_rsi_max <= 100, was {low} and {high}")
        if faults:
            raise ConfigInvalid("; ".join(faults))


class Evidence(NamedTuple):
    """What is known after the candle that opened at `opened_at`; `close_24h_ago` is None while it is unknown.

    A tuple, as `Readings` is: one is made of every candle.
    """

    opened_at: datetime
    readings: Readings
    close: Price
    close_24h_ago: Price | None


class Judgement(NamedTuple):
    """What the matrix made of the evidence; `action` is None for a hold.

    The targets are those in force, hysteresis included. `reason` names the rule that was decisive: `score`,
    `roc_momo_override`, `below_target`, or every side that was suppressed and why.
    """

    action: Action | None
    trigger: Trigger
    reason: str
    buy_score: Decimal
    sell_score: Decimal
    buy_target: Decimal
    sell_target: Decimal


class ScoreMatrix:
    """Judges evidence; remembers nothing, so the last side and its cooldown are told with each question."""

    def __init__(self, weights: ScoreWeights, rules: ScoreRules) -> None:
        self._weights = weights.by_indicator()
        self._rules = rules
        factor = EXACT.add(Decimal(1), rules.flip_hysteresis)
        self._buy_targets = (rules.buy_target, EXACT.multiply(rules.buy_target, factor))
        self._sell_targets = (rules.sell_target, EXACT.multiply(rules.sell_target, factor))
        # The one place where the magnitude becomes a fall (R26).
        self._roc_sell_pct = EXACT.minus(rules.roc_sell_threshold_pct)
        # Nothing between these can pass a threshold once it is rounded to ten decimals, so it need not be rounded.
        self._roc_calm = (float(self._roc_sell_pct) + _CALM, float(rules.roc_buy_threshold_pct) - _CALM)

    def judge(self, evidence: Evidence, last: LastSide | None) -> Judgement:
        """Return the one decision and everything it was made from."""
        readings = evidence.readings
        buy_score, buy_fired = self._score(readings.buy_rows)
        sell_score, sell_fired = self._score(readings.sell_rows)
        turned = last is not None and last.side
        buy_target = self._buy_targets[turned is _SELL]
        sell_target = self._sell_targets[turned is _BUY]
        suppressed = []
        momentum = self._momentum_side(readings)
        if momentum is not None:
            guard = self._guard(evidence) if momentum is _BUY else None
            if guard is None:
                scored = (buy_score, sell_score, buy_target, sell_target)
                return Judgement(momentum, Trigger.ROC_MOMO, "roc_momo_override", *scored)
            suppressed.append(f"{momentum}_suppressed_{guard}")
        signalling = []
        # The sell stands first, and `max` keeps the first of equals: a tie is a sell (B165).
        if sell_score >= self._rules.sell_target:
            signalling.append(_Side(_SELL, sell_score, sell_fired, sell_target))
        if buy_score >= self._rules.buy_target:
            signalling.append(_Side(_BUY, buy_score, buy_fired, buy_target))
        action, reason = None, "below_target"
        if signalling or suppressed:
            action, reason = self._weigh(signalling, suppressed, evidence, last)
        return _new(Judgement, (action, _SCORE, reason, buy_score, sell_score, buy_target, sell_target))

    def explain(self, evidence: Evidence, judgement: Judgement, last: LastSide | None) -> Breakdown:
        """Return why, indicator by indicator; made only when somebody wants to read it."""
        sides = ((Action.BUY, evidence.readings.buy), (Action.SELL, evidence.readings.sell))
        return Breakdown(
            reason=judgement.reason,
            components=tuple(self._component(reading, side) for side, readings in sides for reading in readings),
            last_side=None if last is None else last.side,
            # When the first candle opens on which the opposite side may signal again.
            cooldown_until=None if last is None else last.flipped_at + self._rules.cooldown_candles * _CANDLE_SPAN,
        )

    def _weigh(
        self, sides: Sequence["_Side"], suppressed: list[str], evidence: Evidence, last: LastSide | None
    ) -> tuple[Action | None, str]:
        """Return the side that wins among those that reached their targets, or every reason why none does."""
        signalling = []
        for side in sides:
            objection = self._objection(side, evidence, last)
            if objection is None:
                signalling.append(side)
            else:
                suppressed.append(f"{side.action}_suppressed_{objection}")
        if signalling:
            return max(signalling, key=lambda side: side.score).action, "score"
        return None, ", ".join(dict.fromkeys(suppressed))

    def _score(self, rows: Sequence[ReadingRow]) -> tuple[Decimal, int]:
        score, fired = ZERO, 0
        for name, decision, _, _ in rows:
            if decision:
                score = EXACT.add(score, self._weights[name])
                fired += 1
        return score, fired

    def _momentum_side(self, readings: Readings) -> Action | None:
        roc = readings.roc
        if roc is None or self._roc_calm[0] < roc < self._roc_calm[1]:
            return None
        if readings.rsi is None or readings.roc_diff is None or readings.roc_diff_spread is None:
            return None
        rules, rate = self._rules, figure(roc)
        if not (rate > rules.roc_buy_threshold_pct or rate < self._roc_sell_pct):
            return None
        spread = EXACT.multiply(rules.roc_diff_spread_share, figure(readings.roc_diff_spread))
        if not EXACT.abs(figure(readings.roc_diff)) > max(rules.roc_diff_min, spread):
            return None
        if not rules.momentum_rsi_min <= figure(readings.rsi) <= rules.momentum_rsi_max:
            return None
        return Action.BUY if rate > ZERO else Action.SELL

    def _objection(self, side: "_Side", evidence: Evidence, last: LastSide | None) -> str | None:
        """Return why a side that reached its target may not signal, or None when it may."""
        if side.fired < self._rules.indicators_min:
            return f"insufficient_indicators_{side.fired}_of_{self._rules.indicators_min}"
        if last is not None and last.side is not side.action:
            if side.score < side.target:
                return "hysteresis"
            if (evidence.opened_at - last.flipped_at) // _CANDLE_SPAN < self._rules.cooldown_candles:
                return "cooldown"
        return self._guard(evidence) if side.action is Action.BUY else None

    def _guard(self, evidence: Evidence) -> str | None:
        """Return why the day forbids a buy; an unknown change forbids it like a fall (B166)."""
        if evidence.close_24h_ago is None:
            return "unknown_24h_change"
        if evidence.close < evidence.close_24h_ago and not self._rules.allow_buys_on_red_day:
            return "red_day"
        return None

    def _component(self, reading: Reading, side: Action) -> Component:
        weight = self._weights[reading.name]
        return Component(
            indicator=reading.name,
            side=side,
            decision=reading.decision,
            value=None if reading.value is None else figure(reading.value),
            threshold=None if reading.threshold is None else figure(reading.threshold),
            weight=weight,
            contribution=weight if reading.decision else ZERO,
        )


def figure(value: float) -> Decimal:
    """Return a statistic to ten decimals, the figure that is compared and recorded.

    One rounding for both, so that a recorded decision can be checked against its recorded figures.
    """
    return Decimal(repr(round(value, 10)))


class _Side(NamedTuple):
    """A side that reached its target; `target` is the one in force, hysteresis included."""

    action: Action
    score: Decimal
    fired: int
    target: Decimal


# On Python 3.11 a member of an enumeration is found by a call; each of these is wanted for every candle.
_BUY, _SELL, _SCORE = Action.BUY, Action.SELL, Trigger.SCORE
# What `Judgement(...)` does, without the call that spreads its arguments: one is made of every candle.
_new = tuple.__new__
_CALM = 1e-9
_RSI_MAX = Decimal(100)
# The venue's candle stream has this granularity only.
_CANDLE_SPAN = Granularity.FIVE_MINUTE.span
_SPELLED = {"rsi": "RSI", "roc": "ROC", "macd": "MACD", "w_bottom": "W-Bottom", "m_top": "M-Top"}


def _indicator_name(field: str) -> str:
    side, _, indicator = field.partition("_")
    return f"{side.capitalize()} {_SPELLED.get(indicator, indicator.capitalize())}"


def _faults_of(rules: ScoreRules, names: Sequence[str], bound: str) -> list[str]:
    values = {name: getattr(rules, name) for name in names}
    return [
        f"{name} is {bound} 0, was {value}"
        for name, value in values.items()
        if not (value.is_finite() and (value > ZERO if bound == "above" else value >= ZERO))
    ]
