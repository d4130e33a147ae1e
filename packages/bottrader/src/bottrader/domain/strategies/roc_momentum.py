"""Momentum alone: buys a rise that the RSI does not call overbought, sells a fall."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.indicators import Atr, Roc, Rsi
from bottrader.domain.market import Candle, Granularity
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.scoring import figure
from bottrader.domain.signals import Action, LastSide, Trigger
from bottrader.domain.strategies.order import CandleOrder
from bottrader.domain.strategy import Decision, Strategy


@dataclass(frozen=True, slots=True)
class RocMomentumParameters:
    """Windows and cooldown in candles; ROC thresholds in percent, both positive magnitudes; RSI bounds inclusive.

    Raises:
        ConfigInvalid: naming every parameter that is out of range (B171).
    """

    roc_window: int = 5
    roc_buy_threshold_pct: Decimal = Decimal(10)
    roc_sell_threshold_pct: Decimal = Decimal(10)
    rsi_window: int = 14
    rsi_buy_min: Decimal = Decimal(45)
    rsi_buy_max: Decimal = Decimal(55)
    atr_window: int = 14
    cooldown_candles: int = 7

    def __post_init__(self) -> None:
        faults = [
            f"{name} is at least {least}, was {value}"
            for name, value, least in (
                ("roc_window", self.roc_window, 1),
                ("rsi_window", self.rsi_window, 1),
                ("atr_window", self.atr_window, 1),
                ("cooldown_candles", self.cooldown_candles, 0),
            )
            if value < least
        ]
        faults += [
            f"{name} is a percentage above 0, was {value}"
            for name, value in (
                ("roc_buy_threshold_pct", self.roc_buy_threshold_pct),
                ("roc_sell_threshold_pct", self.roc_sell_threshold_pct),
            )
            if not (value.is_finite() and value > ZERO)
        ]
        low, high = self.rsi_buy_min, self.rsi_buy_max
        if not (low.is_finite() and high.is_finite() and ZERO <= low <= high <= _RSI_MAX):
            faults.append(f"0 <= rsi_buy_min <= rsi_buy_max <= 100, was {low} and {high}")
        if faults:
            raise ConfigInvalid("; ".join(faults))


class RocMomentum(Strategy):
    """Silent until ROC, RSI and ATR are all known, and on both sides for `cooldown_candles` after an accepted signal.

    The cooldown counts five-minute slots by the candles' open times: a row index stands still once a window is full,
    and a cooldown counted by it never ended (R69).
    """

    Parameters: ClassVar[type[RocMomentumParameters]] = RocMomentumParameters

    def __init__(self, parameters: RocMomentumParameters) -> None:
        self._parameters = parameters
        self._roc = Roc(parameters.roc_window)
        self._rsi = Rsi(parameters.rsi_window)
        self._atr = Atr(parameters.atr_window)
        self._order = CandleOrder()

    @property
    def warmup_candles(self) -> int:
        windows = self._parameters
        return max(windows.roc_window, windows.rsi_window, windows.atr_window) + 1

    def on_candle(self, candle: Candle, last: LastSide | None) -> Decision | None:
        """Return what to do after this closed candle.

        Raises:
            InvariantBroken: when the candle does not open after the last one; the indicators would count it twice.
        """
        self._order.follow(candle)
        scores = self._measure(candle)
        if scores is None or self._is_cooling_down(candle.opened_at, last):
            return None
        return self._decide(scores)

    def _measure(self, candle: Candle) -> dict[str, Decimal] | None:
        close = float(candle.close)
        roc = self._roc.update(close)
        rsi = self._rsi.update(close)
        atr = self._atr.update(float(candle.high), float(candle.low), close)
        if roc is None or rsi is None or atr is None:
            return None
        return {"roc": figure(roc), "rsi": figure(rsi), "atr": figure(atr)}

    def _is_cooling_down(self, opened_at: datetime, last: LastSide | None) -> bool:
        if last is None:
            return False
        return (opened_at - last.signalled_at) // _CANDLE_SPAN < self._parameters.cooldown_candles

    def _decide(self, scores: dict[str, Decimal]) -> Decision | None:
        # The rounded figures are compared, so that a recorded decision can be checked against its recorded scores.
        rules = self._parameters
        roc, rsi = scores["roc"], scores["rsi"]
        figures = f"RSI({rules.rsi_window}) {rsi:.2f}, ATR({rules.atr_window}) {_plain(scores['atr'])}"
        if roc >= rules.roc_buy_threshold_pct and rules.rsi_buy_min <= rsi <= rules.rsi_buy_max:
            note = f"ROC({rules.roc_window}) {roc:+.2f} % reached +{rules.roc_buy_threshold_pct} %, {figures}"
            return Decision(Action.BUY, Trigger.ROC_MOMO, note, self._scored(scores))
        if roc <= EXACT.minus(rules.roc_sell_threshold_pct):
            note = f"ROC({rules.roc_window}) {roc:+.2f} % reached -{rules.roc_sell_threshold_pct} %, {figures}"
            return Decision(Action.SELL, Trigger.SIGNAL, note, self._scored(scores))
        return None

    def _scored(self, scores: dict[str, Decimal]) -> dict[str, Decimal]:
        """Add how far the ROC went towards each threshold; a side signals from 1 on, and the other one has 0 (R47)."""
        roc, rules = float(scores["roc"]), self._parameters
        return {
            "buy_score": figure(max(roc, 0.0) / float(rules.roc_buy_threshold_pct)),
            "sell_score": figure(max(-roc, 0.0) / float(rules.roc_sell_threshold_pct)),
            **scores,
        }


_RSI_MAX = Decimal(100)
# The venue's candle stream has this granularity only.
_CANDLE_SPAN = Granularity.FIVE_MINUTE.span


def _plain(amount: Decimal) -> str:
    return f"{EXACT.normalize(amount):f}"
