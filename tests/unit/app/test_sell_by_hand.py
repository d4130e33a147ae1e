"""What a person's order becomes: exactly the size that was asked for, or a refusal; never coins that are not free."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.money import Size
from bottrader.domain.orders import OrderIntent, OrderKind, OrderState, Side, derive_client_order_id
from bottrader.domain.risk import KillSwitch
from bottrader.domain.signals import Action, OutcomeKind, Signal, Trigger
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.trading_house import RULES, House, price, signal

pytestmark = pytest.mark.component("order_manager")


def by_hand(size: str, action: Action = Action.SELL, number: int = 0) -> Signal:
    asked = replace(signal(action, number), trigger=Trigger.MANUAL, size_base=Size(Decimal(size)))
    return replace(asked, note="manual: sent by a test")


async def refusal_of(house: House, asked: Signal) -> Refusal:
    decided = await (house.seller if asked.action is Action.SELL else house.entries).decide(asked)
    assert isinstance(decided, Refusal), decided
    return decided


async def rest_bracket(house: House, size: str) -> None:
    """Let a bracket of this size rest around the position."""
    position = house.portfolio.position(BTC)
    assert position is not None
    bracket = OrderIntent(
        client_order_id=derive_client_order_id(Trigger.BRACKET, BTC, "one"),
        product_id=BTC,
        side=Side.SELL,
        kind=OrderKind.BRACKET_GTC,
        size_base=Size(Decimal(size)),
        limit_price=price("44000"),
        trigger=Trigger.BRACKET,
        note="",
        created_at=NOON,
        parent_id=position.anchor_order_id,
        parent_ids=position.parent_ids,
        stop_price=price("38000"),
    )
    assert await house.placer.place(bracket)


async def test_a_sell_is_of_the_size_asked_for_just_below_the_bid() -> None:
    """B297: 40,000 x 0.9995 = 39,980; it names the buy whose coins it sells."""
    house = await House().open()
    bought = await house.buy("0.01")
    decided = await house.seller.decide(by_hand("0.004"))
    assert isinstance(decided, OrderIntent)
    assert (decided.side, decided.kind, decided.trigger) == (Side.SELL, OrderKind.LIMIT_IOC, Trigger.MANUAL)
    assert (decided.size_base, decided.limit_price) == (Decimal("0.004"), Decimal(39_980))
    assert (decided.parent_id, decided.parent_ids) == (bought.client_order_id, (bought.client_order_id,))
    assert decided.signal_id == by_hand("0.004").signal_id


async def test_the_same_wish_is_the_same_order_and_another_wish_another() -> None:
    """B297: a retry has the id of its first try."""
    house = await House().open()
    await house.buy("0.01")
    first, again = await house.seller.decide(by_hand("0.004")), await house.seller.decide(by_hand("0.004"))
    other = await house.seller.decide(by_hand("0.004", number=1))
    assert isinstance(first, OrderIntent)
    assert isinstance(again, OrderIntent)
    assert isinstance(other, OrderIntent)
    assert first.client_order_id == again.client_order_id != other.client_order_id


async def test_all_that_is_held_may_be_sold_and_no_increment_more() -> None:
    """B297, S5"""
    house = await House().open()
    await house.buy("0.01")
    assert isinstance(await house.seller.decide(by_hand("0.01")), OrderIntent)
    refusal = await refusal_of(house, by_hand("0.01000001"))
    assert refusal.code == "INSUFFICIENT_BASE"
    assert "0.01 BTC are free" in refusal.message


async def test_coins_of_others_in_the_same_wallet_are_not_sold() -> None:
    """B297, S5: the account has 1 BTC more than the bot bought."""
    house = await House(balances={"USD": Decimal(10_000), "BTC": Decimal(1)}).open()
    assert (await refusal_of(house, by_hand("0.004"))).code == "INSUFFICIENT_BASE"
    await house.buy("0.01")
    assert (await refusal_of(house, by_hand("0.02"))).code == "INSUFFICIENT_BASE"


async def test_what_a_bracket_has_on_hold_is_not_sold() -> None:
    """B297, R84: 0.01 are held and 0.006 are in a bracket; the account has more coins than that."""
    house = await House(balances={"USD": Decimal(10_000), "BTC": Decimal(1)}).open()
    await house.buy("0.01")
    await rest_bracket(house, "0.006")
    assert isinstance(await house.seller.decide(by_hand("0.004")), OrderIntent)
    refusal = await refusal_of(house, by_hand("0.00400001"))
    assert refusal.code == "INSUFFICIENT_BASE"
    assert "0.006 of it are on hold" in refusal.message


async def test_what_the_wallet_has_not_got_is_not_sold() -> None:
    """B297, F51: coins were moved away by hand."""
    house = await House().open()
    await house.buy("0.01")
    house.exchange.take("BTC", Decimal("0.007"))
    assert isinstance(await house.seller.decide(by_hand("0.003")), OrderIntent)
    assert (await refusal_of(house, by_hand("0.00300001"))).code == "INSUFFICIENT_BASE"


async def test_a_hodl_asset_is_not_sold_by_hand_either() -> None:
    """B40, B297"""
    house = await House().open()
    await house.buy("0.01")
    house = await house.restarted(replace(RULES, hodl=frozenset({"BTC"}))).open()
    assert (await refusal_of(house, by_hand("0.004"))).code == "HODL_REJECT"


@pytest.mark.parametrize(("size", "code"), [("0.000000001", "PRECISION_ERROR"), ("0.00001", "INSUFFICIENT_BASE")])
async def test_a_size_that_the_venue_would_refuse_is_not_sent(size: str, code: str) -> None:
    """B297: no multiple of 1E-8; 0.00001 BTC bring 0.40 USD, less than the smallest sell of 1.01."""
    house = await House().open()
    await house.buy("0.01")
    assert (await refusal_of(house, by_hand(size))).code == code


async def test_nothing_is_sold_by_an_old_price() -> None:
    house = await House().open()
    await house.buy("0.01")
    house.pass_time(60)
    assert isinstance(await house.seller.decide(by_hand("0.004")), OrderIntent)
    house.pass_time(0.001)
    assert (await refusal_of(house, by_hand("0.004"))).code == "STALE_PRICE"


async def test_a_buy_is_of_the_exact_size_and_granted_what_it_costs_at_worst() -> None:
    """B297: 0.00100001 x 40,080 = 40.0804008, rounded up to the cent."""
    house = await House().open()
    decided = await house.entries.decide(by_hand("0.00100001", Action.BUY))
    assert isinstance(decided, OrderIntent)
    assert (decided.size_base, decided.limit_price) == (Decimal("0.00100001"), Decimal(40_080))
    assert (decided.requested_quote, decided.granted_quote) == (Decimal("40.09"), Decimal("40.09"))


async def test_a_buy_is_never_made_smaller_than_asked_for() -> None:
    """B297: 0.001 x 40,080 = 40.08 and its fee of 0.8 % are 40.40064, so 40.41 are enough and 40.40 are not."""
    house = await House(balances={"USD": Decimal("40.41")}).open()
    assert isinstance(await house.entries.decide(by_hand("0.001", Action.BUY)), OrderIntent)
    house = await House(balances={"USD": Decimal("40.40")}).open()
    refusal = await refusal_of(house, by_hand("0.001", Action.BUY))
    assert (refusal.code, "ask for less" in refusal.message) == ("INSUFFICIENT_QUOTE", True)


@pytest.mark.parametrize(
    ("size", "code"), [("0.0002", "INSUFFICIENT_QUOTE"), ("0.001000001", "PRECISION_ERROR"), ("0.02", "POSITION_LIMIT")]
)
async def test_limits_and_minimums_hold_for_a_person(size: str, code: str) -> None:
    """B297, S3: 8.02 are below the smallest entry of 10; 801.60 are above the largest position of 500."""
    house = await House().open()
    refusal = await refusal_of(house, by_hand(size, Action.BUY))
    assert refusal.code == code, refusal


async def test_the_kill_switch_holds_for_buys_by_hand_and_not_for_sells() -> None:
    """B297, F54"""
    house = await House().open()
    await house.buy("0.00024", "small")
    await house.store.record_kill_switch(KillSwitch(True, "lunch", "cli", NOON))
    assert (await refusal_of(house, by_hand("0.001", Action.BUY))).code == "KILL_SWITCH"
    assert isinstance(await house.seller.decide(by_hand("0.0001")), OrderIntent)


async def test_a_gate_that_is_closed_refuses_a_buy_by_hand_and_lets_a_sell_pass() -> None:
    """B297, S7: the signal has its outcome either way."""
    house = await House().open()
    await house.buy("0.01")
    gate = Refusal("STALE_PRICE", "the market stream is down")
    await house.actor.act(by_hand("0.001", Action.BUY, 1), gate=gate)
    await house.actor.act(by_hand("0.004"), gate=gate)
    bought = await house.store.outcome_of(by_hand("0.001", Action.BUY, 1).signal_id)
    sold = await house.store.outcome_of(by_hand("0.004").signal_id)
    assert bought is not None
    assert (bought.kind, bought.code) == (OutcomeKind.REFUSED, "STALE_PRICE")
    assert sold is not None
    assert sold.kind is OutcomeKind.ORDERED
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.006")


async def test_a_buy_by_hand_is_manual_in_the_books_and_its_sell_inherits_that() -> None:
    """B297"""
    house = await House().open()
    await house.actor.act(by_hand("0.001", Action.BUY), gate=None)
    await house.actor.act(by_hand("0.0005", number=1), gate=None)
    assert [record.source for record in await house.store.trade_records()] == ["manual", "manual"]
    assert not [each for each in house.portfolio.open_orders() if each.state is OrderState.UNKNOWN]
