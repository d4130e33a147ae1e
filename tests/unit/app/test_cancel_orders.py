"""Orders are ended before what they hold is used: the request is not the end, the venue's word is.

0.01 BTC are held; 0.004 of them rest in a sell at 45,000 unless a test says otherwise.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillFirst, Lose, LoseCancel, QueueCancel, Refuse
from bottrader.app.cancel_orders import CANCEL_RETRY
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.money import Size
from bottrader.domain.orders import OpenOrder, OrderIntent, OrderKind, OrderState, Side, derive_client_order_id
from bottrader.domain.signals import Trigger
from tests.fixtures.facts import BTC
from tests.fixtures.trading_house import House, price


def resting_sell(house: House, size: str = "0.004", limit: str = "45000", name: str = "1") -> OrderIntent:
    buy = house.exchange.placements[0]
    return OrderIntent(
        client_order_id=derive_client_order_id(Trigger.PASSIVE_SELL, BTC, buy.client_order_id, name),
        product_id=BTC,
        side=Side.SELL,
        kind=OrderKind.LIMIT_GTC,
        size_base=Size(Decimal(size)),
        limit_price=price(limit),
        trigger=Trigger.PASSIVE_SELL,
        note="rests by a test",
        created_at=house.clock.now(),
        parent_id=buy.client_order_id,
        parent_ids=(buy.client_order_id,),
    )


async def selling(*sizes: str) -> House:
    house = await House().open_one()
    await house.buy()
    for number, size in enumerate(sizes or ("0.004",)):
        assert await house.placer.place(resting_sell(house, size, name=str(number)))
    return house


def sells(house: House) -> list[OpenOrder]:
    return house.portfolio.open_sells(BTC)


def held(house: House) -> Decimal:
    position = house.portfolio.position(BTC)
    return Decimal(0) if position is None else position.size


async def test_an_order_that_rests_is_ended_and_what_it_held_is_free() -> None:
    """R12: the request reaches the venue by its own id."""
    house = await selling()
    (order,) = sells(house)
    assert await house.canceller.end([order])
    assert house.exchange.cancels == [order.venue_order_id]
    assert sells(house) == []
    assert held(house) == Decimal("0.01")
    assert house.told("cancel_refused") == house.told("cancel_unanswered") == []


async def test_several_orders_are_ended_in_one_request() -> None:
    house = await selling("0.004", "0.006")
    assert await house.canceller.end(sells(house))
    assert len(house.exchange.cancels) == 2
    assert sells(house) == []


async def test_nothing_to_end_is_done_at_once() -> None:
    house = await selling()
    assert await house.canceller.end([])
    assert house.exchange.cancels == []


async def test_a_fill_that_wins_is_booked_before_the_order_counts_as_ended() -> None:
    """F16: all 0.004 were sold at 45,000 before the cancel was looked at."""
    house = await selling()
    house.exchange.script_cancels(FillFirst(Size(Decimal("0.004"))))
    order_id = sells(house)[0].intent.client_order_id
    assert await house.canceller.end(sells(house))
    assert held(house) == Decimal("0.006")
    (row,) = [row for row in await house.store.trade_records() if row.order_id == order_id]
    assert (row.status, row.filled_size) == ("filled", Decimal("0.004"))
    assert [told.fields["reason"] for told in house.told("cancel_refused")] == ["ORDER_IS_FULLY_FILLED"]


async def test_a_partial_fill_on_the_way_is_booked_and_the_rest_cancelled() -> None:
    """F17: 0.001 of 0.004."""
    house = await selling()
    house.exchange.script_cancels(FillFirst(Size(Decimal("0.001"))))
    (order,) = sells(house)
    assert await house.canceller.end([order])
    assert held(house) == Decimal("0.009")
    (row,) = [row for row in await house.store.trade_records() if row.order_id == order.intent.client_order_id]
    assert (row.status, row.filled_size) == ("cancelled", Decimal("0.001"))


async def test_a_cancel_that_is_only_taken_is_not_the_end() -> None:
    """F16, B126: asked a few times, then left to the next price; the end comes from the venue."""
    house = await selling()
    house.exchange.script_cancels(QueueCancel())
    (order,) = sells(house)
    assert not await house.canceller.end([order])
    assert [each.intent for each in sells(house)] == [order.intent]
    assert order.venue_order_id is not None
    house.exchange.end(order.venue_order_id, OrderState.CANCELLED)
    # Half a second between questions: prices come faster than the budget allows.
    house.pass_time(0.499)
    assert not await house.canceller.end(sells(house))
    house.pass_time(0.001)
    assert await house.canceller.end(sells(house))
    assert len(house.exchange.cancels) == 1


@pytest.mark.parametrize(
    ("step", "told"),
    [(Refuse("NOT_ALLOWED_TO_CANCEL"), "cancel_refused"), (LoseCancel(is_taken=False), "cancel_unanswered")],
)
async def test_a_failed_cancel_is_told_and_repeated_at_its_pace(step: Refuse | LoseCancel, told: str) -> None:
    """B126, R84"""
    house = await selling()
    house.exchange.script_cancels(step)
    assert not await house.canceller.end(sells(house))
    asked_at = house.clock.now()
    assert len(house.told(told)) == 1
    assert not await house.canceller.end(sells(house))
    assert len(house.exchange.cancels) == 1
    # Asking took its pauses out of the pace.
    house.clock.advance(CANCEL_RETRY - (house.clock.now() - asked_at) - timedelta(seconds=0.301))
    assert not await house.canceller.end(sells(house))
    assert len(house.exchange.cancels) == 1
    house.pass_time(0.001)
    assert await house.canceller.end(sells(house))
    assert len(house.exchange.cancels) == 2
    assert len(house.told("cancel_repeated")) == 1


async def test_a_cancel_whose_answer_is_lost_is_seen_by_asking() -> None:
    """B126"""
    house = await selling()
    house.exchange.script_cancels(LoseCancel(is_taken=True))
    assert await house.canceller.end(sells(house))
    assert len(house.told("cancel_unanswered")) == 1


async def test_while_the_venue_cannot_be_asked_nothing_has_ended() -> None:
    house = await selling()
    house.exchange.query_error = ExchangeUnreachable("down")
    assert not await house.canceller.end(sells(house))
    assert len(sells(house)) == 1
    house.exchange.query_error = None
    house.pass_time(0.5)
    assert await house.canceller.end(sells(house))


async def test_an_order_of_unknown_outcome_counts_as_live_and_does_not_hold_up_the_others() -> None:
    """R84: without the venue's id there is nothing to cancel; the settler finds it or finds it absent."""
    house = await selling()
    house.exchange.script(Lose(is_placed=True))
    await house.placer.place(resting_sell(house, "0.006", name="lost"))
    assert not await house.canceller.end(sells(house))
    (left,) = sells(house)
    assert left.state is OrderState.UNKNOWN
    await house.settler.settle(left)
    assert await house.canceller.end(sells(house))
    assert sells(house) == []


async def test_fills_that_lag_keep_a_cancelled_order_open() -> None:
    """F19: the venue says 0.001 were filled, and lists the fill a moment later."""
    house = await selling()
    (order,) = sells(house)
    assert order.venue_order_id is not None
    house.exchange.script_cancels(FillFirst(Size(Decimal("0.001"))))
    late: list[object] = []
    all_fills = house.exchange.fills_of

    async def lagging(venue_order_id: str) -> list[object]:
        return late

    house.exchange.fills_of = lagging  # type: ignore[method-assign, assignment]
    assert not await house.canceller.end([order])
    assert held(house) == Decimal("0.01")
    house.exchange.fills_of = all_fills  # type: ignore[method-assign]
    house.pass_time(0.5)
    assert await house.canceller.end(sells(house))
    assert held(house) == Decimal("0.009")
