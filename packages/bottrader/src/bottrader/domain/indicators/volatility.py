"""How widely the price moves: average true range and Bollinger bands."""

from collections.abc import Sequence
from math import inf, isfinite, sqrt

from bottrader.domain.indicators.arguments import check_window, refuse
from bottrader.domain.indicators.rolling import FIXED_POINT


class Atr:
    """Average true range after Wilder, in price units (B151-B153).

    The true range of a candle is the largest of high - low, |high - last close| and |low - last close|. The first
    candle has no last close and therefore no true range.
    """

    __slots__ = ("_last_close", "_others", "_period", "_ranges", "_total", "value")

    def __init__(self, period: int) -> None:
        check_window(period)
        self._period = period
        self._others = period - 1
        self._ranges = 0
        self._total = 0.0
        self._last_close: float | None = None
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        """Take the next candle and return the range, None with fewer than period + 1 candles."""
        # A sum is finite only if each of its terms is.
        if not isfinite(high + low + close):
            refuse(high + low + close)
        last_close = self._last_close
        self._last_close = close
        if last_close is None:
            return None
        # The largest of the three distances is the span of the candle stretched to the last close: all above, all below
        # or around it.
        if high < last_close:
            true_range = last_close - low
        elif low > last_close:
            true_range = high - last_close
        else:
            true_range = high - low
        value = self.value
        if value is not None:
            self.value = value = (value * self._others + true_range) / self._period
            return value
        self._total += true_range
        self._ranges += 1
        if self._ranges == self._period:
            self.value = self._total / self._period
        return self.value


class Bollinger:
    """Bollinger bands: the mean of the last `window` closes, and `deviations` standard deviations above and below it.

    The deviation is the population's, as TA-Lib computes it. `value` is the middle band.
    """

    __slots__ = (
        "_closes", "_divisor", "_next", "_spread", "_total", "_whole", "_window",
        "lower", "upper", "value",
    )  # fmt: skip

    def __init__(self, window: int = 20, deviations: float = 2.0) -> None:
        check_window(window)
        if not 0 < deviations < inf:
            raise ValueError(f"the bands are some deviations above 0 from their middle, was {deviations}")
        self._window = window
        self._closes: list[int] = []
        self._next = 0
        self._total = 0
        # window x sum of squares - square of the sum: window squared times the variance.
        self._spread = 0
        self._whole = int(FIXED_POINT) * window
        self._divisor = FIXED_POINT * window / deviations
        self.lower: float | None = None
        self.upper: float | None = None
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        """Take the next close and return the middle band, None with fewer than `window` closes."""
        if not isfinite(close):
            refuse(close)
        entering = int(close * FIXED_POINT)
        window = self._window
        closes = self._closes
        if len(closes) < window:
            closes.append(entering)
            if len(closes) < window:
                return None
            self._total = sum(closes)
            self._spread = window * sum(c * c for c in closes) - self._total**2
        else:
            place = self._next
            leaving = closes[place]
            closes[place] = entering
            place += 1
            self._next = place if place < window else 0
            change = entering - leaving
            total = self._total
            self._total = next_total = total + change
            self._spread += change * (window * (entering + leaving) - total - next_total)
        self.value = middle = self._total / self._whole
        width = sqrt(self._spread) / self._divisor
        self.lower = middle - width
        self.upper = middle + width
        return middle


def calculate_atr(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float], period: int) -> float | None:
    """Return the last average true range; None with fewer than period + 1 candles.

    Raises:
        ValueError: when the three sequences differ in length.
    """
    atr = Atr(period)
    for high, low, close in zip(highs, lows, closes, strict=True):
        atr.update(high, low, close)
    return atr.value


def calculate_bollinger(
    closes: Sequence[float], window: int = 20, deviations: float = 2.0
) -> tuple[float, float, float] | None:
    """Return the last lower, middle and upper band; None with fewer than `window` closes."""
    bands = Bollinger(window, deviations)
    for close in closes:
        bands.update(close)
    if bands.lower is None or bands.value is None or bands.upper is None:
        return None
    return bands.lower, bands.value, bands.upper
