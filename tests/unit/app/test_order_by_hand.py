"""What a person is told of an order: an outcome that nobody knows is never called a failure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillParts, Lose, Refuse, StayOpen
from bottrader.app.order_by_hand import ATTEMPTS_MAX, Fate, FateKind, OrderErrand, fate_of
from bottrader.domain.money import Size
from bottrader.domain.orders import OrderState
from bottrader.domain.signals import Action, Signal, Trigger
from bottrader.domain.validation import Refusal
from bottrader.ports import Delivery, DeliveryReport, InboundSignal
from tests.fixtures.facts import NOON
from tests.fixtures.trading_house import House, signal

WISH = replace(signal(Action.BUY), trigger=Trigger.MANUAL, size_base=Size(Decimal("0.001")))
CLOSED = Refusal("STALE_PRICE", "the market stream is down")


class ScriptedSender:
    """A webhook that answers as it is told, and keeps what it was sent."""

    def __init__(self, answers: Sequence[Delivery]) -> None:
        self._answers = list(answers)
        self.sent: list[Signal] = []

    async def send(self, signal: Signal) -> DeliveryReport:
        self.sent.append(signal)
        return DeliveryReport(self._answers.pop(0), "as told")


async def accepted(house: House) -> House:
    await house.store.accept_signal(InboundSignal(WISH, "manual", "body", "request", NOON))
    return house


async def followed(house: House, told: list[Fate] | None = None) -> Fate:
    errand = OrderErrand(house.store, ScriptedSender([]), house.clock)
    return await errand.follow(WISH.signal_id, 0, (told if told is not None else []).append)


async def test_a_filled_order_is_told_with_what_it_filled() -> None:
    """B297"""
    house = await accepted(await House().open())
    await house.actor.act(WISH, gate=None)
    fate = await followed(house)
    assert (fate.kind, fate.is_final) == (FateKind.FILLED, True)
    assert fate.order is not None
    assert fate.order.filled_size == Decimal("0.001")


async def test_a_lost_reply_is_told_as_unknown_and_not_as_failed() -> None:
    """B297, F1"""
    house = await accepted(await House().open())
    house.exchange.script(Lose(is_placed=True))
    await house.actor.act(WISH, gate=None)
    told: list[Fate] = []
    fate = await followed(house, told)
    assert (fate.kind, fate.code, fate.is_final) == (FateKind.UNKNOWN, "ORDER_UNKNOWN", False)
    assert told == [fate]
    assert "may be live" in fate.message


@pytest.mark.parametrize(
    ("script", "kind", "code", "filled"),
    [
        (FillParts((Size(Decimal("0.0004")),)), FateKind.FILLED, "SUCCESS", "0.0004"),
        (FillParts(()), FateKind.UNFILLED, "UNFILLED", "0"),
        (Refuse("INSUFFICIENT_FUND"), FateKind.REFUSED, "ORDER_REFUSED", "0"),
    ],
)
async def test_an_order_that_ended_is_told_by_what_it_filled(
    script: FillParts | Refuse, kind: FateKind, code: str, filled: str
) -> None:
    """B297: a part is no failure, and nothing filled is no refusal."""
    house = await accepted(await House().open())
    house.exchange.script(script)
    await house.actor.act(WISH, gate=None)
    fate = await followed(house)
    assert (fate.kind, fate.code, fate.is_final) == (kind, code, True)
    assert fate.order is not None
    assert fate.order.filled_size == Decimal(filled)


async def test_an_order_that_is_open_is_told_as_accepted_until_it_ends() -> None:
    """B297: nobody waits longer than his patience, and what is on its way is unknown."""
    house = await accepted(await House().open())
    house.exchange.script(StayOpen())
    await house.actor.act(WISH, gate=None)
    fate = await followed(house)
    assert (fate.kind, fate.code, fate.is_final) == (FateKind.ACCEPTED, "ACCEPTED", False)
    history = await house.store.signal_history(WISH.signal_id)
    sent = fate_of(WISH.signal_id, history, OrderState.SENT)
    assert (sent.kind, sent.code, sent.is_final) == (FateKind.UNKNOWN, "ORDER_ON_ITS_WAY", False)


async def test_a_refused_wish_is_told_with_its_reason() -> None:
    """B297"""
    house = await accepted(await House().open())
    await house.actor.act(WISH, gate=CLOSED)
    fate = await followed(house)
    assert (fate.kind, fate.code, fate.message) == (FateKind.REFUSED, CLOSED.code, CLOSED.message)


async def test_a_wish_that_waits_or_never_arrived_is_unknown() -> None:
    """B297"""
    house = await House().open()
    assert (await followed(house)).code == "NOT_ACKNOWLEDGED"
    assert (await followed(await accepted(house))).code == "NOT_DECIDED"
    assert fate_of(WISH.signal_id, None, None).kind is FateKind.UNKNOWN


@pytest.mark.parametrize(
    ("answers", "sent_count", "is_refused"),
    [
        ([Delivery.ACKNOWLEDGED], 1, False),
        ([Delivery.RETRY, Delivery.ACKNOWLEDGED], 2, False),
        ([Delivery.REJECTED], 1, True),
        ([Delivery.RETRY] * ATTEMPTS_MAX, ATTEMPTS_MAX, False),
    ],
)
async def test_the_very_same_wish_is_delivered_until_somebody_answers(
    answers: list[Delivery], sent_count: int, *, is_refused: bool
) -> None:
    """B297: no answer is not a refusal."""
    house = await House().open()
    sender = ScriptedSender(answers)
    refusal = await OrderErrand(house.store, sender, house.clock).send(WISH)
    assert sender.sent == [WISH] * sent_count
    assert (refusal is not None) == is_refused
