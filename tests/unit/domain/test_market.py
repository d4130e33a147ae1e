"""Candles, tickers and pairs as decisions see them."""

from datetime import timedelta

import pytest

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.market import Candle, Granularity, ProductId, Ticker, base_of, quote_of
from bottrader.domain.money import Size
from tests.unit.domain.examples import BTC, START, price


@pytest.mark.parametrize(
    ("granularity", "minutes"),
    [(Granularity.ONE_MINUTE, 1), (Granularity.FIVE_MINUTE, 5), (Granularity.ONE_HOUR, 60)],
)
def test_a_granularity_knows_its_span(granularity: Granularity, minutes: int) -> None:
    assert granularity.span == timedelta(minutes=minutes)


def test_a_pair_is_split_into_base_and_quote() -> None:
    assert base_of(ProductId("ETH-USDC")) == "ETH"
    assert quote_of(ProductId("ETH-USDC")) == "USDC"


@pytest.mark.parametrize(
    "prices",
    [
        ("100", "99", "90", "95"),
        ("100", "110", "101", "105"),
        ("100", "104", "90", "105"),
        ("100", "110", "96", "95"),
        ("0", "110", "0", "105"),
        ("100", "110", "-1", "105"),
    ],
    ids=["open above high", "low above open", "close above high", "low above close", "low zero", "low negative"],
)
def test_a_candle_that_contradicts_itself_is_refused(prices: tuple[str, str, str, str]) -> None:
    opened, high, low, closed = (price(text) for text in prices)
    with pytest.raises(AmountInvalid, match="a candle has 0 < low"):
        Candle(BTC, START, opened, high, low, closed, Size(price("1")))


def test_a_candle_may_be_a_single_price() -> None:
    flat = price("100")
    assert Candle(BTC, START, flat, flat, flat, flat, Size(price("0"))).close == flat


@pytest.mark.parametrize(
    ("last", "bid", "ask", "is_sane"),
    [
        ("100", "99", "101", True),
        ("100", "100", "100", True),
        ("100", "101", "99", False),
        ("0", "99", "101", False),
        ("100", "0", "101", False),
        ("NaN", "99", "101", False),
        ("Infinity", "99", "101", False),
    ],
)
def test_a_crossed_or_unpriced_ticker_is_not_sane(last: str, bid: str, ask: str, *, is_sane: bool) -> None:
    """F30."""
    assert Ticker(BTC, price(last), price(bid), price(ask), START).is_sane is is_sane
