"""Prices that join the book and never cross it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.maker_prices import maker_price
from bottrader.domain.money import Price, is_multiple
from bottrader.domain.orders import Side

TICK = Decimal("0.01")


def prices(bid: str, ask: str) -> tuple[Decimal | None, Decimal | None]:
    book = Price(Decimal(bid)), Price(Decimal(ask))
    return maker_price(Side.BUY, *book, TICK), maker_price(Side.SELL, *book, TICK)


@pytest.mark.parametrize(
    ("bid", "ask", "buy", "sell"),
    [
        ("100.00", "100.10", "100.02", "100.08"),
        ("100.00", "100.01", "100.00", "100.01"),
        ("100.00", "100.03", "100.02", "100.01"),
        ("100.00", "100.02", "100.01", "100.01"),
        ("100.00", "100.005", "99.99", "100.01"),
    ],
    ids=["B72", "B73", "two ticks of room", "one tick of room", "an ask off the grid"],
)
def test_a_maker_steps_inside_the_spread_as_far_as_there_is_room(bid: str, ask: str, buy: str, sell: str) -> None:
    """B72, B73, R20"""
    assert prices(bid, ask) == (Decimal(buy), Decimal(sell))


@given(
    st.integers(1, 10**7),
    st.integers(-3, 10**4),
    st.sampled_from(["0.01", "0.00001", "5", "0.25"]),
    st.sampled_from(["0", "0.004"]),
)
def test_a_maker_never_crosses_whatever_the_book(bid_ticks: int, spread_ticks: int, tick: str, off_grid: str) -> None:
    """B74, R20: even a book that is locked or crossed."""
    size = Decimal(tick)
    bid = Price(bid_ticks * size + Decimal(off_grid) * size)
    ask = Price(max(bid + spread_ticks * size, size))
    buy, sell = maker_price(Side.BUY, bid, ask, size), maker_price(Side.SELL, bid, ask, size)
    assert buy is None or (0 < buy < ask and is_multiple(buy, size))
    assert sell is not None
    assert sell > bid
    assert is_multiple(sell, size)


def test_there_is_no_price_below_an_ask_of_one_tick() -> None:
    assert maker_price(Side.BUY, Price(Decimal("0.001")), Price(TICK), TICK) is None
