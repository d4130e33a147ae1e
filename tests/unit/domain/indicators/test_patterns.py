"""W-bottom and M-top on candles made by hand, each condition broken alone, and against the rule over whole lists."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.indicators import Bollinger, IndicatorParameters, IndicatorSet, Reading, ThreeCandlePatterns
from tests.fixtures import naive_indicators as naive

Three = tuple[naive.Candle, naive.Candle, naive.Candle]

# Closes of 98 and 102 in turn, highs and lows half a dollar off: mean 100, bands 96 and 104, and from the highest high
# to the lowest low of 14 candles 102.5 - 97.5 = 5, which is the median as long as most candles are these.
CALM: list[naive.Candle] = [(close, close + 0.5, close - 0.5, close, 10.0) for close in (98.0, 102.0) * 20]
# A quarter of 5 is 1.25, which floats hold exactly.
QUARTER = IndicatorParameters(pattern_height_min=Decimal("0.25"))


def three(low_a: float = 90, low_b: float = 92, low_c: float = 94, close_c: float = 103, volume_c: float = 20) -> Three:
    """Return candles a, b and c of a W-bottom, or of what a change of one figure makes of it."""
    return (98, 99, low_a, 98, 10), (98, 102.5, low_b, 100, 10), (100, 104, low_c, close_c, volume_c)


def mirrored(candles: list[naive.Candle]) -> list[naive.Candle]:
    """Return the candles upside down around 100, with the same volumes."""
    return [(200 - opened, 200 - low, 200 - high, 200 - close, volume) for opened, high, low, close, volume in candles]


def read(candles: list[naive.Candle]) -> tuple[Reading, Reading]:
    indicators = IndicatorSet(QUARTER)
    for candle in candles:
        readings = indicators.update(*candle)
    return readings.buy[2], readings.sell[2]


BROKEN = {
    "a stays above its lower band": three(low_a=96.5, low_b=97.75, low_c=98),
    "a only reaches its lower band": three(low_a=96, low_b=97.25, low_c=98),
    "b goes as low as a": three(low_b=90),
    "b goes lower than a": three(low_b=88),
    "c goes as low as b": three(low_c=92),
    "c goes lower than b": three(low_c=91),
    "c closes on its middle band": three(close_c=100),
    "c closes below its middle band": three(close_c=99),
    "c has the mean volume": three(volume_c=10),
    "c has less than the mean volume": three(volume_c=9),
    "b rises less than a quarter of the usual range": three(low_b=91.2),
}


def test_a_w_bottom_fires() -> None:
    """B157, R70: Buy W-Bottom, judged with the newest candle as the third."""
    bottom, top = read([*CALM, *three()])
    assert bottom == ("Buy W-Bottom", True, 2.0, 1.25)
    assert top.decision is False


def test_an_m_top_fires() -> None:
    """B157, R70: Sell M-Top is the mirror."""
    bottom, top = read(mirrored([*CALM, *three()]))
    assert top == ("Sell M-Top", True, 2.0, 1.25)
    assert bottom.decision is False


@pytest.mark.parametrize("candles", BROKEN.values(), ids=BROKEN)
def test_neither_pattern_survives_one_broken_condition(candles: Three) -> None:
    """B157, R70."""
    for market in ([*CALM, *candles], mirrored([*CALM, *candles])):
        bottom, top = read(market)
        assert bottom.decision is False
        assert top.decision is False


def test_bounds_that_may_be_reached() -> None:
    """A rise of exactly 1.25 is enough."""
    assert read([*CALM, *three(low_b=91.25)])[0].decision is True
    assert read(mirrored([*CALM, *three(low_b=91.25)]))[1].decision is True


def test_a_close_a_little_over_the_middle_is_over_it() -> None:
    """The middle of 18 calm closes (a's among them), b's 100 and c's is (1800 + 100 + c) / 20: 100 for c = 100."""
    assert read([*CALM, *three(close_c=100.25)])[0].decision is True
    assert read(mirrored([*CALM, *three(close_c=100.25)]))[1].decision is True


def test_a_double_low_of_one_height_is_none_even_if_the_market_stood_still_before() -> None:
    """The usual range is 0 then, and no rise at all would reach it."""
    still: list[naive.Candle] = [(100, 100, 100, 100, 10)] * 40
    for candles, decision in ((three(low_b=90), False), (three(low_b=90.5), True)):
        bottom, _ = read([*still, *candles])
        assert (bottom.decision, bottom.threshold) == (decision, 0.0)
        _, top = read(mirrored([*still, *candles]))
        assert (top.decision, top.threshold) == (decision, 0.0)


def test_a_pattern_is_over_with_the_next_candle() -> None:
    assert read([*CALM, *three(), CALM[0]])[0].decision is False


def test_the_usual_range_is_a_median_that_one_wild_candle_does_not_move() -> None:
    wild: naive.Candle = (100, 150, 50, 100, 10)
    assert read([*CALM, wild, *CALM, *three()])[0].threshold == 1.25


def test_the_usual_range_is_that_of_the_last_window() -> None:
    """A candle from 90 to 110 makes each range 20. Of the last 20 ranges 9, 10 and 11 are such: a quarter of 5, of the
    mean of 5 and 20, of 20."""
    wide: naive.Candle = (100, 110, 90, 100, 10)
    patterns, bands = ThreeCandlePatterns(14, 20, 0.25), Bollinger()
    heights = []
    for _, high, low, close, volume in (*CALM, *[wide] * 11):
        bands.update(close)
        patterns.update(high, low, close, volume, bands)
        heights.append(patterns.height)
    assert heights[-3:] == [1.25, 3.125, 5.0]


def test_patterns_take_the_decided_windows_unless_said_otherwise() -> None:
    """Fourteen candles, 720 ranges, 0.065: after 361 of 720 ranges are 20, so is their median."""
    wide: naive.Candle = (100, 110, 90, 100, 10)
    patterns, bands = ThreeCandlePatterns(), Bollinger()
    heights = []
    for _, high, low, close, volume in (*CALM * 19, *[wide] * 361):
        bands.update(close)
        patterns.update(high, low, close, volume, bands)
        heights.append(patterns.height)
    assert heights[25:27] == [None, 0.065 * 5]
    assert heights[-3:] == [0.065 * 5, 0.065 * 12.5, 0.065 * 20]


def test_patterns_are_unknown_without_a_usual_range() -> None:
    """R33: 14 ranges of 14 candles each need 27 candles; the bands of the third last candle need 22."""
    assert read(CALM[:26]) == (("Buy W-Bottom", None, None, None), ("Sell M-Top", None, None, None))
    assert read(CALM[:27])[0].decision is False
    short = IndicatorParameters(pattern_window=2, pattern_median_window=4)
    indicators = IndicatorSet(short)
    known = [indicators.update(*candle).buy[2].decision is not None for candle in CALM[:23]]
    assert known.index(True) == 21


WALKS = st.lists(
    st.tuples(st.integers(-6, 6), st.integers(0, 4), st.integers(0, 4), st.integers(1, 9)), min_size=1, max_size=40
)


@given(WALKS, st.integers(1, 3), st.integers(3, 9), st.integers(2, 5))
@settings(deadline=None, max_examples=60)
def test_patterns_are_those_of_the_whole_list(
    moves: list[tuple[int, int, int, int]], window: int, median_window: int, bb_window: int
) -> None:
    """Whole prices, so that equal lows and reached bounds are common; narrow bands, so that they are left often."""
    patterns, bands = ThreeCandlePatterns(window, median_window, 0.25), Bollinger(bb_window, 0.5)
    candles: list[naive.Candle] = []
    close = 1000.0
    for move, over, under, volume in moves:
        opened, close = close, close + move
        high, low = max(opened, close) + over, min(opened, close) - under
        candles.append((opened, high, low, close, float(volume)))
        bands.update(close)
        patterns.update(high, low, close, float(volume), bands)
    expected = naive.patterns(candles, window, median_window, 0.25, (bb_window, 0.5))
    assert (patterns.bottom, patterns.top) == (expected or (None, None))
