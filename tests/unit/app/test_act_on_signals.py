"""Every accepted signal ends in exactly one recorded outcome (E4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bottrader.adapters.memory.exchange import Refuse
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.signals import Action, OutcomeKind, Signal
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC
from tests.fixtures.trading_house import House, signal

BLIND = Refusal("STALE_PRICE", "the market stream is down")


async def outcome_of(house: House, asked: Signal) -> tuple[OutcomeKind, str] | None:
    outcome = await house.store.outcome_of(asked.signal_id)
    return None if outcome is None else (outcome.kind, outcome.code)


async def test_a_buy_signal_is_ordered() -> None:
    house = await House().open()
    await house.actor.act(signal(), gate=None)
    assert await outcome_of(house, signal()) == (OutcomeKind.ORDERED, "SUCCESS")
    (intent,) = house.exchange.placements
    assert intent.signal_id == signal().signal_id
    assert house.portfolio.position(BTC) is not None


async def test_a_refused_signal_has_its_reason_and_sends_nothing() -> None:
    house = await House(balances={}).open()
    await house.actor.act(signal(), gate=None)
    assert await outcome_of(house, signal()) == (OutcomeKind.REFUSED, "INSUFFICIENT_QUOTE")
    assert house.exchange.placements == []
    assert house.told("signal_refused")[0].fields["code"] == "INSUFFICIENT_QUOTE"


async def test_a_signal_may_be_acted_on_up_to_its_expiry() -> None:
    """F47"""
    house = await House().open()
    now = house.clock.now()
    last = replace(signal(), expires_at=now)
    late = replace(signal(number=1), expires_at=now - timedelta(microseconds=1))
    await house.actor.act(last, gate=None)
    await house.actor.act(late, gate=None)
    assert await outcome_of(house, last) == (OutcomeKind.ORDERED, "SUCCESS")
    assert await outcome_of(house, late) == (OutcomeKind.EXPIRED, "EXPIRED")
    assert len(house.exchange.placements) == 1
    assert house.told("signal_expired")


async def test_no_position_is_opened_blind() -> None:
    """S7"""
    house = await House().open()
    await house.actor.act(signal(), gate=BLIND)
    assert await outcome_of(house, signal()) == (OutcomeKind.REFUSED, "STALE_PRICE")
    assert house.exchange.placements == []


async def test_a_position_may_be_left_while_the_stream_is_down() -> None:
    """A recent price is enough to leave; only entries need the stream."""
    house = await House().open()
    await house.buy("0.01")
    house.show("38000")
    await house.actor.act(signal(Action.SELL), gate=BLIND)
    assert await outcome_of(house, signal(Action.SELL)) == (OutcomeKind.ORDERED, "SUCCESS")
    assert house.portfolio.position(BTC) is None


async def test_a_sell_without_a_position_is_refused() -> None:
    house = await House().open()
    await house.actor.act(signal(Action.SELL), gate=None)
    assert await outcome_of(house, signal(Action.SELL)) == (OutcomeKind.REFUSED, "INSUFFICIENT_BASE")


async def test_a_sell_that_would_not_pay_is_refused() -> None:
    house = await House().open()
    await house.buy("0.01")
    await house.actor.act(signal(Action.SELL), gate=None)
    assert await outcome_of(house, signal(Action.SELL)) == (OutcomeKind.REFUSED, "SIGNAL_EXIT_HELD")


async def test_a_signal_taken_up_twice_has_one_order() -> None:
    """E4, R75"""
    house = await House().open()
    await house.actor.act(signal(), gate=None)
    await house.actor.act(signal(), gate=None)
    assert len(house.exchange.placements) == 1
    assert await outcome_of(house, signal()) == (OutcomeKind.ORDERED, "SUCCESS")
    assert house.told("signal_refused") == []


async def test_a_refusal_is_final_even_when_its_reason_has_gone() -> None:
    """Taken up twice, refused the first time: the second time it is left alone, and the books do not contradict."""
    house = await House().open()
    await house.actor.act(signal(), gate=BLIND)
    await house.actor.act(signal(), gate=None)
    assert await outcome_of(house, signal()) == (OutcomeKind.REFUSED, "STALE_PRICE")
    assert house.exchange.placements == []


async def test_a_sell_signal_is_not_carried_out_twice() -> None:
    """The venue refused the first exit; the same signal does not try again, the monitor does."""
    house = await House().open()
    await house.buy("0.01")
    house.show("38000")
    house.exchange.script(Refuse("BUSY"))
    await house.actor.act(signal(Action.SELL), gate=None)
    house.pass_time(10)
    house.show("38000")
    await house.actor.act(signal(Action.SELL), gate=None)
    assert len(house.sells) == 1


async def test_a_venue_that_cannot_be_asked_leaves_the_signal_without_outcome() -> None:
    """It is taken up again later, with the same ids."""
    house = await House().open()
    house.exchange.query_error = ExchangeUnreachable("down")
    with pytest.raises(ExchangeUnreachable):
        await house.actor.act(signal(), gate=None)
    assert await outcome_of(house, signal()) is None
    house.exchange.query_error = None
    await house.actor.act(signal(), gate=None)
    assert await outcome_of(house, signal()) == (OutcomeKind.ORDERED, "SUCCESS")
