"""W-bottom and M-top: three candles in a row that leave a band and come back over the middle."""

from bottrader.domain.indicators.rolling import RollingMean, RollingMedian, RollingSpan
from bottrader.domain.indicators.volatility import Bollinger


class ThreeCandlePatterns:
    """Judges the last three closed candles a, b, c, where c is the newest.

    W-bottom: the low of a is under its lower band, the low of b is above that of a, the low of c above that of b; c
    closes above its middle band on more than the mean volume of `window` candles, itself included; and from a to b
    the low rises by at least `height_min` times the usual range. M-top is the mirror: highs, upper band, a close below
    the middle; its volume too is above the mean. The usual range is the median of the last `median_window` spans from
    the highest high to the lowest low of `window` candles; it counts from `window` spans on.

    `bottom` and `top` are None until the bands of a and the usual range are known. `rise` is the low of b less that
    of a, `fall` the high of a less that of b, `height` what either has to reach.
    """

    __slots__ = (
        "_a", "_b", "_height_min", "_mean_volume", "_span", "_usual_span", "bottom", "fall", "height", "rise", "top",
    )  # fmt: skip

    def __init__(self, window: int = 14, median_window: int = 720, height_min: float = 0.065) -> None:
        self._mean_volume = RollingMean(window)
        self._span = RollingSpan(window)
        self._usual_span = RollingMedian(median_window, at_least=window)
        self._height_min = height_min
        # High, low, lower and upper band of the two candles before the newest.
        self._a: _Banded = _UNKNOWN
        self._b: _Banded = _UNKNOWN
        self.bottom: bool | None = None
        self.top: bool | None = None
        self.rise: float | None = None
        self.fall: float | None = None
        self.height: float | None = None

    def update(self, high: float, low: float, close: float, volume: float, bands: Bollinger) -> None:
        """Take the next candle; `bands` have seen its close already."""
        mean_volume = self._mean_volume.update(volume)
        span = self._span.update(high, low)
        usual_span = None if span is None else self._usual_span.update(span)
        a_high, a_low, a_lower, a_upper = self._a
        b_high, b_low, _, _ = self._b
        self._a = self._b
        self._b = (high, low, bands.lower, bands.upper)
        middle = bands.value
        if a_lower is None or a_upper is None or middle is None or mean_volume is None or usual_span is None:
            return
        self.height = height = self._height_min * usual_span
        self.rise = rise = b_low - a_low
        self.fall = fall = a_high - b_high
        busy = volume > mean_volume
        self.bottom = busy and close > middle and a_low < a_lower and 0 < rise >= height and low > b_low
        self.top = busy and close < middle and a_high > a_upper and 0 < fall >= height and high < b_high


_Banded = tuple[float, float, float | None, float | None]
_UNKNOWN: _Banded = (0.0, 0.0, None, None)
