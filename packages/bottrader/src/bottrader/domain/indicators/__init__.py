"""Streaming indicators: one close or candle in, one value out, in constant time and memory.

They are statistics of prices, not money, so they are binary floats; a strategy rounds a value before it compares or
records it. `None` says "not enough candles yet": it is never replaced by 0, 50 or any other neutral stand-in, because
a stand-in passes gates that an unknown value must not (R33, R71). RSI and ATR smooth as Wilder did: the first value
is the plain mean of the first `period` terms, each later one is (previous x (period - 1) + term) / period. Formulas
and first values are TA-Lib's, which is the independent witness of all of them.

Every indicator has `update`, which returns the newest value, and `value`, which holds it.
"""

from bottrader.domain.indicators.momentum import Roc, RocDiff, Rsi, calculate_roc, calculate_rsi
from bottrader.domain.indicators.parameters import IndicatorParameters
from bottrader.domain.indicators.patterns import ThreeCandlePatterns
from bottrader.domain.indicators.readings import IndicatorSet, Reading, ReadingRow, Readings
from bottrader.domain.indicators.rolling import RollingMean, RollingMedian, RollingSpan
from bottrader.domain.indicators.trend import Ema, Macd, Swing, calculate_ema, calculate_macd
from bottrader.domain.indicators.volatility import Atr, Bollinger, calculate_atr, calculate_bollinger

__all__ = [
    "Atr",
    "Bollinger",
    "Ema",
    "IndicatorParameters",
    "IndicatorSet",
    "Macd",
    "Reading",
    "ReadingRow",
    "Readings",
    "Roc",
    "RocDiff",
    "RollingMean",
    "RollingMedian",
    "RollingSpan",
    "Rsi",
    "Swing",
    "ThreeCandlePatterns",
    "calculate_atr",
    "calculate_bollinger",
    "calculate_ema",
    "calculate_macd",
    "calculate_roc",
    "calculate_rsi",
]
