"""The desk when it does not see: nothing is bought, and what is held is judged all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, MemoryExchange, StayOpen
from bottrader.app.queue_signals import SIGNALS_MAX
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import FeeRates, ProductId, Ticker
from bottrader.domain.money import Size
from bottrader.domain.orders import ClientOrderId, OrderState, VenueOrderId
from bottrader.domain.signals import Action
from bottrader.ports import OrderUpdate, StreamLive, StreamLost
from tests.fixtures.facts import BTC, ETH, make_inbound
from tests.fixtures.trading_house import FEES, House, price, signal, turns
from tests.unit.app.test_run_webhook import Desk, working


def moved(desk: Desk, text: str, product_id: ProductId = BTC) -> Ticker:
    """The venue's price moves; no stream tells it."""
    ticker = Ticker(product_id, price(text), price(text), price(text), desk.house.clock.now())
    desk.house.exchange.show(ticker)
    return ticker


async def look(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.desk.look()
        await desk.quiet()


async def code_of(desk: Desk, number: int = 0) -> str | None:
    outcome = await desk.house.store.outcome_of(signal(number=number).signal_id)
    return None if outcome is None else outcome.code


async def ask_to_buy(desk: Desk, number: int = 0) -> str | None:
    """Send a signal; return what became of it."""
    desk.desk.take_signal(signal(number=number))
    await desk.quiet()
    return await code_of(desk, number)


async def test_a_position_without_ticks_is_judged_by_a_price_that_is_asked_for() -> None:
    """F23, B270: two looks, two seconds of real time, and venue time need not move."""
    async with working() as desk:
        await desk.house.buy("0.01")
        moved(desk, "38000")
        await look(desk, 1)
        assert desk.house.sells == []
        await look(desk, 1)
        assert len(desk.house.sells) == 1


async def test_a_crash_that_no_stream_tells_is_confirmed_by_the_next_look() -> None:
    """F30, F23: a single quote far off proves nothing, the second one does."""
    async with working() as desk:
        await desk.house.buy("0.01")
        moved(desk, "20000")
        await look(desk, 2)
        assert desk.house.sells == []
        await look(desk, 1)
        assert len(desk.house.sells) == 1


async def test_a_position_that_nobody_can_price_raises_one_alarm() -> None:
    """D11, S7: the only case in which a stop is not judged; it is told once, and judged as soon as a price comes."""
    async with working() as desk:
        await desk.house.buy("0.01")
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        await look(desk, 5)
        assert desk.house.told("position_without_price") == []
        await look(desk, 10)
        assert len(desk.house.told("position_without_price")) == 1
        desk.house.exchange.query_error = None
        moved(desk, "38000")
        await look(desk, 2)
        assert len(desk.house.sells) == 1


async def test_ticks_make_looks_unnecessary() -> None:
    async with working() as desk:
        await desk.house.buy("0.01")
        desk.house.exchange.query_error = ExchangeUnreachable("not to be asked")
        for _ in range(10):
            desk.house.pass_time(1)
            await desk.price("40000")
            await look(desk, 1)
        assert desk.house.told("price_not_answered") == []


async def test_without_a_position_nothing_is_asked_for() -> None:
    async with working() as desk:
        desk.house.exchange.query_error = ExchangeUnreachable("not to be asked")
        await look(desk, 20)
        assert desk.house.told("price_not_answered") == []
        assert desk.house.told("position_without_price") == []


async def test_an_order_of_unknown_outcome_is_asked_about_although_venue_time_stands_still() -> None:
    """L2: no tick, no heartbeat; the second look settles it."""
    async with working() as desk:
        desk.house.exchange.script(Lose(is_placed=True))
        await desk.house.buy("0.01")
        desk.house.exchange.hidden_lookups = 1
        await look(desk, 2)
        assert desk.house.portfolio.position(BTC) is None
        await look(desk, 2)
        assert desk.house.portfolio.position(BTC) is not None


async def test_a_wrong_tick_between_good_ones_sells_nothing_and_sizes_nothing() -> None:
    """F30: ten times and a tenth of the market; the venue itself stands at 40,000."""
    async with working() as desk:
        await desk.house.buy("0.01")
        for text in ("400000", "4000"):
            at = desk.house.pass_time(1)
            desk.market.tell(Ticker(BTC, price(text), price(text), price(text), at))
            await desk.quiet()
            assert str(desk.house.portfolio.tickers[BTC].mark) == "40000"
        assert desk.house.sells == []
        assert len(desk.house.told("price_doubted")) == 2


async def test_a_true_crash_is_sold_on_its_first_tick_because_a_quote_confirms_it() -> None:
    """F30"""
    async with working() as desk:
        await desk.house.buy("0.01")
        desk.house.pass_time(1)
        desk.market.tell(moved(desk, "20000"))
        await desk.quiet()
        assert len(desk.house.sells) == 1


async def test_a_true_crash_is_sold_on_its_second_tick_when_the_venue_does_not_answer() -> None:
    """F30, F6"""
    async with working() as desk:
        await desk.house.buy("0.01")
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        for text in ("20000", "19990"):
            assert desk.house.sells == []
            desk.house.pass_time(1)
            desk.market.tell(moved(desk, text))
            await desk.quiet()
        assert len(desk.house.sells) == 1


async def test_nothing_is_bought_on_a_price_that_is_in_doubt() -> None:
    """S7, F30"""
    async with working() as desk:
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        desk.house.pass_time(1)
        desk.market.tell(moved(desk, "60000"))
        await desk.quiet()
        assert await ask_to_buy(desk) == "PRICE_DOUBTED"


async def test_nothing_is_bought_while_the_user_stream_is_down() -> None:
    """S7"""
    async with working() as desk:
        desk.user.tell(StreamLost("gone"))
        await turns()
        assert await ask_to_buy(desk) == "USER_STREAM_DOWN"


async def test_nothing_is_bought_after_a_reconciliation_that_failed_and_again_after_one_that_did_not() -> None:
    """S7: the stream is back, what it missed could not be asked for."""
    async with working() as desk:
        desk.house.exchange.query_error = ExchangeUnreachable("down")
        desk.user.tell(StreamLive(desk.house.clock.now()))
        await desk.quiet()
        desk.house.exchange.query_error = None
        assert await ask_to_buy(desk, 1) == "RECONCILIATION_FAILED"
        desk.house.pass_time(10)
        await desk.price("40000")
        await desk.quiet()
        assert await ask_to_buy(desk, 2) == "SUCCESS"


async def test_nothing_is_bought_while_an_order_of_the_pair_is_of_unknown_outcome() -> None:
    """S7, S3; another pair is not held up."""
    async with working() as desk:
        desk.house.exchange.script(Lose(is_placed=False))
        await desk.house.buy("0.01")
        assert await ask_to_buy(desk, 1) == "SKIPPED_OPEN_ORDER"
        desk.desk.take_signal(signal(number=2, product_id=ETH))
        await desk.quiet()
        assert [intent.product_id for intent in desk.house.exchange.placements] == [BTC, ETH]


@pytest.mark.parametrize("blindness", ["market", "user", "reconciliation", "doubt"])
async def test_a_position_may_be_left_behind_every_closed_gate(blindness: str) -> None:
    """S7: the stop goes out whatever is not seen."""
    async with working() as desk:
        await desk.house.buy("0.01")
        match blindness:
            case "market":
                desk.market.tell(StreamLost("gone"))
            case "user":
                desk.user.tell(StreamLost("gone"))
            case "reconciliation":
                desk.house.exchange.query_error = ExchangeUnreachable("down")
                desk.user.tell(StreamLive(desk.house.clock.now()))
                await desk.quiet()
                desk.house.exchange.query_error = None
                assert desk.desk.reconciliation_fault is not None
            case _:
                far = moved(desk, "400000")
                moved(desk, "40000")
                desk.house.exchange.query_error = ExchangeUnreachable("down")
                desk.market.tell(replace(far, at=desk.house.pass_time(1)))
                await desk.quiet()
                desk.house.exchange.query_error = None
        await turns()
        moved(desk, "38000")
        await look(desk, 2)
        assert len(desk.house.sells) == 1


class GatedExchange(MemoryExchange):
    """Holds back fee rates, which every reconciliation asks for, while `gate` is closed."""

    gate: asyncio.Event

    async def fee_rates(self) -> FeeRates:
        await self.gate.wait()
        return await super().fee_rates()


@asynccontextmanager
async def gated() -> AsyncIterator[tuple[Desk, GatedExchange]]:
    plain = House()
    exchange = GatedExchange(plain.clock, plain.products, plain.balances, FEES)
    exchange.gate = asyncio.Event()
    exchange.gate.set()
    async with working(House(clock=plain.clock, given_exchange=exchange)) as desk:
        yield desk, exchange


async def test_an_entry_waits_until_the_gap_of_the_user_stream_is_filled_and_a_stop_does_not() -> None:
    """B270, R39: fills of the outage are known before the next entry is decided."""
    async with gated() as (desk, exchange):
        await desk.house.buy("0.1", "eth", ETH)
        exchange.gate.clear()
        desk.user.tell(StreamLost("gone"), StreamLive(desk.house.clock.now()))
        await turns()
        desk.desk.take_signal(signal())
        await desk.price("1900", ETH)
        await turns()
        assert await code_of(desk) is None
        assert not desk.desk.is_user_gap_filled
        assert [intent.product_id for intent in desk.house.sells] == [ETH]
        exchange.gate.set()
        await desk.quiet()
        assert await code_of(desk) == "SUCCESS"


async def test_a_sell_signal_does_not_wait_for_the_gap() -> None:
    """S7: leaving passes every gate, at once."""
    async with gated() as (desk, exchange):
        await desk.house.buy("0.01")
        desk.house.pass_time(60)
        exchange.gate.clear()
        desk.user.tell(StreamLost("gone"), StreamLive(desk.house.clock.now()))
        await desk.price("41100")
        desk.desk.take_signal(signal(Action.SELL))
        await turns()
        assert len(desk.house.sells) == 1
        exchange.gate.set()
        await desk.quiet()


async def test_a_replayed_report_asks_the_venue_nothing() -> None:
    """F25"""
    async with working() as desk:
        house = desk.house
        house.exchange.script(StayOpen())
        intent = await house.buy("0.01")
        (order,) = house.portfolio.open_orders()
        assert order.venue_order_id is not None
        report = OrderUpdate(
            order.venue_order_id, intent.client_order_id, BTC, house.clock.now(), Size(Decimal(0)), OrderState.ACCEPTED
        )
        house.exchange.hidden_lookups = 100
        desk.user.tell(*[report] * 50)
        await desk.quiet()
        assert house.exchange.hidden_lookups == 99
        desk.user.tell(
            *[
                replace(report, venue_order_id=VenueOrderId(f"old-{n}"), client_order_id=ClientOrderId(""))
                for n in range(50)
            ]
        )
        await desk.quiet()
        assert house.exchange.hidden_lookups == 99


async def test_only_so_many_signals_wait_and_all_that_are_durable_get_their_outcome() -> None:
    """F36, F48: the door turns the flood away; what is durable all the same is taken up from the store."""
    house = House()
    desk = Desk(house)
    await desk.desk.start()
    for number in range(SIGNALS_MAX):
        assert desk.desk.has_room(BTC)
        desk.desk.take_signal(signal(number=number))
    assert not desk.desk.has_room(BTC)
    assert desk.desk.has_room(ETH)
    left_out = [signal(number=SIGNALS_MAX + extra) for extra in range(3)]
    for each in left_out:
        await house.store.accept_signal(make_inbound(each, request=each.signal_id))
    task = asyncio.create_task(desk.work())
    desk.market.tell(StreamLive(house.clock.now()), house.show("40000"))
    desk.user.tell(StreamLive(house.clock.now()))
    await desk.quiet()
    assert desk.desk.has_room(BTC)
    assert await house.store.signals_without_outcome([BTC], 100) == []
    task.cancel()
    await asyncio.wait({task})
