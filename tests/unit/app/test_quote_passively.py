"""Passive quotes: they rest one tick inside, are pulled in time, and what they bought is offered and left.

BTC-USD between 40,000 and 40,020 with a tick of 0.01 and fees left out of the spread: 10.0025 is required, and 19.98
lies between the quotes. 32 USD are bought at 40,000.01. Maker fee 0.4 %: break-even is 40,000.01 x 1.004 / 0.996 =
40,321.2952..., so an offer for a profit begins at 40,321.2952 + 80.00002 = 40,401.2952..., on the tick 40,401.30.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Refuse
from bottrader.app.passive_gates import PassiveGates
from bottrader.app.quote_passively import REQUOTE_PAUSE
from bottrader.domain.market import Candle, ProductId
from bottrader.domain.money import Size
from bottrader.domain.orders import OpenOrder, OrderIntent, OrderKind, OrderState, Side
from bottrader.domain.passive import PassiveRules
from bottrader.domain.signals import Signal, Trigger
from bottrader.domain.sizing import SizingRules
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, at
from tests.fixtures.trading_house import RULES, House, price, product, signal

PASSIVE = replace(
    RULES, sizing=SizingRules(), passive=PassiveRules(ignore_fees=True, needs_history=False, bias_factor=Decimal(0))
)
STOPPED = Refusal("STALE_PRICE", "the market stream is down")


def wish() -> Signal:
    return replace(signal(), trigger=Trigger.PASSIVE_BUY)


def book(house: House, bid: str = "40000", ask: str = "40020", last: str | None = None) -> None:
    house.show(last or ask, bid=bid, ask=ask)


async def opened(house: House | None = None) -> House:
    made = await (house or House(PASSIVE)).open_one()
    book(made)
    return made


async def quoting(house: House | None = None) -> House:
    made = await opened(house)
    await made.actor.act(wish(), gate=None)
    await tend(made)
    assert [order.intent.side for order in made.portfolio.open_orders(BTC)] == [Side.BUY]
    return made


async def bought(house: House | None = None) -> House:
    """The market trades through the quote and comes back."""
    made = await quoting(house)
    (quote,) = made.portfolio.open_orders(BTC)
    book(made, "39990", "40010", "39999")
    await made.settler.settle(quote)
    book(made)
    await tend(made)
    assert made.portfolio.position(BTC) is not None
    return made


async def tend(house: House, stopped: Refusal | None = None) -> None:
    await house.quoter.tend(BTC, stopped)


def offers(house: House) -> list[OpenOrder]:
    return house.portfolio.open_sells(BTC)


def offer(house: House) -> OrderIntent:
    (order,) = offers(house)
    return order.intent


async def test_a_quote_rests_one_tick_inside_and_is_linked_to_its_signal() -> None:
    """B30, B252, R77: 32 USD, post-only, by its own trigger."""
    house = await quoting()
    (quote,) = house.portfolio.open_orders(BTC)
    intent = quote.intent
    assert (intent.kind, intent.limit_price) == (OrderKind.LIMIT_GTC_POST_ONLY, Decimal("40000.01"))
    assert (intent.trigger, intent.signal_id) == (Trigger.PASSIVE_BUY, wish().signal_id)
    assert (intent.requested_quote, intent.granted_quote) == (Decimal(32), Decimal(32))
    # 32 / 40000.01 = 0.00079999980...
    assert intent.size_base == Decimal("0.00079999")
    assert quote.state is OrderState.ACCEPTED
    (record,) = await house.store.trade_records()
    assert record.source == "passivemm"


async def test_the_inventory_shifts_the_quote() -> None:
    """B253: 10,000 USD and no coin shift by 0.10 x the spread of 20, to 40,000.01 + 2."""
    house = await quoting(House(replace(PASSIVE, passive=replace(PASSIVE.passive, bias_factor=Decimal("0.1")))))
    (quote,) = house.portfolio.open_orders(BTC)
    assert quote.intent.limit_price == Decimal("40002.01")


@pytest.mark.parametrize(
    ("rules", "bid", "code"),
    [
        (replace(PASSIVE, shill=frozenset({"BTC"})), "40000", "SHILL_REJECT"),
        (replace(PASSIVE, passive=PassiveRules()), "40000", "PASSIVE_NOT_PROFITABLE"),
        (PASSIVE, "40010", "PASSIVE_SPREAD"),
        (replace(PASSIVE, passive=PassiveRules(needs_history=False)), "40000", "PASSIVE_SPREAD"),
    ],
)
async def test_a_closed_gate_is_the_outcome_of_the_signal(rules: object, bid: str, code: str) -> None:
    """R77"""
    house = await opened(House(rules))  # type: ignore[arg-type]
    book(house, bid)
    decided = await house.entries.decide(wish())
    assert isinstance(decided, Refusal)
    assert decided.code == code


async def test_without_candles_nothing_is_quoted() -> None:
    """B251, R77"""
    house = await opened(House(replace(PASSIVE, entry_needs_range=False), has_ranges=False))
    decided = await house.entries.decide(wish())
    assert isinstance(decided, Refusal)
    assert decided.code == "PASSIVE_RANGE"


async def test_a_quote_that_does_not_fill_is_cancelled_after_its_lifetime() -> None:
    house = await quoting()
    house.pass_time(600)
    book(house)
    await tend(house)
    assert len(house.portfolio.open_orders(BTC)) == 1
    house.pass_time(1)
    await tend(house)
    assert house.portfolio.open_orders(BTC) == []
    assert [told.fields["code"] for told in house.told("quote_pulled")] == ["PASSIVE_LIFETIME"]
    assert (await house.exchange.balances())[0].available == Decimal(10_000)


async def test_a_quote_is_pulled_when_a_gate_closes_or_entries_are_stopped() -> None:
    narrow = await quoting()
    book(narrow, "40000.01", "40001")
    await tend(narrow)
    blind = await quoting()
    await tend(blind, STOPPED)
    for house, code in ((narrow, "PASSIVE_SPREAD"), (blind, "STALE_PRICE")):
        assert house.portfolio.open_orders(BTC) == []
        assert [told.fields["code"] for told in house.told("quote_pulled")] == [code]


async def test_a_quote_does_not_close_its_own_gate() -> None:
    """At the venue the best bid is the quote itself: without it there are 10.01 to the ask, and 9.99 inside."""
    rules = replace(PASSIVE, passive=replace(PASSIVE.passive, spread_min_pct=Decimal("0.00049925")))
    house = await quoting(House(rules))
    book(house, "40000.01", "40020")
    await tend(house)
    assert len(house.portfolio.open_orders(BTC)) == 1


async def test_what_was_bought_is_offered_post_only_for_a_profit() -> None:
    """B255: all of it, as a child of its buy."""
    house = await bought()
    intent = offer(house)
    assert (intent.kind, intent.trigger) == (OrderKind.LIMIT_GTC_POST_ONLY, Trigger.PASSIVE_SELL)
    assert (intent.size_base, intent.limit_price) == (Decimal("0.00079999"), Decimal("40401.30"))
    buy = house.exchange.placements[0]
    assert (intent.parent_id, intent.parent_ids) == (buy.client_order_id, (buy.client_order_id,))
    house.pass_time(60)
    await tend(house)
    assert len(house.sells) == 1


async def test_an_offer_that_fills_ends_the_position_with_a_profit() -> None:
    house = await bought()
    (order,) = offers(house)
    book(house, "40402", "40420", "40402")
    await house.settler.settle(order)
    await tend(house)
    assert (house.portfolio.position(BTC), offers(house)) == (None, [])
    # 0.00079999 x (40401.30 x 0.996 - 40000.01 x 1.004) = 0.00079999 x (40239.6948 - 40160.01004)
    assert house.portfolio.realized_pnl() == Decimal("0.00079999") * Decimal("79.68476")


async def test_beyond_the_profit_an_offer_comes_down_to_the_book_but_not_at_every_price() -> None:
    """B255: the price has reached 40,401.30, and nothing was sold at the dear offer yet."""
    house = await bought(House(replace(PASSIVE, passive=replace(PASSIVE.passive, bias_factor=Decimal(0)))))
    (first,) = offers(house)
    await house.canceller.end([first])
    book(house, "40500", "40600")
    house.pass_time(15)
    await tend(house)
    dear = offer(house)
    assert (dear.trigger, dear.limit_price) == (Trigger.PASSIVE_PROFIT, Decimal("40599.99"))
    book(house, "40410", "40430")
    await tend(house)
    assert offer(house) == dear
    house.pass_time(REQUOTE_PAUSE.total_seconds())
    await tend(house)
    assert offer(house).limit_price == Decimal("40429.99")
    book(house, "40300", "40310")
    house.pass_time(REQUOTE_PAUSE.total_seconds())
    await tend(house)
    assert (offer(house).trigger, offer(house).limit_price) == (Trigger.PASSIVE_SELL, Decimal("40401.30"))


async def test_after_its_time_it_is_offered_at_break_even_while_the_price_allows_it() -> None:
    """B254"""
    house = await bought()
    house.pass_time(601)
    book(house, "40322", "40323")
    await tend(house)
    intent = offer(house)
    assert (intent.trigger, intent.limit_price) == (Trigger.PASSIVE_EXIT, Decimal("40322.99"))
    assert intent.kind is OrderKind.LIMIT_GTC_POST_ONLY


async def test_after_its_time_and_below_break_even_it_is_given_up_near_the_bid() -> None:
    """B254, R84: the offer is ended first, and the whole position is sold once."""
    house = await bought()
    house.pass_time(601)
    book(house, "40300", "40310")
    await tend(house)
    sold = house.sells[-1]
    # 40300 x 0.9995 = 40279.85
    assert (sold.trigger, sold.kind) == (Trigger.PASSIVE_LOSS, OrderKind.LIMIT_IOC)
    assert (sold.limit_price, sold.size_base) == (Decimal("40279.85"), Decimal("0.00079999"))
    assert sold.note.startswith("max_hold: held 601 s")
    assert (house.portfolio.position(BTC), offers(house)) == (None, [])


async def test_a_stop_takes_the_offer_away_first_and_nothing_is_quoted_while_it_leaves() -> None:
    """R17, S5"""
    house = await bought()
    await house.monitor.on_ticker(house.show("37000"))
    assert house.sells[-1].trigger is Trigger.HARD_STOP
    assert house.portfolio.position(BTC) is None
    await tend(house)
    assert len(house.sells) == 2


async def test_a_hodl_coin_and_a_position_of_another_trigger_are_not_offered() -> None:
    hodl = await bought(House(replace(PASSIVE, hodl=frozenset({"BTC"}))))
    other = await opened()
    await other.buy()
    await tend(other)
    assert hodl.sells == other.sells == []


async def test_a_restart_finds_its_offer_and_makes_no_second_one() -> None:
    house = await bought()
    again = house.restarted()
    await again.open_one()
    book(again)
    await tend(again)
    assert len(offers(again)) == 1
    assert len(house.sells) == 1


async def test_the_standing_of_a_product_is_read_from_its_closed_trades() -> None:
    """B245: nothing known is neither profitable nor active."""
    house = await opened(House(PASSIVE, products=[product()], has_ranges=False))
    gates = PassiveGates(house.clock, house.portfolio, house.rules)
    unknown = gates.standing_of(BTC)
    assert (unknown.is_profitable, unknown.is_active, unknown.quote_volume) == (None, None, None)
    house.portfolio.note_candle(Candle(BTC, at(-300), *(price("40000"),) * 4, Size(Decimal("2.5"))))
    for number in range(3):
        book(house)
        await house.buy(name=f"buy {number}")
        await house.monitor.on_ticker(house.show("44000"))
        house.pass_time(60)
    standing = gates.standing_of(BTC)
    assert (standing.is_profitable, standing.is_active, standing.exclusion) == (True, True, None)
    assert standing.quote_volume == Decimal(100_000)


async def test_an_offer_that_will_not_end_is_not_followed_by_a_second_one() -> None:
    """B126, R84: the venue refuses to cancel the dear offer, so the cheaper one waits."""
    house = await bought()
    (first,) = offers(house)
    await house.canceller.end([first])
    book(house, "40500", "40600")
    house.pass_time(15)
    await tend(house)
    dear = offer(house)
    book(house, "40410", "40430")
    house.pass_time(REQUOTE_PAUSE.total_seconds())
    house.exchange.script_cancels(*[Refuse("BUSY")] * 20)
    await tend(house)
    assert offer(house) == dear


async def test_a_product_that_is_not_known_is_behind_a_closed_gate() -> None:
    house = await opened()
    closed = PassiveGates(house.clock, house.portfolio, PASSIVE).closed(ProductId("DOGE-USD"), None)
    assert closed is not None
    assert closed.code == "PRECISION_ERROR"
