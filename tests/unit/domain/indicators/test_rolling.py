"""Rolling statistics against the same over a list's end, and what every indicator refuses."""

import math
from collections.abc import Callable
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import (
    Atr,
    Bollinger,
    Ema,
    Macd,
    Roc,
    RocDiff,
    RollingMean,
    RollingMedian,
    RollingSpan,
    Rsi,
    Swing,
)
from tests.fixtures import naive_indicators as naive

FIGURES = st.floats(min_value=1e-8, max_value=1e9) | st.just(0.0)
FEW = st.integers(1, 6).map(float)


@given(st.lists(FIGURES, min_size=1, max_size=50), st.integers(1, 14))
@settings(deadline=None, max_examples=60)
def test_a_rolling_mean_is_the_exact_one_of_the_last_figures(figures: list[float], window: int) -> None:
    mean = RollingMean(window)
    for count, figure in enumerate(figures, 1):
        last = [Fraction(figure) for figure in figures[:count][-window:]]
        assert mean.update(figure) == mean.value == (float(sum(last) / window) if count >= window else None)


@given(st.lists(FEW | FIGURES, min_size=1, max_size=50), st.integers(1, 9), st.integers(0, 8))
@settings(deadline=None, max_examples=80)
def test_a_rolling_median_is_that_of_the_last_figures(figures: list[float], window: int, fewer: int) -> None:
    at_least = max(1, window - fewer)
    rolling = RollingMedian(window, at_least)
    for count, figure in enumerate(figures, 1):
        expected = median(figures[:count][-window:]) if count >= at_least else None
        assert rolling.update(figure) == rolling.value == expected


@given(st.lists(st.tuples(FEW, FEW).map(sorted), min_size=1, max_size=50), st.integers(1, 9))
@settings(deadline=None, max_examples=80)
def test_a_rolling_span_is_that_of_the_last_candles(extremes: list[list[float]], window: int) -> None:
    """Few different prices, so that equal extremes enter and leave the window."""
    span = RollingSpan(window)
    candles: list[naive.Candle] = []
    for low, high in extremes:
        candles.append((low, high, low, high, 0.0))
        assert span.update(high, low) == span.value == naive.span(candles, window)


@pytest.mark.parametrize("make", [Roc, Rsi, Atr, Ema, Bollinger, Swing, RollingMean, RollingSpan])
@pytest.mark.parametrize("window", [0, -3])
def test_a_window_is_at_least_one_candle(make: Callable[[int], object], window: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make(window)


def test_each_window_of_several_is_at_least_one_candle() -> None:
    for windows in ((0, 26, 9), (12, 26, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            Macd(*windows)
    with pytest.raises(ValueError, match="at least 1"):
        RollingMedian(0, 0)
    for at_least in (0, 6):
        with pytest.raises(ValueError, match="known from 1 to 5"):
            RollingMedian(5, at_least)


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_before_it_poisons_the_mean(figure: float) -> None:
    updates: list[Callable[[float], object]] = [
        Roc(1).update,
        RocDiff().update,
        Rsi(1).update,
        Ema(1).update,
        Macd(1, 2, 1).update,
        Bollinger(1).update,
        Swing(1).update,
        RollingMean(1).update,
        RollingMedian(1, 1).update,
        lambda price: Atr(1).update(price, 1, 1),
        lambda price: Atr(1).update(1, price, 1),
        lambda price: Atr(1).update(1, 1, price),
        lambda price: RollingSpan(1).update(price, 1),
        lambda price: RollingSpan(1).update(1, price),
    ]
    for update in updates:
        with pytest.raises(ValueError, match="finite"):
            update(figure)
