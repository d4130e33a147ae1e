"""What stops an entry whatever its signal says, from the facts of the house to one refusal.

0.01 BTC bought at 40,000 cost 403.20; sold at 38,000 they bring 376.96, which is a loss of 26.24.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, Refuse
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import Candle
from bottrader.domain.money import Size
from bottrader.domain.orders import OrderIntent
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import Action
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, ETH, NOON, at
from tests.fixtures.trading_house import RULES, House, btc_entry, price, product, signal, unlocked

ON = KillSwitch(True, "fear", "cli", at(0))
OFF = KillSwitch(False, "calm", "cli", at(1))


def house_with(**limits: object) -> House:
    return House(replace(RULES, limits=replace(RULES.limits, **limits)))  # type: ignore[arg-type]  # any limit


async def code(house: House, quote: str | None = None, number: int = 0) -> str | None:
    """Return why the next entry in ETH-USD is refused; None when it would be ordered."""
    asked = replace(signal(number=number, product_id=ETH), quote_size=None if quote is None else Decimal(quote))
    decided = await house.entries.decide(asked)
    return decided.code if isinstance(decided, Refusal) else None


async def lose_once(house: House, name: str) -> None:
    """Buy at 40,000 and be stopped out at 38,000."""
    house.show("40000")
    await house.buy(name=name)
    house.pass_time(10)
    await house.see("38000")
    assert house.portfolio.position(BTC) is None


async def test_the_kill_switch_stops_every_entry_until_it_is_off() -> None:
    """F54"""
    house = await House().open()
    assert await code(house) is None
    await house.store.record_kill_switch(ON)
    assert await code(house) == "KILL_SWITCH"
    await house.store.record_kill_switch(OFF)
    assert await code(house) is None


async def test_the_kill_switch_survives_a_restart() -> None:
    """F54"""
    house = await House().open()
    await house.kill_switch.throw(ON)
    restarted = house.restarted()
    await restarted.open()
    assert await code(restarted) == "KILL_SWITCH"


async def test_a_file_stops_every_entry_while_it_is_there() -> None:
    house = await House().open()
    house.kill_file.text = "maintenance"
    assert await code(house) == "KILL_SWITCH"
    house.kill_file.text = None
    assert await code(house) is None


async def test_the_kill_switch_does_not_keep_a_position_from_being_left() -> None:
    """F54: nor does it sell anything by itself."""
    house = await House().open()
    await house.buy()
    await house.kill_switch.throw(ON)
    await house.see("40000")
    assert house.sells == []
    await house.see("38000")
    assert len(house.sells) == 1


async def test_the_kill_switch_lets_an_order_in_flight_be_settled_and_makes_no_new_one() -> None:
    """F54: the request is out, its answer lost, when the switch is thrown."""
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    await house.placer.place(btc_entry(house))
    await house.kill_switch.throw(ON)
    house.pass_time(60)
    for order in house.portfolio.open_orders():
        await house.settler.settle(order)
    assert house.portfolio.open_orders() == []
    assert house.portfolio.position(BTC) is not None
    assert await code(house) == "KILL_SWITCH"
    assert len(house.exchange.placements) == 1


async def test_who_cannot_read_the_switch_does_not_buy() -> None:
    house = await House().open()

    async def down() -> KillSwitch | None:
        raise StoreUnreachable("down")

    house.store.kill_switch = down  # type: ignore[method-assign]  # the one call that fails
    with pytest.raises(StoreUnreachable):
        await house.entries.decide(signal())


async def test_a_throw_counts_once_and_is_told_once() -> None:
    house = await House().open()
    assert await house.kill_switch.throw(ON, "digest")
    assert not await house.kill_switch.throw(replace(OFF, at=at(2)), "digest")
    assert await code(house) == "KILL_SWITCH"
    assert await code(house) == "KILL_SWITCH"
    assert len(house.told("kill_switch_on")) == 1
    await house.kill_switch.throw(OFF)
    assert len(house.told("kill_switch_off")) == 1
    assert house.kill_switch.last is None


async def test_a_kill_file_is_dated_by_when_it_was_seen_first() -> None:
    house = await House().open()
    house.kill_file.text = "fear"
    first = await house.kill_switch.read()
    house.pass_time(5)
    assert await house.kill_switch.read() == first
    house.kill_file.text = None
    assert await house.kill_switch.read() is None
    assert len(house.told("kill_switch_on")) == len(house.told("kill_switch_off")) == 1


async def test_the_days_loss_counts_what_is_realized_and_what_is_not() -> None:
    """-26.24 by the stop and, from 0.01 bought at 38,000 (383.04) and worth 379 now, -4.04: together -30.28."""
    for limit, expected in (("30.29", None), ("30.28", "DAILY_LOSS_LIMIT")):
        house = await house_with(daily_loss_quote_max=Decimal(limit)).open()
        await lose_once(house, "first")
        await house.buy(name="second")
        house.show("37900")
        assert await code(house) == expected


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Kiritimati"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("host_zone")
async def test_a_new_day_begins_with_nothing_realized() -> None:
    """F39, S3: the day is UTC's, wherever the host stands and whatever is done to its clock for the summer."""
    house = await house_with(daily_loss_quote_max=Decimal(20)).open()
    await lose_once(house, "first")
    assert await code(house) == "DAILY_LOSS_LIMIT"
    house.pass_time(12 * 3600 - 10 - 0.001)
    house.show("2000", ETH)
    assert await code(house) == "DAILY_LOSS_LIMIT"
    house.pass_time(0.001)
    house.show("2000", ETH)
    assert await code(house) is None


async def test_the_days_loss_is_known_after_a_restart() -> None:
    house = await house_with(daily_loss_quote_max=Decimal(20)).open()
    await lose_once(house, "first")
    restarted = house.restarted()
    await restarted.open()
    assert await code(restarted) == "DAILY_LOSS_LIMIT"


async def test_a_position_without_a_price_leaves_the_days_loss_unknown() -> None:
    house = await House().open()
    await house.buy()
    house.portfolio.tickers.pop(BTC)
    assert await code(house) == "STALE_PRICE"
    house.show("40000", bid="40001", ask="39999")
    assert await code(house) == "STALE_PRICE"


async def test_entries_rest_after_a_losing_run() -> None:
    house = await house_with(losses_in_row_max=2, cool_off_s=600, daily_loss_quote_max=Decimal(1000)).open()
    await lose_once(house, "first")
    assert await code(house) is None
    await lose_once(house, "second")
    assert await code(house) == "LOSING_RUN"
    house.pass_time(599.999)
    house.show("2000", ETH)
    assert await code(house) == "LOSING_RUN"
    house.pass_time(0.001)
    house.show("2000", ETH)
    assert await code(house) is None


async def test_orders_are_counted_over_a_minute() -> None:
    house = await house_with(orders_per_minute_max=2, daily_loss_quote_max=Decimal(1000)).open()
    await house.buy(name="first")
    assert await code(house) is None
    house.pass_time(1)
    await house.see("38000")
    assert await code(house) == "ORDER_RATE"
    house.pass_time(59)
    house.show("2000", ETH)
    assert await code(house) is None


async def test_orders_are_counted_across_a_restart() -> None:
    house = await house_with(orders_per_minute_max=1).open()
    await house.buy()
    restarted = house.restarted()
    await restarted.open()
    assert await code(restarted) == "ORDER_RATE"


async def test_refusals_of_the_venue_are_counted_over_a_minute() -> None:
    """F8"""
    house = await house_with(refusals_per_minute_max=2).open()
    house.exchange.script(Refuse("BUSY"), Refuse("BUSY"))
    await house.placer.place(btc_entry(house, name="one"))
    assert await code(house) is None
    await house.placer.place(btc_entry(house, name="two"))
    assert await code(house) == "REFUSAL_RATE"
    restarted = house.restarted()
    await restarted.open()
    assert await code(restarted) == "REFUSAL_RATE"
    house.pass_time(60)
    house.show("2000", ETH)
    assert await code(house) is None


async def test_a_position_is_a_share_of_equity() -> None:
    """Of 10,000 USD 403.20 went into 0.01 BTC worth 400: 1 % of the equity of 9,996.80 is 99.968."""
    for amount, expected in (("99.96", None), ("99.97", "POSITION_LIMIT")):
        house = await house_with(position_equity_pct_max=Decimal("0.01")).open()
        await house.buy()
        assert await code(house, amount) == expected


async def test_all_positions_are_a_share_of_equity() -> None:
    """5 % of 9,996.80 are 499.84; 403.20 are spent, so 96.64 are left."""
    for amount, expected in (("96.64", None), ("96.65", "EXPOSURE_LIMIT")):
        house = await house_with(exposure_equity_pct_max=Decimal("0.05")).open()
        await house.buy()
        assert await code(house, amount) == expected


async def test_an_order_by_hand_of_unknown_outcome_counts_with_its_limit() -> None:
    """S3: 0.01 at 40,000 may be spent, with its fee 403.20; 596.80 of 1000 are left for all others."""
    for amount, expected in (("500", None), ("500.01", "POSITION_LIMIT")):
        house = await House().open()
        house.exchange.script(Lose(is_placed=False))
        await house.placer.place(btc_entry(house))
        assert house.portfolio.open_buys_quote() == Decimal("403.20")
        assert await code(house, amount) == expected


async def test_without_a_range_nothing_is_bought() -> None:
    """B63, R33: 14 candles are not enough, be they streamed or asked for."""
    for count, expected in ((14, "ATR_UNAVAILABLE"), (15, None)):
        house = House()
        house.exchange.add_candles(five_minutes(number) for number in range(1, count + 1))
        house.show("40000")
        house.show("2000", ETH)
        await house.reconciler.start(unlocked)
        assert await code(house) == expected


async def test_a_market_without_candles_can_be_allowed() -> None:
    house = House(replace(RULES, entry_needs_range=False))
    house.show("2000", ETH)
    house.show("40000")
    await house.reconciler.start(unlocked)
    assert await code(house) is None


async def test_a_candle_that_is_still_forming_does_not_count() -> None:
    """B63"""
    house = House()
    house.exchange.add_candles(five_minutes(number) for number in range(15))
    house.show("2000", ETH)
    house.show("40000")
    await house.reconciler.start(unlocked)
    house.pass_time(299)
    assert await code(house) == "ATR_UNAVAILABLE"
    house.pass_time(1)
    assert await code(house) == "STALE_PRICE"


def five_minutes(number: int) -> Candle:
    """A candle of ETH-USD that opened `number` times five minutes before noon."""
    at_price = price("2000")
    opened_at = NOON - timedelta(minutes=5 * number)
    return Candle(ETH, opened_at, at_price, at_price, at_price, at_price, Size(Decimal(1)))


async def test_an_entry_whose_target_is_less_than_a_tick_away_is_refused() -> None:
    """B54, R23: at 0.02 with ticks of 0.01 a target 3.5 % above the cost is no whole tick above break-even."""
    coarse = replace(product(), price_increment=Decimal("0.01"), base_size_min=Size(Decimal("0.00001")))
    house = House(products=(coarse,))
    house.show("0.02")
    await house.reconciler.start(unlocked)
    house.with_ranges()
    decided = await house.entries.decide(signal(Action.BUY))
    # The limit is 0.03; 0.03 x 1.008 x 1.035 / 0.992 = 0.03155, in whole ticks 0.03.
    assert isinstance(decided, Refusal)
    assert decided.message == "bought at 0.03, the target of 0.03 would not clear the fees of both sides"


async def test_deciding_twice_gives_the_same_order() -> None:
    house = await House().open()
    first, second = [await house.entries.decide(signal()) for _ in range(2)]
    assert isinstance(first, OrderIntent)
    assert first == second
