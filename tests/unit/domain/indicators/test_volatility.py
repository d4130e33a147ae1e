"""True ranges and Bollinger bands against hand-made figures and rational arithmetic, and why the bands cannot drift."""

import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import Atr, Bollinger, calculate_atr, calculate_bollinger
from tests.fixtures import naive_indicators as naive

pytestmark = pytest.mark.component("signal_manager")

PRICES = st.floats(min_value=1e-8, max_value=1e6)


@pytest.mark.parametrize(
    ("highs", "lows", "closes", "expected"),
    [
        ([110, 115, 112], [100, 105, 108], [105, 110, 111], 7.0),
        ([100, 150, 145], [90, 140, 135], [95, 145, 140], 32.5),
    ],
    ids=["B151", "B152"],
)
def test_the_guides_true_ranges(highs: list[float], lows: list[float], closes: list[float], expected: float) -> None:
    """B151, B152."""
    assert calculate_atr(highs, lows, closes, 2) == expected


def test_a_gap_counts_into_the_true_range() -> None:
    """From 100 to a candle of 80 to 82 the range is 100 - 80, not 2; from 100 to one of 118 to 120 it is 120 - 100."""
    assert calculate_atr([100, 82], [100, 80], [100, 81], 1) == 20
    assert calculate_atr([100, 120], [100, 118], [100, 119], 1) == 20
    assert calculate_atr([100, 103], [100, 98], [100, 99], 1) == 5


def test_an_average_range_smooths_as_wilder_did() -> None:
    """Ranges 10, 4, then 1: (7 x 1 + 1) / 2 = 4."""
    assert calculate_atr([110, 115, 112, 112], [100, 105, 108, 111], [105, 110, 111, 111], 2) == 4.0


def test_an_average_range_is_unknown_with_as_many_candles_as_its_period() -> None:
    """B153, R33."""
    assert calculate_atr([2.0] * 14, [1.0] * 14, [1.5] * 14, 14) is None
    assert calculate_atr([2.0] * 15, [1.0] * 15, [1.5] * 15, 14) == 1.0


def test_the_three_columns_of_candles_have_one_length() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        calculate_atr([1.0, 2.0], [1.0], [1.0], 1)


@pytest.mark.parametrize(("seed", "period"), [(1, 14), (2, 5), (3, 1), (4, 40)])
def test_average_ranges_agree_with_the_textbook_on_random_candles(seed: int, period: int) -> None:
    """B156, against rational arithmetic instead of another float program."""
    candles = naive.random_candles(120, seed)
    atr = Atr(period)
    for count, (_, high, low, close, _) in enumerate(candles, 1):
        assert atr.update(high, low, close) == atr.value
        if count in (period, period + 1, period + 2, 120):
            assert atr.value == naive.near(naive.atr(candles[:count], period))


def test_hand_computed_bands() -> None:
    """98 and 102 in turn: mean 100, every one 2 off, so the bands are 96 and 104."""
    assert calculate_bollinger([98.0, 102.0] * 10) == (96.0, 100.0, 104.0)
    assert calculate_bollinger([98.0, 102.0], window=2, deviations=0.5) == (99.0, 100.0, 101.0)


def test_bands_are_unknown_with_fewer_closes_than_their_window() -> None:
    """R33."""
    assert calculate_bollinger([98.0, 102.0] * 9 + [98.0]) is None
    bands = Bollinger(2)
    assert (bands.update(1.0), bands.value, bands.lower, bands.upper) == (None, None, None, None)
    assert (bands.update(3.0), bands.value, bands.lower, bands.upper) == (2.0, 2.0, 0.0, 4.0)


@given(st.lists(PRICES, min_size=1, max_size=30), st.integers(1, 8), st.sampled_from([0.5, 1.0, 2.0, 2.5]))
@settings(deadline=None, max_examples=60)
def test_bands_are_those_of_the_last_window(closes: list[float], window: int, deviations: float) -> None:
    bands = Bollinger(window, deviations)
    for count, close in enumerate(closes, 1):
        assert bands.update(close) == bands.value
        expected = naive.bollinger(closes[:count], window, deviations)
        if expected is None:
            assert bands.value is None
        else:
            lower, middle, upper = expected
            assert bands.value == middle
            assert bands.upper == pytest.approx(upper, rel=1e-14)
            assert bands.lower == pytest.approx(lower, abs=1e-14 * upper)


@given(st.lists(PRICES, max_size=60), st.lists(PRICES, min_size=6, max_size=6))
@settings(deadline=None, max_examples=60)
def test_no_earlier_price_leaves_a_trace_in_the_bands(earlier: list[float], window: list[float]) -> None:
    """However many candles came before, the bands are bit for bit those of new ones that saw the last window only, so
    their error never grows: it is that of the two roundings of one candle."""
    bands = Bollinger(len(window))
    for close in (*earlier, *window):
        bands.update(close)
    assert (bands.lower, bands.value, bands.upper) == calculate_bollinger(window, len(window))


def test_bands_of_a_market_that_fell_from_100000_to_a_cent_are_exact() -> None:
    """The squares of the early prices are 1e14 times those of the late ones; a running sum of floats would keep their
    rounding for ever, and a variance below it would be noise."""
    chance = Random(5)
    bands = Bollinger(20)
    for _ in range(2_000):
        bands.update(chance.uniform(90_000, 110_000))
    closes = [0.01 + chance.random() * 1e-4 for _ in range(20)]
    for close in closes:
        bands.update(close)
    mean, deviation = naive.mean_and_deviation(closes)
    assert bands.value == float(mean)
    assert bands.upper is not None
    assert bands.upper - float(mean) == pytest.approx(2 * deviation, rel=1e-12)


def test_a_market_that_stands_still_has_bands_without_width() -> None:
    """After any turmoil, 20 equal closes are their own mean exactly: 0.1 + 0.1 + ... is not 2.0 in floats."""
    bands = Bollinger(20)
    for close in (1e5, 3e-8, *[40_000.1] * 20):
        bands.update(close)
    assert (bands.lower, bands.value, bands.upper) == (40_000.1, 40_000.1, 40_000.1)


def test_a_price_too_small_for_the_fixed_point_loses_less_than_its_last_step() -> None:
    """The fixed point ends at 2**-80; what is below that is cut off, each price by itself."""
    tiny = 3.0e-20
    middle = calculate_bollinger([tiny] * 7, 7)
    assert middle is not None
    assert 0 <= tiny - middle[1] < 2.0**-80


def test_ten_thousand_moves_of_some_cents_leave_the_middle_correctly_rounded() -> None:
    chance = Random(8)
    bands = Bollinger(20)
    cents = [4_000_000 + chance.randint(-200_000, 200_000) for _ in range(20)]
    for cent in cents:
        bands.update(cent / 100)
    for number in range(10_000):
        cents[number % 20] += chance.randint(-50, 50)
        bands.update(cents[number % 20] / 100)
    assert bands.value == float(sum(Fraction(cent / 100) for cent in cents) / 20)


@pytest.mark.parametrize("deviations", [0.0, -1.0, math.nan, math.inf])
def test_bands_are_some_deviations_apart(deviations: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Bollinger(20, deviations)
