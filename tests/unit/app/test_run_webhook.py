"""The desk: within a product everything in turn, between products nobody waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillParts, Lose, MemoryExchange, Refuse, StayOpen
from bottrader.app.activity import Activity
from bottrader.app.protect_positions import Protection
from bottrader.app.run_webhook import DeskCrew, TradingDesk
from bottrader.app.watch_market import MarketWatcher, WatchOptions
from bottrader.domain.brackets import BracketRules, StopMode
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import Granularity, ProductId
from bottrader.domain.money import Size
from bottrader.domain.orders import (
    ClientOrderId,
    OpenOrder,
    OrderIntent,
    OrderKind,
    Placement,
    VenueOrder,
    VenueOrderId,
)
from bottrader.domain.signals import Action, Trigger
from bottrader.ports import CandleUpdate, Heartbeat, OrderUpdate, StreamLive, StreamLost
from tests.fixtures.facts import BTC, ETH, make_inbound
from tests.fixtures.trading_house import FEES, RULES, House, ScriptedFeed, price, signal, turns
from tests.unit.domain.examples import candle


class SlowExchange(MemoryExchange):
    """Holds back the answer to placements of one product until `gate` is opened."""

    slow_product: ProductId | None = None
    gate: asyncio.Event

    async def place(self, intent: OrderIntent) -> Placement:
        if intent.product_id == self.slow_product:
            await self.gate.wait()
        return await super().place(intent)


class Desk:
    """A desk at work on a house, with both feeds in the test's hands."""

    def __init__(self, house: House, interval_s: float = 300) -> None:
        self.house = house.with_ranges()
        self.activity = Activity()
        judges = (house.protector, house.prices, house.selector, house.asset_guard, house.quoter)
        crew = DeskCrew(house.monitor, house.actor, house.settler, house.reconciler, *judges)
        self.desk = TradingDesk(house.world, house.portfolio, crew, self.activity, timedelta(seconds=interval_s))
        self.market, self.user = ScriptedFeed(), ScriptedFeed()
        options = WatchOptions(house.portfolio.product_ids, Granularity.FIVE_MINUTE, 20)
        self.watcher = MarketWatcher(self.market, house.exchange, house.clock, house.log, options)  # type: ignore[arg-type]

    async def work(self) -> None:
        await self.desk.run(self.watcher, self.user)  # type: ignore[arg-type]

    def hears_of_orders(self) -> bool:
        return self.desk.is_user_stream_live

    async def quiet(self) -> None:
        await turns()
        async with asyncio.timeout(1):
            await self.activity.quiet()

    async def price(self, text: str, product_id: ProductId = BTC) -> None:
        """Tell a price as the stream does; the venue trades at it too."""
        ticker = self.house.show(text, product_id)
        self.market.tell(ticker)
        await turns()


def slow_house() -> tuple[House, SlowExchange]:
    plain = House()
    exchange = SlowExchange(plain.clock, plain.products, plain.balances, FEES)
    exchange.gate = asyncio.Event()
    return House(clock=plain.clock, given_exchange=exchange), exchange


@asynccontextmanager
async def working(house: House | None = None, interval_s: float = 300) -> AsyncIterator[Desk]:
    """A desk that has started and whose streams are live, with the prices that a venue tells first."""
    desk = Desk(house or House(), interval_s)
    first_prices = (desk.house.show("40000"), desk.house.show("2000", ETH))
    await desk.desk.start()
    task = asyncio.create_task(desk.work())
    desk.market.tell(StreamLive(desk.house.clock.now()), *first_prices)
    desk.user.tell(StreamLive(desk.house.clock.now()))
    await desk.quiet()
    yield desk
    task.cancel()
    await asyncio.wait({task})


async def test_a_signal_that_is_taken_is_ordered() -> None:
    async with working() as desk:
        desk.desk.take_signal(signal())
        await desk.quiet()
        assert desk.house.portfolio.position(BTC) is not None


@pytest.mark.parametrize(
    "actions",
    [
        (Action.BUY, Action.SELL, Action.BUY),
        (Action.SELL, Action.BUY, Action.BUY),
        (Action.BUY, Action.BUY, Action.SELL),
    ],
)
async def test_signals_that_contradict_each_other_at_once_are_acted_on_in_the_order_of_their_acceptance(
    actions: tuple[Action, ...],
) -> None:
    """F50, S3, E4: one buy at most, whatever comes beside it, and each has one outcome.

    A sell before any buy finds nothing to sell; after one it is held back, since a position that has just begun has
    lost its fees; the second buy finds a position.
    """
    async with working() as desk:
        signals = [signal(action, number) for number, action in enumerate(actions)]
        for each in signals:
            desk.desk.take_signal(each)
        await desk.quiet()
        codes = []
        for each in signals:
            outcome = await desk.house.store.outcome_of(each.signal_id)
            assert outcome is not None
            codes.append(outcome.code)
        first_buy = actions.index(Action.BUY)
        expected = {Action.SELL: "SIGNAL_EXIT_HELD", Action.BUY: "POSITION_EXISTS"}
        assert codes == [
            "SUCCESS" if number == first_buy else "INSUFFICIENT_BASE" if number < first_buy else expected[action]
            for number, action in enumerate(actions)
        ]
        assert len(desk.house.exchange.placements) == 1


async def test_a_price_is_judged() -> None:
    async with working() as desk:
        await desk.house.buy("0.01")
        await desk.price("38000")
        await desk.quiet()
        assert len(desk.house.sells) == 1


async def test_a_slow_answer_on_one_product_does_not_delay_the_stop_of_another() -> None:
    """ETH is being sold, its answer does not come; the price of BTC falls through its stop and is acted on."""
    house, exchange = slow_house()
    async with working(house) as desk:
        await house.buy("0.01")
        await house.buy("0.1", "eth", ETH)
        exchange.slow_product = ETH
        await desk.price("1800", ETH)
        await desk.price("38000")
        assert house.portfolio.position(BTC) is None
        assert house.portfolio.position(ETH) is not None
        exchange.gate.set()
        await desk.quiet()
        assert house.portfolio.position(ETH) is None


async def test_a_slow_entry_does_not_stop_the_stream() -> None:
    """While an entry in ETH waits for its answer, prices and heartbeats of the market are handled."""
    house, exchange = slow_house()
    async with working(house) as desk:
        exchange.slow_product = ETH
        desk.desk.take_signal(signal(product_id=ETH))
        await turns()
        await desk.price("2001", ETH)
        later = house.pass_time(5)
        desk.market.tell(Heartbeat(later))
        await turns()
        assert desk.watcher.progress.has_reached(later)
        exchange.gate.set()
        await desk.quiet()


async def test_while_a_product_is_busy_only_its_newest_price_counts() -> None:
    """The price dips through the stop and recovers while an order of the same product is on its way."""
    house, exchange = slow_house()
    async with working(house) as desk:
        await house.buy("0.01")
        exchange.slow_product = BTC
        house.pass_time(60)
        house.show("41100")
        desk.desk.take_signal(signal(Action.SELL))
        await turns()
        await desk.price("38000")
        await desk.price("41000")
        exchange.script(Refuse("BUSY"))
        exchange.gate.set()
        await desk.quiet()
        assert len(house.sells) == 1


async def test_no_position_is_opened_while_the_market_stream_is_down() -> None:
    """S7"""
    async with working() as desk:
        desk.market.tell(StreamLost("gone"))
        await turns()
        desk.desk.take_signal(signal())
        await desk.quiet()
        outcome = await desk.house.store.outcome_of(signal().signal_id)
        assert outcome is not None
        assert outcome.code == "STALE_PRICE"


async def test_signals_of_an_earlier_life_are_taken_up_at_start() -> None:
    """R75: accepted and durable, then the process died."""
    house = House()
    await house.store.accept_signal(make_inbound(signal()))
    async with working(house) as desk:
        await desk.quiet()
        assert len(house.exchange.placements) == 1


async def test_a_signal_of_an_earlier_life_waits_for_the_first_price() -> None:
    """B261: the process has just begun and sees no market yet; that is no reason to refuse what was accepted."""
    house = House()
    waiting = signal()
    await house.store.accept_signal(make_inbound(waiting))
    desk = Desk(house)
    house.show("40000")
    house.show("2000", ETH)
    await desk.desk.start()
    task = asyncio.create_task(desk.work())
    await turns()
    assert await house.store.outcome_of(waiting.signal_id) is None
    desk.user.tell(StreamLive(house.clock.now()))
    desk.market.tell(StreamLive(house.clock.now()), house.show("40000"))
    await desk.quiet()
    assert [intent.signal_id for intent in house.exchange.placements] == [waiting.signal_id]
    task.cancel()
    await asyncio.wait({task})


async def test_a_signal_of_a_product_that_is_not_traded_here_is_left_alone() -> None:
    house = House()
    await house.store.accept_signal(make_inbound(signal(product_id=ProductId("SOL-USD"))))
    async with working(house) as desk:
        await desk.quiet()
        assert house.exchange.placements == []


async def test_a_signal_that_could_not_be_decided_is_taken_up_by_the_next_reconciliation() -> None:
    async with working() as desk:
        asked = signal()
        await desk.house.store.accept_signal(make_inbound(asked))
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        desk.desk.take_signal(asked)
        await desk.quiet()
        assert len(desk.house.told("work_postponed")) == 1
        desk.house.exchange.query_error = None
        desk.user.tell(StreamLive(desk.house.clock.now()))
        await desk.quiet()
        assert len(desk.house.exchange.placements) == 1


async def test_a_signal_that_is_queued_twice_is_ordered_once() -> None:
    async with working() as desk:
        desk.desk.take_signal(signal())
        desk.desk.take_signal(signal())
        await desk.quiet()
        assert len(desk.house.exchange.placements) == 1


async def test_an_order_update_settles_the_order_it_names() -> None:
    async with working() as desk:
        house = desk.house
        house.exchange.script(StayOpen())
        intent = await house.buy("0.01")
        order = house.portfolio.open_orders()[0]
        assert order.venue_order_id is not None
        house.exchange.fill(order.venue_order_id, intent.size_base, price("40000"))
        desk.user.tell(OrderUpdate(order.venue_order_id, intent.client_order_id, BTC, house.clock.now()))
        await desk.quiet()
        assert house.portfolio.position(BTC) is not None


async def test_an_order_update_is_understood_by_the_venues_id_alone() -> None:
    async with working() as desk:
        house = desk.house
        house.exchange.script(StayOpen())
        intent = await house.buy("0.01")
        order = house.portfolio.open_orders()[0]
        assert order.venue_order_id is not None
        house.exchange.fill(order.venue_order_id, intent.size_base, price("40000"))
        desk.user.tell(OrderUpdate(order.venue_order_id, ClientOrderId(""), BTC, house.clock.now()))
        await desk.quiet()
        assert house.portfolio.open_orders() == []


async def test_updates_of_unknown_orders_and_products_change_nothing() -> None:
    async with working() as desk:
        stranger = OrderUpdate(VenueOrderId("v"), ClientOrderId("c"), BTC, desk.house.clock.now())
        elsewhere = OrderUpdate(VenueOrderId("v"), ClientOrderId("c"), ProductId("SOL-USD"), desk.house.clock.now())
        desk.user.tell(stranger, elsewhere)
        await desk.quiet()
        assert await desk.house.store.trade_records() == []


async def test_a_price_of_a_product_that_is_not_traded_here_is_ignored() -> None:
    async with working() as desk:
        await desk.price("150", ProductId("SOL-USD"))
        await desk.price("38000")
        await desk.quiet()
        assert desk.watcher.progress.has_reached(desk.house.clock.now(), "SOL-USD")


async def test_prices_make_an_open_order_be_asked_about_at_its_pace() -> None:
    """Every 2 s of venue time, not on every tick."""
    async with working() as desk:
        house = desk.house
        house.exchange.script(Lose(is_placed=True))
        await house.buy("0.01")
        house.exchange.hidden_lookups = 3
        await desk.price("40000")
        await desk.quiet()
        house.pass_time(1.999)
        await desk.price("40000")
        await desk.quiet()
        assert house.exchange.hidden_lookups == 2
        house.pass_time(0.001)
        await desk.price("40000")
        await desk.quiet()
        assert house.exchange.hidden_lookups == 1


async def test_a_venue_that_cannot_be_asked_about_an_order_is_told_and_asked_again() -> None:
    async with working() as desk:
        house = desk.house
        house.exchange.script(Lose(is_placed=True))
        await house.buy("0.01")
        house.exchange.query_error = ExchangeUnreachable("down")
        await desk.price("40000")
        await desk.quiet()
        assert len(house.told("order_not_settled")) == 1
        house.exchange.query_error = None
        house.pass_time(2)
        await desk.price("40000")
        await desk.quiet()
        assert house.portfolio.position(BTC) is not None


async def test_an_order_that_cannot_be_asked_about_does_not_hold_up_a_stop() -> None:
    """The venue answers orders but no questions; another buy of the product is open; the stop is sent all the same."""
    async with working() as desk:
        await desk.house.buy("0.01")
        desk.house.exchange.script(StayOpen())
        await desk.house.buy("0.01", "another")
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        await desk.price("38000")
        await desk.quiet()
        assert [sell.size_base for sell in desk.house.sells] == [Decimal("0.01")]
        assert desk.house.told("order_not_settled")


async def test_reconciliation_happens_when_it_is_due_and_not_before() -> None:
    async with working(interval_s=300) as desk:
        before = len(desk.house.told("reconciled"))
        desk.house.pass_time(299.999)
        await desk.price("40000")
        await desk.quiet()
        assert len(desk.house.told("reconciled")) == before
        desk.house.pass_time(0.001)
        await desk.price("40000")
        await desk.quiet()
        assert len(desk.house.told("reconciled")) == before + 1


async def test_the_leaderboard_is_made_at_the_start_and_after_a_reconciliation() -> None:
    async with working() as desk:
        assert desk.house.selector.leaderboard_age() == timedelta(0)
        desk.house.pass_time(6 * 3600)
        await desk.price("40000")
        await desk.quiet()
        assert desk.house.selector.leaderboard_age() == timedelta(0)


async def test_a_reconnected_user_stream_reconciles() -> None:
    """R39"""
    async with working() as desk:
        before = len(desk.house.told("reconciled"))
        desk.user.tell(StreamLost("gone"))
        await turns()
        assert not desk.hears_of_orders()
        desk.user.tell(StreamLive(desk.house.clock.now()))
        await desk.quiet()
        assert desk.hears_of_orders()
        assert len(desk.house.told("reconciled")) == before + 1


async def test_a_reconciliation_that_fails_is_told_and_tried_again_soon_but_not_at_once() -> None:
    async with working(interval_s=300) as desk:
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        desk.user.tell(StreamLive(desk.house.clock.now()))
        await desk.quiet()
        assert desk.desk.reconciliation_fault == "down"
        desk.house.pass_time(9.999)
        await desk.price("40000")
        await desk.quiet()
        assert len(desk.house.told("not_reconciled")) == 1
        desk.house.exchange.query_error = None
        desk.house.pass_time(0.001)
        await desk.price("40000")
        await desk.quiet()
        assert desk.desk.reconciliation_fault is None


async def test_nothing_is_reconciled_again_before_the_first_time_has_ended() -> None:
    desk = Desk(House())
    desk.house.show("40000")
    desk.desk._user.handle(StreamLive(desk.house.clock.now()))  # noqa: SLF001 - a stream quicker than the start
    async with asyncio.timeout(1):
        await desk.activity.quiet()
    await desk.desk.on_ticker(desk.house.show("38000"))
    assert not desk.desk.is_ready


async def test_candles_reach_the_trailing_stops() -> None:
    async with working() as desk:
        desk.market.tell(CandleUpdate(candle(0, "40000"), desk.house.clock.now()))
        desk.market.tell(CandleUpdate(candle(1, "40000"), desk.house.clock.now()), Heartbeat(desk.house.pass_time(1)))
        await turns()
        assert desk.watcher.progress.has_reached(desk.house.clock.now())


BRACKETED = replace(RULES, brackets=BracketRules(stop_mode=StopMode.FIXED, stop_loss_pct=Decimal("0.04")))


@asynccontextmanager
async def bracketing() -> AsyncIterator[tuple[Desk, OpenOrder]]:
    """A desk whose signal was bought and bracketed, from 36,480 on."""
    async with working(House(BRACKETED)) as desk:
        desk.desk.take_signal(signal())
        await desk.quiet()
        (bracket,) = desk.house.portfolio.open_sells(BTC)
        yield desk, bracket


async def test_a_buy_is_bracketed_before_anything_else_happens() -> None:
    """B78: no price and no update has to come first."""
    async with bracketing() as (desk, bracket):
        assert bracket.intent.kind is OrderKind.BRACKET_GTC
        assert desk.house.protector.protection(BTC) is Protection.VENUE


async def test_a_bracket_that_rests_is_asked_about_every_ten_seconds() -> None:
    async with bracketing() as (desk, bracket):
        asked: list[VenueOrderId] = []
        get_order = desk.house.exchange.get_order

        async def counted(venue_order_id: VenueOrderId) -> VenueOrder | None:
            asked.append(venue_order_id)
            return await get_order(venue_order_id)

        desk.house.exchange.get_order = counted  # type: ignore[method-assign]
        desk.house.pass_time(9.999)
        await desk.price("40000")
        await desk.quiet()
        assert asked == []
        desk.house.pass_time(0.001)
        await desk.price("40000")
        await desk.quiet()
        assert asked == [bracket.venue_order_id]


async def test_a_bracket_that_filled_is_booked_when_the_stream_says_so() -> None:
    async with bracketing() as (desk, bracket):
        house = desk.house
        house.show("36000")
        assert bracket.venue_order_id is not None
        ids = (bracket.venue_order_id, bracket.intent.client_order_id)
        desk.user.tell(OrderUpdate(*ids, BTC, house.clock.now()))
        await desk.quiet()
        assert house.portfolio.position(BTC) is None
        assert len(house.sells) == 1


async def test_a_hard_stop_and_its_bracket_never_sell_twice() -> None:
    """S5, R84: cancelled first; while it is being left the position gets no new bracket."""
    async with bracketing() as (desk, _):
        desk.house.exchange.script(FillParts((Size(Decimal("0.001")),)))
        await desk.price("38000")
        await desk.quiet()
        assert [sell.trigger for sell in desk.house.sells] == [Trigger.BRACKET, Trigger.HARD_STOP]
        assert desk.house.portfolio.open_orders() == []


async def test_a_position_without_a_bracket_is_told_although_its_product_is_busy() -> None:
    """B78, L1: the venue does not answer the bracket; the stream runs on and the alarm comes in time."""
    plain = House(BRACKETED)
    exchange = SlowExchange(plain.clock, plain.products, plain.balances, FEES)
    exchange.gate = asyncio.Event()
    async with working(House(BRACKETED, clock=plain.clock, given_exchange=exchange)) as desk:
        await desk.house.buy("0.01")
        exchange.slow_product = BTC
        await desk.price("40000")
        desk.house.pass_time(9.999)
        await desk.price("40000")
        assert desk.house.told("position_unprotected") == []
        desk.house.pass_time(0.001)
        await desk.price("40000")
        assert len(desk.house.told("position_unprotected")) == 1
        exchange.gate.set()
        await desk.quiet()
