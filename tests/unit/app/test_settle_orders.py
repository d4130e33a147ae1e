"""Settling: an open order is asked about until the answer is definite, and silence is no answer."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, Refuse, StayOpen
from bottrader.app.settle_orders import LISTING_LAG, OrderSettler
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.orders import OpenOrder, OrderKind, OrderState, OrderTransition, Side
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.trading_house import House, btc_entry, entry, price


async def house_with_unknown(*, is_placed: bool) -> House:
    house = await House().open()
    house.exchange.script(Lose(is_placed=is_placed))
    await house.buy("0.01")
    return house


async def settle_all(house: House) -> None:
    for order in house.portfolio.open_orders():
        await house.settler.settle(order)


async def test_an_order_that_was_planned_but_not_sent_ends_as_never_sent() -> None:
    """`sent` is committed before a request leaves, so the venue need not be asked."""
    house = await House().open()
    intent = entry("0.01", "one", BTC, house.clock.now(), price("40000"))
    await house.store.record_intent(intent, 1, None)
    house.exchange.query_error = ExchangeUnreachable("not to be asked")
    await house.settler.settle(OpenOrder(intent, OrderState.PLANNED, None, None))
    assert await house.store.open_orders() == []
    assert house.told("order_refused")[0].fields["code"] == "NEVER_SENT"


async def test_an_unknown_order_that_is_found_is_accepted_and_filled() -> None:
    """F2: one venue order, never "failed"."""
    house = await house_with_unknown(is_placed=True)
    await settle_all(house)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.01")
    assert house.portfolio.open_orders() == []
    assert [record.status for record in await house.store.trade_records()] == ["filled"]
    assert len(house.exchange.placements) == 1


async def test_not_listed_is_not_yet_until_the_listing_lag_has_passed() -> None:
    """F1, F18: one moment before 30 s the order still counts as live, at 30 s it does not."""
    house = await house_with_unknown(is_placed=False)
    house.pass_time(29.999)
    await settle_all(house)
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.UNKNOWN]
    house.pass_time(0.001)
    await settle_all(house)
    assert house.portfolio.open_orders() == []
    assert house.told("order_refused")[0].fields["code"] == "NOT_AT_VENUE"
    assert LISTING_LAG.total_seconds() == 30


async def test_an_order_that_is_listed_late_is_found_all_the_same() -> None:
    """F18"""
    house = await house_with_unknown(is_placed=True)
    house.exchange.hidden_lookups = 2
    for _ in range(3):
        house.pass_time(2)
        await settle_all(house)
    assert house.portfolio.position(BTC) is not None


async def test_the_search_allows_for_a_venue_clock_that_runs_behind() -> None:
    """The venue dates the order a minute before ours says it was sent; it is found."""
    house = await house_with_unknown(is_placed=True)
    order = house.portfolio.open_orders()[0]
    sent_at = house.pass_time(60)
    await house.settler.settle(OpenOrder(order.intent, order.state, None, sent_at))
    assert house.portfolio.open_orders() == []


async def test_a_venue_that_does_not_answer_leaves_the_order_open() -> None:
    """D11: a failed query is never "none", whatever the order's age."""
    house = await house_with_unknown(is_placed=False)
    house.pass_time(3600)
    house.exchange.query_error = ExchangeUnreachable("down")
    with pytest.raises(ExchangeUnreachable):
        await settle_all(house)
    assert len(house.portfolio.open_orders()) == 1


async def test_an_order_that_rests_is_asked_again_until_it_ends() -> None:
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01")
    order = house.portfolio.open_orders()[0]
    assert order.venue_order_id is not None
    house.exchange.fill(order.venue_order_id, order.intent.size_base, price("39000"))
    await settle_all(house)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.cost == Decimal("393.12")  # 390 and 0.8 % of it
    assert house.portfolio.open_orders() == []


async def test_an_order_the_venue_does_not_show_yet_stays_accepted() -> None:
    """F18: a 404 right after the answer is "not yet"."""
    house = await House().open()
    house.exchange.hidden_lookups = 1
    await house.buy("0.01")
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.ACCEPTED]
    await settle_all(house)
    assert house.portfolio.open_orders() == []


async def test_fills_that_were_recorded_before_the_order_was_found_make_the_position() -> None:
    """Missed fills can be stored while their order is still unknown; finding it must bring the position to light."""
    house = await house_with_unknown(is_placed=True)
    house.exchange.hidden_lookups = 1
    await settle_all(house)
    await house.recorder.record(list(await house.exchange.fills_since(house.clock.now())))
    assert house.portfolio.position(BTC) is None
    await settle_all(house)
    assert house.portfolio.position(BTC) is not None


async def house_with_unknown_exit(*steps: Lose | Refuse) -> House:
    """A position whose hard stop was answered by the first of `steps`; the others wait for what is sent again."""
    house = await House().open()
    await house.buy("0.01")
    house.exchange.script(*steps)
    await house.see("38000")
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.UNKNOWN]
    return house


@pytest.mark.parametrize("is_placed", [True, False])
async def test_an_exit_of_unknown_outcome_is_sent_again_as_it_was_and_is_one_order(is_placed: bool) -> None:
    """F1, F2, F5, F6, F7, S1: placed or not, the same id and body end it at once, without the listing lag."""
    house = await house_with_unknown_exit(Lose(is_placed=is_placed))
    await settle_all(house)
    first, second = house.sells
    assert first == second
    assert house.portfolio.open_orders() == []
    assert house.portfolio.position(BTC) is None
    assert len([fill for fill in await house.exchange.fills_since(NOON) if fill.side is Side.SELL]) == 1


async def test_each_repeat_is_durable_as_sent_before_it_leaves() -> None:
    """S2: a crash between two repeats leaves the time of the last one, from which the listing lag counts."""
    house = await house_with_unknown_exit(Lose(is_placed=False), Lose(is_placed=False))
    again = house.pass_time(20)
    await settle_all(house)
    (order,) = await house.store.open_orders()
    assert (order.state, order.sent_at) == (OrderState.UNKNOWN, again)


async def test_the_listing_lag_of_an_exit_counts_from_its_last_repeat() -> None:
    """F18: the repeat itself may have placed it, so 30 s after the first request prove nothing."""
    house = await house_with_unknown_exit(Lose(is_placed=False), Lose(is_placed=True))
    house.pass_time(20)
    house.exchange.hidden_lookups = 3
    await settle_all(house)
    house.pass_time(29.999)
    house.exchange.query_error = None
    house.exchange.script(Lose(is_placed=False))
    await settle_all(house)
    assert len(house.portfolio.open_orders()) == 1
    house.exchange.hidden_lookups = 0
    await settle_all(house)
    assert house.portfolio.position(BTC) is None
    assert len([fill for fill in await house.exchange.fills_since(NOON) if fill.side is Side.SELL]) == 1


async def test_a_repeat_that_is_refused_is_not_repeated_and_the_first_is_still_looked_up() -> None:
    """S1: a refusal of the second request says nothing of the first, which may have sold everything."""
    house = await house_with_unknown_exit(Lose(is_placed=True), Refuse("INSUFFICIENT_FUND"))
    house.exchange.hidden_lookups = 1
    await settle_all(house)
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.UNKNOWN]
    await settle_all(house)
    assert len(house.sells) == 2
    assert house.portfolio.open_orders() == []
    assert house.portfolio.position(BTC) is None


async def test_a_repeat_that_is_refused_does_not_begin_the_listing_lag_anew() -> None:
    house = await house_with_unknown_exit(Lose(is_placed=False), Refuse("UNTRADABLE_PRODUCT"))
    house.pass_time(29.999)
    await settle_all(house)
    assert len(house.portfolio.open_orders()) == 1
    house.pass_time(0.001)
    await settle_all(house)
    assert house.portfolio.open_orders() == []
    assert len(house.sells) == 2


async def test_an_exit_that_is_too_old_is_only_looked_up() -> None:
    """A restart after a long outage decides anew, at the price of then: 15 minutes are the limit."""
    house = await house_with_unknown_exit(Lose(is_placed=False), Lose(is_placed=False))
    house.pass_time(15 * 60 - 0.001)
    await settle_all(house)
    assert len(house.sells) == 2
    house.pass_time(0.001)
    await settle_all(house)
    assert len(house.sells) == 2


async def test_an_exit_that_was_sent_when_the_bot_died_is_sent_again_after_the_restart() -> None:
    """S2: `sent` without an answer is as unknown as a lost answer."""
    house = await House().open()
    await house.buy("0.01")
    bought = entry("0.01", "one", BTC, house.clock.now(), price("38000"))
    exit_ = replace(bought, side=Side.SELL, kind=OrderKind.MARKET_IOC, limit_price=None)
    await house.store.record_intent(exit_, 1, None)
    await house.store.record_transition(OrderTransition(exit_.client_order_id, OrderState.SENT, house.clock.now()))
    restarted = await house.restarted().open()
    assert house.sells == [exit_]
    assert restarted.portfolio.position(BTC) is None


async def test_an_entry_of_unknown_outcome_is_never_sent_again() -> None:
    """F1: an entry that comes late is worse than none."""
    house = await house_with_unknown(is_placed=False)
    await settle_all(house)
    house.pass_time(29)
    await settle_all(house)
    assert len(house.exchange.placements) == 1


async def test_whoever_may_not_send_neither_repeats_an_exit_nor_ends_what_is_planned() -> None:
    """S1: a reconciliation from the command line runs beside the bot that is about to send."""
    house = await House().open()
    house.exchange.script(Lose(is_placed=False))
    await house.buy("0.01")
    looker = OrderSettler(house.world, house.portfolio, house.recorder, may_send=False)
    sell = replace(btc_entry(house, name="sell"), side=Side.SELL)
    await house.store.record_intent(sell, 1, None)
    planned = OpenOrder(sell, OrderState.PLANNED, None, None)
    assert (await looker.settle(planned)).ended is None
    sent = house.exchange.placements.copy()
    unknown = OpenOrder(sell, OrderState.UNKNOWN, None, house.clock.now())
    assert (await looker.settle(unknown)).ended is None
    assert house.exchange.placements == sent
