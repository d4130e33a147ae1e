"""Placing: no crash and no lost answer can double an order."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, MemoryExchange, Refuse, StayOpen
from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.errors import ExchangeUnreachable, StoreUnreachable
from bottrader.domain.orders import OrderIntent, OrderState, Placement, Side
from bottrader.domain.signals import OutcomeKind, SignalOutcome
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import FEES, FailingStore, House, btc_entry, money, signal

pytestmark = pytest.mark.component("order_manager")


class WatchingExchange(MemoryExchange):
    """Notes what the store held at the moment an order arrived."""

    house: House
    seen: list[tuple[str, OrderState]]

    async def place(self, intent: OrderIntent) -> Placement:
        self.seen = [(order.intent.client_order_id, order.state) for order in await self.house.store.open_orders()]
        return await super().place(intent)


async def states(house: House) -> list[tuple[str, OrderState]]:
    return [(order.intent.client_order_id, order.state) for order in await house.store.open_orders()]


async def test_the_intent_is_durable_as_sent_before_the_request_leaves() -> None:
    """M9: the venue looks into the store while it is being asked."""
    plain = House()
    exchange = WatchingExchange(plain.clock, plain.products, plain.balances, FEES)
    house = House(clock=plain.clock, given_exchange=exchange)
    exchange.house = house
    await house.open()
    intent = btc_entry(house)
    assert await house.placer.place(intent)
    assert exchange.seen == [(intent.client_order_id, OrderState.SENT)]
    assert exchange.placements == [intent]


async def test_an_accepted_order_that_fills_at_once_ends_with_a_position() -> None:
    house = await House().open()
    await house.buy("0.01")
    position = house.portfolio.position(BTC)
    assert position is not None
    assert (position.size, position.cost) == (Decimal("0.01"), Decimal("403.20"))
    assert await house.store.open_orders() == []
    assert house.portfolio.open_orders() == []


async def test_an_accepted_order_that_rests_stays_open() -> None:
    house = await House().open()
    house.exchange.script(StayOpen())
    intent = await house.buy("0.01")
    assert await states(house) == [(intent.client_order_id, OrderState.ACCEPTED)]
    assert [order.state for order in house.portfolio.open_orders(BTC)] == [OrderState.ACCEPTED]


async def test_a_refused_order_ends_with_its_reason() -> None:
    house = await House().open()
    house.exchange.script(Refuse("INSUFFICIENT_FUND"))
    await house.buy()
    assert house.portfolio.open_orders() == []
    assert [record.status for record in await house.store.trade_records()] == ["failed"]
    assert house.told("order_refused")[0].fields["code"] == "INSUFFICIENT_FUND"


async def test_a_lost_reply_is_unknown_and_stays_open_everywhere() -> None:
    """F2"""
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    intent = await house.buy()
    assert await states(house) == [(intent.client_order_id, OrderState.UNKNOWN)]
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.UNKNOWN]
    assert house.portfolio.open_orders()[0].sent_at == house.clock.now()
    assert house.portfolio.position(BTC) is None
    assert len(house.told("order_unknown")) == 1


async def test_an_intent_that_exists_is_not_sent_again() -> None:
    house = await House().open()
    intent = await house.buy()
    assert not await house.placer.place(intent)
    assert house.exchange.placements == [intent]


async def test_an_intent_that_is_open_is_not_sent_again_and_keeps_its_state() -> None:
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    intent = await house.buy()
    assert not await house.placer.place(intent)
    assert house.exchange.placements == [intent]
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.UNKNOWN]


async def test_the_outcome_of_a_signal_is_stored_with_its_order() -> None:
    house = await House().open()
    asked = signal()
    outcome = SignalOutcome(asked.signal_id, OutcomeKind.ORDERED, "SUCCESS", "ordered", house.clock.now())
    await house.placer.place(replace(btc_entry(house), signal_id=asked.signal_id), outcome)
    assert await house.store.outcome_of(asked.signal_id) == outcome


async def test_without_the_lease_nothing_is_placed() -> None:
    house = await House().open()
    house.placer._lease = None  # noqa: SLF001 - as before `hold`
    with pytest.raises(AssertionError, match="lease"):
        await house.placer.place(btc_entry(house))
    assert house.exchange.placements == []
    assert house.portfolio.open_orders() == []


async def test_a_commit_that_failed_leaves_nothing_behind_and_can_be_repeated() -> None:
    store = FailingStore()
    house = await House(store=store).open()
    store.lost_commits = [False]
    intent = btc_entry(house)
    with pytest.raises(StoreUnreachable):
        await house.placer.place(intent)
    assert house.portfolio.open_orders() == []
    assert house.exchange.placements == []
    assert await house.placer.place(intent)


async def test_a_commit_whose_answer_was_lost_is_taken_up_and_settled_as_never_sent() -> None:
    """F42: the intent is durable, the bot was told otherwise; it is not sent, it counts as open, and it ends."""
    store = FailingStore()
    house = await House(store=store).open()
    store.lost_commits = [True]
    intent = btc_entry(house)
    with pytest.raises(StoreUnreachable):
        await house.placer.place(intent)
    assert not await house.placer.place(intent)
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.PLANNED]
    await house.settler.settle(house.portfolio.open_orders()[0])
    assert await house.store.open_orders() == []
    assert house.exchange.placements == []


async def test_an_exit_whose_commit_answer_was_lost_does_not_block_the_next_one() -> None:
    """F42: the stop fires again under a new number instead of meeting its own ghost for ever."""
    store = FailingStore()
    house = await House(store=store).open()
    await house.buy("0.01")
    store.lost_commits = [True]
    with pytest.raises(StoreUnreachable):
        await house.see("38000")
    house.pass_time(3)
    await house.see("38000")
    assert house.sells == []
    await house.settler.settle(house.portfolio.open_orders(BTC)[0])
    house.pass_time(3)
    await house.see("38000")
    assert len(house.sells) == 1
    assert house.portfolio.position(BTC) is None


async def test_money_counts_as_spent_while_the_commit_runs() -> None:
    """S3: the order counts from the moment it is decided, so that another product cannot spend the same money."""
    seen: list[Decimal] = []

    class SlowStore(MemoryStore):
        async def record_intent(self, intent: OrderIntent, fencing_token: int, outcome: SignalOutcome | None) -> bool:
            seen.append(house.portfolio.exposure_quote(besides=ETH))
            return await super().record_intent(intent, fencing_token, outcome)

    house = await House(store=SlowStore()).open()
    await house.placer.place(replace(btc_entry(house), granted_quote=money("400")))
    assert seen == [Decimal("403.20")]


async def test_a_store_that_fails_after_the_send_leaves_the_order_open_until_it_is_found() -> None:
    """The venue has filled the order, its acceptance could not be stored: nothing is lost, nothing is sent twice."""
    store = FailingStore()
    house = await House(store=store).open()
    store.failing_states = {OrderState.ACCEPTED}
    await house.buy("0.01")
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.SENT]
    assert len(house.told("order_not_settled")) == 1
    store.failing_states = set()
    await house.settler.settle(house.portfolio.open_orders()[0])
    assert house.portfolio.position(BTC) is not None
    assert house.portfolio.open_orders() == []


async def test_an_order_whose_fills_cannot_be_asked_stays_accepted() -> None:
    house = await House().open()
    house.exchange.query_error = ExchangeUnreachable("down")
    intent = btc_entry(house)
    assert await house.placer.place(intent)
    assert await states(house) == [(intent.client_order_id, OrderState.ACCEPTED)]
    assert intent.side is Side.BUY
