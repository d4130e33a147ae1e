"""The streaming indicators against TA-Lib, a C library that nobody here wrote, which computes whole arrays at once."""

import math
from collections.abc import Callable, Iterable
from random import Random

import numpy as np
import pytest
import talib

from bottrader.domain.indicators import Atr, Bollinger, Ema, Macd, Roc, Rsi
from tests.fixtures.naive_indicators import Candle, random_candles

pytestmark = pytest.mark.component("signal_manager")

Line = list[float | None]


def _unrelated_candles(count: int, seed: int) -> list[Candle]:
    """Return candles that have nothing to do with each other, so that every one gaps."""
    chance = Random(seed)
    candles = []
    for _ in range(count):
        low, first, second, high = sorted(chance.uniform(1, 1000) for _ in range(4))
        candles.append((first, high, low, second, chance.random()))
    return candles


def _bitcoin_candles(count: int, seed: int) -> list[Candle]:
    """Return a walk at BTC prices of whole cents, as the venue sends them."""
    return [
        (*(round(price * 1_123.45, 2) for price in candle[:4]), candle[4])  # type: ignore[misc]
        for candle in random_candles(count, seed, sigma=0.002)
    ]


MARKETS = {
    "random candles": _unrelated_candles(1_000, 1),
    "random walk": random_candles(1_000, 2),
    "wild random walk": random_candles(5_000, 3, sigma=0.05),
    "BTC-USD in cents": _bitcoin_candles(5_000, 4),
}


def _agree(ours: Line, theirs: Iterable[float]) -> None:
    """Check that both know the same candles and agree on them: NaN is how an array says unknown."""
    expected = [None if math.isnan(value) else float(value) for value in theirs]
    assert [value is None for value in ours] == [value is None for value in expected]
    known = [value for value in ours if value is not None]
    assert known
    assert known == pytest.approx([value for value in expected if value is not None], rel=1e-9, abs=0)


@pytest.fixture(params=MARKETS.values(), ids=list(MARKETS))
def candles(request: pytest.FixtureRequest) -> list[Candle]:
    market: list[Candle] = request.param
    return market


@pytest.fixture
def closes(candles: list[Candle]) -> list[float]:
    return [close for _, _, _, close, _ in candles]


@pytest.mark.parametrize("period", [2, 14, 50])
def test_indicators_of_one_line_are_talibs(candles: list[Candle], closes: list[float], period: int) -> None:
    """B156: RSI, ATR, EMA and ROC."""
    highs, lows, ends = (np.array([candle[column] for candle in candles]) for column in (1, 2, 3))
    atr = Atr(period)
    _agree([atr.update(high, low, close) for _, high, low, close, _ in candles], talib.ATR(highs, lows, ends, period))
    witnesses: list[tuple[Callable[[float], float | None], Iterable[float]]] = [
        (Rsi(period).update, talib.RSI(ends, period)),
        (Ema(period).update, talib.EMA(ends, period)),
        (Roc(period).update, talib.ROC(ends, period)),
    ]
    for update, theirs in witnesses:
        _agree([update(close) for close in closes], theirs)


@pytest.mark.parametrize("windows", [(12, 26, 9), (3, 10, 16), (5, 35, 5)])
def test_macd_is_talibs(closes: list[float], windows: tuple[int, int, int]) -> None:
    """B156: the line, its signal and the histogram, from the same candle on."""
    macd = Macd(*windows)
    lines: tuple[Line, Line, Line] = ([], [], [])
    for close in closes:
        macd.update(close)
        for line, value in zip(lines, (macd.macd, macd.signal, macd.value), strict=True):
            line.append(value)
    for ours, theirs in zip(lines, talib.MACD(np.array(closes), *windows), strict=True):
        _agree(ours, theirs)


@pytest.mark.parametrize(("window", "deviations"), [(20, 2.0), (5, 1.0), (50, 2.5)])
def test_bollinger_bands_are_talibs(closes: list[float], window: int, deviations: float) -> None:
    """B156: upper, middle and lower band."""
    bands = Bollinger(window, deviations)
    lines: tuple[Line, Line, Line] = ([], [], [])
    for close in closes:
        bands.update(close)
        for line, value in zip(lines, (bands.upper, bands.value, bands.lower), strict=True):
            line.append(value)
    for ours, theirs in zip(lines, talib.BBANDS(np.array(closes), window, deviations, deviations), strict=True):
        _agree(ours, theirs)


def test_a_market_that_stands_still_is_where_we_differ_from_talib() -> None:
    """B155, R71: without any movement TA-Lib calls the market as weak as can be; here it is neither."""
    rsi = Rsi(14)
    assert talib.RSI(np.full(20, 100.0), 14)[-1] == 0
    assert [rsi.update(100.0) for _ in range(20)][-1] == 50
