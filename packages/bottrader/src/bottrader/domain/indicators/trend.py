"""Where the price is going: exponential means, MACD and the swing range."""

from collections import deque
from collections.abc import Sequence
from math import isfinite

from bottrader.domain.indicators.arguments import check_window, refuse


class Ema:
    """Exponential mean with weight 2 / (period + 1), seeded with the plain mean of the first `period` terms."""

    __slots__ = ("_period", "_terms", "_total", "_weight", "value")

    def __init__(self, period: int) -> None:
        check_window(period)
        self._period = period
        self._weight = 2.0 / (period + 1)
        self._terms = 0
        self._total = 0.0
        self.value: float | None = None

    def update(self, term: float) -> float | None:
        """Take the next term and return the mean, None with fewer than `period` terms."""
        if not isfinite(term):
            refuse(term)
        value = self.value
        if value is not None:
            self.value = value = (term - value) * self._weight + value
            return value
        self._total += term
        self._terms += 1
        if self._terms == self._period:
            self.value = self._total / self._period
        return self.value


class Macd:
    """Moving average convergence/divergence: the fast less the slow exponential mean, and its own mean, the signal.

    As in TA-Lib, all three values begin together with close number slow + signal - 1, and the fast mean starts with
    the slow one: it is seeded with the plain mean of the `fast` closes that end there, not with the first ones.
    `value` is the histogram, macd - signal.
    """

    __slots__ = (
        "_early", "_fast", "_fast_mean", "_fast_weight", "_signal_period", "_signal_weight", "_slow", "_slow_mean",
        "_slow_weight", "macd", "signal", "value",
    )  # fmt: skip

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        check_window(fast)
        check_window(signal)
        if fast >= slow:
            raise ValueError(f"the fast window is shorter than the slow one, was {fast} and {slow}")
        self._fast = fast
        self._slow = slow
        self._signal_period = signal
        self._fast_weight = 2.0 / (fast + 1)
        self._slow_weight = 2.0 / (slow + 1)
        self._signal_weight = 2.0 / (signal + 1)
        # The first closes, and once there are enough of them the first differences.
        self._early: list[float] = []
        self._fast_mean: float | None = None
        self._slow_mean = 0.0
        self.macd: float | None = None
        self.signal: float | None = None
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        """Take the next close and return the histogram, None with fewer than slow + signal - 1 closes."""
        if not isfinite(close):
            refuse(close)
        fast = self._fast_mean
        if fast is None:
            return self._seed(close)
        slow = self._slow_mean
        self._fast_mean = fast = (close - fast) * self._fast_weight + fast
        self._slow_mean = slow = (close - slow) * self._slow_weight + slow
        signal = self.signal
        if signal is None:
            return self._seed_signal(fast - slow)
        self.macd = macd = fast - slow
        self.signal = signal = (macd - signal) * self._signal_weight + signal
        self.value = histogram = macd - signal
        return histogram

    def _seed(self, close: float) -> float | None:
        early = self._early
        early.append(close)
        if len(early) < self._slow:
            return None
        self._fast_mean = fast = sum(early[-self._fast :]) / self._fast
        self._slow_mean = slow = sum(early) / self._slow
        early.clear()
        return self._seed_signal(fast - slow)

    def _seed_signal(self, macd: float) -> float | None:
        early = self._early
        early.append(macd)
        if len(early) == self._signal_period:
            self.macd = macd
            self.signal = sum(early) / self._signal_period
            self.value = macd - self.signal
            early.clear()
        return self.value


class Swing:
    """Highest and lowest of the `window` closes before the newest one; the newest is never part of them (B158).

    `value` tells how far the newest close left that range: above 0 over the highest, below 0 under the lowest.
    """

    __slots__ = ("_closes", "_falling", "_next", "_rising", "_window", "highest", "lowest", "value")

    def __init__(self, window: int = 20) -> None:
        check_window(window)
        self._window = window
        self._closes: list[float] = []
        self._next = 0
        # Closes that no later one has passed: the first is the highest, or the lowest, of the window.
        self._falling: deque[float] = deque()
        self._rising: deque[float] = deque()
        self.highest: float | None = None
        self.lowest: float | None = None
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        """Take the next close and return how far it left the range, None with fewer than window + 1 closes."""
        if not isfinite(close):
            refuse(close)
        closes, falling, rising = self._closes, self._falling, self._rising
        if len(closes) < self._window:
            closes.append(close)
        else:
            self.highest = highest = falling[0]
            self.lowest = lowest = rising[0]
            if close > highest:
                self.value = close - highest
            elif close < lowest:
                self.value = close - lowest
            else:
                self.value = 0.0
            place = self._next
            leaving = closes[place]
            closes[place] = close
            place += 1
            self._next = place if place < self._window else 0
            # Equal closes are all kept, so a close can be told by its value when it leaves.
            if leaving == highest:
                falling.popleft()
            if leaving == lowest:
                rising.popleft()
        while falling and falling[-1] < close:
            falling.pop()
        falling.append(close)
        while rising and rising[-1] > close:
            rising.pop()
        rising.append(close)
        return self.value


def calculate_ema(prices: Sequence[float], period: int) -> float | None:
    """Return the last exponential mean; None with fewer than `period` prices."""
    ema = Ema(period)
    for price in prices:
        ema.update(price)
    return ema.value


def calculate_macd(
    closes: Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9
) -> tuple[float, float, float] | None:
    """Return the last macd, signal and histogram; None with fewer than slow + signal - 1 closes."""
    macd = Macd(fast, slow, signal)
    for close in closes:
        macd.update(close)
    if macd.macd is None or macd.signal is None or macd.value is None:
        return None
    return macd.macd, macd.signal, macd.value
