"""Reports of our orders: news is passed on, replays are not, and a gap is open until it was asked about."""

import asyncio
from decimal import Decimal

from bottrader.adapters.memory.exchange import StayOpen
from bottrader.app.follow_user import UserFollower
from bottrader.domain.money import Size
from bottrader.domain.orders import ClientOrderId, OrderState, VenueOrderId
from bottrader.ports import OrderUpdate, StreamLive, StreamLost
from tests.fixtures.facts import BTC
from tests.fixtures.trading_house import House


class Followed:
    """A follower over a house with one resting buy order."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.updates: list[OrderUpdate] = []
        self.gaps_count = 0
        self.user = UserFollower(house.portfolio, house.log, self.updates.append, self._count)

    def _count(self) -> None:
        self.gaps_count += 1

    def live(self) -> int:
        self.user.handle(StreamLive(self.house.clock.now()))
        return self.user.connections_count

    def is_live(self) -> bool:
        return self.user.is_live

    def is_gap_filled(self) -> bool:
        return self.user.is_gap_filled

    def report(self, filled: str | None, state: OrderState | None, venue_order_id: VenueOrderId | None = None) -> None:
        order = self.house.portfolio.open_orders()[0]
        size = None if filled is None else Size(Decimal(filled))
        venue_order_id = venue_order_id or order.venue_order_id or VenueOrderId("")
        self.user.handle(OrderUpdate(venue_order_id, ClientOrderId(""), BTC, self.house.clock.now(), size, state))


async def followed() -> Followed:
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01")
    return Followed(house)


async def test_a_report_that_says_no_more_is_passed_over() -> None:
    """F25, F20: a copy, an older state, and the end once more."""
    asked = await followed()
    asked.report("0", OrderState.ACCEPTED)
    asked.report("0.005", OrderState.ACCEPTED)
    asked.report("0.005", OrderState.ACCEPTED)
    asked.report("0", OrderState.ACCEPTED)
    asked.report("0.01", OrderState.FILLED)
    asked.report("0.01", OrderState.ACCEPTED)
    asked.report("0.01", OrderState.FILLED)
    assert [(str(told.filled_size), told.state) for told in asked.updates] == [
        ("0", OrderState.ACCEPTED),
        ("0.005", OrderState.ACCEPTED),
        ("0.01", OrderState.FILLED),
    ]


async def test_a_thousand_old_orders_told_again_are_nobodys_business() -> None:
    """F25: a replayed snapshot of orders that ended long ago causes no question."""
    asked = await followed()
    for number in range(1000):
        asked.report("1", OrderState.FILLED, VenueOrderId(f"old-{number}"))
    assert asked.updates == []


async def test_what_is_known_of_an_open_order_outlives_a_reconnect() -> None:
    """F25"""
    asked = await followed()
    asked.report("0.005", OrderState.ACCEPTED)
    asked.live()
    asked.report("0.005", OrderState.ACCEPTED)
    assert len(asked.updates) == 1


async def test_a_report_that_cannot_be_read_is_always_worth_a_question() -> None:
    """F9"""
    asked = await followed()
    asked.report(None, OrderState.ACCEPTED)
    asked.report(None, OrderState.ACCEPTED)
    asked.report("0", None)
    assert len(asked.updates) == 3


async def test_a_gap_is_open_until_a_reconciliation_that_began_after_it_has_finished() -> None:
    """R39, B270: one that was under way when the stream came back says nothing of what was missed."""
    asked = await followed()
    before = asked.user.connections_count
    connected = asked.live()
    assert asked.gaps_count == 1
    asked.user.end_gap(before, is_filled=True)
    assert not asked.is_gap_filled()
    asked.user.end_gap(connected, is_filled=True)
    assert asked.is_gap_filled()


async def test_a_gap_that_could_not_be_filled_stays_open() -> None:
    asked = await followed()
    asked.user.end_gap(asked.live(), is_filled=False)
    assert asked.is_live()
    assert not asked.is_gap_filled()


async def test_a_periodic_reconciliation_that_fails_later_opens_no_gap() -> None:
    asked = await followed()
    connected = asked.live()
    asked.user.end_gap(connected, is_filled=True)
    asked.user.end_gap(connected, is_filled=False)
    assert asked.is_gap_filled()


async def test_a_reconciliation_that_ends_while_the_stream_is_down_fills_nothing() -> None:
    asked = await followed()
    connected = asked.live()
    asked.user.handle(StreamLost("gone"))
    asked.user.end_gap(connected, is_filled=True)
    assert not asked.is_gap_filled()


async def test_whoever_waits_for_the_verdict_gets_one_of_either_kind() -> None:
    asked = await followed()
    waiting = asyncio.create_task(asked.user.judged())
    await asyncio.sleep(0)
    assert not waiting.done()
    asked.user.handle(StreamLost("no connection"))
    await waiting
    connected = asked.live()
    waiting = asyncio.create_task(asked.user.judged())
    await asyncio.sleep(0)
    assert not waiting.done()
    asked.user.end_gap(connected, is_filled=False)
    await waiting
