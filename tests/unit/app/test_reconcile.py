"""Reconciliation: adds what is missing, settles what is open, and a second run changes nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, MemoryExchange, StayOpen
from bottrader.app.reconcile import exchange_books, our_books
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable, StoreUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.money import Size
from bottrader.domain.reconciliation import Books, compare_books, figures_of, ledger_books
from bottrader.ports import Balance, CashKind
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import FEES, FailingStore, House, btc_entry, price, product, unlocked


async def test_the_books_are_opened_once_with_what_the_account_holds() -> None:
    house = await House(balances={"USD": Decimal(1000), "EUR": Decimal(0), "BTC": Decimal("0.5")}).open()
    movements = {movement.currency: movement for movement in await house.store.cash_movements()}
    assert {currency: each.amount for currency, each in movements.items()} == {
        "USD": Decimal(1000),
        "BTC": Decimal("0.5"),
    }
    assert {each.kind for each in movements.values()} == {CashKind.OPENING_BALANCE}
    await house.buy("0.01")
    await house.restarted().reconciler.start(unlocked)
    assert len(await house.store.cash_movements()) == 2


async def test_a_start_knows_positions_rules_and_fees() -> None:
    house = await House().open()
    await house.buy("0.01")
    restarted = house.restarted()
    result = await restarted.reconciler.start(unlocked)
    position = restarted.portfolio.position(BTC)
    assert position is not None
    assert position.cost == Decimal("403.20")
    assert restarted.portfolio.fee_rates == FEES
    assert set(restarted.portfolio.products) == {BTC, ETH}
    assert (result.open_orders_count, result.differences) == (0, ())


async def test_a_start_settles_an_order_whose_reply_was_lost() -> None:
    """F31"""
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    restarted = house.restarted()
    result = await restarted.reconciler.start(unlocked)
    assert restarted.portfolio.position(BTC) is not None
    assert result.open_orders_count == 0


async def test_a_start_asks_again_for_an_order_that_is_listed_late() -> None:
    """F18: two lookups find nothing, the third does."""
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    house.exchange.hidden_lookups = 2
    result = await house.restarted().reconciler.start(unlocked)
    assert result.open_orders_count == 0
    assert house.clock.slept_s == [0.5, 0.5]


async def test_a_start_does_not_wait_for_ever_for_an_order_that_is_not_listed() -> None:
    house = await House().open()
    house.exchange.script(Lose(is_placed=False))
    await house.buy("0.01")
    restarted = house.restarted()
    result = await restarted.reconciler.start(unlocked)
    assert result.open_orders_count == 1
    assert restarted.portfolio.has_unsettled(BTC)


async def test_fills_that_were_missed_are_taken_in() -> None:
    """B270: the order filled while nobody listened."""
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01")
    venue_order_id = house.portfolio.open_orders()[0].venue_order_id
    assert venue_order_id is not None
    house.exchange.fill(venue_order_id, Size(Decimal("0.01")), price("40000"))
    await house.reconciler.run(unlocked)
    assert house.portfolio.position(BTC) is not None
    assert house.portfolio.open_orders() == []


async def test_a_fill_that_is_up_to_an_hour_older_than_the_newest_one_is_not_missed() -> None:
    """F28: an order in two parts; the older fill comes to light after the newer one of another order."""
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01", "slow")
    order = house.portfolio.open_orders()[0]
    assert order.venue_order_id is not None
    house.exchange.fill(order.venue_order_id, Size(Decimal("0.01")), price("40000"))
    house.pass_time(3600)
    house.show("40000")
    await house.buy("0.01", "quick")
    # As if the order had been closed by somebody else: only the list of fills tells of it.
    house.portfolio.drop_order(order.intent.client_order_id)
    await house.reconciler._take_missed_fills(unlocked)  # noqa: SLF001 - the part that looks back
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.02")


async def test_fills_of_products_that_are_not_traded_are_recorded_and_are_no_position() -> None:
    """E1"""
    house = await House(products=(product(BTC), product(ETH))).open()
    house.show("2000", ETH)
    await house.buy("0.1", "eth", ETH)
    alone = House(clock=house.clock, products=(product(BTC),), given_exchange=house.exchange)
    await alone.reconciler.start(unlocked)
    assert await alone.store.record_fills(await house.exchange.fills_since(house.clock.now())) == []
    assert await alone.store.executions() == []
    assert alone.portfolio.positions() == []


async def test_a_second_run_changes_nothing() -> None:
    """B277, R6, R86, invariant R2"""
    house = await House().open()
    await house.buy("0.01")
    await house.see("38000")
    first = await house.reconciler.run(unlocked)
    facts = (await house.store.executions(), await house.store.allocations(), await house.store.trade_records())
    second = await house.reconciler.run(unlocked)
    assert (await house.store.executions(), await house.store.allocations(), await house.store.trade_records()) == facts
    assert replace(second, at=first.at) == first
    assert len(house.told("fill_recorded")) == 2


async def test_an_intent_whose_commit_answer_was_lost_is_found_and_ended() -> None:
    """F42"""
    store = FailingStore()
    house = await House(store=store).open()
    store.lost_commits = [True]
    with pytest.raises(StoreUnreachable):
        await house.placer.place(btc_entry(house))
    result = await house.reconciler.run(unlocked)
    assert result.open_orders_count == 0
    assert [record.status for record in await store.trade_records()] == ["failed"]


async def test_each_product_is_held_still_while_its_orders_are_looked_at() -> None:
    held: list[ProductId] = []
    house = await House().open()

    class Lock:
        def __init__(self, product_id: ProductId) -> None:
            self.product_id = product_id

        async def __aenter__(self) -> None:
            held.append(self.product_id)

        async def __aexit__(self, *_: object) -> None:
            return None

    await house.reconciler.run(Lock)
    assert held == [BTC, ETH] * 3


async def test_books_that_differ_are_told_with_both_figures() -> None:
    """B234"""
    house = await House().open()
    house.exchange._move("USD", Decimal("-0.01"))  # noqa: SLF001 - money leaves behind the bot's back
    result = await house.reconciler.run(unlocked)
    (difference,) = result.differences
    assert (difference.what, difference.ours, difference.theirs) == ("cash USD", Decimal(10_000), Decimal("9999.99"))
    assert house.told("books_differ")[0].fields["theirs"] == Decimal("9999.99")
    assert house.clock.slept_s == [1.0, 1.0]


async def test_balances_that_lag_are_looked_at_again_before_an_alarm() -> None:
    """A venue's balances may lag its fills by seconds."""

    class LaggingBalances(MemoryExchange):
        late = 0

        async def balances(self) -> list[Balance]:
            if self.late:
                self.late -= 1
                return [Balance("USD", Decimal(10_000), Decimal(0))]
            return list(await super().balances())

    plain = House()
    exchange = LaggingBalances(plain.clock, plain.products, plain.balances, FEES)
    house = await House(clock=plain.clock, given_exchange=exchange).open()
    await house.buy("0.01")
    exchange.late = 2
    assert (await house.reconciler.run(unlocked)).differences == ()
    assert house.told("books_differ") == []


async def test_books_are_not_compared_while_an_order_is_open() -> None:
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    house.exchange.hidden_lookups = 1
    result = await house.reconciler.run(unlocked)
    assert (result.open_orders_count, result.differences) == (1, ())


@pytest.mark.parametrize("error", [ExchangeUnreachable("down"), ExchangeRefused("no")])
async def test_a_start_without_the_exchange_fails(error: ExchangeUnreachable | ExchangeRefused) -> None:
    house = House()
    house.exchange.query_error = error
    with pytest.raises(type(error)):
        await house.reconciler.start(unlocked)


async def test_one_order_that_cannot_be_settled_does_not_end_the_run() -> None:
    class Silent(MemoryExchange):
        async def find_order(self, *_: object) -> None:
            raise ExchangeUnreachable("no answer")

    plain = House()
    house = House(clock=plain.clock, given_exchange=Silent(plain.clock, plain.products, plain.balances, FEES))
    await house.open()
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    result = await house.reconciler.run(unlocked)
    assert result.open_orders_count == 1
    assert len(house.told("order_not_settled")) == 1


async def test_an_account_that_held_the_coin_before_the_first_trade_balances() -> None:
    """1 BTC was there; 0.01 more are bought and sold: the totals of every currency are equal all along."""
    house = await House(balances={"USD": Decimal(1000), "BTC": Decimal(1)}).open()
    assert (await house.reconciler.run(unlocked)).differences == ()
    await house.buy("0.01")
    assert (await house.reconciler.run(unlocked)).differences == ()
    books = await our_books(house.store)
    assert books.holdings == {"BTC": Decimal("1.01")}
    assert books.cash == {"USD": Decimal("596.80")}
    await house.see("38000")
    assert (await house.reconciler.run(unlocked)).differences == ()
    assert (await our_books(house.store)).holdings == {"BTC": Decimal(1)}


async def test_a_coin_that_vanishes_from_such_an_account_is_noticed() -> None:
    house = await House(balances={"USD": Decimal(1000), "BTC": Decimal(1)}).open()
    await house.buy("0.01")
    house.exchange._move("BTC", Decimal("-0.5"))  # noqa: SLF001 - taken out by hand
    (difference,) = (await house.reconciler.run(unlocked)).differences
    assert (difference.what, difference.ours, difference.theirs) == (
        "holding BTC",
        Decimal("1.01"),
        Decimal("0.51"),
    )


def test_the_two_sides_may_file_a_currency_differently() -> None:
    """Before the first trade our books hold 1 BTC as a movement; an exchange calls it a holding."""
    ours = ledger_books([("USD", Decimal(5)), ("BTC", Decimal(1))], [])
    assert compare_books(ours, Books({"USD": Decimal(5)}, {"BTC": Decimal(1)}, Decimal(0))) == []
    wrong = compare_books(ours, Books({"USD": Decimal(5)}, {"BTC": Decimal(2)}, Decimal(0)))
    assert [(each.what, each.ours, each.theirs) for each in wrong] == [("holding BTC", Decimal(1), Decimal(2))]


def test_every_currency_is_shown_once_and_empty_wallets_are_not() -> None:
    ours = Books({"USD": Decimal(5)}, {"BTC": Decimal(0)}, Decimal(1))
    theirs = Books({"USD": Decimal(5), "EUR": Decimal(0)}, {"BTC": Decimal(0), "ADA": Decimal(0)}, Decimal(1))
    assert [each.what for each in figures_of(ours, theirs)] == ["cash USD", "holding BTC", "fees"]


def test_the_exchanges_balances_count_with_what_is_held_back() -> None:
    ours = Books({"USD": Decimal(10)}, {}, Decimal(3))
    theirs = exchange_books([Balance("USD", Decimal(4), Decimal(6)), Balance("ADA", Decimal(2), Decimal(0))], ours)
    assert theirs == Books({"USD": Decimal(10)}, {"ADA": Decimal(2)}, Decimal(3))
