"""The defaults of the indicators, and that every wrong one is named."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.indicators import IndicatorParameters, IndicatorSet
from tests.fixtures import naive_indicators as naive


def test_the_defaults_are_the_ones_that_were_decided() -> None:
    defaults = IndicatorParameters()
    assert {parameter.name: getattr(defaults, parameter.name) for parameter in fields(defaults)} == {
        "bb_window": 20,
        "bb_std": 2,
        "buy_ratio": Decimal("1.05"),
        "sell_ratio": Decimal("0.95"),
        "rsi_window": 14,
        "rsi_oversold": 25,
        "rsi_overbought": 75,
        "roc_window": 5,
        "roc_buy_pct": 5,
        "roc_sell_pct": 2,
        "macd_fast": 12,
        "macd_slow": 26,
        "macd_signal": 9,
        "swing_window": 20,
        "atr_window": 14,
        "roc_diff_window": 20,
        "pattern_window": 14,
        "pattern_median_window": 720,
        "pattern_height_min": Decimal("0.065"),
    }


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"bb_window": 0}, "bb_window is at least 1 candle, was 0"),
        ({"rsi_window": 0}, "rsi_window is at least 1"),
        ({"roc_window": -1}, "roc_window is at least 1 candle, was -1"),
        ({"macd_fast": 0}, "macd_fast is at least 1"),
        ({"macd_signal": 0}, "macd_signal is at least 1"),
        ({"swing_window": 0}, "swing_window is at least 1"),
        ({"atr_window": 0}, "atr_window is at least 1"),
        ({"pattern_window": 0}, "pattern_window is at least 1"),
        ({"roc_diff_window": 4}, "roc_diff_window is at least 5 candles, was 4"),
        ({"macd_fast": 26}, "macd_fast is below macd_slow, was 26 and 26"),
        ({"pattern_median_window": 13}, "pattern_median_window is at least pattern_window, was 13 and 14"),
        ({"bb_std": Decimal(0)}, "bb_std is above 0, was 0"),
        ({"bb_std": Decimal("Infinity")}, "bb_std is above 0"),
        ({"roc_buy_pct": Decimal(-5)}, "roc_buy_pct is above 0, was -5"),
        ({"roc_sell_pct": Decimal(-2)}, "roc_sell_pct is above 0, was -2"),
        ({"pattern_height_min": Decimal("NaN")}, "pattern_height_min is above 0, was NaN"),
        ({"rsi_oversold": Decimal(75)}, "0 <= rsi_oversold < rsi_overbought <= 100, was 75 and 75"),
        ({"rsi_oversold": Decimal(-1)}, "0 <= rsi_oversold"),
        ({"rsi_overbought": Decimal(101)}, "rsi_overbought <= 100"),
        ({"rsi_oversold": Decimal("NaN")}, "was NaN and 75"),
        ({"rsi_overbought": Decimal("NaN")}, "was 25 and NaN"),
        (
            {"buy_ratio": Decimal("0.95")},
            "buy_ratio compares the upper with the lower band and is at least 1, was 0.95",
        ),
        ({"buy_ratio": Decimal("Infinity")}, "buy_ratio"),
        ({"sell_ratio": Decimal("1.05")}, "sell_ratio compares the lower with the upper band"),
        ({"sell_ratio": Decimal(0)}, "sell_ratio"),
        ({"sell_ratio": Decimal("NaN")}, "sell_ratio"),
    ],
)
def test_a_parameter_out_of_range_is_named(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        replace(IndicatorParameters(), **wrong)
    assert complaint in str(refused.value)
    assert ";" not in str(refused.value)


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        IndicatorParameters(bb_window=0, macd_slow=0, roc_buy_pct=Decimal(0), buy_ratio=Decimal(0))
    assert [fault.split()[0] for fault in str(refused.value).split("; ")] == [
        "bb_window",
        "macd_slow",
        "macd_fast",
        "roc_buy_pct",
        "buy_ratio",
    ]


def test_bounds_may_be_reached() -> None:
    replace(
        IndicatorParameters(),
        bb_window=1,
        rsi_window=1,
        roc_window=1,
        macd_fast=1,
        macd_slow=2,
        macd_signal=1,
        swing_window=1,
        atr_window=1,
        roc_diff_window=5,
        pattern_window=1,
        pattern_median_window=1,
        rsi_oversold=Decimal(0),
        rsi_overbought=Decimal(100),
        buy_ratio=Decimal(1),
        sell_ratio=Decimal(1),
    )


@pytest.mark.parametrize(
    ("longest", "candles"),
    [
        ({"bb_window": 50}, 52),
        ({"rsi_window": 50}, 51),
        ({"roc_window": 30}, 51),
        ({"roc_diff_window": 50}, 56),
        ({"macd_slow": 50}, 59),
        ({"macd_signal": 50}, 76),
        ({"swing_window": 50}, 51),
        ({"atr_window": 50}, 51),
        ({"pattern_window": 20, "pattern_median_window": 40}, 59),
    ],
)
def test_the_warmup_is_as_long_as_the_longest_window_needs(longest: dict[str, Any], candles: int) -> None:
    parameters = replace(IndicatorParameters(pattern_median_window=14), **longest)
    assert parameters.warmup_candles == candles


def test_nothing_is_unknown_after_the_warmup() -> None:
    """R33: and with one candle less something is."""
    parameters = IndicatorParameters(pattern_median_window=14)
    indicators = IndicatorSet(parameters)
    after = [indicators.update(*candle) for candle in naive.random_candles(parameters.warmup_candles, 3)]
    unknown = [
        any(reading.decision is None for reading in (*readings.buy, *readings.sell)) or None in readings
        for readings in after
    ]
    assert unknown[-2:] == [True, False]
