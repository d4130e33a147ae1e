"""Only prices that are believed reach the portfolio; the others are asked about."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bottrader.app.keep_prices import Trust
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import Ticker
from tests.fixtures.facts import BTC
from tests.fixtures.trading_house import House, price


async def house_at_40000() -> House:
    house = House()
    house.prices.take(shown(house, "40000"))
    await house.prices.request(BTC)
    return house


def shown(house: House, text: str) -> Ticker:
    """A tick that the venue stands by when it is asked; the bot has not taken it yet."""
    ticker = Ticker(BTC, price(text), price(text), price(text), house.clock.now())
    house.exchange.show(ticker)
    return ticker


def tick(house: House, text: str) -> Ticker:
    """A tick of the stream that the venue itself knows nothing of."""
    house.pass_time(1)
    return Ticker(BTC, price(text), price(text), price(text), house.clock.now())


def believed(house: House) -> str:
    return str(house.portfolio.tickers[BTC].price)


async def test_the_first_tick_is_believed_once_a_quote_confirms_it() -> None:
    house = House()
    assert house.prices.take(shown(house, "40000")) is Trust.IN_DOUBT
    assert BTC not in house.portfolio.tickers
    assert house.told("price_doubted") == []
    assert await house.prices.request(BTC)
    assert believed(house) == "40000"


async def test_a_tick_that_jumps_is_told_and_not_kept_until_a_quote_says_so() -> None:
    """F30: ten times the market, and then the market itself at a third."""
    house = await house_at_40000()
    assert house.prices.take(tick(house, "400000")) is Trust.IN_DOUBT
    assert house.prices.is_doubted(BTC)
    assert believed(house) == "40000"
    assert len(house.told("price_doubted")) == 1
    assert await house.prices.request(BTC)
    assert not house.prices.is_doubted(BTC)
    assert believed(house) == "40000"
    house.pass_time(1)
    assert house.prices.take(shown(house, "13000")) is Trust.IN_DOUBT
    assert await house.prices.request(BTC)
    assert believed(house) == "13000"


async def test_a_jump_that_is_confirmed_by_the_next_tick_needs_no_quote() -> None:
    house = await house_at_40000()
    house.exchange.query_error = ExchangeUnreachable("down")
    house.prices.take(tick(house, "30000"))
    assert house.prices.take(tick(house, "30010")) is Trust.BELIEVED
    assert believed(house) == "30010"


async def test_a_venue_that_does_not_answer_leaves_the_doubt() -> None:
    house = await house_at_40000()
    house.prices.take(tick(house, "30000"))
    house.exchange.query_error = ExchangeUnreachable("down")
    assert not await house.prices.request(BTC)
    assert house.prices.is_doubted(BTC)
    assert believed(house) == "40000"


async def test_a_quote_is_dated_by_the_moment_it_was_asked_for() -> None:
    """Bid and ask of a quiet market are of now, though its last trade is old: retries are counted from that date."""
    house = await house_at_40000()
    now = house.pass_time(300)
    assert await house.prices.request(BTC)
    assert house.portfolio.tickers[BTC].at == now


async def test_a_print_of_our_own_does_not_move_the_price_of_a_market_that_stands_still() -> None:
    """The book is as it was told; only the last trade is another one, at the ask that we paid."""
    house = House()
    at = house.clock.now()
    told = Ticker(BTC, price("40000"), price("39990"), price("40010"), at)
    house.exchange.show(replace(told, price=price("40010")))
    house.prices.take(told)
    await house.prices.request(BTC)
    assert believed(house) == "40000"
    later = house.pass_time(3)
    await house.prices.request(BTC)
    assert house.portfolio.tickers[BTC] == replace(told, at=later)
    house.exchange.show(replace(told, price=price("40010"), ask=price("40020"), at=later))
    await house.prices.request(BTC)
    assert believed(house) == "40010"


async def test_a_tick_that_is_older_than_another_is_passed_over() -> None:
    """F30: stale."""
    house = await house_at_40000()
    house.prices.take(tick(house, "40100"))
    late = replace(tick(house, "39000"), at=house.clock.now() - timedelta(seconds=1, microseconds=1))
    assert house.prices.take(late) is Trust.IGNORED
    assert believed(house) == "40100"


@pytest.mark.parametrize("text", ["0", "NaN"])
async def test_a_run_of_unusable_ticks_is_told_once_and_asked_about_once(text: str) -> None:
    """F30"""
    house = await house_at_40000()
    assert [house.prices.take(tick(house, text)) for _ in range(3)] == [Trust.IN_DOUBT, Trust.IGNORED, Trust.IGNORED]
    assert len(house.told("price_unusable")) == 1
    assert house.prices.take(tick(house, "40001")) is Trust.BELIEVED
    assert house.prices.take(tick(house, text)) is Trust.IN_DOUBT
    assert len(house.told("price_unusable")) == 2
