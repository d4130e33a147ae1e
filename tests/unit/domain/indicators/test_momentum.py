"""Rate of change and relative strength against the guide's figures and against sums written without state."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import Roc, RocDiff, Rsi, calculate_roc, calculate_rsi
from tests.fixtures import naive_indicators as naive

pytestmark = pytest.mark.component("signal_manager")

PRICES = st.floats(min_value=0.01, max_value=1e6)


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
    ("closes", "expected"),
    [
        ([100 * 1.01**n for n in range(30)], 100.0),
        ([100.0] * 15, 50.0),
        ([100.0 - n for n in range(15)], 0.0),
        ([100.0 + n for n in range(14)], None),
        ([100.0, 101.0] * 7 + [100.0], 50.0),
        ([100.0] * 40, 50.0),
    ],
    ids=["B154 rising", "B155 flat", "B155 falling", "B155 too few", "as much up as down", "flat for long"],
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
    closes = [close for _, _, _, close, _ in naive.random_candles(120, seed)]
    rsi, roc = Rsi(period), Roc(period)
    for count, close in enumerate(closes, 1):
        assert rsi.update(close) == rsi.value
        assert roc.update(close) == roc.value
        assert roc.value == naive.near(naive.roc(closes[:count], period))
        if count in (period, period + 1, period + 2, 120):
            assert rsi.value == naive.near(naive.rsi(closes[:count], period))
    rates = calculate_roc(closes, period)
    assert rates is not None
    assert len(rates) == 120 - period
    assert rates[-1] == roc.value
    assert calculate_rsi(closes, period) == rsi.value


def test_a_thousand_candles_agree_with_a_plain_recurrence() -> None:
    """B156: the recurrence as TA-Lib documents it, on plain lists."""
    closes = [close for _, _, _, close, _ in naive.random_candles(1000, 7)]
    changes = [after - before for before, after in pairwise(closes)]
    gain = sum(max(change, 0) for change in changes[:14]) / 14
    loss = sum(max(-change, 0) for change in changes[:14]) / 14
    for change in changes[14:]:
        gain = (gain * 13 + max(change, 0)) / 14
        loss = (loss * 13 + max(-change, 0)) / 14
    assert calculate_rsi(closes, 14) == pytest.approx(100 - 100 / (1 + gain / loss), rel=1e-9)


@given(st.lists(PRICES, min_size=3, max_size=40), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_relative_strength_stays_between_its_bounds(closes: list[float], period: int) -> None:
    rsi = calculate_rsi(closes, period)
    assert rsi is None or 0 <= rsi <= 100


def test_the_change_of_a_rate_needs_two_rates() -> None:
    changes = RocDiff()
    assert [changes.update(rate) for rate in (None, 1.0, 1.5, 1.25)] == [None, None, 0.5, -0.25]
    assert changes.value == -0.25


def test_the_spread_of_a_rates_changes_grows_out_of_few_of_them() -> None:
    """None: 0.3. Changes 1, -2, 3, -4: means of magnitudes 1, 1.5, 2, 2.5. With a fifth, 2: mean 0, variance 34 / 5."""
    changes = RocDiff()
    spreads = [changes.spread]
    for rate in (0.0, 1.0, -1.0, 2.0, -2.0, 0.0):
        changes.update(rate)
        spreads.append(changes.spread)
    assert spreads == pytest.approx([0.3, 0.3, 1.0, 1.5, 2.0, 2.5, math.sqrt(34 / 5)])


def test_a_rate_that_does_not_exist_yet_is_no_change() -> None:
    """R33: an unknown rate is not taken for 0, so the first known one is not a jump."""
    changes = RocDiff()
    changes.update(None)
    changes.update(12.0)
    assert (changes.value, changes.spread) == (None, 0.3)


@given(st.lists(PRICES, min_size=1, max_size=60), st.integers(1, 3), st.integers(5, 9))
@settings(deadline=None, max_examples=50)
def test_changes_and_their_spread_are_those_of_the_last_window(closes: list[float], period: int, window: int) -> None:
    roc, changes = Roc(period), RocDiff(window)
    for close in closes:
        changes.update(roc.update(close))
    expected = naive.roc_diffs(closes, period)
    assert changes.value == (expected[-1] if expected else None)
    if not expected:
        assert changes.spread == 0.3
    elif len(expected) < 5:
        assert changes.spread == pytest.approx(sum(map(abs, expected)) / len(expected), rel=1e-12)
    else:
        # Equal rates leave no scatter but the 2**-80 that the fixed point resolves.
        assert changes.spread == pytest.approx(naive.mean_and_deviation(expected[-window:])[1], rel=1e-9, abs=1e-20)


def test_changes_scatter_over_the_last_twenty_unless_said_otherwise() -> None:
    closes = [close for _, _, _, close, _ in naive.random_candles(30, 4)]
    roc, changes = Roc(5), RocDiff()
    for close in closes:
        changes.update(roc.update(close))
    expected = naive.roc_diffs(closes, 5)
    assert len(expected) == 24
    assert changes.spread == naive.near(naive.mean_and_deviation(expected[-20:])[1])


def test_changes_scatter_over_at_least_five_of_them() -> None:
    assert RocDiff(5).spread == 0.3
    with pytest.raises(ValueError, match="at least 5"):
        RocDiff(4)
