"""Recorded candles as ticks, and prices set by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinbase_sim.market import CandleMarket, LadderShape, ManualMarket, Market, Tick
from coinbase_sim.model import Bar, Level
from coinbase_sim.products import product_named

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
BTC, ETH = product_named("BTC-USD"), product_named("ETH-USD")


def bar(minute: int, prices: str, volume: str = "1", product_id: str = "BTC-USD") -> Bar:
    opening, high, low, close = (D(price) for price in prices.split())
    return Bar(product_id, START + timedelta(minutes=minute), opening, high, low, close, D(volume))


def all_ticks(market: Market) -> list[Tick]:
    ticks = []
    while (tick := market.next_tick()) is not None:
        ticks.append(tick)
    return ticks


def test_a_rising_bar_goes_to_its_low_first() -> None:
    market = CandleMarket([BTC], [bar(0, "100 110 90 105"), bar(1, "105 105 105 105")])
    assert [tick.price for tick in all_ticks(market)[:4]] == [100, 90, 110, 105]


def test_a_falling_bar_goes_to_its_high_first() -> None:
    market = CandleMarket([BTC], [bar(0, "105 110 90 100"), bar(1, "100 100 100 100")])
    assert [tick.price for tick in all_ticks(market)[:4]] == [105, 110, 90, 100]


def test_a_bar_that_ends_where_it_began_goes_to_its_low_first() -> None:
    market = CandleMarket([BTC], [bar(0, "100 110 90 100"), bar(1, "100 100 100 100")])
    assert [tick.price for tick in all_ticks(market)[:4]] == [100, 90, 110, 100]


def test_the_ticks_of_a_bar_are_a_quarter_of_its_width_apart() -> None:
    market = CandleMarket([BTC], [bar(0, "1 1 1 1"), bar(5, "1 1 1 1")])
    seconds = [(tick.at - START).total_seconds() for tick in all_ticks(market)]
    assert seconds == [0, 75, 150, 225, 300, 375, 450, 525]


def test_the_sizes_of_a_bar_sum_to_its_volume() -> None:
    """0.00000007 is no multiple of four increments: the close gets the rest."""
    market = CandleMarket([BTC], [bar(0, "1 1 1 1", "0.00000007"), bar(1, "1 1 1 1", "0")])
    sizes = [tick.size for tick in all_ticks(market)]
    assert sizes == [D("0.00000001")] * 3 + [D("0.00000004")] + [0] * 4


def test_the_close_carries_the_completed_bar() -> None:
    bars = [bar(0, "100 110 90 105", "4"), bar(1, "105 106 104 104", "8")]
    assert [tick.completes for tick in all_ticks(CandleMarket([BTC], bars))] == [
        *(None, None, None, bars[0]),
        *(None, None, None, bars[1]),
    ]


def test_prices_are_rounded_half_even_to_the_increment() -> None:
    market = CandleMarket([BTC], [bar(0, "10.005 10.0151 10.004 10.015"), bar(1, "1 1 1 1")])
    completed = all_ticks(market)[3].completes
    assert completed == bar(0, "10.00 10.02 10.00 10.02")


def test_bars_of_several_products_are_interleaved() -> None:
    bars = [bar(m, "1 1 1 1", product_id=product) for product in ("ETH-USD", "BTC-USD") for m in (0, 1)]
    ticks = all_ticks(CandleMarket([BTC, ETH], bars))
    assert [tick.product_id for tick in ticks] == ["BTC-USD", "ETH-USD"] * 8
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)


def test_the_ladder_surrounds_the_price_on_the_grid() -> None:
    """At 50 000, half a spread of 100 ppm is 5.00; the first level shows 5 000 / 50 000 = 0.1, the second 0.2."""
    market = CandleMarket([BTC], [bar(m, "50000 50000 50000 50000") for m in (0, 1)], LadderShape(levels=2))
    tick = market.next_tick()
    assert tick is not None
    assert tick.bids == (Level(D(49_995), D("0.1")), Level(D(49_990), D("0.2")))
    assert tick.asks == (Level(D(50_005), D("0.1")), Level(D(50_010), D("0.2")))


def test_a_price_near_zero_has_fewer_bids_and_none_at_zero() -> None:
    tick = CandleMarket([BTC], [bar(m, "0.03 0.03 0.03 0.03") for m in (0, 1)]).next_tick()
    assert tick is not None
    assert [level.price for level in tick.bids] == [D("0.02"), D("0.01")]


@pytest.mark.parametrize("position", range(21))
def test_the_same_ticks_follow_a_seek(position: int) -> None:
    bars = [
        bar(0, "100 110 90 105"),
        bar(0, "9 9 8 8", product_id="ETH-USD"),
        bar(1, "105 107 104 106"),
        bar(1, "8 8 8 8", product_id="ETH-USD"),
        bar(3, "1 1 1 1"),
    ]
    market = CandleMarket([BTC, ETH], bars)
    ticks = all_ticks(market)
    assert (len(ticks), market.position) == (20, 20)
    market.seek(position)
    assert market.position == position
    assert all_ticks(market) == ticks[position:]


@pytest.mark.parametrize("position", [-1, 9])
def test_a_seek_outside_the_data_is_an_error(position: int) -> None:
    market = CandleMarket([BTC], [bar(0, "1 1 1 1"), bar(1, "1 1 1 1")])
    with pytest.raises(ValueError, match="between 0 and 8"):
        market.seek(position)


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ([], "needs bars"),
        ([bar(0, "1 1 1 1", product_id="DOGE-USD")], "no such product"),
        ([bar(0, "1 1 0.005 1"), bar(1, "1 1 1 1")], "too small"),
        ([bar(0, "1 1 1 1")], "between two of them"),
        (
            [bar(m, "1 1 1 1") for m in (0, 1)] + [bar(m, "1 1 1 1", product_id="ETH-USD") for m in (0, 5)],
            "share one bar width",
        ),
    ],
)
def test_bars_that_make_no_market_are_refused(bars: list[Bar], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CandleMarket([BTC, ETH], bars)


def test_a_market_starts_with_its_first_bar() -> None:
    market = CandleMarket([BTC], [bar(7, "1 1 1 1"), bar(8, "1 1 1 1")])
    assert market.started_at == START + timedelta(minutes=7)


def test_each_price_set_by_hand_is_a_tick_one_second_later() -> None:
    market = ManualMarket([BTC], START)
    market.set_price("BTC-USD", D(100), bid_size=D(2), ask_size=D(0))
    market.set_price("BTC-USD", D(101))
    first, second = all_ticks(market)
    assert (first.at, first.bids, first.asks) == (START + timedelta(seconds=1), (Level(D("99.99"), D(2)),), ())
    assert (second.at, second.price) == (START + timedelta(seconds=2), D(101))
    assert second.asks == (Level(D("101.01"), D(1000)),)
    market.seek(1)
    assert all_ticks(market) == [second]


def test_a_seek_beyond_the_prices_set_is_an_error() -> None:
    with pytest.raises(ValueError, match="between 0 and 0"):
        ManualMarket([BTC]).seek(1)


def test_a_price_of_an_unknown_product_cannot_be_set() -> None:
    with pytest.raises(ValueError, match="there is no ETH-USD"):
        ManualMarket([BTC]).set_price("ETH-USD", D(1))
