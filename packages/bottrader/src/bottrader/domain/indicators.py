"""Streaming indicators: one close or candle in, one value out, in constant time and memory.

They are statistics of prices, not money, so they are binary floats; a strategy rounds a value before it compares or
records it. `None` says "not enough candles yet": it is never replaced by 0, 50 or any other neutral stand-in, because
a stand-in passes gates that an unknown value must not (R33, R71). RSI and ATR smooth as Wilder did: the first value
is the plain mean of the first `period` terms, each later one is (previous x (period - 1) + term) / period.
"""

import math
from collections import deque
from collections.abc import Sequence


class Roc:
    """Rate of change over `period` closes, in percent: 100 x (close - earlier) / earlier (B148-B150)."""

    __slots__ = ("_closes", "_value")

    def __init__(self, period: int) -> None:
        _check_period(period)
        self._closes: deque[float] = deque(maxlen=period + 1)
        self._value: float | None = None

    @property
    def value(self) -> float | None:
        return self._value

    def update(self, close: float) -> float | None:
        """Take the next close and return the rate, None with fewer than period + 1 closes.

        Raises:
            ValueError: when the price is zero, because the rate from it is undefined, or not finite.
        """
        if close == 0:
            raise ValueError("Zero price detected")
        _check_finite(close)
        closes = self._closes
        closes.append(close)
        if len(closes) == closes.maxlen:
            earlier = closes[0]
            self._value = 100.0 * (close - earlier) / earlier
        return self._value


class Rsi:
    """Relative strength index after Wilder, 0 to 100: 100 x mean gain / (mean gain + mean loss) (B154, B155).

    Without losses it is 100, without gains 0. A market that did not move at all has neither: that is 50.
    """

    __slots__ = ("_gain", "_last_close", "_loss", "_period", "_value")

    def __init__(self, period: int) -> None:
        _check_period(period)
        self._period = period
        self._gain = _WilderMean(period)
        self._loss = _WilderMean(period)
        self._last_close: float | None = None
        self._value: float | None = None

    @property
    def value(self) -> float | None:
        return self._value

    def update(self, close: float) -> float | None:
        """Take the next close and return the index, None with fewer than period + 1 closes."""
        _check_finite(close)
        if self._last_close is not None:
            change = close - self._last_close
            gain = self._gain.update(max(change, 0.0))
            loss = self._loss.update(max(-change, 0.0))
            if gain is not None and loss is not None:
                moved = gain + loss
                self._value = 100.0 * (gain / moved) if moved > 0 else 50.0
        self._last_close = close
        return self._value


class Atr:
    """Average true range after Wilder, in price units (B151-B153).

    The true range of a candle is the largest of high - low, |high - last close| and |low - last close|. The first
    candle has no last close and therefore no true range.
    """

    __slots__ = ("_last_close", "_mean")

    def __init__(self, period: int) -> None:
        _check_period(period)
        self._mean = _WilderMean(period)
        self._last_close: float | None = None

    @property
    def value(self) -> float | None:
        return self._mean.value

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next candle and return the range, None with fewer than period + 1 candles."""
        for price in (high, low, close):
            _check_finite(price)
        last_close = self._last_close
        self._last_close = close
        if last_close is None:
            return None
        return self._mean.update(max(high - low, abs(high - last_close), abs(low - last_close)))


def calculate_roc(prices: Sequence[float], period: int) -> list[float] | None:
    """Return the rate of change at every price that has one, in percent; None with fewer than period + 1 prices.

    Raises:
        ValueError: "Zero price detected" when any price is 0 (B150).
    """
    roc = Roc(period)
    rates = [rate for rate in map(roc.update, prices) if rate is not None]
    return rates or None


def calculate_rsi(closes: Sequence[float], period: int) -> float | None:
    """Return the last relative strength index; None with fewer than period + 1 closes."""
    rsi = Rsi(period)
    for close in closes:
        rsi.update(close)
    return rsi.value


def calculate_atr(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], period: int) -> float | None:
    """Return the last average true range; None with fewer than period + 1 candles.

    Raises:
        ValueError: when the three sequences differ in length.
    """
    atr = Atr(period)
    for high, low, close in zip(highs, lows, closes, strict=True):
        atr.update(high, low, close)
    return atr.value


class _WilderMean:
    """Wilder's smoothed mean; None until `period` terms have been seen."""

    __slots__ = ("_period", "_terms", "_total", "value")

    def __init__(self, period: int) -> None:
        self._period = period
        self._terms = 0
        self._total = 0.0
        self.value: float | None = None

    def update(self, term: float) -> float | None:
        if self.value is not None:
            self.value = (self.value * (self._period - 1) + term) / self._period
            return self.value
        self._terms += 1
        self._total += term
        if self._terms == self._period:
            self.value = self._total / self._period
        return self.value


def _check_period(period: int) -> None:
    if period < 1:
        raise ValueError(f"an indicator's period is at least 1, was {period}")


def _check_finite(price: float) -> None:
    # One NaN would stay in a smoothed mean for ever.
    if not math.isfinite(price):
        raise ValueError(f"a price is finite, was {price}")
