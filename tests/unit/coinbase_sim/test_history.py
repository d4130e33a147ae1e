"""Candles and 24-hour figures, against plain recomputation and by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinbase_sim.history import BARS_KEPT, WIDTHS_S, ProductHistory
from coinbase_sim.model import Bar

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def bar(seconds: int, *ohlcv: int) -> Bar:
    return Bar("BTC-USD", at(seconds), *(D(value) for value in ohlcv))


def history_of(*ticks: tuple[int, int, int]) -> ProductHistory:
    """Return a history of (second, price, size) ticks."""
    history = ProductHistory("BTC-USD")
    for second, price, size in ticks:
        history.add(at(second), D(price), D(size))
    return history


def test_ticks_become_one_minute_candles() -> None:
    history = history_of((0, 10, 1), (15, 12, 2), (30, 9, 3), (45, 11, 4), (60, 11, 5))
    assert history.candles(60, START, at(60)) == [bar(0, 10, 12, 9, 11, 10), bar(60, 11, 11, 11, 11, 5)]


def test_minutes_become_wider_candles() -> None:
    history = history_of((0, 10, 1), (299, 12, 2), (300, 9, 3), (899, 11, 4), (900, 20, 5))
    assert history.candles(300, START, at(900)) == [
        bar(0, 10, 12, 10, 12, 3),
        bar(300, 9, 9, 9, 9, 3),
        bar(600, 11, 11, 11, 11, 4),
        bar(900, 20, 20, 20, 20, 5),
    ]
    assert history.candles(900, START, at(900)) == [bar(0, 10, 12, 9, 11, 10), bar(900, 20, 20, 20, 20, 5)]


@pytest.mark.parametrize("width_s", WIDTHS_S)
def test_every_width_of_coinbase_is_served(width_s: int) -> None:
    history = history_of((0, 10, 1), (86_399, 12, 2), (86_400, 5, 1))
    candles = history.candles(width_s, START, at(86_400))
    assert candles[0].start == START
    assert candles[-1] == bar(86_400, 5, 5, 5, 5, 1)
    assert sum(candle.volume for candle in candles) == 4


def test_another_width_is_an_error() -> None:
    with pytest.raises(ValueError, match="was 120"):
        history_of((0, 10, 1)).candles(120, START, START)


def test_start_and_end_are_inclusive() -> None:
    history = history_of((0, 1, 1), (60, 2, 1), (120, 3, 1), (180, 4, 1))
    assert [candle.close for candle in history.candles(60, at(60), at(120))] == [2, 3]
    assert history.candles(60, at(61), at(119)) == []


def test_buckets_without_a_tick_are_omitted() -> None:
    """coinbase.md §4."""
    history = history_of((0, 1, 1), (600, 2, 1))
    assert [candle.start for candle in history.candles(300, START, at(600))] == [at(0), at(600)]


def test_the_first_tick_of_a_bucket_says_so() -> None:
    history = ProductHistory("BTC-USD")
    assert [history.add(at(second), D(1), D(1)) for second in (0, 60, 299, 300, 301)] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_wide_candle_whose_beginning_was_forgotten_is_left_out() -> None:
    """One tick a bucket from 00:00 to one bucket too many: the first hour has lost its first five minutes."""
    history = ProductHistory("BTC-USD")
    for number in range(BARS_KEPT + 1):
        history.add(at(300 * number), D(1), D(1))
    hours = history.candles(3600, START, at(10**9))
    assert hours[0] == bar(3600, 1, 1, 1, 1, 12)
    assert len(history.candles(300, START, at(10**9))) == BARS_KEPT


def test_the_last_day_is_counted_to_the_bucket() -> None:
    """At 24:00 the bucket of 00:00 has left: 9 stays the lowest, 30 is gone, and 20 is where the change starts."""
    history = history_of((0, 30, 1), (300, 20, 2), (600, 9, 4), (86_399, 25, 8))
    assert (history.high_24h, history.low_24h, history.volume_24h) == (D(30), D(9), D(15))
    history.add(at(86_400), D(25), D(16))
    assert (history.high_24h, history.low_24h, history.volume_24h) == (D(25), D(9), D(30))
    assert history.price_change_24h_pct == 25


def test_the_change_is_rounded_for_display() -> None:
    """From 3 to 4: 33.333… %."""
    assert history_of((0, 3, 1), (300, 4, 1)).price_change_24h_pct == D("33.33333333")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 50), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_day_equals_its_plain_recomputation(steps: list[tuple[int, int, int]]) -> None:
    history = ProductHistory("BTC-USD")
    seen: list[tuple[int, int, int]] = []
    second = 0
    for gap, price, size in steps:
        second += gap
        history.add(at(second), D(price), D(size))
        seen.append((second // 300 * 300, price, size))
        day = [one for one in seen if one[0] > second // 300 * 300 - 86_400]
        assert history.high_24h == max(one[1] for one in day)
        assert history.low_24h == min(one[1] for one in day)
        assert history.volume_24h == sum(one[2] for one in day)
    reloaded = ProductHistory("BTC-USD")
    reloaded.load(*history.saved())
    for name in ("high_24h", "low_24h", "volume_24h", "price_change_24h_pct"):
        assert getattr(reloaded, name) == getattr(history, name)
