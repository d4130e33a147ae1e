"""Every window and threshold of the indicators, checked together."""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.indicators.momentum import SPREAD_CHANGES_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorParameters:
    """Windows in candles; thresholds as the indicators' own figures. All are part of a strategy's snapshot (R72, R79).

    Raises:
        ConfigInvalid: naming every parameter that is out of range.
    """

    bb_window: int = 20
    bb_std: Decimal = Decimal(2)
    """Distance of the bands from their middle, in standard deviations."""
    buy_ratio: Decimal = Decimal("1.05")
    """The buy ratio fires when upper / lower band is above it."""
    sell_ratio: Decimal = Decimal("0.95")
    """The sell ratio fires when lower / upper band is below it."""
    rsi_window: int = 14
    rsi_oversold: Decimal = Decimal(25)
    rsi_overbought: Decimal = Decimal(75)
    roc_window: int = 5
    roc_buy_pct: Decimal = Decimal(5)
    roc_sell_pct: Decimal = Decimal(2)
    """A positive magnitude: the sell side fires below its negative."""
    macd_fast: int = 12
    macd_slow: int = 26
    macd_signal: int = 9
    swing_window: int = 20
    atr_window: int = 14
    roc_diff_window: int = 20
    pattern_window: int = 14
    """Candles of the mean volume, and of the range from highest high to lowest low."""
    pattern_median_window: int = 720
    """How many such ranges their median is taken of; it is known once there are `pattern_window` of them."""
    pattern_height_min: Decimal = Decimal("0.065")
    """The least distance between the pattern's first two extremes, as a fraction of that median."""

    def __post_init__(self) -> None:
        windows = {
            "bb_window": self.bb_window,
            "rsi_window": self.rsi_window,
            "roc_window": self.roc_window,
            "macd_fast": self.macd_fast,
            "macd_slow": self.macd_slow,
            "macd_signal": self.macd_signal,
            "swing_window": self.swing_window,
            "atr_window": self.atr_window,
            "pattern_window": self.pattern_window,
        }
        faults = [f"{name} is at least 1 candle, was {window}" for name, window in windows.items() if window < 1]
        if self.roc_diff_window < SPREAD_CHANGES_MIN:
            faults.append(f"roc_diff_window is at least {SPREAD_CHANGES_MIN} candles, was {self.roc_diff_window}")
        if self.macd_fast >= self.macd_slow:
            faults.append(f"macd_fast is below macd_slow, was {self.macd_fast} and {self.macd_slow}")
        if self.pattern_median_window < self.pattern_window:
            faults.append(
                f"pattern_median_window is at least pattern_window, was {self.pattern_median_window} and"
                f" {self.pattern_window}"
            )
        positive = {
            "bb_std": self.bb_std,
            "roc_buy_pct": self.roc_buy_pct,
            "roc_sell_pct": self.roc_sell_pct,
            "pattern_height_min": self.pattern_height_min,
        }
        faults += [
            f"{name} is above 0, was {value}"
            for name, value in positive.items()
            if not (value.is_finite() and value > 0)
        ]
        faults += _wrong_bounds(self)
        if faults:
            raise ConfigInvalid("; ".join(faults))

    @property
    def warmup_candles(self) -> int:
        """Return how many closed candles make every figure known and the pattern's median complete."""
        return max(
            self.bb_window + 2,
            self.rsi_window + 1,
            self.roc_window + self.roc_diff_window + 1,
            self.macd_slow + self.macd_signal,
            self.swing_window + 1,
            self.atr_window + 1,
            self.pattern_window + self.pattern_median_window - 1,
        )


def _wrong_bounds(parameters: IndicatorParameters) -> list[str]:
    faults = []
    low, high = parameters.rsi_oversold, parameters.rsi_overbought
    if not (low.is_finite() and high.is_finite() and 0 <= low < high <= 100):
        faults.append(f"0 <= rsi_oversold < rsi_overbought <= 100, was {low} and {high}")
    buy, sell = parameters.buy_ratio, parameters.sell_ratio
    if not (buy.is_finite() and buy >= 1):
        faults.append(f"buy_ratio compares the upper with the lower band and is at least 1, was {buy}")
    if not (sell.is_finite() and 0 < sell <= 1):
        faults.append(f"sell_ratio compares the lower with the upper band: above 0 and at most 1, was {sell}")
    return faults
