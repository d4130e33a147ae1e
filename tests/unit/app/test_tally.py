"""What is counted of orders and of the outcomes of signals."""

from dataclasses import replace
from datetime import timedelta

from bottrader.adapters.memory.exchange import Lose, Refuse
from bottrader.app.tally import OrderAnswer
from bottrader.domain.orders import OrderState
from bottrader.domain.signals import Action, OutcomeKind
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import NOON
from tests.fixtures.trading_house import House, btc_entry, signal


def counted(house: House) -> tuple[int, int, int]:
    orders = house.world.tally.orders
    return orders[OrderAnswer.ACCEPTED], orders[OrderAnswer.REFUSED], orders[OrderAnswer.UNKNOWN]


async def test_each_answer_of_the_exchange_to_an_order_counts_once() -> None:
    house = await House().open()
    assert counted(house) == (0, 0, 0)
    house.exchange.script(Refuse("INVALID_PRICE"), Lose(is_placed=False))
    for name, expected in (("one", (0, 1, 0)), ("two", (0, 1, 1))):
        await house.placer.place(btc_entry(house, name=name))
        assert counted(house) == expected
    await house.buy(name="three")
    assert counted(house) == (1, 1, 1)


async def test_an_intent_that_exists_is_neither_sent_nor_counted_again() -> None:
    house = await House().open()
    intent = btc_entry(house)
    await house.placer.place(intent)
    assert not await house.placer.place(intent)
    assert counted(house) == (1, 0, 0)


async def test_an_exit_that_is_sent_again_has_a_second_answer() -> None:
    """F2: the first answer is lost, the second one accepts."""
    house = await House().open()
    await house.buy()
    house.exchange.script(Lose(is_placed=False))
    await house.see("38000")
    (sell,) = house.portfolio.open_orders()
    assert sell.state is OrderState.UNKNOWN
    assert counted(house) == (1, 0, 1)
    await house.settler.settle(sell)
    assert counted(house) == (2, 0, 1)


async def test_each_signal_has_one_outcome_in_the_count_however_often_it_is_acted_on() -> None:
    """E4"""
    house = await House().open()
    ordered, refused = signal(), signal(number=1)
    expired = replace(signal(number=2, action=Action.SELL), expires_at=NOON - timedelta(seconds=1))
    gate = Refusal("STALE_PRICE", "blind")
    for _ in range(2):
        await house.actor.act(ordered, gate=None)
        await house.actor.act(refused, gate=gate)
        await house.actor.act(expired, gate=None)
    assert house.world.tally.outcomes == {OutcomeKind.ORDERED: 1, OutcomeKind.REFUSED: 1, OutcomeKind.EXPIRED: 1}
