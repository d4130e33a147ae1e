"""The score matrix as a strategy: candles in, indicators, then `domain.scoring` judges."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import ClassVar

from bottrader.domain.indicators import IndicatorParameters, IndicatorSet
from bottrader.domain.market import Candle, Granularity
from bottrader.domain.money import EXACT, Price
from bottrader.domain.scoring import Evidence, Judgement, ScoreMatrix, ScoreRules, ScoreWeights, figure
from bottrader.domain.signals import Action, Breakdown, LastSide
from bottrader.domain.strategies.order import CandleOrder
from bottrader.domain.strategy import Decision, Hold, Strategy

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ScoreMatrixParameters:
    """Everything the matrix decides by, in three tables."""

    indicators: IndicatorParameters = field(default_factory=IndicatorParameters)
    weights: ScoreWeights = field(default_factory=ScoreWeights)
    rules: ScoreRules = field(default_factory=ScoreRules)


class ScoreMatrixStrategy(Strategy):
    """Adds up what fourteen indicators say; holds explain themselves as decisions do."""

    Parameters: ClassVar[type[ScoreMatrixParameters]] = ScoreMatrixParameters

    def __init__(self, parameters: ScoreMatrixParameters) -> None:
        self._warmup_candles = max(DAY // Granularity.FIVE_MINUTE.span + 1, parameters.indicators.warmup_candles)
        self._matrix = ScoreMatrix(parameters.weights, parameters.rules)
        self._indicators = IndicatorSet(parameters.indicators)
        self._order = CandleOrder()
        self._day = _DayAgo()

    @property
    def warmup_candles(self) -> int:
        """A day and one candle at least: before, the change over 24 hours is unknown and nothing is bought."""
        return self._warmup_candles

    def on_candle(self, candle: Candle, last: LastSide | None) -> Decision | Hold:
        """Return what to do after this closed candle, or why nothing.

        Raises:
            InvariantBroken: when the candle does not open after the last one; the indicators would count it twice.
        """
        self._order.follow(candle)
        readings = self._indicators.update(
            float(candle.open), float(candle.high), float(candle.low), float(candle.close), float(candle.volume)
        )
        evidence = _new(Evidence, (candle.opened_at, readings, candle.close, self._day.follow(candle)))
        judgement = self._matrix.judge(evidence, last)
        if judgement.action is None:
            return _new(Hold, (partial(self._explain, evidence, judgement, last),))
        scores, breakdown = self._explain(evidence, judgement, last)
        return Decision(judgement.action, judgement.trigger, _note(judgement, breakdown, scores), scores, breakdown)

    def _explain(
        self, evidence: Evidence, judgement: Judgement, last: LastSide | None
    ) -> tuple[dict[str, Decimal], Breakdown]:
        return _scores(judgement, evidence), self._matrix.explain(evidence, judgement, last)


# What `Evidence(...)` does, without the call that spreads its arguments: both are made of nearly every candle.
_new = tuple.__new__


class _DayAgo:
    """The close of 24 hours ago, from the candles themselves: the newest that opened a day ago or earlier.

    Buckets without a trade are absent, so the last trade before counts; None as long as nothing is that old.
    """

    __slots__ = ("_closes",)

    def __init__(self) -> None:
        self._closes: deque[tuple[datetime, Price]] = deque()

    def follow(self, candle: Candle) -> Price | None:
        closes, due = self._closes, candle.opened_at - DAY
        closes.append((candle.opened_at, candle.close))
        while len(closes) > 1 and closes[1][0] <= due:
            closes.popleft()
        return closes[0][1] if closes[0][0] <= due else None


def _scores(judgement: Judgement, evidence: Evidence) -> dict[str, Decimal]:
    return {
        "buy_score": judgement.buy_score,
        "sell_score": judgement.sell_score,
        "target_buy": judgement.buy_target,
        "target_sell": judgement.sell_target,
        **dict(_raw(evidence)),
    }


def _raw(evidence: Evidence) -> Iterator[tuple[str, Decimal]]:
    """Yield the series behind the votes as far as they are known; an unknown one is absent, never 0."""
    readings = evidence.readings
    for name, value in (
        ("roc", readings.roc),
        ("roc_diff", readings.roc_diff),
        ("roc_diff_spread", readings.roc_diff_spread),
        ("rsi", readings.rsi),
        ("atr", readings.atr),
        ("macd_hist", readings.macd_histogram),
        ("upper", readings.upper_band),
        ("lower", readings.lower_band),
    ):
        if value is not None:
            yield name, figure(value)
    if evidence.close_24h_ago is not None:
        change = float(EXACT.subtract(evidence.close, evidence.close_24h_ago)) / float(evidence.close_24h_ago)
        yield "change_24h_pct", figure(100.0 * change)


def _note(judgement: Judgement, breakdown: Breakdown, scores: dict[str, Decimal]) -> str:
    """Return the decision in one line, such as `buy score 5.9 of 5.5: ROC, MACD, RSI`."""
    if judgement.reason != "score":
        return (
            f"ROC {scores['roc']:+.2f} % by {scores['roc_diff']:+.2f}, RSI {scores['rsi']:.2f}; buy score"
            f" {judgement.buy_score}, sell score {judgement.sell_score}"
        )
    is_buy = judgement.action is Action.BUY
    score, target = (
        (judgement.buy_score, judgement.buy_target) if is_buy else (judgement.sell_score, judgement.sell_target)
    )
    fired = [
        component.indicator.partition(" ")[2]
        for component in breakdown.components
        if component.decision and component.side is judgement.action
    ]
    return f"{judgement.action} score {score} of {target}: {', '.join(fired)}"
