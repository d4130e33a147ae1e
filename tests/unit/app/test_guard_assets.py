"""Coins, orders and positions that somebody has to see to, told once and never traded for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, MemoryExchange, StayOpen
from bottrader.domain.custody import Custody
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.money import Money, Size
from bottrader.domain.orders import (
    Cancellation,
    ClientOrderId,
    OrderKind,
    OrderState,
    Side,
    Unknown,
    VenueOrder,
    VenueOrderId,
)
from tests.fixtures.facts import BTC, ETH, make_adoption
from tests.fixtures.trading_house import FEES, RULES, House, entry, price, product, unlocked


async def guarded(house: House) -> None:
    """Reconcile and let the guard look, as the desk does."""
    await house.asset_guard.run(await house.reconciler.run(unlocked), unlocked)


def kinds(house: House) -> dict[str, Custody]:
    return {each.currency: each.kind for each in house.asset_guard.holdings}


def move(house: House, currency: str, amount: str) -> None:
    """Coins come or go behind the bot's back."""
    house.exchange._move(currency, Decimal(amount))  # noqa: SLF001 - nobody else moves coins


async def test_coins_that_came_without_us_are_told_once_per_change_and_never_sold() -> None:
    """F52, E3: an airdrop, then a larger one; a crash sells the bot's own 0.01 and nothing else."""
    house = await House().open()
    await house.buy("0.01")
    await guarded(house)
    assert house.told("foreign_coins") == []
    move(house, "BTC", "0.5")
    await guarded(house)
    await guarded(house)
    move(house, "BTC", "0.1")
    await guarded(house)
    assert [told.fields["size"] for told in house.told("foreign_coins")] == [Decimal("0.5"), Decimal("0.6")]
    assert all(told.is_alarm for told in house.told("foreign_coins"))
    await house.see("38000")
    assert [sell.size_base for sell in house.sells] == [Decimal("0.01")]
    await guarded(house)
    assert kinds(house) == {"BTC": Custody.FOREIGN, "USD": Custody.CASH}


async def test_coins_of_ours_that_are_gone_are_told_and_stay_a_fault() -> None:
    """F51: an asset is never negative, what is missing is said."""
    house = await House().open()
    await house.buy("0.01")
    move(house, "BTC", "-0.004")
    await guarded(house)
    await guarded(house)
    (told,) = house.told("coins_missing")
    assert (told.fields["currency"], told.fields["missing"]) == ("BTC", Decimal("0.004"))
    assert house.asset_guard.faults() == ["0.004 BTC of ours are not at the exchange"]
    move(house, "BTC", "0.004")
    await guarded(house)
    assert house.asset_guard.faults() == []


async def test_dust_and_hodl_coins_are_listed_and_raise_no_alarm() -> None:
    """B51, R62, R16"""
    balances = {"USD": Decimal(100), "BTC": Decimal("0.00001"), "ETH": Decimal(3), "AIR": Decimal(5)}
    house = await House(replace(RULES, hodl=frozenset({"ETH"})), balances=balances).open()
    await guarded(house)
    assert kinds(house) == {"USD": Custody.CASH, "BTC": Custody.DUST, "ETH": Custody.HODL, "AIR": Custody.DUST}
    assert house.told("foreign_coins") == []
    assert house.sells == []


async def test_nothing_is_concluded_from_balances_while_an_order_is_unsettled() -> None:
    house = await House().open()
    await guarded(house)
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    house.exchange.hidden_lookups = 1
    await house.asset_guard.run(await house.reconciler.run(unlocked), unlocked)
    assert kinds(house) == {"USD": Custody.CASH}
    assert house.told("foreign_coins") == []


async def test_adopted_coins_are_the_bots_own() -> None:
    house = await House(balances={"USD": Decimal(100), "BTC": Decimal("0.25")}).open()
    await house.store.record_adoption(replace(make_adoption(), booked_size=Decimal("0.25")))
    await guarded(house)
    assert kinds(house) == {"USD": Custody.CASH, "BTC": Custody.ADOPTED}
    assert house.told("books_differ") == []


async def test_a_position_that_no_price_reaches_is_told_once_a_stretch() -> None:
    """R10, R11, B78: young prices protect by the monitor; old ones protect nothing."""
    house = await House().open()
    await house.buy("0.01")
    house.pass_time(61)
    house.asset_guard.look()
    house.asset_guard.look()
    assert [told.fields["product_id"] for told in house.told("position_without_protection")] == [BTC]
    assert house.asset_guard.faults() == ["the position in BTC-USD has no protection"]
    house.show("40000")
    house.asset_guard.look()
    assert house.asset_guard.faults() == []
    house.pass_time(61)
    house.asset_guard.look()
    assert len(house.told("position_without_protection")) == 2


async def test_the_age_of_a_price_that_protects_is_bounded_to_the_second() -> None:
    """B7: a price of exactly the limit is still judged."""
    house = await House().open()
    await house.buy("0.01")
    house.pass_time(30)
    house.show("40000")
    house.pass_time(RULES.limits.price_age_s_max)
    house.asset_guard.look()
    assert house.told("position_without_protection") == []
    house.pass_time(0.001)
    house.asset_guard.look()
    assert len(house.told("position_without_protection")) == 1


async def test_a_position_has_ten_seconds_to_be_protected() -> None:
    """B78"""
    house = await House().open()
    await house.buy("0.01")
    del house.portfolio.tickers[BTC]
    house.pass_time(9.999)
    house.asset_guard.look()
    assert house.told("position_without_protection") == []
    house.pass_time(0.001)
    house.asset_guard.look()
    assert len(house.told("position_without_protection")) == 1


async def test_a_position_of_a_pair_that_was_dropped_from_the_configuration_is_a_fault() -> None:
    house = await House().open()
    house.show("2000", ETH)
    await house.buy("0.1", "eth", ETH)
    alone = House(clock=house.clock, store=house.store, products=(product(BTC),), given_exchange=house.exchange)
    await alone.open_one()
    await guarded(alone)
    assert alone.asset_guard.faults() == ["the position in ETH-USD is not watched: add it to BOTTRADER_SYMBOLS"]
    assert kinds(alone)["ETH"] is Custody.OWNED


async def place_beside(house: House, name: str = "orphan") -> VenueOrder:
    """Have an order under an id of our making rest at the venue, of which the books know nothing."""
    intent = replace(entry("0.01", name, BTC, house.clock.now(), price("39000")), kind=OrderKind.LIMIT_GTC)
    house.exchange.script(StayOpen())
    await house.exchange.place(intent)
    (order,) = await house.exchange.open_orders()
    return order


async def test_an_order_of_ours_that_no_intent_stands_for_is_cancelled() -> None:
    """R12, F44: the database was restored from before the order."""
    house = await House().open()
    order = await place_beside(house)
    await guarded(house)
    assert await house.exchange.open_orders() == []
    (told,) = house.told("orphan_order_cancelled")
    assert told.fields["order_id"] == order.client_order_id
    assert house.asset_guard.faults() == []


async def test_an_order_whose_cancel_was_not_taken_stays_a_fault_until_it_is_gone() -> None:
    """R12"""

    class Stubborn(MemoryExchange):
        is_stubborn = True

        async def cancel(self, venue_order_ids: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
            if self.is_stubborn:
                return {each: Unknown("no answer") for each in venue_order_ids}
            return await super().cancel(venue_order_ids)

    plain = House()
    exchange = Stubborn(plain.clock, plain.products, plain.balances, FEES)
    house = await House(clock=plain.clock, given_exchange=exchange).open()
    await place_beside(house)
    await guarded(house)
    assert house.asset_guard.faults() == ["1 orders at the exchange bear our ids and are not in our books"]
    exchange.is_stubborn = False
    await guarded(house)
    assert house.asset_guard.faults() == []


async def test_an_order_that_somebody_else_placed_is_never_touched() -> None:
    """F51: told once, while it rests."""

    class WithGuest(MemoryExchange):
        async def open_orders(self) -> Sequence[VenueOrder]:
            mine = await super().open_orders()
            return [replace(order, client_order_id=ClientOrderId("from-the-app")) for order in mine]

    plain = House()
    exchange = WithGuest(plain.clock, plain.products, plain.balances, FEES)
    house = await House(clock=plain.clock, given_exchange=exchange).open()
    await place_beside(house)
    await guarded(house)
    await guarded(house)
    assert len(await house.exchange.open_orders()) == 1
    assert len(house.told("foreign_order_seen")) == 1
    assert house.asset_guard.faults() == []


async def test_an_order_of_unknown_outcome_that_is_listed_as_open_is_taken_up() -> None:
    """R12: no lookup by its id finds it, the list of open orders has it."""

    class Forgetful(MemoryExchange):
        listed: VenueOrder | None = None

        async def find_order(self, *_: object) -> None:
            return None

        async def open_orders(self) -> Sequence[VenueOrder]:
            return [] if self.listed is None else [self.listed]

    plain = House()
    exchange = Forgetful(plain.clock, plain.products, plain.balances, FEES)
    house = await House(clock=plain.clock, given_exchange=exchange).open()
    exchange.script(Lose(is_placed=True))
    intent = await house.buy("0.01")
    (known,) = await MemoryExchange.fills_since(exchange, house.clock.now())
    no_money = Money(Decimal(0))
    exchange.listed = VenueOrder(
        known.venue_order_id, intent.client_order_id, BTC, Side.BUY, OrderState.ACCEPTED, Size(Decimal(0)), no_money,
        no_money, house.clock.now(),
    )  # fmt: skip
    await guarded(house)
    assert [told.fields["order_id"] for told in house.told("orphan_order_adopted")] == [intent.client_order_id]
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.01")


async def test_orders_that_cannot_be_listed_end_the_look() -> None:
    house = await House().open()
    found = await house.reconciler.run(unlocked)
    house.exchange.query_error = ExchangeUnreachable("down")
    with pytest.raises(ExchangeUnreachable):
        await house.asset_guard.run(found, unlocked)
