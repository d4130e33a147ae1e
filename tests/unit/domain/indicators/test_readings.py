"""The fourteen decisions of the score matrix: each fires on a series made for it, is silent on its negation, and says
nothing before it knows."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.indicators import IndicatorParameters, IndicatorSet, Reading, Readings
from tests.fixtures import naive_indicators as naive

pytestmark = pytest.mark.component("signal_manager")

DEFAULTS = IndicatorParameters()
# Windows that a hand can compute with; see the figures in test_trend.py.
SHORT_MACD = IndicatorParameters(macd_fast=1, macd_slow=2, macd_signal=2, swing_window=2)
# The bands are the two closes themselves: mean and one deviation, which is half of their distance.
TWO_CLOSES = IndicatorParameters(bb_window=2, bb_std=Decimal(1))
# Four changes of one dollar: each is a quarter of the index.
FOUR_CHANGES = IndicatorParameters(rsi_window=4)
# The bands of 75 and 105 in turn are 60 and 120: half and double.
HALF = IndicatorParameters(buy_ratio=Decimal(2), sell_ratio=Decimal("0.5"))
NEAR_HALF = IndicatorParameters(buy_ratio=Decimal("1.99"), sell_ratio=Decimal("0.51"))

NAMES_BUY = ("Buy Ratio", "Buy Touch", "Buy W-Bottom", "Buy RSI", "Buy ROC", "Buy MACD", "Buy Swing")
NAMES_SELL = ("Sell Ratio", "Sell Touch", "Sell M-Top", "Sell RSI", "Sell ROC", "Sell MACD", "Sell Swing")


def after(closes: Sequence[float], parameters: IndicatorParameters = DEFAULTS) -> Readings:
    """Return what a product's indicators say after candles that open where the last one closed, without wicks."""
    indicators = IndicatorSet(parameters)
    opened = closes[0]
    for close in closes:
        readings = indicators.update(opened, max(opened, close), min(opened, close), close, 1.0)
        opened = close
    return readings


def reading(name: str, closes: Sequence[float], parameters: IndicatorParameters = DEFAULTS) -> Reading:
    readings = after(closes, parameters)
    [found] = [reading for reading in (*readings.buy, *readings.sell) if reading.name == name]
    return found


def upside_down(closes: Sequence[float], around: float) -> list[float]:
    return [2 * around - close for close in closes]


FLAT = [100.0] * 40
SHALLOW = [99.0, 101.0] * 10  # bands 98 and 102
DEEP = [98.0, 102.0] * 10  # bands 96 and 104
TURN = [10.0, 10.0, 10.0, 13.0]  # macd 1, signal 2/3, after 0 and 0


@pytest.mark.parametrize(
    ("name", "closes", "parameters", "value", "threshold"),
    [
        ("Buy Ratio", DEEP, DEFAULTS, 104 / 96, 1.05),
        ("Buy Ratio", [75.0, 105.0] * 10, NEAR_HALF, 2.0, 1.99),
        ("Sell Ratio", DEEP, DEFAULTS, 96 / 104, 0.95),
        ("Sell Ratio", [75.0, 105.0] * 10, NEAR_HALF, 0.5, 0.51),
        # Mean 99, variance (19 x 1 + 19 x 19) / 20 = 19.
        ("Buy Touch", [100.0] * 19 + [80.0], DEFAULTS, 80, 99 - 2 * math.sqrt(19)),
        ("Buy Touch", [110.0, 90.0], TWO_CLOSES, 90, 90),
        ("Sell Touch", [100.0] * 19 + [120.0], DEFAULTS, 120, 101 + 2 * math.sqrt(19)),
        ("Sell Touch", [90.0, 110.0], TWO_CLOSES, 110, 110),
        ("Buy RSI", [100.0 - n for n in range(15)], DEFAULTS, 0, 25),
        ("Sell RSI", [100.0 + n for n in range(15)], DEFAULTS, 100, 75),
        ("Buy ROC", [100.0] * 5 + [105.5], DEFAULTS, 5.5, 5),
        ("Sell ROC", [100.0] * 5 + [97.5], DEFAULTS, -2.5, -2),
        ("Buy MACD", TURN, SHORT_MACD, 1, 2 / 3),
        ("Sell MACD", upside_down(TURN, 10), SHORT_MACD, -1, -2 / 3),
        ("Buy Swing", [*FLAT, 101.0], replace(DEFAULTS, macd_fast=1), 101, 100),
        ("Sell Swing", [*FLAT, 99.0], replace(DEFAULTS, macd_fast=1), 99, 100),
        ("Buy Swing", TURN, SHORT_MACD, 13, 10),
        ("Sell Swing", upside_down(TURN, 10), SHORT_MACD, 7, 10),
    ],
)
def test_each_indicator_fires_on_a_series_made_for_it(
    name: str, closes: list[float], parameters: IndicatorParameters, value: float, threshold: float
) -> None:
    """B157, R70: twelve here; W-bottom and M-top need wicks and volumes, see test_patterns.py."""
    found = reading(name, closes, parameters)
    assert found.decision is True
    assert (found.value, found.threshold) == pytest.approx((value, threshold))


@pytest.mark.parametrize(
    ("name", "closes", "parameters"),
    [
        ("Buy Ratio", SHALLOW, DEFAULTS),
        ("Buy Ratio", [75.0, 105.0] * 10, HALF),
        ("Sell Ratio", SHALLOW, DEFAULTS),
        ("Sell Ratio", [75.0, 105.0] * 10, HALF),
        ("Buy Touch", [100.0] * 19 + [120.0], DEFAULTS),
        ("Buy Touch", DEEP, DEFAULTS),
        ("Sell Touch", [100.0] * 19 + [80.0], DEFAULTS),
        ("Sell Touch", DEEP, DEFAULTS),
        ("Buy RSI", [100.0 + n for n in range(15)], DEFAULTS),
        ("Buy RSI", [100.0, 101.0, 100.0, 99.0, 98.0], FOUR_CHANGES),
        ("Sell RSI", [100.0 - n for n in range(15)], DEFAULTS),
        ("Sell RSI", [100.0, 99.0, 100.0, 101.0, 102.0], FOUR_CHANGES),
        ("Buy ROC", [100.0] * 5 + [94.5], DEFAULTS),
        ("Buy ROC", [100.0] * 5 + [105.0], DEFAULTS),
        ("Sell ROC", [100.0] * 5 + [102.5], DEFAULTS),
        ("Sell ROC", [100.0] * 5 + [98.0], DEFAULTS),
        ("Buy MACD", upside_down(TURN, 10), SHORT_MACD),
        ("Buy MACD", [10.0] * 5, SHORT_MACD),
        ("Buy MACD", [*TURN, 16.0], SHORT_MACD),
        ("Buy MACD", upside_down([*TURN, 13.0], 10), SHORT_MACD),
        ("Sell MACD", TURN, SHORT_MACD),
        ("Sell MACD", [10.0] * 5, SHORT_MACD),
        ("Sell MACD", upside_down([*TURN, 16.0], 10), SHORT_MACD),
        ("Sell MACD", [*TURN, 13.0], SHORT_MACD),
        ("Buy Swing", [*FLAT, 101.0, 101.0], DEFAULTS),
        ("Buy Swing", [*FLAT, 99.0], DEFAULTS),
        ("Buy Swing", [*TURN, 13.125], SHORT_MACD),
        ("Sell Swing", [*FLAT, 99.0, 99.0], DEFAULTS),
        ("Sell Swing", [*FLAT, 101.0], DEFAULTS),
        ("Sell Swing", upside_down([*TURN, 13.125], 10), SHORT_MACD),
    ],
    ids=str,
)
def test_each_indicator_is_silent_on_the_negation(
    name: str, closes: list[float], parameters: IndicatorParameters
) -> None:
    """B157, R70: the opposite market, a threshold that is only reached, a cross on the wrong side of zero or one that
    was a candle ago, a new high without momentum."""
    assert reading(name, closes, parameters).decision is False


def test_a_new_high_fires_and_an_equal_one_does_not() -> None:
    """B158: above the highest of the 20 closes before, and MACD above its signal; the 105 left the window."""
    rise = [105.0, *FLAT]
    new_high, equal_high = after([*rise, 101.0]), after([*rise, 101.0, 101.0])
    assert new_high.buy[6] == ("Buy Swing", True, 101.0, 100.0)
    assert equal_high.buy[6] == ("Buy Swing", False, 101.0, 101.0)
    assert new_high.macd_histogram is not None
    assert equal_high.macd_histogram is not None
    assert min(new_high.macd_histogram, equal_high.macd_histogram) > 0
    assert after([95.0, *FLAT, 99.0]).sell[6] == ("Sell Swing", True, 99.0, 100.0)


@pytest.mark.parametrize("closes", [TURN, upside_down(TURN, 10)], ids=["new high", "new low"])
def test_a_macd_that_equals_its_signal_has_crossed_nothing_and_confirms_nothing(closes: list[float]) -> None:
    """A signal of one candle is the line itself, here 1 or -1."""
    readings = after(closes, replace(SHORT_MACD, macd_signal=1))
    for macd, swing in (readings.buy[5:], readings.sell[5:]):
        assert macd.value == macd.threshold == pytest.approx(math.copysign(1, closes[-1] - 10))
        assert (macd.decision, swing.decision) == (False, False)


def test_a_market_that_stands_still_is_neither_strong_nor_trending() -> None:
    """B155: its bands are the price itself, so both are touched."""
    still = after(FLAT)
    assert [reading.decision for reading in still.buy] == [False, True, False, False, False, False, False]
    assert [reading.decision for reading in still.sell] == [False, True, False, False, False, False, False]
    assert (still.rsi, still.roc, still.atr, still.macd_histogram) == (50.0, 0.0, 0.0, 0.0)
    assert (still.lower_band, still.upper_band) == (100.0, 100.0)


def test_a_lower_band_that_is_not_positive_has_no_ratio() -> None:
    """R70: 10 and 190 in turn: mean 100, deviation 90, bands -80 and 280; 50 and 150: bands 0 and 200."""
    for closes in ([10.0, 190.0] * 10, [50.0, 150.0] * 10):
        readings = after(closes)
        assert readings.buy[0] == ("Buy Ratio", None, None, None)
        assert readings.sell[0] == ("Sell Ratio", None, None, None)
        assert (readings.buy[1].decision, readings.sell[1].decision) == (False, False)


def test_readings_stand_in_the_same_order_whether_they_are_known_or_not() -> None:
    indicators = IndicatorSet(DEFAULTS)
    for candle in naive.random_candles(40, 1):
        readings = indicators.update(*candle)
        assert tuple(reading.name for reading in readings.buy) == NAMES_BUY
        assert tuple(reading.name for reading in readings.sell) == NAMES_SELL


def test_an_unknown_indicator_says_nothing_until_it_has_its_candles() -> None:
    """R33, R71: the number of the first candle after which each speaks; before, all of it is None."""
    indicators = IndicatorSet(DEFAULTS)
    first: dict[str, int] = {}
    for number, candle in enumerate(naive.random_candles(40, 1), 1):
        readings = indicators.update(*candle)
        figures = dict(zip(Readings._fields[2:], readings[2:], strict=True))
        for name, figure in figures.items():
            if figure is not None:
                first.setdefault(name, number)
        for reading in (*readings.buy, *readings.sell):
            if reading.decision is not None:
                first.setdefault(reading.name, number)
            assert (reading.decision is None) is (reading.value is None) is (reading.threshold is None)
    both = {"Ratio": 20, "Touch": 20, "RSI": 15, "ROC": 6, "MACD": 35, "Swing": 34}
    assert first == {
        **{f"{side} {name}": number for side in ("Buy", "Sell") for name, number in both.items()},
        "Buy W-Bottom": 27,
        "Sell M-Top": 27,
        "roc": 6,
        "roc_diff": 7,
        "roc_diff_spread": 1,
        "rsi": 15,
        "atr": 15,
        "macd_histogram": 34,
        "upper_band": 20,
        "lower_band": 20,
    }


def test_a_swing_is_unknown_until_its_own_window_is_full() -> None:
    """The MACD of short windows speaks first."""
    parameters = replace(SHORT_MACD, swing_window=5)
    readings = after([10.0] * 5, parameters)
    assert readings.buy[5].decision is False
    assert readings.buy[6] == ("Buy Swing", None, None, None)
    assert readings.sell[6] == ("Sell Swing", None, None, None)
    assert after([10.0] * 6, parameters).buy[6].decision is False


def test_each_indicator_fires_sometimes_and_is_silent_mostly_on_a_wild_market() -> None:
    """R70: five of them never fired in 12,000 candles once. The bands of this market are always far apart."""
    indicators = IndicatorSet(DEFAULTS)
    fired = dict.fromkeys((*NAMES_BUY, *NAMES_SELL), 0)
    candles = naive.random_candles(4_000, 11, sigma=0.02)
    for candle in candles:
        readings = indicators.update(*candle)
        for reading in (*readings.buy, *readings.sell):
            fired[reading.name] += reading.decision is True
    assert min(fired.values()) > 0
    assert all(count < 2_000 for name, count in fired.items() if "Ratio" not in name)


def test_the_figures_beside_the_decisions_are_the_indicators_own() -> None:
    candles = naive.random_candles(60, 9)
    indicators = IndicatorSet(DEFAULTS)
    for candle in candles:
        readings = indicators.update(*candle)
    closes = [close for _, _, _, close, _ in candles]
    bands = naive.bollinger(closes, 20, 2.0)
    macd = naive.macd(closes, 12, 26, 9)
    changes = naive.roc_diffs(closes, 5)
    assert bands is not None
    assert macd is not None
    assert readings.roc == naive.near(naive.roc(closes, 5))
    assert readings.roc_diff == changes[-1]
    assert readings.roc_diff_spread == naive.near(naive.mean_and_deviation(changes[-20:])[1])
    assert readings.rsi == naive.near(naive.rsi(closes, 14))
    assert readings.atr == naive.near(naive.atr(candles, 14))
    assert readings.macd_histogram == naive.near(macd[2])
    assert (readings.lower_band, readings.upper_band) == pytest.approx((bands[0], bands[2]))


GOOD = {"open_": 100.0, "high": 101.0, "low": 99.0, "close": 100.5, "volume": 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 0.0},
        {"low": -1.0},
        {"low": 100.25},
        {"low": 100.75},
        {"high": 100.25},
        {"high": 99.5},
        {"open_": 101.5},
        {"close": 98.5},
        {"volume": -1.0},
        *({name: bad} for name in GOOD for bad in (math.nan, math.inf, -math.inf)),
    ],
    ids=str,
)
def test_what_is_no_candle_is_refused_whole(wrong: dict[str, Any]) -> None:
    """The indicators go on as if it had not come."""
    refused, spared = IndicatorSet(DEFAULTS), IndicatorSet(DEFAULTS)
    for candle in naive.random_candles(40, 2):
        refused.update(*candle)
        spared.update(*candle)
    with pytest.raises(ValueError, match=r"^a candle has 0 < low <= open, close <= high"):
        refused.update(**{**GOOD, **wrong})
    assert refused.update(**GOOD) == spared.update(**GOOD)


def test_a_candle_without_a_trade_or_a_movement_is_one() -> None:
    assert IndicatorSet(DEFAULTS).update(1.0, 1.0, 1.0, 1.0, 0.0).roc is None
