"""Exits: 0.01 BTC bought at 40,000 with 0.8 % cost 403.20; sold at p they bring p x 0.01 x 0.992.

Hard stop 5 %: 403.20 x 0.95 = 383.04, so p <= 38,612.903. Soft stop 2.5 %: 393.12, so p <= 39,629.032; at the market
from 3 %: 391.104, so p <= 39,425.806. Take profit 3.5 %: 417.312, so p >= 42,067.742. Signal exit 1 %: 407.232, so
p >= 41,051.613.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillFirst, FillParts, Lose, LoseCancel, QueueCancel, Refuse, StayOpen
from bottrader.domain.brackets import BracketRules, StopMode
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.exits import ExitRules
from bottrader.domain.market import Candle, FeeRates
from bottrader.domain.money import Size
from bottrader.domain.orders import OrderKind, Side
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import Action, OutcomeKind, Trigger
from bottrader.domain.validation import Refusal
from bottrader.ports import Balance
from tests.fixtures.facts import BTC, NOON, at
from tests.fixtures.trading_house import RULES, House, price, product, signal, unlocked

pytestmark = pytest.mark.component("position_monitor")

TRAILING = replace(RULES, exits=ExitRules(trailing_enabled=True))
SELL = signal(Action.SELL)


async def holding(house: House | None = None, size: str = "0.01") -> House:
    opened = await (house or House()).open_one()
    await opened.buy(size)
    return opened


async def asked_to_sell(house: House, text: str) -> str | None:
    house.show(text)
    refusal = await house.monitor.on_sell_signal(SELL)
    return None if refusal is None else refusal.code


async def test_without_a_position_a_price_does_nothing() -> None:
    house = await House().open()
    await house.see("1")
    assert house.exchange.placements == []


async def test_between_the_thresholds_the_position_is_held() -> None:
    house = await holding()
    await house.see("39629.04")
    await house.see("42067.74")
    assert house.sells == []


async def test_the_hard_stop_leaves_at_the_market_with_everything() -> None:
    """B92, M1: reason, parent and size are those of the position."""
    house = await holding()
    buy = house.exchange.placements[0]
    await house.see("38612.90")
    (sell,) = house.sells
    assert (sell.side, sell.kind, sell.limit_price) == (Side.SELL, OrderKind.MARKET_IOC, None)
    assert sell.size_base == Decimal("0.01")
    assert sell.trigger is Trigger.HARD_STOP
    assert sell.parent_id == buy.client_order_id
    assert sell.parent_ids == (buy.client_order_id,)
    assert sell.note.startswith("stop_loss:")
    assert sell.signal_id is None
    assert house.portfolio.position(BTC) is None


async def test_the_soft_stop_is_a_limit_and_from_three_percent_on_a_market_order() -> None:
    """B104, B105: 39,629.03 x 0.9995 = 39,609.215..., rounded down to the tick."""
    near = await holding()
    await near.see("39629.03")
    assert [(sell.kind, sell.limit_price, sell.trigger) for sell in near.sells] == [
        (OrderKind.LIMIT_IOC, Decimal("39609.21"), Trigger.SOFT_STOP)
    ]
    far = await holding()
    await far.see("39425.80")
    assert [(sell.kind, sell.trigger) for sell in far.sells] == [(OrderKind.MARKET_IOC, Trigger.SOFT_STOP)]


async def test_the_peak_is_kept_and_survives_a_restart() -> None:
    """B116, R67: 44,000 is a net +8.3 %; 5 % below it are 41,800, also for the next process."""
    rules = replace(RULES, exits=ExitRules(peak_enabled=True, peak_smoothing_s=60))
    house = await holding(House(rules))
    await house.see("44000")
    kept = await house.store.peak_of(BTC)
    assert kept is not None
    assert kept.peak.high == 44_000
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    restarted.pass_time(60)
    await restarted.see("41800.01")
    assert house.sells == []
    restarted.pass_time(60)
    await restarted.see("41800")
    assert [sell.trigger for sell in house.sells] == [Trigger.PEAK_DRAWDOWN]


async def test_the_peak_of_an_earlier_position_does_not_count() -> None:
    rules = replace(RULES, exits=ExitRules(peak_enabled=True, peak_smoothing_s=0))
    house = await holding(House(rules))
    await house.see("44000")
    await house.see("41000")
    house.pass_time(10)
    house.show("40000")
    await house.buy("0.01", "second")
    await house.see("40500")
    assert len(house.sells) == 1


async def test_a_stale_price_alarms_and_decides_nothing() -> None:
    """F30: 60 s is still a price, a moment more is not."""
    house = await holding()
    old = house.show("38000")
    house.pass_time(60.001)
    await house.monitor.on_ticker(old)
    assert len(house.told("price_unusable")) == 1
    assert house.sells == []
    recent = house.show("38000")
    house.pass_time(60)
    await house.monitor.on_ticker(recent)
    assert [sell.trigger for sell in house.sells] == [Trigger.HARD_STOP]


async def test_a_smallest_value_of_a_sale_can_be_set() -> None:
    """B46: 0.01 at 38,000 are worth 380."""
    for least, sells in ((380, 1), (381, 0)):
        house = await holding(House(replace(RULES, sell_value_min=Decimal(least))))
        await house.see("38000")
        assert len(house.sells) == sells


async def test_an_exit_counts_the_fees_that_the_exchange_takes_by_now() -> None:
    """B90, R22: bought at 0.5 % for 402; 3.5 % net are 416.07, at 0.5 % from 41,816.09 and at 0.8 % from 41,942.55.

    41,900 would be a profit at the old rate and is none at the new one.
    """
    for later, sales in (("0.005", 1), ("0.008", 0)):
        house = await House().open_one()
        house.exchange.fees = FeeRates(maker=Decimal("0.0025"), taker=Decimal("0.005"))
        await house.reconciler.run(unlocked)
        await house.buy("0.01")
        house.exchange.fees = replace(house.exchange.fees, taker=Decimal(later))
        await house.reconciler.run(unlocked)
        await house.see("41900")
        assert len(house.sells) == sales
        await house.see("41942.55")
        assert [sell.trigger for sell in house.sells] == [Trigger.TAKE_PROFIT]


async def test_a_flattening_switch_sells_at_the_market_what_the_rules_would_hold() -> None:
    """F54"""
    house = await holding()
    await house.kill_switch.throw(KillSwitch(True, "fear", "cli", at(0)))
    await house.see("40000")
    assert house.sells == []
    await house.kill_switch.throw(KillSwitch(True, "more fear", "http", at(1), flattens=True))
    await house.see("40000")
    (sell,) = house.sells
    assert (sell.kind, sell.trigger) == (OrderKind.MARKET_IOC, Trigger.FLATTEN)
    assert sell.note == "manual: kill switch (http): more fear"


async def test_the_days_loss_flattens_where_that_is_asked_for() -> None:
    """0.01 at 39,700 are worth 397, that is 6.20 less than they cost: within the stops, and beyond a limit of 6."""
    for flattens, sells in ((True, [Trigger.FLATTEN]), (False, [])):
        limits = replace(RULES.limits, daily_loss_quote_max=Decimal(6), daily_loss_flattens=flattens)
        house = await holding(House(replace(RULES, limits=limits)))
        await house.see("39720.01")
        assert house.sells == []
        await house.see("39700")
        assert [sell.trigger for sell in house.sells] == sells


async def test_take_profit_is_a_limit_a_little_below_the_bid() -> None:
    """B124: 42,068 x 0.9995 = 42,046.966, rounded down to the tick."""
    house = await holding()
    await house.see("42068")
    (sell,) = house.sells
    assert (sell.kind, sell.limit_price, sell.trigger) == (
        OrderKind.LIMIT_IOC,
        Decimal("42046.96"),
        Trigger.TAKE_PROFIT,
    )


async def test_the_limit_follows_the_bid_and_not_the_ask() -> None:
    """R18: never above the bid."""
    house = await holding()
    await house.monitor.on_ticker(house.show("42080", bid="42068", ask="42090"))
    assert [sell.limit_price for sell in house.sells] == [Decimal("42046.96")]


async def test_the_size_is_rounded_down_to_the_increment_and_the_rest_stays() -> None:
    """B48"""
    house = await holding(House(products=(product(base_increment=Decimal("0.001")),)))
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.010")]


async def test_a_second_sell_is_not_sent_while_one_may_be_live() -> None:
    """R84: the first answer was lost; whatever the price does, one sell is enough."""
    house = await holding()
    house.exchange.script(Lose(is_placed=False))
    await house.see("38000")
    house.pass_time(10)
    await house.see("30000")
    assert len(house.sells) == 1


async def test_an_open_buy_does_not_hold_up_a_stop() -> None:
    house = await holding()
    house.exchange.script(StayOpen())
    await house.buy("0.01", "another")
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01")]


async def test_attempts_follow_each_other_at_their_pace_and_not_sooner() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"), Refuse("BUSY"))
    await house.see("38000")
    house.pass_time(2.999)
    await house.see("38000")
    assert len(house.sells) == 1
    house.pass_time(0.001)
    await house.see("38000")
    assert len(house.sells) == 2


async def test_a_repeated_exit_sells_no_more_than_is_free() -> None:
    """Coins that were moved by hand: the second try sells what is left, and says once that some are gone."""
    house = await holding()
    house.exchange.script(Refuse("INSUFFICIENT_FUND"))
    await house.see("38000")
    house.exchange.take("BTC", Decimal("0.004"))
    house.pass_time(3)
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01"), Decimal("0.006")]
    (told,) = house.told("coins_missing")
    assert (told.fields["held"], told.fields["free"]) == (Decimal("0.01"), Decimal("0.006"))


async def test_an_exit_without_any_coins_left_is_not_sent_again_and_again() -> None:
    house = await holding()
    house.exchange.script(Refuse("INSUFFICIENT_FUND"))
    await house.see("38000")
    house.exchange.take("BTC", Decimal("0.01"))
    for _ in range(5):
        house.pass_time(3)
        await house.see("38000")
    assert len(house.sells) == 1
    assert len(house.told("coins_missing")) == 1


async def test_a_repeated_exit_does_not_wait_for_balances_that_cannot_be_had() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"))
    await house.see("38000")
    house.exchange.query_error = ExchangeUnreachable("down")
    house.pass_time(3)
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01"), Decimal("0.01")]


async def test_each_attempt_has_an_id_of_its_own() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"), Refuse("BUSY"))
    for _ in range(3):
        await house.see("38000")
        house.pass_time(3)
    assert len({sell.client_order_id for sell in house.sells}) == 3
    assert house.portfolio.position(BTC) is None


async def test_a_restart_does_not_repeat_an_old_id() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"))
    await house.see("38000")
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    await restarted.see("38000")
    assert len({sell.client_order_id for sell in house.sells}) == 2
    assert restarted.portfolio.position(BTC) is None


async def test_a_stop_does_not_wait_for_a_profit_that_got_away() -> None:
    """R13: the take profit found no buyer, a moment later the price falls through the stop."""
    house = await holding()
    house.exchange.script(FillParts(()))
    await house.see("42068")
    house.pass_time(0.5)
    await house.see("38000")
    assert [sell.trigger for sell in house.sells] == [Trigger.TAKE_PROFIT, Trigger.HARD_STOP]


async def test_a_profit_waits_for_the_pace_after_a_stop() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"))
    await house.see("38000")
    house.pass_time(1)
    await house.see("42068")
    assert len(house.sells) == 1


async def test_what_a_partial_exit_leaves_is_sold_next() -> None:
    """B125: flat in the end, whatever the first order achieved."""
    house = await holding()
    house.exchange.script(FillParts((Size(Decimal("0.004")),)))
    await house.see("38000")
    house.pass_time(3)
    await house.see("37000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01"), Decimal("0.006")]
    assert house.portfolio.position(BTC) is None


async def test_dust_is_not_sold() -> None:
    """B51, R62: below the venue's smallest size, below its smallest value, below one increment."""
    small = replace(product(), base_size_min=Size(Decimal("0.02")))
    worthless = replace(product(), quote_size_min=Decimal(400))
    coarse = product(base_increment=Decimal("0.1"))
    for rule in (small, worthless, coarse):
        house = await holding(House(products=(product(),)))
        house.portfolio.products[BTC] = rule
        assert await asked_to_sell(house, "38000") == "INSUFFICIENT_BASE"
        await house.see("30000")
        assert house.sells == []


async def test_a_value_at_the_minimum_is_sold() -> None:
    """0.01 at 38,000 are worth 380."""
    house = await holding()
    house.portfolio.products[BTC] = replace(product(), quote_size_min=Decimal(380))
    await house.see("38000")
    assert len(house.sells) == 1


async def test_a_hodl_asset_is_never_sold() -> None:
    """B40, B123, R16"""
    house = await holding(House(replace(RULES, hodl=frozenset({"BTC"}))))
    await house.see("20000")
    assert await asked_to_sell(house, "50000") == "HODL_REJECT"
    assert house.sells == []


async def test_an_unusable_price_decides_nothing_alarms_once_and_recovers() -> None:
    """F30: a crossed book at half the price triggers no stop; one alarm for each stretch of it."""
    house = await holding()
    for _ in range(3):
        house.show("20000", bid="20001", ask="19999")
        await house.monitor.on_ticker(house.portfolio.tickers[BTC])
    assert len(house.told("price_unusable")) == 1
    assert house.sells == []
    await house.see("40000")
    house.show("20000", bid="20001", ask="19999")
    await house.monitor.on_ticker(house.portfolio.tickers[BTC])
    assert len(house.told("price_unusable")) == 2
    await house.see("38000")
    assert len(house.sells) == 1


async def test_the_trail_is_raised_stored_and_ends_the_position() -> None:
    """B121: active at 42,068 with its stop 2 % below the high: 43,000 gives 42,140."""
    house = await holding(House(TRAILING))
    await house.see("42068")
    trail = await house.store.trail_of(BTC)
    assert trail is not None
    assert (trail.high, trail.stop) == (Decimal(42_068), Decimal("41226.64"))
    await house.see("43000")
    await house.see("42140.01")
    assert house.sells == []
    await house.see("42140")
    assert [sell.trigger for sell in house.sells] == [Trigger.TRAILING_STOP]


async def test_the_trail_survives_a_restart() -> None:
    house = await holding(House(TRAILING))
    await house.see("43000")
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    await restarted.see("42140")
    assert [sell.trigger for sell in house.sells] == [Trigger.TRAILING_STOP]


async def test_the_trail_of_an_earlier_position_does_not_count() -> None:
    house = await holding(House(TRAILING))
    await house.see("43000")
    await house.see("42140")
    house.pass_time(10)
    house.show("40000")
    await house.buy("0.01", "second")
    await house.see("41000")
    assert len(house.sells) == 1


async def test_closed_candles_give_the_trail_its_distance() -> None:
    """Fifteen candles with a range of 100 each: ATR 100, two of them are less than 1 % of 43,000, so 430 it is."""
    house = House(TRAILING)
    house.show("40000")
    await house.reconciler.start(unlocked)
    await house.buy("0.01")
    for number in range(15):
        await house.monitor.on_closed(
            Candle(
                BTC,
                at(300 * number),
                price("42000"),
                price("42050"),
                price("41950"),
                price("42000"),
                Size(Decimal(1)),
            )
        )
    await house.see("43000")
    trail = await house.store.trail_of(BTC)
    assert trail is not None
    assert trail.stop == Decimal(42_570)


async def test_a_sell_signal_takes_a_small_profit_once_it_was_held_long_enough() -> None:
    """B112, B131: 41,051.62 is above the 1 % threshold; held 59.999 s / 60 s."""
    house = await holding()
    house.pass_time(59.999)
    assert await asked_to_sell(house, "41051.62") == "SIGNAL_EXIT_HELD"
    house.pass_time(0.001)
    assert await asked_to_sell(house, "41051.61") == "SIGNAL_EXIT_HELD"
    assert await asked_to_sell(house, "41051.62") is None
    (sell,) = house.sells
    assert (sell.trigger, sell.signal_id) == (Trigger.SIGNAL_EXIT, SELL.signal_id)
    outcome = await house.store.outcome_of(SELL.signal_id)
    assert outcome is not None
    assert (outcome.kind, outcome.code) == (OutcomeKind.ORDERED, "SUCCESS")


async def test_a_sell_signal_without_a_position_is_refused() -> None:
    house = await House().open()
    assert await asked_to_sell(house, "40000") == "INSUFFICIENT_BASE"


async def test_a_sell_signal_without_a_recent_price_is_refused() -> None:
    """F30: 60 s old is still recent, a moment more is not; no price at all is not either."""
    house = await holding()
    house.show("42068")
    house.pass_time(60.001)
    assert isinstance(await house.monitor.on_sell_signal(SELL), Refusal)
    house.portfolio.tickers.clear()
    refusal = await house.monitor.on_sell_signal(SELL)
    assert refusal is not None
    assert refusal.code == "STALE_PRICE"
    house.show("42068")
    house.pass_time(60)
    assert await house.monitor.on_sell_signal(SELL) is None


async def test_a_sell_signal_while_a_sell_may_be_live_is_refused() -> None:
    house = await holding()
    house.exchange.script(Lose(is_placed=False))
    await house.see("38000")
    assert await asked_to_sell(house, "38000") == "SKIPPED_OPEN_ORDER"


async def test_a_sell_signal_right_after_an_exit_is_refused() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"))
    await house.see("38000")
    assert await asked_to_sell(house, "38000") == "SKIPPED_OPEN_ORDER"


async def test_an_unusable_price_refuses_a_sell_signal() -> None:
    house = await holding()
    house.show("40000", bid="40001", ask="39999")
    refusal = await house.monitor.on_sell_signal(SELL)
    assert refusal is not None
    assert refusal.code == "STALE_PRICE"


async def test_nothing_is_judged_before_the_fee_rates_are_known() -> None:
    house = await holding()
    house.portfolio.fee_rates = None
    with pytest.raises(AssertionError, match="fee rates"):
        await house.see("38000")


BRACKETED = replace(RULES, brackets=BracketRules(stop_mode=StopMode.FIXED, stop_loss_pct=Decimal("0.04")))
"""A momentum entry at 40,000: stop 2 x 4 % + 0.8 % below at 36,480, above all that the hard stop at 38,816 fires."""


async def holding_bracketed() -> House:
    house = await holding(House(BRACKETED))
    await house.protector.protect(BTC, is_leaving=False)
    (bracket,) = house.portfolio.open_sells(BTC)
    assert bracket.intent.kind is OrderKind.BRACKET_GTC
    return house


async def test_a_hard_stop_cancels_the_bracket_first_and_sells_everything_at_the_market() -> None:
    """B45, B103, R17: cancelled, acknowledged, asked what is free, sold."""
    house = await holding_bracketed()
    await house.see("38000")
    bracket, stop = house.sells
    assert len(house.exchange.cancels) == 1
    assert (stop.kind, stop.trigger, stop.size_base) == (OrderKind.MARKET_IOC, Trigger.HARD_STOP, Decimal("0.01"))
    assert stop.parent_id == bracket.parent_id == house.exchange.placements[0].client_order_id
    assert house.portfolio.position(BTC) is None
    assert house.portfolio.open_orders() == []


async def test_what_is_locked_in_an_open_sell_is_released_and_sold_to_the_last_unit() -> None:
    """B127, R15: total 0.001, all of it held; the size sold is 0.001 and never 0."""
    house = await holding(House(BRACKETED), size="0.001")
    await house.protector.protect(BTC, is_leaving=False)
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.001"), Decimal("0.001")]
    assert house.portfolio.position(BTC) is None


async def test_a_sell_after_a_cancel_is_never_more_than_is_free() -> None:
    """B48, R14: 1.234567891 are free at an increment of 0.00000001."""
    house = await holding(House(BRACKETED, balances={"USD": Decimal(100_000)}), size="1.23456790")
    await house.protector.protect(BTC, is_leaving=False)
    house.exchange.take("BTC", Decimal("0.000000009"))
    await house.see("38000")
    assert house.sells[-1].size_base == Decimal("1.23456789")


async def test_a_balance_that_shows_the_release_a_moment_later_is_waited_for() -> None:
    """B127, R15: balances may lag; nothing of size zero is sent, and nothing too small."""
    house = await holding_bracketed()
    balances, asked = house.exchange.balances, 0

    async def lagging() -> Sequence[Balance]:
        nonlocal asked
        asked += 1
        return await balances() if asked > 2 else [Balance("BTC", Decimal(0), Decimal("0.01"))]

    house.exchange.balances = lagging  # type: ignore[method-assign]
    await house.see("38000")
    assert asked == 3
    assert house.sells[-1].size_base == Decimal("0.01")


@pytest.mark.parametrize("step", [Refuse("NOT_ALLOWED_TO_CANCEL"), LoseCancel(is_taken=False), QueueCancel()])
async def test_while_a_cancel_fails_no_second_sell_is_sent(step: Refuse | LoseCancel | QueueCancel) -> None:
    """B126, R84: retried with an alarm; sold once the first sell has ended."""
    house = await holding_bracketed()
    house.exchange.script_cancels(step)
    await house.see("38000")
    await house.see("37900")
    assert len(house.sells) == 1
    house.pass_time(3)
    await house.see("37800")
    assert [sell.trigger for sell in house.sells] == [Trigger.BRACKET, Trigger.HARD_STOP]
    assert len(house.exchange.cancels) == 2
    assert len(house.told("cancel_repeated")) == 1
    assert house.portfolio.position(BTC) is None


async def test_a_bracket_that_fills_before_its_cancel_leaves_nothing_to_sell() -> None:
    """F16, B126"""
    house = await holding_bracketed()
    house.exchange.script_cancels(FillFirst(Size(Decimal("0.01"))))
    await house.see("38000")
    assert len(house.sells) == 1
    assert house.portfolio.position(BTC) is None


async def test_a_stop_is_sized_to_what_a_partial_fill_left() -> None:
    """F17: 0.004 of the bracket went at its target."""
    house = await holding_bracketed()
    house.exchange.script_cancels(FillFirst(Size(Decimal("0.004"))))
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01"), Decimal("0.006")]
    assert house.portfolio.position(BTC) is None


async def test_a_regular_exit_cancels_what_blocks_it_too() -> None:
    """R17: the target of the monitor is nearer than that of the bracket."""
    house = await holding_bracketed()
    await house.see("42068")
    assert [sell.trigger for sell in house.sells] == [Trigger.BRACKET, Trigger.TAKE_PROFIT]
    assert house.portfolio.position(BTC) is None


async def test_a_gap_below_the_first_emergency_order_ends_flat_with_an_alarm() -> None:
    """B125, R83: the market order found nobody; 10 % lower the next one does."""
    house = await holding()
    house.exchange.script(FillParts(()))
    await house.see("38000")
    assert house.told("exit_incomplete") == []
    house.pass_time(3)
    await house.see("34200")
    assert [sell.kind for sell in house.sells] == [OrderKind.MARKET_IOC, OrderKind.MARKET_IOC]
    assert [told.fields["left"] for told in house.told("exit_incomplete")] == [Decimal("0.01")]
    assert house.portfolio.position(BTC) is None


async def test_the_exit_is_of_the_market_and_not_of_the_entry() -> None:
    """B128: bought 0.001 at 40,000, the market at 38,000: 0.001 are sold, at 38,000."""
    house = await holding(size="0.001")
    await house.see("38000")
    (sell,) = house.sells
    (fill,) = [fill for fill in await house.exchange.fills_since(NOON) if fill.side is Side.SELL]
    assert (sell.side, sell.size_base, fill.price) == (Side.SELL, Decimal("0.001"), Decimal(38_000))


async def test_the_monitor_knows_whether_it_is_leaving() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"))
    assert not house.monitor.is_leaving(BTC)
    await house.see("38000")
    assert house.monitor.is_leaving(BTC)
    await house.see("40000")
    assert not house.monitor.is_leaving(BTC)
