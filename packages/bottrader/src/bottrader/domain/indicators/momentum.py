"""How fast the price moves: rate of change, its change, and relative strength."""

from collections.abc import Sequence
from math import isfinite, sqrt

from bottrader.domain.indicators.arguments import check_window, refuse
from bottrader.domain.indicators.rolling import FIXED_POINT


class Roc:
    """Rate of change over `period` closes, in percent: 100 x (close - earlier) / earlier (B148-B150)."""

    __slots__ = ("_closes", "_next", "_period", "value")

    def __init__(self, period: int) -> None:
        check_window(period)
        self._period = period
        self._closes: list[float] = []
        self._next = 0
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        """Take the next close and return the rate, None with fewer than period + 1 closes.

        Raises:
            ValueError: when the price is zero, because the rate from it is undefined, or not finite.
        """
        if close == 0:
            raise ValueError("Zero price detected")
        if not isfinite(close):
            refuse(close)
        closes = self._closes
        if len(closes) < self._period:
            closes.append(close)
            return None
        place = self._next
        earlier = closes[place]
        closes[place] = close
        place += 1
        self._next = place if place < self._period else 0
        self.value = value = 100.0 * (close - earlier) / earlier
        return value


class RocDiff:
    """Change of the rate of change by one candle, in percentage points, and how widely it scatters.

    The first change needs two rates. `spread` is the population standard deviation of the last `window` changes, the
    newest included, once there are five; before that the mean of their magnitudes, and without any change 0.3.

    Raises:
        ValueError: when the window holds fewer than five changes.
    """

    __slots__ = ("_changes", "_last_rate", "_next", "_scatter", "_total", "_window", "spread", "value")

    def __init__(self, window: int = 20) -> None:
        if window < SPREAD_CHANGES_MIN:
            raise ValueError(f"changes scatter over at least {SPREAD_CHANGES_MIN} of them, the window was {window}")
        self._window = window
        self._changes: list[int] = []
        self._next = 0
        # As in rolling.py, exactly; the scatter is count x sum of squares - square of the sum.
        self._total = 0
        self._scatter = 0
        self._last_rate: float | None = None
        self.value: float | None = None
        self.spread = SPREAD_UNKNOWN

    def update(self, rate: float | None) -> float | None:
        """Take the next rate of change, None while there is none yet, and return its change."""
        if rate is None:
            return None
        if not isfinite(rate):
            refuse(rate)
        last_rate = self._last_rate
        self._last_rate = rate
        if last_rate is None:
            return None
        self.value = value = rate - last_rate
        entering = int(value * FIXED_POINT)
        window = self._window
        changes = self._changes
        if len(changes) < window:
            self._gather(entering)
            return value
        place = self._next
        leaving = changes[place]
        changes[place] = entering
        place += 1
        self._next = place if place < window else 0
        moved = entering - leaving
        total = self._total
        self._total = next_total = total + moved
        self._scatter = scatter = self._scatter + moved * (window * (entering + leaving) - total - next_total)
        self.spread = sqrt(scatter) / (FIXED_POINT * window)
        return value

    def _gather(self, change: int) -> None:
        """Add a change while the window fills."""
        changes = self._changes
        changes.append(change)
        count = len(changes)
        self._total = sum(changes)
        self._scatter = count * sum(c * c for c in changes) - self._total**2
        if count < SPREAD_CHANGES_MIN:
            self.spread = sum(map(abs, changes)) / (FIXED_POINT * count)
        else:
            self.spread = sqrt(self._scatter) / (FIXED_POINT * count)


class Rsi:
    """Relative strength index after Wilder, 0 to 100: 100 x mean gain / (mean gain + mean loss) (B154, B155).

    Without losses it is 100, without gains 0. A market that did not move at all has neither: that is 50.
    """

    __slots__ = ("_changes", "_gain", "_last_close", "_loss", "_others", "_period", "value")

    def __init__(self, period: int) -> None:
        check_window(period)
        self._period = period
        self._others = period - 1
        self._changes = 0
        self._gain = 0.0
        self._loss = 0.0
        self._last_close: float | None = None
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        """Take the next close and return the index, None with fewer than period + 1 closes."""
        if not isfinite(close):
            refuse(close)
        last_close = self._last_close
        self._last_close = close
        if last_close is None:
            return None
        change = close - last_close
        if self.value is None:
            return self._seed(change)
        period = self._period
        if change > 0:
            self._gain = gain = (self._gain * self._others + change) / period
            self._loss = loss = self._loss * self._others / period
        else:
            self._gain = gain = self._gain * self._others / period
            self._loss = loss = (self._loss * self._others - change) / period
        moved = gain + loss
        self.value = value = 100.0 * (gain / moved) if moved > 0 else 50.0
        return value

    def _seed(self, change: float) -> float | None:
        """Add one of the first `period` changes, whose plain means Wilder's smoothing starts from."""
        if change > 0:
            self._gain += change
        else:
            self._loss -= change
        self._changes += 1
        if self._changes < self._period:
            return None
        self._gain /= self._period
        self._loss /= self._period
        moved = self._gain + self._loss
        self.value = 100.0 * (self._gain / moved) if moved > 0 else 50.0
        return self.value


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


SPREAD_UNKNOWN = 0.3
SPREAD_CHANGES_MIN = 5
