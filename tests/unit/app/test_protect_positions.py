"""Brackets at the venue: placed, confirmed, watched, and never for more than is held.

0.01 BTC are bought at 40,000. With a fixed stop of 1 % and a target of 2.5 %, an entry that is not from ROC is stopped
0.01 + 0 + 0.008 below, at 39,280, and sold 0.025 + 0.008 above, at 41,320; a momentum entry 0.02 + 0.008 below, at
38,880, and 0.075 + 0.008 above, at 43,320. The spread is zero here.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import FillParts, Lose, MemoryExchange, Refuse
from bottrader.app.protect_positions import ATTEMPTS_MAX, Protection
from bottrader.domain.brackets import BracketRules, StopMode
from bottrader.domain.market import Candle, FeeRates
from bottrader.domain.money import Size
from bottrader.domain.orders import OpenOrder, OrderIntent, OrderKind, OrderState, Side
from bottrader.domain.signals import Trigger
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, NOON, at
from tests.fixtures.trading_house import RULES, House, price, product, signal, unlocked

pytestmark = pytest.mark.component("position_monitor")

FIXED = BracketRules(stop_mode=StopMode.FIXED)
BRACKETED = replace(RULES, brackets=FIXED)


async def holding(house: House | None = None, size: str = "0.01") -> House:
    opened = await (house or House(BRACKETED)).open_one()
    await opened.buy(size)
    return opened


async def protect(house: House, *, is_leaving: bool = False) -> None:
    await house.protector.protect(BTC, is_leaving=is_leaving)


def brackets(house: House) -> list[OpenOrder]:
    return house.portfolio.open_sells(BTC)


async def protected() -> House:
    house = await holding()
    await protect(house)
    assert house.protector.protection(BTC) is Protection.VENUE
    return house


async def test_with_brackets_off_the_monitor_is_the_protection() -> None:
    house = await holding(House())
    await protect(house)
    house.protector.watch(house.show("40000"))
    house.pass_time(60)
    house.protector.watch(house.show("40000"))
    assert house.sells == []
    assert house.told("position_unprotected") == []
    assert house.protector.protection(BTC) is Protection.MONITOR


async def test_a_position_gets_its_bracket_with_the_ids_of_its_buy() -> None:
    """B75, B78, R10, R11, R19: live at the venue, for all of it, never post-only."""
    house = await protected()
    (bracket,) = brackets(house)
    intent = bracket.intent
    assert (intent.kind, intent.side, intent.size_base) == (OrderKind.BRACKET_GTC, Side.SELL, Decimal("0.01"))
    assert (intent.stop_price, intent.limit_price) == (Decimal(38880), Decimal(43320))
    assert not intent.kind.is_post_only
    buy = house.exchange.placements[0]
    assert (intent.parent_id, intent.parent_ids) == (buy.client_order_id, (buy.client_order_id,))
    assert intent.trigger is Trigger.BRACKET
    assert house.portfolio.bracket_stop(BTC, house.clock.now()) == Decimal(38880)


async def test_the_bracket_of_one_entry_is_placed_once() -> None:
    house = await protected()
    house.pass_time(60)
    await house.settler.settle(brackets(house)[0])
    await protect(house)
    assert len(house.sells) == 1


async def test_one_momentum_buy_from_its_signal_to_its_bracket() -> None:
    """B62, R32: ATR 2 at 100, bid 99.90, ask 100.00, t 0.0055: stop 92.15 and target 108.15."""
    fees = FeeRates(maker=Decimal("0.003"), taker=Decimal("0.0055"))
    clock = ManualClock(NOON)
    exchange = MemoryExchange(clock, [product()], {"USD": Decimal(10_000)}, fees)
    rules = replace(RULES, brackets=BracketRules(), entry_slippage_rate=Decimal(0))
    house = House(rules, clock, products=[product()], given_exchange=exchange)
    house.show("100", bid="99.90", ask="100")
    await house.reconciler.start(unlocked)
    for number in range(15):
        await house.monitor.on_closed(
            Candle(BTC, at(300 * number), price("100"), price("101"), price("99"), price("100"), Size(Decimal(1)))
        )
    decided = await house.entries.decide(replace(signal(), trigger=Trigger.ROC_MOMO))
    assert isinstance(decided, OrderIntent)
    assert await house.placer.place(decided)
    await protect(house)
    (bracket,) = brackets(house)
    assert (bracket.intent.stop_price, bracket.intent.limit_price) == (Decimal("92.15"), Decimal("108.15"))
    assert bracket.intent.size_base == decided.size_base


async def test_with_fourteen_candles_nothing_is_bought_and_what_is_held_has_the_floor() -> None:
    """B63, B64, R33: 0.012 x 2 + 0.008 below 40,000 is 38,720."""
    house = await holding(House(replace(RULES, brackets=BracketRules()), has_ranges=False))
    for number in range(14):
        await house.monitor.on_closed(Candle(BTC, at(300 * number), *(price("40000"),) * 4, Size(Decimal(1))))
    await protect(house)
    (bracket,) = brackets(house)
    assert bracket.intent.stop_price == Decimal(38720)
    assert [told.fields["atr_missing"] for told in house.told("bracket_planned")] == [True]
    other = await House(replace(RULES, brackets=BracketRules()), has_ranges=False).open()
    refusal = await other.entries.decide(signal())
    assert isinstance(refusal, Refusal)
    assert "ATR" in refusal.message


async def test_a_success_without_the_venues_word_is_not_protection() -> None:
    """B76, R10: the reply is lost; looked up by our own id, then confirmed. It is not placed twice meanwhile."""
    house = await holding()
    house.exchange.script(Lose(is_placed=True))
    await protect(house)
    (bracket,) = brackets(house)
    assert bracket.state is OrderState.UNKNOWN
    assert house.protector.protection(BTC) is Protection.MONITOR
    assert house.portfolio.bracket_stop(BTC, house.clock.now()) is None
    house.pass_time(10)
    await protect(house)
    assert len(house.sells) == 1
    await house.settler.settle(bracket)
    assert house.protector.protection(BTC) is Protection.VENUE


async def test_a_bracket_that_the_venue_does_not_confirm_any_more_is_not_protection() -> None:
    """B110: 20 s after the last word, or at once when the venue does not know it."""
    house = await protected()
    house.pass_time(20)
    assert house.portfolio.bracket_stop(BTC, house.clock.now()) is not None
    house.pass_time(0.001)
    assert house.portfolio.bracket_stop(BTC, house.clock.now()) is None
    assert house.protector.protection(BTC) is Protection.MONITOR
    await house.settler.settle(brackets(house)[0])
    assert house.protector.protection(BTC) is Protection.VENUE
    house.exchange.hidden_lookups = 1
    await house.settler.settle(brackets(house)[0])
    assert house.portfolio.bracket_stop(BTC, house.clock.now()) is None


async def test_a_bracket_that_somebody_cancelled_is_placed_again_under_a_new_id() -> None:
    """B110, R10"""
    house = await protected()
    (bracket,) = brackets(house)
    assert bracket.venue_order_id is not None
    house.exchange.end(bracket.venue_order_id, OrderState.CANCELLED)
    await house.settler.settle(bracket)
    assert house.protector.protection(BTC) is Protection.MONITOR
    house.pass_time(5)
    await protect(house)
    assert house.protector.protection(BTC) is Protection.VENUE
    assert len({sell.client_order_id for sell in house.sells}) == 2


async def test_five_failed_attempts_pause_for_a_quarter_of_an_hour_and_count_anew() -> None:
    """B77, R13: five, a pause of 15 min, five more; a stop in between is not delayed by anything."""
    house = await holding()
    house.exchange.script(*[Refuse("BUSY")] * (2 * ATTEMPTS_MAX))
    for _ in range(20):
        await protect(house)
        house.pass_time(5)
    assert len(house.sells) == ATTEMPTS_MAX == 5
    (paused,) = house.told("bracket_paused")
    until = paused.fields["until"]
    assert isinstance(until, datetime)
    house.clock.advance(until - house.clock.now() - timedelta(seconds=1))
    await protect(house)
    assert len(house.sells) == 5
    house.pass_time(1)
    for _ in range(20):
        await protect(house)
        house.pass_time(5)
    assert len(house.sells) == 10
    assert len(house.told("bracket_paused")) == 2
    await house.see("38000")
    assert house.sells[-1].trigger is Trigger.HARD_STOP
    assert house.portfolio.position(BTC) is None


async def test_a_moment_as_dust_does_not_forget_the_failed_attempts() -> None:
    """B77, R13: four fail, a second later it is dust for a moment, and the fifth failure pauses all the same."""
    house = await holding()
    house.exchange.script(*[Refuse("BUSY")] * ATTEMPTS_MAX)
    for minimum, seconds in ((1, 5), (1, 5), (1, 5), (1, 1), (401, 4), (1, 5)):
        house.portfolio.products[BTC] = replace(product(), quote_size_min=Decimal(minimum))
        await protect(house)
        house.pass_time(seconds)
    assert len(house.sells) == ATTEMPTS_MAX
    assert len(house.told("bracket_paused")) == 1


async def test_attempts_keep_a_pace_of_five_seconds() -> None:
    house = await holding()
    house.exchange.script(Refuse("BUSY"), Refuse("BUSY"))
    await protect(house)
    house.pass_time(4.999)
    await protect(house)
    assert len(house.sells) == 1
    house.pass_time(0.001)
    await protect(house)
    assert len(house.sells) == 2


async def test_success_starts_the_count_anew() -> None:
    """B77: four failures, a bracket that stood for a while, four more: no pause."""
    house = await holding()
    for _ in range(2):
        house.exchange.script(*[Refuse("BUSY")] * 4)
        for _ in range(6):
            await protect(house)
            house.pass_time(5)
        (bracket,) = brackets(house)
        assert bracket.venue_order_id is not None
        house.exchange.end(bracket.venue_order_id, OrderState.CANCELLED)
        await house.settler.settle(bracket)
    assert house.told("bracket_paused") == []


async def test_a_position_without_its_bracket_is_told_within_ten_seconds_and_once() -> None:
    """B78, L1: refused again and again; the alarm comes 10 s after the fill, whatever the attempts do."""
    house = await holding()
    house.exchange.script(*[Refuse("BUSY")] * 3)
    for second in range(14):
        await protect(house)
        house.protector.watch(house.show("40000"))
        assert len(house.told("position_unprotected")) == (1 if second >= 10 else 0)
        house.pass_time(1)
    house.pass_time(5)
    await protect(house)
    house.protector.watch(house.show("40000"))
    assert house.protector.protection(BTC) is Protection.VENUE
    house.exchange.hidden_lookups = 1
    await house.settler.settle(brackets(house)[0])
    house.protector.watch(house.show("40000"))
    house.pass_time(10)
    house.protector.watch(house.show("40000"))
    assert len(house.told("position_unprotected")) == 2


async def test_what_is_bought_later_is_covered_by_a_bracket_of_its_own() -> None:
    """S5: brackets of 0.01 and 0.004 for a position of 0.014."""
    house = await protected()
    await house.buy("0.004", "more")
    house.pass_time(5)
    await protect(house)
    assert [bracket.intent.size_base for bracket in brackets(house)] == [Decimal("0.01"), Decimal("0.004")]
    assert house.protector.protection(BTC) is Protection.VENUE


async def test_a_partial_fill_of_a_bracket_leaves_the_rest_covered_by_its_rest() -> None:
    """S5, F17: 0.004 of 0.01 were sold; 0.006 are held and 0.006 are protected."""
    house = await protected()
    (bracket,) = brackets(house)
    assert bracket.venue_order_id is not None
    house.exchange.fill(bracket.venue_order_id, Size(Decimal("0.004")), price("43320"), is_maker=True)
    await house.settler.settle(bracket)
    house.pass_time(5)
    await protect(house)
    assert len(house.sells) == 1
    assert house.portfolio.bracketed_size(BTC, house.clock.now()) == Decimal("0.006")
    assert house.protector.protection(BTC) is Protection.VENUE


async def test_protection_of_more_than_is_held_is_taken_away() -> None:
    """S5: a sell entered elsewhere brought the position down to 0.004."""
    house = await protected()
    position = house.portfolio.position(BTC)
    assert position is not None
    left = replace(position, size=Size(Decimal("0.004")))
    house.portfolio.position = lambda _: left  # type: ignore[method-assign,assignment]
    await protect(house)
    assert brackets(house) == []
    assert len(house.told("protection_exceeds_position")) == 1
    house.pass_time(5)
    await protect(house)
    assert [bracket.intent.size_base for bracket in brackets(house)] == [Decimal("0.004")]


async def test_a_bracket_whose_position_is_gone_is_cancelled() -> None:
    """R12: an orphan would hold coins, or sell ones bought later."""
    house = await protected()
    house.portfolio.position = lambda _: None  # type: ignore[method-assign,assignment]
    await protect(house)
    assert brackets(house) == []


async def test_a_position_that_is_being_left_gets_no_bracket() -> None:
    """R84: it would hold what the exit is selling."""
    house = await holding()
    await protect(house, is_leaving=True)
    assert house.sells == []


async def test_a_hodl_asset_is_never_bracketed() -> None:
    """B40, R16"""
    house = await holding(House(replace(BRACKETED, hodl=frozenset({"BTC"}))))
    await protect(house)
    house.pass_time(60)
    house.protector.watch(house.show("40000"))
    assert house.sells == []
    assert house.told("position_unprotected") == []


async def test_dust_is_not_bracketed() -> None:
    """B51, R62: worth 400, below a minimum of 401."""
    house = await holding()
    house.portfolio.products[BTC] = replace(product(), quote_size_min=Decimal(401))
    await protect(house)
    assert house.sells == []
    house.portfolio.products[BTC] = replace(product(), quote_size_min=Decimal(400))
    await protect(house)
    assert len(house.sells) == 1


async def test_a_bracket_below_whose_stop_the_price_is_already_is_not_placed() -> None:
    """In a book of 39,000 to 40,000 the stop is at 40,000 x (1 - 0.02 - 0.025 - 0.008) = 37,880."""
    house = await holding()
    house.show("37880", bid="39000", ask="40000")
    await protect(house)
    assert house.sells == []
    (told,) = house.told("bracket_held_back")
    assert "at the stop of 37880" in str(told.fields["reason"])
    house.pass_time(5)
    house.show("37880.01", bid="39000", ask="40000")
    await protect(house)
    assert [sell.stop_price for sell in house.sells] == [Decimal(37_880)]


async def test_without_a_book_and_without_a_price_nothing_is_placed() -> None:
    """B70"""
    house = await holding()
    house.show("40000", bid="40001", ask="39999")
    await protect(house)
    house.portfolio.tickers.clear()
    house.pass_time(5)
    await protect(house)
    assert house.sells == []
    assert len(house.told("bracket_held_back")) == 1


async def test_prices_that_jump_about_hold_a_bracket_back() -> None:
    """B69: mids of 34,000 and 46,000 deviate by 15 % from 40,000, the target is 8.3 % away; the small spread is one."""
    house = await holding()
    for number in range(30):
        house.protector.watch(house.show("34000" if number % 2 else "46000"))
    house.show("40000")
    await protect(house)
    assert house.sells == []
    assert "2 things" in str(house.told("bracket_held_back")[0].fields["reason"])


async def test_prices_of_a_crossed_book_jump_about_and_hold_nothing_back() -> None:
    """B69, F30: the same leaps, but each with the bid above the ask, are no market that moved."""
    house = await holding()
    for number in range(30):
        middle = 34_000 if number % 2 else 46_000
        house.protector.watch(house.show(str(middle), bid=str(middle + 1), ask=str(middle - 1)))
    house.show("40000")
    await protect(house)
    assert house.protector.protection(BTC) is Protection.VENUE
    assert house.told("bracket_held_back") == []


@pytest.mark.parametrize(("traded", "reason"), [("43400", "take_profit:"), ("38800", "stop_loss:")])
async def test_the_exit_of_a_bracket_is_booked_with_its_parent_and_the_reason_of_its_leg(
    traded: str, reason: str
) -> None:
    house = await protected()
    (bracket,) = brackets(house)
    house.show(traded)
    await house.settler.settle(bracket)
    assert house.portfolio.position(BTC) is None
    (row,) = [row for row in await house.store.trade_records() if row.side == "sell"]
    assert (row.status, row.filled_size) == ("filled", Decimal("0.01"))
    assert row.parent_id == house.exchange.placements[0].client_order_id
    assert row.notes.startswith(reason)


async def test_a_restart_finds_its_bracket_again_and_places_no_second_one() -> None:
    """S1, S5"""
    house = await protected()
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    restarted.show("40000")
    await protect(restarted)
    assert len(house.sells) == 1
    assert restarted.protector.protection(BTC) is Protection.VENUE


async def test_books_are_compared_while_a_bracket_rests() -> None:
    """E2: it changes no total, so a missing coin is told."""
    house = await protected()
    result = await house.reconciler.run(unlocked)
    assert (result.open_orders_count, result.differences) == (0, ())
    house.exchange.take("BTC", Decimal("0.001"))
    result = await house.reconciler.run(unlocked)
    assert [difference.what for difference in result.differences] == ["holding BTC"]


async def test_an_exit_that_sold_only_a_part_has_the_rest_protected_once_it_is_held_again() -> None:
    """The stop of the bracket is far away at 36,480, so that the monitor leaves first."""
    far = replace(FIXED, stop_loss_pct=Decimal("0.04"))
    house = await holding(House(replace(RULES, brackets=far)))
    await protect(house)
    house.exchange.script(FillParts((Size(Decimal("0.004")),)))
    await house.see("38000")
    await protect(house, is_leaving=house.monitor.is_leaving(BTC))
    assert len(house.sells) == 2
    house.pass_time(5)
    await house.see("40000")
    await protect(house, is_leaving=house.monitor.is_leaving(BTC))
    assert house.sells[-1].size_base == Decimal("0.006")
    assert house.protector.protection(BTC) is Protection.VENUE


async def test_a_range_wider_than_the_price_leaves_the_position_to_the_monitor() -> None:
    """R33: 1.8 x 30,000 on an entry of 40,000 would put the stop below zero; nothing is sent, and it is told."""
    house = await holding(House(replace(RULES, brackets=BracketRules())))
    house.portfolio.atrs[BTC] = Decimal(30_000)
    await protect(house)
    assert brackets(house) == []
    (told,) = house.told("bracket_held_back")
    assert "at zero or below" in str(told.fields["reason"])
