"""Exponential means, MACD and the swing range, computed by hand and over whole lists."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import Ema, Macd, Swing, calculate_ema, calculate_macd
from tests.fixtures import naive_indicators as naive

pytestmark = pytest.mark.component("signal_manager")

PRICES = st.floats(min_value=0.01, max_value=1e6)


def test_an_exponential_mean_starts_from_the_plain_mean_of_its_first_window() -> None:
    """Closes 1, 2, 6, then 5, weight 2 / 4: mean 3, then (5 - 3) / 2 + 3 = 4."""
    ema = Ema(3)
    assert [ema.update(close) for close in (1.0, 2.0, 6.0, 5.0)] == [None, None, 3.0, 4.0]
    assert ema.value == 4.0
    assert calculate_ema([1.0, 2.0, 6.0, 5.0], 3) == 4.0
    assert calculate_ema([1.0, 2.0], 3) is None


@given(st.lists(PRICES, max_size=40), st.integers(1, 9))
@settings(deadline=None, max_examples=50)
def test_a_streamed_mean_is_that_of_the_whole_list(closes: list[float], period: int) -> None:
    means = naive.ema([Fraction(close) for close in closes], period)
    assert calculate_ema(closes, period) == naive.near(float(means[-1]) if means else None)


def test_a_hand_computed_macd() -> None:
    """Windows 1, 2, 2. Slow mean of 10, 10, 10 is 10, so macd is 0 twice and its signal starts at 0. Then 13: the slow
    mean is 10 + 3 x 2/3 = 12, macd 1, signal 2/3. Then 13: slow 12 2/3, macd 1/3, signal 2/3 - 1/3 x 2/3 = 4/9."""
    macd = Macd(1, 2, 2)
    histograms = [macd.update(close) for close in (10.0, 10.0, 10.0, 13.0)]
    assert histograms == [None, None, 0.0, pytest.approx(1 / 3)]
    assert (macd.macd, macd.signal) == pytest.approx((1, 2 / 3))
    assert macd.update(13.0) == pytest.approx(1 / 3 - 4 / 9)
    assert (macd.macd, macd.signal, macd.value) == pytest.approx((1 / 3, 4 / 9, -1 / 9))


def test_the_fast_mean_starts_with_the_slow_one() -> None:
    """Windows 1, 3, 1: with the third close the fast mean is that close alone, 6, and the slow one 3."""
    assert calculate_macd([1.0, 2.0, 6.0], 1, 3, 1) == (3.0, 3.0, 0.0)
    assert calculate_macd([9.0, 1.0, 2.0, 6.0], 2, 4, 1) == (4.0 - 4.5, -0.5, 0.0)


def test_all_of_macd_is_unknown_until_its_signal_is_known() -> None:
    """R33: 26 + 9 - 1 closes."""
    macd = Macd()
    for number in range(33):
        assert macd.update(100.0 + number) is None
        assert (macd.macd, macd.signal, macd.value) == (None, None, None)
    assert macd.update(134.0) is not None
    assert None not in (macd.macd, macd.signal, macd.value)
    assert calculate_macd([100.0] * 33) is None
    assert calculate_macd([100.0] * 34) == (0.0, 0.0, 0.0)


@given(st.lists(PRICES, max_size=40), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_a_streamed_macd_is_that_of_the_whole_list(closes: list[float], fast: int, more: int, signal: int) -> None:
    expected = naive.macd(closes, fast, fast + more, signal)
    streamed = calculate_macd(closes, fast, fast + more, signal)
    if expected is None:
        assert streamed is None
    else:
        # A difference of means is as exact as the means are.
        assert streamed == pytest.approx(expected, rel=1e-9, abs=1e-12 * max(closes))


@pytest.mark.parametrize(("fast", "slow"), [(26, 12), (12, 12)])
def test_the_fast_window_is_the_shorter_one(fast: int, slow: int) -> None:
    with pytest.raises(ValueError, match="shorter"):
        Macd(fast, slow)


def test_a_swing_compares_with_the_closes_before() -> None:
    """R70: the newest close is no part of its own range, else nothing could ever leave it."""
    swing = Swing(3)
    seen = [(swing.update(close), swing.highest, swing.lowest) for close in (2.0, 1.0, 3.0, 4.0, 2.0, 2.5, 0.5, 4.0)]
    assert seen == [
        (None, None, None),
        (None, None, None),
        (None, None, None),
        (1.0, 3.0, 1.0),
        (0.0, 4.0, 1.0),
        (0.0, 4.0, 2.0),
        (-1.5, 4.0, 2.0),
        (1.5, 2.5, 0.5),
    ]


def test_a_swing_looks_at_twenty_closes_unless_said_otherwise() -> None:
    swing = Swing()
    assert [swing.update(100.0 + number) for number in range(21)] == [None] * 20 + [1.0]
    assert (swing.highest, swing.lowest) == (119.0, 100.0)
    swing.update(121.0)
    assert (swing.highest, swing.lowest) == (120.0, 101.0)


def test_a_close_equal_to_the_highest_does_not_leave_the_range() -> None:
    """B158."""
    swing = Swing(2)
    assert [swing.update(close) for close in (5.0, 7.0, 7.0, 5.0, 5.0, 5.0)] == [None, None, 0.0, -2.0, 0.0, 0.0]
    assert swing.value == 0.0


@given(st.lists(st.integers(1, 6).map(float), max_size=50), st.integers(1, 7))
@settings(deadline=None, max_examples=80)
def test_a_streamed_swing_is_that_of_the_whole_list(closes: list[float], window: int) -> None:
    """Few different closes, so that equal extremes enter and leave the window."""
    swing = Swing(window)
    for count, close in enumerate(closes, 1):
        swing.update(close)
        expected = naive.swing(closes[:count], window)
        assert (swing.lowest, swing.highest) == (expected or (None, None))
        if expected is not None:
            assert swing.value == (max(close - expected[1], 0) or min(close - expected[0], 0))
