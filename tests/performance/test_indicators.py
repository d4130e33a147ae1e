"""What the indicators cost a candle, against the least that six calls could cost and against another streaming library;
and that a million candles leave no error behind."""

import math
from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest
from talipp.indicators import ATR, BB, MACD, ROC, RSI, DonchianChannels
from talipp.ohlcv import OHLCV

from bottrader.domain.indicators import (
    Atr,
    Bollinger,
    IndicatorParameters,
    IndicatorSet,
    Macd,
    Roc,
    RollingMedian,
    Rsi,
    Swing,
    calculate_bollinger,
)
from tests.fixtures.candle_files import lively_rows
from tests.fixtures.naive_indicators import mean_and_deviation
from tests.performance.measuring import cpu_s, tell

CANDLES = [tuple(map(float, row[1:])) for row in lively_rows(5_000)]
CLOSES = [close for _, _, _, close, _ in CANDLES]
MILLION = 1_000_000


class _Bare:
    """An indicator that only keeps the price: what remains is the price of the call."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float | None = None

    def update(self, close: float) -> float | None:
        self.value = close
        return close


def _stream_ours() -> None:
    roc, rsi, atr, macd, bands, swing = Roc(14), Rsi(14), Atr(14), Macd(), Bollinger(), Swing()
    for _, high, low, close, _ in CANDLES:
        roc.update(close)
        rsi.update(close)
        atr.update(high, low, close)
        macd.update(close)
        bands.update(close)
        swing.update(close)


def _stream_bare() -> None:
    one, two, three, four, five, six = (_Bare() for _ in range(6))
    for _, _, _, close, _ in CANDLES:
        one.update(close)
        two.update(close)
        three.update(close)
        four.update(close)
        five.update(close)
        six.update(close)


def _stream_talipp(candles: Sequence[OHLCV]) -> None:
    of_closes = (ROC(14), RSI(14), MACD(12, 26, 9), BB(20, 2.0))
    of_candles = (ATR(14), DonchianChannels(20))
    for candle in candles:
        for indicator in of_closes:
            indicator.add(candle.close)
        for indicator in of_candles:
            indicator.add(candle)


def test_six_indicators_cost_a_third_of_another_streaming_library_or_less() -> None:
    """ROC, RSI, ATR, EMA and MACD, Bollinger, Swing. Where the six bare calls take 0.17 us, twelve times are 2.0 us."""
    theirs_given = [OHLCV(*candle) for candle in CANDLES]

    ours, bare = cpu_s(_stream_ours) / len(CANDLES), cpu_s(_stream_bare) / len(CANDLES)
    theirs = cpu_s(lambda: _stream_talipp(theirs_given), runs=2) / len(CANDLES)

    tell(
        "six indicators, one candle:", f"{ours * 1e6:.2f} us, {ours / bare:.1f} times six bare calls", ratio=ours / bare
    )
    tell("the same by talipp:", f"{theirs * 1e6:.2f} us: {theirs / ours:.1f} times ours")
    assert theirs / ours >= 3
    assert ours / bare <= 12


def test_all_fourteen_readings_cost_little_more_than_their_indicators() -> None:
    def read() -> None:
        indicators = IndicatorSet(IndicatorParameters())
        for candle in CANDLES:
            indicators.update(*candle)

    ours, six = cpu_s(read) / len(CANDLES), cpu_s(_stream_ours) / len(CANDLES)
    tell(
        "fourteen readings, one candle:",
        f"{ours * 1e6:.2f} us, {ours / six:.1f} times the six indicators",
        ratio=ours / six,
    )
    assert ours / six <= 6


def test_a_median_of_a_week_costs_about_as_much_as_one_of_some_minutes() -> None:
    """2,000 figures instead of 20: the search takes seven comparisons more, the shift 16 KB at most."""
    chance = Random(3)
    figures = [chance.random() for _ in range(10_000)]

    def take(window: int) -> Callable[[], None]:
        def run() -> None:
            median = RollingMedian(window, 1)
            for figure in figures:
                median.update(figure)

        return run

    short, long = (cpu_s(take(window)) / len(figures) for window in (20, 2_000))
    tell("rolling median of 20 and of 2,000:", f"{short * 1e6:.2f} and {long * 1e6:.2f} us: {long / short:.1f} times")
    assert long / short <= 5


def test_a_million_candles_leave_no_error_in_the_bands() -> None:
    """A hundred times the price falls from 100,000 to 1,000 and returns. The running sums of floats, which are what a
    constant cost usually means, keep the rounding of every sum they ever held."""
    bands, sums = Bollinger(20), _RunningSums(20)
    closes: list[float] = []
    worst = 0.0
    for number, close in enumerate(_falls_and_returns(MILLION)):
        bands.update(close)
        sums.update(close)
        closes.append(close)
        if number % 10_007 == 10_006:
            assert (bands.lower, bands.value, bands.upper) == calculate_bollinger(closes[-20:])
            mean, deviation = mean_and_deviation(closes[-20:])
            assert bands.value == float(mean)
            assert bands.upper is not None
            assert bands.upper - float(mean) == pytest.approx(2 * deviation, abs=4e-16 * float(mean))
            worst = max(worst, abs(sums.deviation - deviation) / deviation)
    tell("error of a deviation, a million candles:", f"none; of running sums of floats up to {worst:.0e} of it")
    assert worst > 1e-9


class _RunningSums:
    """The usual way: add what enters, subtract what leaves, in floats."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._closes: list[float] = []
        self._total = 0.0
        self._squares = 0.0
        self._count = 0

    def update(self, close: float) -> None:
        place = self._count % self._window
        if self._count < self._window:
            self._closes.append(close)
            leaving = 0.0
        else:
            leaving = self._closes[place]
            self._closes[place] = close
        self._count += 1
        self._total += close - leaving
        self._squares += close * close - leaving * leaving

    @property
    def deviation(self) -> float:
        mean = self._total / self._window
        return math.sqrt(max(self._squares / self._window - mean * mean, 0.0))


def _falls_and_returns(count: int) -> Iterator[float]:
    chance = Random(6)
    for number in range(count):
        level = 10 ** (4 + math.cos(number * 100 * 2 * math.pi / count))
        yield round(level * (1 + (chance.random() - 0.5) / 1_000), 2)
