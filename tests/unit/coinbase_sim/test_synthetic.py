"""The seeded market: the same for a seed, lively enough to trade, and on the grid."""

import hashlib
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from coinbase_sim.market import SyntheticMarket, SyntheticOptions, Tick
from coinbase_sim.products import product_named
from coinbase_sim.ticks import INTERLEAVE

START = datetime(2026, 1, 1, tzinfo=UTC)
BTC, ETH = product_named("BTC-USD"), product_named("ETH-USD")


def ticks_of(market: SyntheticMarket, count: int) -> list[Tick]:
    ticks = [market.next_tick() for _ in range(count)]
    return [tick for tick in ticks if tick is not None]


@pytest.mark.cpu_budget(500, "two markets side by side for many ticks")
def test_one_seed_gives_the_same_ticks() -> None:
    first, second = (ticks_of(SyntheticMarket([BTC, ETH], 7, START), 400) for _ in range(2))
    assert first == second


def test_the_path_of_a_seed_never_changes() -> None:
    """A pin, not an expectation of value: another Python or machine, or a careless edit, must not move old sessions."""
    prices = " ".join(str(tick.price) for tick in ticks_of(SyntheticMarket([BTC], 7, START), 500))
    assert hashlib.sha256(prices.encode()).hexdigest() == (
        "45ae5ac62c8ac1dafedc71a81414d8837d1adb3cfc3d2a78bafe52e0354bcda9"
    )


def test_another_seed_gives_another_path() -> None:
    first, second = (ticks_of(SyntheticMarket([BTC], seed, START), 8) for seed in (1, 2))
    assert [tick.price for tick in first] != [tick.price for tick in second]


def test_another_product_does_not_change_a_path() -> None:
    alone = ticks_of(SyntheticMarket([BTC], 7, START), 40)
    together = ticks_of(SyntheticMarket([ETH, BTC], 7, START), 80)
    assert [replace(tick, at=tick.at - INTERLEAVE) for tick in together if tick.product_id == "BTC-USD"] == alone


def test_products_are_interleaved_four_ticks_a_minute() -> None:
    ticks = ticks_of(SyntheticMarket([BTC, ETH], 7, START), 16)
    assert [tick.product_id for tick in ticks] == ["BTC-USD", "ETH-USD"] * 8
    assert [(tick.at - START).total_seconds() for tick in ticks[::2]] == [0, 15, 30, 45, 60, 75, 90, 105]


def test_the_last_tick_of_a_minute_completes_its_bar() -> None:
    ticks = ticks_of(SyntheticMarket([BTC], 7, START), 8)[4:]
    prices = [tick.price for tick in ticks]
    bar = ticks[3].completes
    assert [tick.completes for tick in ticks[:3]] == [None, None, None]
    assert bar is not None
    assert (bar.start, bar.open, bar.close) == (START + timedelta(minutes=1), prices[0], prices[3])
    assert (bar.high, bar.low) == (max(prices), min(prices))
    assert bar.volume == sum(tick.size for tick in ticks)


def test_prices_and_sizes_are_on_the_grid_and_the_ladder_surrounds_the_price() -> None:
    for tick in ticks_of(SyntheticMarket([BTC], 3, START), 400):
        assert tick.price % BTC.price_increment == 0
        assert tick.size > 0
        assert tick.size % BTC.base_increment == 0
        assert tick.bids[0].price < tick.price < tick.asks[0].price
        assert all(level.size > 0 for level in tick.bids + tick.asks)
        assert [level.price for level in tick.bids] == sorted((level.price for level in tick.bids), reverse=True)
        assert [level.price for level in tick.asks] == sorted(level.price for level in tick.asks)


@pytest.mark.parametrize("position", [0, 1, 7, 8, 9, 39, 40])
def test_the_same_ticks_follow_a_seek(position: int) -> None:
    market = SyntheticMarket([BTC, ETH], 7, START, bars=5)
    ticks = ticks_of(market, 100)
    assert len(ticks) == 40
    for fresh_or_used in (SyntheticMarket([BTC, ETH], 7, START, bars=5), market):
        fresh_or_used.seek(position)
        assert fresh_or_used.position == position
        assert ticks_of(fresh_or_used, 100) == ticks[position:]


@pytest.mark.parametrize("position", [-1, 41])
def test_a_seek_outside_the_market_is_an_error(position: int) -> None:
    with pytest.raises(ValueError, match="no position"):
        SyntheticMarket([BTC, ETH], 7, START, bars=5).seek(position)


def test_a_naive_start_is_an_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SyntheticMarket([BTC], 7, datetime(2026, 1, 1))  # noqa: DTZ001 - the offence under test


@pytest.mark.parametrize(
    ("volatility_annual", "shock_weight", "memory_weight", "said"),
    [(0.0, 0.1, 0.8, "above zero"), (1.0, 0.2, 0.8, "below one"), (1.0, -0.1, 0.8, "not negative")],
)
def test_options_that_make_no_market_are_refused(
    volatility_annual: float, shock_weight: float, memory_weight: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        SyntheticOptions(volatility_annual, shock_weight, memory_weight)


def returns_of(options: SyntheticOptions, seed: int, count: int) -> list[float]:
    """Return the quarter-minute returns of a path."""
    prices = [float(tick.price) for tick in ticks_of(SyntheticMarket([BTC], seed, START, options=options), count)]
    return [later / earlier - 1 for earlier, later in pairwise(prices)]


@pytest.mark.cpu_budget(500, "an estimate needs many moves of the market")
def test_the_volatility_is_what_was_asked_for() -> None:
    """Without jumps and clusters, 1 600 returns estimate their deviation within 2 %, one sigma; 10 % are five."""
    calm = SyntheticOptions(volatility_annual=0.8, shock_weight=0, memory_weight=0, jumps_per_day=0)
    expected = 0.8 / (365 * 24 * 60 * 4) ** 0.5
    assert statistics.pstdev(returns_of(calm, 1, 1600)) == pytest.approx(expected, rel=0.1)


@pytest.mark.cpu_budget(500, "an estimate needs many moves of the market")
def test_large_moves_come_in_clusters() -> None:
    """The squares of independent returns do not correlate; those of this market do, far beyond 1 / sqrt(1 600)."""
    squares = [move * move for move in returns_of(SyntheticOptions(shock_weight=0.3, memory_weight=0.6), 1, 1600)]
    assert statistics.correlation(squares[:-1], squares[1:]) > 0.1


@pytest.mark.cpu_budget(500, "an estimate needs many moves of the market")
def test_the_spread_widens_after_a_large_move() -> None:
    ticks = ticks_of(SyntheticMarket([BTC], 1, START), 800)
    spreads = [float((tick.asks[0].price - tick.bids[0].price) / tick.price) for tick in ticks]
    moves = [abs(float(later.price / earlier.price) - 1) for earlier, later in pairwise(ticks)]
    after = sorted(zip(moves, spreads[1:], strict=True))
    calmest, wildest = after[:200], after[-200:]
    assert statistics.mean(spread for _, spread in wildest) > statistics.mean(spread for _, spread in calmest)


def test_jumps_occur_as_often_as_asked() -> None:
    """With 2 880 jumps a day every second tick jumps by about 1 %; without them a tick moves by 0.11 %."""
    jumpy = SyntheticOptions(jumps_per_day=2880, shock_weight=0, memory_weight=0)
    jumps = [move for move in returns_of(jumpy, 1, 400) if abs(move) > 0.004]
    # 69 % of normal jumps are larger than 0.4 deviations: 200 x 0.69 = 138 expected, with a deviation of ten.
    assert 100 < len(jumps) < 180


def test_a_falling_market_never_reaches_zero() -> None:
    options = SyntheticOptions(volatility_annual=400.0)
    market = SyntheticMarket([product_named("DUST-USD")], 1, START, options=options)
    assert min(tick.price for tick in ticks_of(market, 1000)) >= Decimal("1.00")
