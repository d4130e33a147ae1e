"""Handing coins over: refused with one sentence, or a position like any other; cash is never touched."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import StayOpen
from bottrader.app.adopt_assets import Adopted, AdoptionRequest, AssetAdopter
from bottrader.app.reconcile import our_books
from bottrader.app.write_reports import build_report
from bottrader.domain.adoption import Adoption
from bottrader.domain.custody import Custody
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size
from bottrader.domain.orders import OrderKind, Side
from bottrader.domain.validation import Refusal
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import RULES, House, entry, price, unlocked

HALF_COIN = {"USD": Decimal(1000), "BTC": Decimal("0.5")}


def adopter(house: House) -> AssetAdopter:
    return AssetAdopter(house.world, house.portfolio.product_ids, house.rules)


def request(size: str = "0.25", at_price: str = "30000", product_id: ProductId = BTC) -> AdoptionRequest:
    return AdoptionRequest(product_id, Size(Decimal(size)), Price(Decimal(at_price)))


async def test_adopted_coins_are_sold_like_others_at_the_basis_they_were_given() -> None:
    """E2, E6: 0.25 of 0.5 BTC at 40,000; at 38,000 they go for 9,500 less 0.8 % = 76, so 10,000 - 9,424 are lost."""
    house = await House(balances=dict(HALF_COIN)).open()
    answer = await adopter(house).adopt(request(at_price="40000"))
    assert isinstance(answer, Adopted)
    assert answer.is_new
    assert (await house.reconciler.run(unlocked)).differences == ()
    assert (await our_books(house.store)).cash == {"USD": Decimal(1000)}
    position = house.portfolio.position(BTC)
    assert position is not None
    assert (position.size, position.cost, position.trigger) == (Decimal("0.25"), Decimal(10_000), "MANUAL")
    await house.see("38000")
    assert [(sell.size_base, sell.parent_id) for sell in house.sells] == [(Decimal("0.25"), answer.adoption.order_id)]
    assert (await house.reconciler.run(unlocked)).differences == ()
    (row,) = await house.store.allocations()
    assert (row.cost_basis, row.pnl) == (Decimal(10_000), Decimal(-576))
    report = build_report(await house.store.snapshot(), None, house.clock.now(), venue="test", quote_currency="USD")
    assert (report.cash_unexplained, report.cash.closing) == (Decimal(0), Decimal(10_424))


async def test_they_wait_their_turn_by_the_time_they_were_acquired() -> None:
    """First in, first out: 0.1 of the day before are sold before 0.01 that the bot bought."""
    house = await House(balances={"USD": Decimal(10_000), "BTC": Decimal("0.1")}).open()
    await house.buy("0.01")
    early = replace(request("0.1", "40000"), acquired_at=house.clock.now() - timedelta(days=1))
    answer = await adopter(house).adopt(early)
    assert isinstance(answer, Adopted)
    await house.reconciler.run(unlocked)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert (position.size, position.anchor_order_id) == (Decimal("0.11"), answer.adoption.order_id)


async def test_the_same_command_again_changes_nothing() -> None:
    house = await House(balances=dict(HALF_COIN)).open()
    dated = replace(request(), acquired_at=house.clock.now() - timedelta(days=1))
    first = await adopter(house).adopt(dated)
    house.pass_time(60)
    second = await adopter(house).adopt(dated)
    assert isinstance(first, Adopted)
    assert isinstance(second, Adopted)
    assert (first.is_new, second.is_new) == (True, False)
    assert len(await house.store.executions(BTC)) == 1


async def test_an_airdrop_that_was_never_booked_balances_once_it_is_adopted() -> None:
    """F52: 0.5 are booked, 0.1 came later; adopting 0.6 moves 0.5 out and the rest in."""
    house = await House(balances=dict(HALF_COIN)).open()
    house.exchange._move("BTC", Decimal("0.1"))  # noqa: SLF001 - coins come by themselves
    assert (await house.reconciler.run(unlocked)).differences != ()
    answer = await adopter(house).adopt(request("0.6"))
    assert isinstance(answer, Adopted)
    assert answer.adoption.booked_size == Decimal("0.5")
    assert (await house.reconciler.run(unlocked)).differences == ()


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        (request("0.50000001"), "NOT_FREE", "0.50000001 BTC are more than the 0.5 that are free"),
        (request("0.1", product_id=ETH), "HODL_REJECT", "ETH is on the HODL list"),
        (request("0.1", product_id=ProductId("SOL-USD")), "NOT_TRADED", "BOTTRADER_SYMBOLS has BTC-USD, ETH-USD"),
        (request("0"), "ORDER_BUILD_FAILED", "size to adopt is above zero, was 0"),
        (request("NaN"), "ORDER_BUILD_FAILED", "size to adopt is above zero, was NaN"),
        (request("0.1", "-1"), "ORDER_BUILD_FAILED", "price of adopted coins is above zero, was -1"),
    ],
)
async def test_what_cannot_be_adopted_is_refused_with_one_sentence(
    asked: AdoptionRequest, code: str, words: str
) -> None:
    """R16"""
    balances = {**HALF_COIN, "ETH": Decimal(3)}
    house = await House(replace(RULES, hodl=frozenset({"ETH"})), balances=balances).open()
    refusal = await adopter(house).adopt(asked)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
    assert words in refusal.message
    assert await house.store.executions() == []


async def test_coins_of_the_future_are_refused() -> None:
    house = await House(balances=dict(HALF_COIN)).open()
    later = replace(request(), acquired_at=house.clock.now() + timedelta(seconds=1))
    refusal = await adopter(house).adopt(later)
    assert isinstance(refusal, Refusal)
    assert "later than now" in refusal.message


async def test_what_the_bot_bought_is_not_adopted() -> None:
    house = await House().open()
    await house.buy("0.01")
    refusal = await adopter(house).adopt(request("0.01"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "NOT_FREE"


async def test_while_a_buy_is_open_nothing_is_adopted() -> None:
    """The coins may be those of its fill, which nobody has recorded yet."""
    house = await House().open()
    resting = replace(entry("0.01", "slow", BTC, house.clock.now(), price("40000")), kind=OrderKind.LIMIT_GTC)
    house.exchange.script(StayOpen())
    await house.placer.place(resting)
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    house.exchange.fill(order.venue_order_id, Size(Decimal("0.01")), price("40000"))
    refusal = await adopter(house).adopt(request("0.01"))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "SKIPPED_OPEN_ORDER"


async def test_before_the_books_are_open_nothing_is_adopted() -> None:
    house = House(balances=dict(HALF_COIN))
    house.show("40000")
    house.show("2000", ETH)
    refusal = await adopter(house).adopt(request())
    assert isinstance(refusal, Refusal)
    assert refusal.code == "BOOKS_NOT_OPEN"


async def test_the_list_shows_what_could_be_adopted() -> None:
    house = await House(balances=dict(HALF_COIN)).open()
    await adopter(house).adopt(request("0.2"))
    held = {each.currency: each for each in await adopter(house).holdings()}
    assert (held["BTC"].kind, held["BTC"].adopted, held["BTC"].adoptable) == (
        Custody.ADOPTED,
        Decimal("0.2"),
        Decimal("0.3"),
    )
    assert held["USD"].kind is Custody.CASH


async def test_an_adoption_does_not_hide_fills_that_were_missed() -> None:
    """F28: away for a day, and adopted since: a fill of twelve hours ago is taken in all the same."""
    house = await House(balances=dict(HALF_COIN)).open()
    resting = replace(entry("0.01", "slow", BTC, house.clock.now(), price("40000")), kind=OrderKind.LIMIT_GTC)
    house.exchange.script(StayOpen())
    await house.placer.place(resting)
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    house.pass_time(43_200)
    house.exchange.fill(order.venue_order_id, Size(Decimal("0.01")), price("40000"))
    house.portfolio.drop_order(order.intent.client_order_id)
    house.pass_time(43_200)
    await house.store.record_adoption(
        replace(_adoption(house), acquired_at=house.clock.now(), recorded_at=house.clock.now())
    )
    await house.reconciler._take_missed_fills(unlocked)  # noqa: SLF001 - the part that looks back
    await house.portfolio.refresh(BTC, house.clock.now())
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.26")


def _adoption(house: House) -> Adoption:
    return Adoption(
        BTC, Size(Decimal("0.25")), Price(Decimal(30_000)), house.clock.now(), house.clock.now(), Decimal("0.25")
    )


async def test_coins_in_an_open_sell_of_the_bot_are_its_own() -> None:
    """0.01 were bought and rest in a sell; of 0.51 the half coin that came without the bot can be adopted."""
    house = await House(balances={"USD": Decimal(1000), "BTC": Decimal("0.5")}).open()
    await house.buy("0.01")
    resting = replace(
        entry("0.01", "dear", BTC, house.clock.now(), price("50000")), kind=OrderKind.LIMIT_GTC, side=Side.SELL
    )
    house.exchange.script(StayOpen())
    await house.placer.place(resting)
    held = {each.currency: each for each in await adopter(house).holdings()}
    assert (held["BTC"].bought, held["BTC"].adoptable) == (Decimal("0.01"), Decimal("0.5"))
