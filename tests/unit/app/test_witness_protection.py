"""Every tick through which a position was held must have been one by which it was judged."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.app.witness_protection import ProtectionWitness
from bottrader.domain.brackets import BracketRules, StopMode
from bottrader.domain.errors import InvariantBroken
from tests.fixtures.facts import BTC, ETH, NOON
from tests.fixtures.trading_house import RULES, House

SECOND = timedelta(seconds=1)


async def held() -> tuple[House, ProtectionWitness]:
    """Return a house that bought a BTC at noon, one second ago, and a witness of it."""
    house = await House().open()
    witness = ProtectionWitness(house.portfolio, house.monitor)
    await house.buy()
    house.pass_time(1)
    return house, witness


async def test_a_position_that_was_judged_on_the_tick_is_protected() -> None:
    """S5."""
    house, witness = await held()
    await house.see("40000")
    witness.saw_tick(BTC, NOON + SECOND)


async def test_a_position_that_nobody_judged_is_not() -> None:
    """S5."""
    _, witness = await held()
    with pytest.raises(InvariantBroken, match=r"0\.01 BTC-USD was held through the tick at 20\S+ without protection"):
        witness.saw_tick(BTC, NOON + SECOND)


async def test_the_judgement_of_an_earlier_tick_does_not_count() -> None:
    """S5."""
    house, witness = await held()
    await house.see("40000")
    witness.saw_tick(BTC, NOON + SECOND)
    with pytest.raises(InvariantBroken):
        witness.saw_tick(BTC, NOON + 2 * SECOND)


async def test_a_price_that_cannot_be_judged_is_no_protection() -> None:
    """S5, R68: the rules were asked, and none could answer."""
    house, witness = await held()
    await house.monitor.on_ticker(house.show("40000", bid="40001", ask="39999"))
    with pytest.raises(InvariantBroken):
        witness.saw_tick(BTC, NOON + SECOND)


async def test_the_tick_that_led_to_the_buy_is_followed_by_the_first_that_judges() -> None:
    house = await House().open()
    witness = ProtectionWitness(house.portfolio, house.monitor)
    await house.buy()
    witness.saw_tick(BTC, NOON)
    with pytest.raises(InvariantBroken):
        witness.saw_tick(BTC, NOON + SECOND)


async def test_a_tick_of_another_product_asks_for_no_judgement_of_this_one() -> None:
    house, witness = await held()
    witness.saw_tick(ETH, NOON + SECOND)
    await house.see("40000")
    witness.saw_tick(BTC, NOON + SECOND)
    witness.saw_tick(ETH, NOON + 2 * SECOND)


async def test_without_a_position_there_is_nothing_to_protect() -> None:
    house = await House().open()
    ProtectionWitness(house.portfolio, house.monitor).saw_tick(BTC, NOON)


BRACKETED = replace(RULES, brackets=BracketRules(stop_mode=StopMode.FIXED, stop_loss_pct=Decimal("0.04")))


async def bracketed(size_left: str = "0") -> tuple[House, ProtectionWitness]:
    """Return a house whose bracket covers all but `size_left` of its position."""
    house = await House(BRACKETED).open()
    witness = ProtectionWitness(house.portfolio, house.monitor)
    await house.buy()
    await house.protector.protect(BTC, is_leaving=False)
    if Decimal(size_left):
        await house.buy(size_left, "more")
    return house, witness


async def test_a_bracket_lately_confirmed_at_the_venue_protects_a_position_that_is_not_judged() -> None:
    """S5, B110: until its confirmation is older than 20 s."""
    house, witness = await bracketed()
    house.pass_time(20)
    witness.saw_tick(BTC, NOON + 20 * SECOND)
    with pytest.raises(InvariantBroken):
        witness.saw_tick(BTC, NOON + 21 * SECOND)


async def test_a_bracket_of_less_than_the_position_does_not_protect_it() -> None:
    """S5."""
    house, witness = await bracketed("0.001")
    house.pass_time(1)
    with pytest.raises(InvariantBroken, match=r"0\.011 BTC-USD"):
        witness.saw_tick(BTC, NOON + SECOND)
