"""Statistics of the last `window` figures, without a trace of those before.

Sums are kept as whole numbers of 2**-80: adding a figure and taking it away again leaves exactly what was there, so
nothing drifts, however many candles pass. A running sum of floats keeps the rounding of the largest sum it ever held:
after a fall from 100,000 to 1 about 1e-10 of every mean to come, and of a variance all digits. A float of at least
2**-28 (3.7e-9, below every price increment) is exact in this form; a smaller one loses less than 8.3e-25.
"""

from bisect import bisect_left, insort
from collections import deque
from math import isfinite

from bottrader.domain.indicators.arguments import check_window, refuse

FIXED_POINT = 2.0**80


class RollingMean:
    """The mean of the last `window` figures."""

    __slots__ = ("_figures", "_next", "_total", "_whole", "_window", "value")

    def __init__(self, window: int) -> None:
        check_window(window)
        self._window = window
        self._whole = int(FIXED_POINT) * window
        self._figures: list[int] = []
        self._next = 0
        self._total = 0
        self.value: float | None = None

    def update(self, figure: float) -> float | None:
        """Take the next figure and return the mean, None with fewer than `window` figures."""
        if not isfinite(figure):
            refuse(figure)
        entering = int(figure * FIXED_POINT)
        figures = self._figures
        if len(figures) < self._window:
            figures.append(entering)
            self._total += entering
            if len(figures) < self._window:
                return None
        else:
            place = self._next
            self._total += entering - figures[place]
            figures[place] = entering
            self._next = (place + 1) % self._window
        self.value = self._total / self._whole
        return self.value


class RollingMedian:
    """The median of the last `window` figures, known from `at_least` figures on.

    The figures are kept sorted: finding a place takes O(log window) comparisons, and making room for it moves at most
    8 x window bytes at once.
    """

    __slots__ = ("_at_least", "_figures", "_ordered", "value")

    def __init__(self, window: int, at_least: int) -> None:
        check_window(window)
        if not 1 <= at_least <= window:
            raise ValueError(f"a median of the last {window} figures is known from 1 to {window} on, was {at_least}")
        self._at_least = at_least
        self._figures: deque[float] = deque(maxlen=window)
        self._ordered: list[float] = []
        self.value: float | None = None

    def update(self, figure: float) -> float | None:
        """Take the next figure and return the median, None with fewer than `at_least` figures."""
        if not isfinite(figure):
            refuse(figure)
        figures, ordered = self._figures, self._ordered
        count = len(figures)
        if count == figures.maxlen:
            leaving = figures[0]
            figures.append(figure)
            if leaving == figure:
                return self.value
            del ordered[bisect_left(ordered, leaving)]
        else:
            figures.append(figure)
            count += 1
        insort(ordered, figure)
        if count >= self._at_least:
            half = count // 2
            self.value = ordered[half] if count % 2 else (ordered[half - 1] + ordered[half]) / 2
        return self.value


class RollingSpan:
    """The highest high less the lowest low of the last `window` candles, the newest included."""

    __slots__ = ("_candles", "_highs", "_lows", "value")

    def __init__(self, window: int) -> None:
        check_window(window)
        self._candles: deque[tuple[float, float]] = deque(maxlen=window)
        # Highs, and lows, that no later one has passed: the first is the extreme of the window.
        self._highs: deque[float] = deque()
        self._lows: deque[float] = deque()
        self.value: float | None = None

    def update(self, high: float, low: float) -> float | None:
        """Take the next candle and return the span, None with fewer than `window` candles."""
        if not isfinite(high + low):
            refuse(high + low)
        candles, highs, lows = self._candles, self._highs, self._lows
        full = candles.maxlen
        if len(candles) == full:
            # Equal extremes are all kept, so one can be told by its value when it leaves.
            left_high, left_low = candles[0]
            if left_high == highs[0]:
                highs.popleft()
            if left_low == lows[0]:
                lows.popleft()
        candles.append((high, low))
        while highs and highs[-1] < high:
            highs.pop()
        highs.append(high)
        while lows and lows[-1] > low:
            lows.pop()
        lows.append(low)
        if len(candles) == full:
            self.value = highs[0] - lows[0]
        return self.value
