"""The fourteen indicators of the score matrix, each with its decision, its value and its threshold."""

from math import isfinite
from typing import NamedTuple

from bottrader.domain.indicators.momentum import Roc, RocDiff, Rsi
from bottrader.domain.indicators.parameters import IndicatorParameters
from bottrader.domain.indicators.patterns import ThreeCandlePatterns
from bottrader.domain.indicators.trend import Macd, Swing
from bottrader.domain.indicators.volatility import Atr, Bollinger


class Reading(NamedTuple):
    """What one indicator says after a closed candle; all but the name are None while it is unknown."""

    name: str
    decision: bool | None
    value: float | None
    threshold: float | None


ReadingRow = tuple[str, bool | None, float | None, float | None]
"""A `Reading` without its names: fourteen are made of every candle, and naming one takes three times as long."""
_FourRows = tuple[ReadingRow, ReadingRow, ReadingRow, ReadingRow]


class Readings(NamedTuple):
    """All that the indicators say after a closed candle; a figure is None while it is unknown.

    Rates of change and their differences are in percent, `atr`, `macd_histogram` and the bands in price units.
    """

    buy_rows: tuple[ReadingRow, ...]
    """Ratio, Touch, W-Bottom, RSI, ROC, MACD, Swing."""
    sell_rows: tuple[ReadingRow, ...]
    """Ratio, Touch, M-Top, RSI, ROC, MACD, Swing."""
    roc: float | None
    roc_diff: float | None
    roc_diff_spread: float | None
    rsi: float | None
    atr: float | None
    macd_histogram: float | None
    upper_band: float | None
    lower_band: float | None

    @property
    def buy(self) -> tuple[Reading, ...]:
        """What the indicators of the buy side say, for who wants to read it."""
        return tuple(map(Reading._make, self.buy_rows))

    @property
    def sell(self) -> tuple[Reading, ...]:
        """What the indicators of the sell side say."""
        return tuple(map(Reading._make, self.sell_rows))


class IndicatorSet:
    """All indicators of one product, fed with its closed candles in order of time."""

    def __init__(self, parameters: IndicatorParameters) -> None:
        self._roc = Roc(parameters.roc_window)
        self._roc_diff = RocDiff(parameters.roc_diff_window)
        self._rsi = Rsi(parameters.rsi_window)
        self._atr = Atr(parameters.atr_window)
        self._macd = Macd(parameters.macd_fast, parameters.macd_slow, parameters.macd_signal)
        self._bands = Bollinger(parameters.bb_window, float(parameters.bb_std))
        self._swing = Swing(parameters.swing_window)
        self._patterns = ThreeCandlePatterns(
            parameters.pattern_window, parameters.pattern_median_window, float(parameters.pattern_height_min)
        )
        self._buy_ratio = float(parameters.buy_ratio)
        self._sell_ratio = float(parameters.sell_ratio)
        self._rsi_oversold = float(parameters.rsi_oversold)
        self._rsi_overbought = float(parameters.rsi_overbought)
        self._roc_buy = float(parameters.roc_buy_pct)
        self._roc_sell = -float(parameters.roc_sell_pct)

    def update(self, open_: float, high: float, low: float, close: float, volume: float) -> Readings:
        """Take the next closed candle and return what the indicators say after it.

        Raises:
            ValueError: when it is no candle: not 0 < low <= open, close <= high, or its volume is below 0, or a figure
                is not finite. No indicator has seen it then.
        """
        if not (0 < low <= open_ <= high and low <= close <= high and isfinite(high) and 0 <= volume < _INFINITE):
            raise ValueError(
                "a candle has 0 < low <= open, close <= high and a volume of at least 0, all finite; was"
                f" {open_} {high} {low} {close} with volume {volume}"
            )
        earlier_histogram = self._macd.value
        roc = self._roc.update(close)
        rsi = self._rsi.update(close)
        histogram = self._macd.update(close)
        atr = self._atr.update(high, low, close)
        bands = self._bands
        bands.update(close)
        self._swing.update(close)
        self._patterns.update(high, low, close, volume, bands)
        roc_diff = self._roc_diff.update(roc)
        buy_ratio, sell_ratio, buy_touch, sell_touch = self._read_bands(close)
        w_bottom, m_top = self._read_patterns()
        buy_rsi, sell_rsi, buy_roc, sell_roc = self._read_momentum(rsi, roc)
        buy_macd, sell_macd, buy_swing, sell_swing = self._read_trend(close, earlier_histogram)
        buy = (buy_ratio, buy_touch, w_bottom, buy_rsi, buy_roc, buy_macd, buy_swing)
        sell = (sell_ratio, sell_touch, m_top, sell_rsi, sell_roc, sell_macd, sell_swing)
        spread = self._roc_diff.spread
        return _new(Readings, (buy, sell, roc, roc_diff, spread, rsi, atr, histogram, bands.upper, bands.lower))

    def _read_bands(self, close: float) -> _FourRows:
        lower, upper = self._bands.lower, self._bands.upper
        if lower is None or upper is None:
            return _NO_BUY_RATIO, _NO_SELL_RATIO, _NO_BUY_TOUCH, _NO_SELL_TOUCH
        buy_touch = ("Buy Touch", close <= lower, close, lower)
        sell_touch = ("Sell Touch", close >= upper, close, upper)
        # A band at or below zero has no ratio that means anything.
        if lower <= 0:
            return _NO_BUY_RATIO, _NO_SELL_RATIO, buy_touch, sell_touch
        up, down = upper / lower, lower / upper
        return (
            ("Buy Ratio", up > self._buy_ratio, up, self._buy_ratio),
            ("Sell Ratio", down < self._sell_ratio, down, self._sell_ratio),
            buy_touch,
            sell_touch,
        )

    def _read_patterns(self) -> tuple[ReadingRow, ReadingRow]:
        patterns = self._patterns
        if patterns.bottom is None:
            return _NO_W_BOTTOM, _NO_M_TOP
        height = patterns.height
        return (
            ("Buy W-Bottom", patterns.bottom, patterns.rise, height),
            ("Sell M-Top", patterns.top, patterns.fall, height),
        )

    def _read_momentum(self, rsi: float | None, roc: float | None) -> _FourRows:
        if rsi is None:
            buy_rsi, sell_rsi = _NO_BUY_RSI, _NO_SELL_RSI
        else:
            buy_rsi = ("Buy RSI", rsi < self._rsi_oversold, rsi, self._rsi_oversold)
            sell_rsi = ("Sell RSI", rsi > self._rsi_overbought, rsi, self._rsi_overbought)
        if roc is None:
            return buy_rsi, sell_rsi, _NO_BUY_ROC, _NO_SELL_ROC
        buy_roc = ("Buy ROC", roc > self._roc_buy, roc, self._roc_buy)
        return buy_rsi, sell_rsi, buy_roc, ("Sell ROC", roc < self._roc_sell, roc, self._roc_sell)

    def _read_trend(self, close: float, earlier_histogram: float | None) -> _FourRows:
        macd, signal = self._macd.macd, self._macd.signal
        if macd is None or signal is None:
            return _NO_BUY_MACD, _NO_SELL_MACD, _NO_BUY_SWING, _NO_SELL_SWING
        rising, falling = macd > signal, macd < signal
        if earlier_histogram is None:
            buy_macd, sell_macd = _NO_BUY_MACD, _NO_SELL_MACD
        else:
            buy_macd = ("Buy MACD", rising and earlier_histogram <= 0 and macd > 0, macd, signal)
            sell_macd = ("Sell MACD", falling and earlier_histogram >= 0 and macd < 0, macd, signal)
        highest, lowest = self._swing.highest, self._swing.lowest
        if highest is None or lowest is None:
            return buy_macd, sell_macd, _NO_BUY_SWING, _NO_SELL_SWING
        buy_swing = ("Buy Swing", rising and close > highest, close, highest)
        return (
            buy_macd,
            sell_macd,
            buy_swing,
            ("Sell Swing", falling and close < lowest, close, lowest),
        )


# What `Reading(...)` does, without the call that spreads its arguments: half of the time.
_new = tuple.__new__
_INFINITE = float("inf")


def _unknown(name: str) -> ReadingRow:
    return (name, None, None, None)


_NO_BUY_RATIO, _NO_SELL_RATIO = _unknown("Buy Ratio"), _unknown("Sell Ratio")
_NO_BUY_TOUCH, _NO_SELL_TOUCH = _unknown("Buy Touch"), _unknown("Sell Touch")
_NO_W_BOTTOM, _NO_M_TOP = _unknown("Buy W-Bottom"), _unknown("Sell M-Top")
_NO_BUY_RSI, _NO_SELL_RSI = _unknown("Buy RSI"), _unknown("Sell RSI")
_NO_BUY_ROC, _NO_SELL_ROC = _unknown("Buy ROC"), _unknown("Sell ROC")
_NO_BUY_MACD, _NO_SELL_MACD = _unknown("Buy MACD"), _unknown("Sell MACD")
_NO_BUY_SWING, _NO_SELL_SWING = _unknown("Buy Swing"), _unknown("Sell Swing")
