"""Streaming indicators against the guide's figures and against textbook sums written without state."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import Atr, Roc, Rsi, calculate_atr, calculate_roc, calculate_rsi

Candles = list[tuple[float, float, float]]


def wilder(terms: Sequence[Fraction], period: int) -> Fraction | None:
    """Wilder's mean written out as a weighted sum, in rational numbers."""
    if len(terms) < period:
        return None
    keep = Fraction(period - 1, period)
    later = terms[period:]
    seed = sum(terms[:period], Fraction(0)) / period * keep ** len(later)
    return seed + sum((term / period * keep**age for age, term in enumerate(reversed(later))), Fraction(0))


def naive_rsi(closes: Sequence[float], period: int) -> float | None:
    changes = [Fraction(after_) - Fraction(before) for before, after_ in pairwise(closes)]
    gain = wilder([change if change > 0 else Fraction(0) for change in changes], period)
    loss = wilder([-change if change < 0 else Fraction(0) for change in changes], period)
    if gain is None or loss is None:
        return None
    if gain + loss == 0:
        return 50.0
    # The textbook's form, 100 - 100 / (1 + RS), where RS exists.
    return 100.0 if loss == 0 else float(100 - 100 / (1 + gain / loss))


def naive_atr(candles: Candles, period: int) -> float | None:
    ranges = []
    for (_, _, last_close), (high, low, _) in pairwise(candles):
        top = max(Fraction(high), Fraction(last_close))
        ranges.append(top - min(Fraction(low), Fraction(last_close)))
    mean = wilder(ranges, period)
    return None if mean is None else float(mean)


def naive_roc(closes: Sequence[float], period: int) -> list[float]:
    return [float((Fraction(b) / Fraction(a) - 1) * 100) for a, b in zip(closes, closes[period:], strict=False)]


def random_candles(count: int, seed: int) -> Candles:
    chance = Random(seed)
    candles = []
    close = 100.0
    for _ in range(count):
        opened = close
        close = opened * math.exp(chance.gauss(0, 0.01))
        high = max(opened, close) * (1 + chance.random() * 0.005)
        candles.append((high, min(opened, close) * (1 - chance.random() * 0.005), close))
    return candles


def test_the_guides_rate_of_change() -> None:
    """B148."""
    assert calculate_roc([100, 105, 110, 115, 120], 1) == pytest.approx([5, 4.761904762, 4.545454545, 4.347826087])


def test_a_rate_of_change_needs_one_price_more_than_its_period() -> None:
    """B149."""
    assert calculate_roc([100], 14) is None
    assert calculate_roc([100.0] * 14, 14) is None
    assert calculate_roc([100.0] * 15, 14) == [0.0]
    assert calculate_roc([], 1) is None


@pytest.mark.parametrize("prices", [[100, 0, 110], [0, 100], [100, 0], [0]])
def test_a_price_of_zero_has_no_rate_of_change(prices: list[float]) -> None:
    """B150."""
    with pytest.raises(ValueError, match=r"^Zero price detected$"):
        calculate_roc(prices, 1)


@pytest.mark.parametrize(
    ("highs", "lows", "closes", "expected"),
    [
        ([110, 115, 112], [100, 105, 108], [105, 110, 111], 7.0),
        ([100, 150, 145], [90, 140, 135], [95, 145, 140], 32.5),
    ],
    ids=["B151", "B152"],
)
def test_the_guides_true_ranges(highs: list[float], lows: list[float], closes: list[float], expected: float) -> None:
    assert calculate_atr(highs, lows, closes, 2) == expected


def test_a_gap_down_counts_into_the_true_range() -> None:
    """From 100 to a candle of 80 to 82: the range is 100 - 80, not 2."""
    assert calculate_atr([100, 82], [100, 80], [100, 81], 1) == 20


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


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([100 * 1.01**n for n in range(30)], 100.0),
        ([100.0] * 15, 50.0),
        ([100.0 - n for n in range(15)], 0.0),
        ([100.0 + n for n in range(14)], None),
        ([100.0, 101.0] * 7 + [100.0], 50.0),
    ],
    ids=["B154 rising", "B155 flat", "B155 falling", "B155 too few", "as much up as down"],
)
def test_the_relative_strength_of_simple_markets(closes: list[float], expected: float | None) -> None:
    """B154, B155, R71."""
    assert calculate_rsi(closes, 14) == expected


def test_a_flat_market_after_a_rise_keeps_its_strength() -> None:
    """Wilder's means fade but their ratio stays: with no loss ever the index is 100, not a neutral 50."""
    assert calculate_rsi([100.0, 101.0, 102.0] + [102.0] * 200, 2) == 100.0


def test_a_hand_computed_relative_strength() -> None:
    """Closes 10, 12, 11, 14, period 2: gains (2+0)/2 = 1, then (1+3)/2 = 2; losses 1/2, then 1/4; 100 x 2 / 2.25."""
    rsi = Rsi(2)
    assert [rsi.update(close) for close in (10, 12, 11, 14)] == pytest.approx([None, None, 200 / 3, 800 / 9])


@pytest.mark.parametrize(("seed", "period"), [(1, 14), (2, 5), (3, 1), (4, 40)])
def test_streaming_agrees_with_the_textbook_on_random_candles(seed: int, period: int) -> None:
    """B156, against rational arithmetic instead of another float program."""
    candles = random_candles(120, seed)
    closes = [close for _, _, close in candles]
    rsi, atr, roc = Rsi(period), Atr(period), Roc(period)
    for count, (high, low, close) in enumerate(candles, 1):
        rsi.update(close)
        atr.update(high, low, close)
        roc.update(close)
        if count in (period, period + 1, period + 2, 120):
            assert rsi.value == _close_to(naive_rsi(closes[:count], period))
            assert atr.value == _close_to(naive_atr(candles[:count], period))
            assert roc.value == _close_to(last_of(naive_roc(closes[:count], period)))
    assert calculate_roc(closes, period) == pytest.approx(naive_roc(closes, period), rel=1e-9)
    assert calculate_rsi(closes, period) == rsi.value
    highs, lows = [high for high, _, _ in candles], [low for _, low, _ in candles]
    assert calculate_atr(highs, lows, closes, period) == atr.value


def last_of(rates: list[float]) -> float | None:
    return rates[-1] if rates else None


def _close_to(expected: float | None) -> object:
    return None if expected is None else pytest.approx(expected, rel=1e-9)


def test_a_thousand_candles_agree_with_a_plain_recurrence() -> None:
    """B156: the recurrence as TA-Lib documents it, on plain lists."""
    candles = random_candles(1000, 7)
    closes = [close for _, _, close in candles]
    changes = [after_ - before for before, after_ in pairwise(closes)]
    gain = sum(max(change, 0) for change in changes[:14]) / 14
    loss = sum(max(-change, 0) for change in changes[:14]) / 14
    for change in changes[14:]:
        gain = (gain * 13 + max(change, 0)) / 14
        loss = (loss * 13 + max(-change, 0)) / 14
    assert calculate_rsi(closes, 14) == pytest.approx(100 - 100 / (1 + gain / loss), rel=1e-9)


@pytest.mark.parametrize("make", [Roc, Rsi, Atr])
@pytest.mark.parametrize("period", [0, -3])
def test_a_period_is_at_least_one(make: Callable[[int], object], period: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make(period)


@pytest.mark.parametrize("price", [math.nan, math.inf])
def test_a_price_that_is_no_number_is_refused_before_it_poisons_the_mean(price: float) -> None:
    for update in (Roc(1).update, Rsi(1).update, lambda close: Atr(1).update(close, 1, 1)):
        with pytest.raises(ValueError, match="finite"):
            update(price)


@given(st.lists(st.floats(min_value=0.01, max_value=1e6), min_size=3, max_size=40), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_relative_strength_stays_between_its_bounds(closes: list[float], period: int) -> None:
    rsi = calculate_rsi(closes, period)
    assert rsi is None or 0 <= rsi <= 100
