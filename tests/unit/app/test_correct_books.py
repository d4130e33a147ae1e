"""Every difference has a name: trades of others, lost orders, cash, totals; a failed question is never an answer."""

import contextlib
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import Lose, MemoryExchange, StayOpen
from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.reconcile import Reconciliation, our_books
from bottrader.domain.cash import CashKind, CashMovement, CashRoute
from bottrader.domain.corrections import Correction, CorrectionKind
from bottrader.domain.errors import AdapterError, ExchangeRefused, ExchangeUnreachable, WireUnreadable
from bottrader.domain.money import Size
from bottrader.domain.orders import Accepted, ClientOrderId, OrderKind, Side, VenueOrder, VenueOrderId
from tests.fixtures.facts import BTC, ETH, NOON
from tests.fixtures.trading_house import FEES, House, btc_entry, entry, price, unlocked


async def trade_by_hand(house: House, size: str = "0.01", side: Side = Side.BUY) -> VenueOrderId:
    """Place and fill an order beside the bot at 40,000, a minute later."""
    house.pass_time(60)
    order = replace(
        btc_entry(house, size),
        client_order_id=ClientOrderId("HAND-BTC-" + "c" * 32),
        side=side,
        kind=OrderKind.MARKET_IOC,
        limit_price=None,
    )
    placed = await house.exchange.place(order)
    assert isinstance(placed, Accepted)
    return placed.venue_order_id


def named(result: Reconciliation) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.subject, each.action) for each in result.corrections]


async def everything(store: MemoryStore) -> tuple[object, ...]:
    return (
        await store.snapshot(),
        await store.corrections(),
        await store.review_items(),
        await store.strategy_links(),
        await store.open_orders(),
    )


async def test_a_trade_made_by_hand_is_shown_as_manual_and_never_becomes_a_position() -> None:
    """F51, E2: 0.01 at 40,000 and a fee of 3.20; the books are equal, and there is nothing to sell."""
    house = await House().open()
    venue_order_id = await trade_by_hand(house)
    result = await house.reconciler.run(unlocked)
    assert result.differences == ()
    assert [kind for kind, _, _ in named(result)] == ["fill", "foreign_order"]
    assert named(result)[1] == ("foreign_order", venue_order_id, "shown as manual")
    (row,) = await house.store.trade_records()
    assert (row.source, row.ingest_via, str(row.order_id)) == ("manual", "reconciled", venue_order_id)
    assert [row.filled_size, row.filled_value, row.fees] == [Decimal("0.01"), Decimal(400), Decimal("3.20")]
    assert (house.portfolio.positions(), await house.store.executions()) == ([], [])
    assert (await our_books(house.store)).cash == {"USD": Decimal("9596.80"), "BTC": Decimal("0.01")}
    await house.see("1")
    assert house.sells == []
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    assert restarted.portfolio.positions() == []


async def test_coins_of_the_bot_that_are_sold_by_hand_stay_its_position_and_are_missed() -> None:
    """F51, S5: the sale is in the books; what the bot believes to own is told as missing, and no more is sold."""
    house = await House().open()
    await house.buy("0.01")
    await trade_by_hand(house, "0.004", Side.SELL)
    result = await house.reconciler.run(unlocked)
    assert result.differences == ()
    await house.asset_guard.run(result, unlocked)
    assert "0.004 BTC of ours are not at the exchange" in house.asset_guard.faults()


async def test_an_order_that_lost_books_described_is_named_with_an_alarm() -> None:
    """F44, R12: it bears an id of the bot's making; its coins are in the books and are nobody's position."""
    house = await House().open()
    house.pass_time(60)
    await house.exchange.place(btc_entry(house))
    result = await house.reconciler.run(unlocked)
    assert [kind for kind, _, _ in named(result)] == ["fill", "lost_order"]
    assert len(house.told("lost_order_filled")) == 1
    (row,) = await house.store.trade_records()
    assert (row.source, result.differences, house.portfolio.positions()) == ("reconciled", (), [])


async def test_while_an_order_of_ours_is_of_unknown_outcome_its_fill_is_nobody_elses() -> None:
    """F22, F31"""
    house = await House().open()
    house.exchange.script(Lose(is_placed=True))
    await house.buy("0.01")
    house.exchange.hidden_lookups = 1
    result = await house.reconciler.run(unlocked)
    assert result.open_orders_count == 1
    assert [kind for kind, _, _ in named(result)] == ["fill"]
    result = await house.reconciler.run(unlocked)
    assert [(kind, action) for kind, _, action in named(result)] == [("order", "recorded")]
    assert [row.source for row in await house.store.trade_records()] == ["position_monitor"]
    assert house.portfolio.position(BTC) is not None


async def test_an_order_and_a_fill_that_were_missed_are_named_and_its_record_shows_when() -> None:
    """B270"""
    house = await House().open()
    house.exchange.script(StayOpen())
    intent = await house.buy("0.01")
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    fill = house.exchange.fill(order.venue_order_id, Size(Decimal("0.01")), price("40000"))
    result = await house.reconciler.run(unlocked)
    assert named(result) == [
        ("fill", fill.fill_id, "recorded"),
        ("order", intent.client_order_id, "recorded"),
    ]
    assert (result.corrections[1].ours, result.corrections[1].theirs) == ("accepted", "filled")
    (row,) = await house.store.trade_records()
    assert (row.last_reconciled_at, row.last_reconciled_via) == (house.clock.now(), "rest_api")


async def test_an_order_of_somebody_else_that_cannot_be_asked_about_is_asked_about_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F51: unanswered, or not listed yet; both are told, and neither is an answer."""
    house = await House().open()
    venue_order_id = await trade_by_hand(house)

    async def silent(asked: VenueOrderId) -> VenueOrder | None:
        raise ExchangeUnreachable("no answer within 10 s")

    async def not_listed(asked: VenueOrderId) -> VenueOrder | None:
        return None

    with monkeypatch.context() as answering:
        answering.setattr(house.exchange, "get_order", silent)
        first = await house.reconciler.run(unlocked)
        answering.setattr(house.exchange, "get_order", not_listed)
        second = await house.reconciler.run(unlocked)
    assert [kind for kind, _, _ in named(first)] == ["fill", "balance", "balance"]
    assert (named(second), len(second.differences)) == ([], 2)
    assert (len(house.told("foreign_order_not_asked")), len(house.told("foreign_order_unknown"))) == (1, 1)
    assert list(await house.store.trade_records()) == []

    last = await house.reconciler.run(unlocked)
    assert named(last)[0] == ("foreign_order", venue_order_id, "shown as manual")
    assert last.differences == ()


async def test_a_deposit_is_taken_in_by_itself_and_only_once() -> None:
    """E2, B277"""
    house = await House().open()
    house.pass_time(60)
    movement = house.exchange.move_cash("USD", Decimal("250.50"), "fiat_deposit")
    result = await house.reconciler.run(unlocked)
    assert (result.differences, named(result)) == ((), [("cash", movement.transaction_id, "recorded")])
    assert house.told("books_differ") == []
    deposits = [each for each in await house.store.cash_movements() if each.kind is CashKind.DEPOSIT]
    assert [(each.amount, each.ingest_via) for each in deposits] == [(Decimal("250.50"), CashRoute.API)]
    before = await everything(house.store)
    house.pass_time(300)
    assert (await house.reconciler.run(unlocked)).corrections == ()
    assert await everything(house.store) == before


async def test_a_transfer_to_another_own_account_is_no_withdrawal() -> None:
    house = await House().open()
    house.pass_time(60)
    house.exchange.move_cash("USD", Decimal(-500), "exchange_deposit")
    assert (await house.reconciler.run(unlocked)).differences == ()
    assert (await house.store.cash_movements())[-1].kind is CashKind.INTERNAL_TRANSFER


async def test_what_nobody_knows_is_put_up_for_review_once_and_the_difference_stands() -> None:
    """F52, E2"""
    house = await House().open()
    house.pass_time(60)
    movement = house.exchange.move_cash("USD", Decimal(5), "staking_reward")
    result = await house.reconciler.run(unlocked)
    assert [each.what for each in result.differences] == ["cash USD"]
    assert [kind for kind, _, _ in named(result)] == ["unknown_cash", "balance"]
    (item,) = await house.store.review_items()
    assert (item.issue, item.subject, item.symbol) == ("unknown_cash", movement.transaction_id, None)
    assert "staking_reward 5 USD" in item.detail
    before = await everything(house.store)
    again = await house.reconciler.run(unlocked)
    assert (again.corrections, again.differences) == ((), result.differences)
    assert await everything(house.store) == before


async def test_a_total_that_differs_is_told_at_each_change_and_when_it_is_equal_again() -> None:
    """F52: also by a process that has just started."""
    house = await House().open()
    house.exchange.take("USD", Decimal(1))
    first = await house.reconciler.run(unlocked)
    assert named(first) == [("balance", "cash USD", "alarm raised, nothing traded")]
    assert (first.corrections[0].ours, first.corrections[0].theirs) == ("10000", "9999")
    restarted = house.restarted()
    assert (await restarted.reconciler.start(unlocked)).corrections == ()
    house.exchange.take("USD", Decimal(1))
    assert len((await restarted.reconciler.run(unlocked)).corrections) == 1
    house.exchange.take("USD", Decimal(-2))
    last = await restarted.reconciler.run(unlocked)
    assert named(last) == [("balance", "cash USD", "equal again")]
    assert [each.action for each in await house.store.corrections()][-1] == "equal again"


@pytest.mark.parametrize("error", [ExchangeUnreachable("down"), ExchangeRefused("no"), WireUnreadable("what")])
async def test_a_question_for_cash_that_fails_explains_nothing(error: AdapterError) -> None:
    """B277: the difference stands, and the next run asks again."""
    house = await House().open()
    house.pass_time(60)
    house.exchange.move_cash("USD", Decimal(100), "fiat_deposit")
    house.exchange.cash_error = error
    result = await house.reconciler.run(unlocked)
    assert [(each.what, each.theirs) for each in result.differences] == [("cash USD", Decimal(10_100))]
    assert len(house.told("cash_not_asked")) == 1
    house.exchange.cash_error = None
    assert (await house.reconciler.run(unlocked)).differences == ()


async def test_a_deposit_that_was_imported_is_not_taken_in_again() -> None:
    """E2: the file names it by another id; a withdrawal by somebody makes the bot ask."""
    house = await House().open()
    house.pass_time(60)
    listed = house.exchange.move_cash("USD", Decimal(100), "fiat_deposit")
    await house.store.record_cash(
        [CashMovement("csv-7", CashKind.DEPOSIT, "USD", Decimal(100), listed.at, CashRoute.FILE)]
    )
    house.exchange.take("USD", Decimal(1))
    result = await house.reconciler.run(unlocked)
    assert [(each.ours, each.theirs) for each in result.differences] == [(Decimal(10_100), Decimal(10_099))]
    assert len(await house.store.cash_movements()) == 2


async def test_what_moved_before_the_books_were_opened_is_in_the_opening_balance() -> None:
    house = House()
    house.exchange.move_cash("USD", Decimal(100), "fiat_deposit")
    house.pass_time(60)
    await house.open()
    house.exchange.take("USD", Decimal(1))
    await house.reconciler.run(unlocked)
    assert [each.amount for each in await house.store.cash_movements()] == [Decimal(10_100)]


async def test_books_that_were_imported_before_they_open_add_up_to_the_account() -> None:
    """E2: 10,000 are there, 400 of them were deposited and 100 taken out long ago; the opening is the rest."""
    house = House()
    earlier = house.clock.now()
    moves = [
        CashMovement("csv-1", CashKind.DEPOSIT, "USD", Decimal(400), earlier, CashRoute.FILE),
        CashMovement("csv-2", CashKind.WITHDRAWAL, "USD", Decimal(-100), earlier, CashRoute.FILE),
    ]
    await house.store.record_cash(moves)
    house.pass_time(60)
    await house.open()
    opening = next(each for each in await house.store.cash_movements() if each.kind is CashKind.OPENING_BALANCE)
    assert opening.amount == Decimal(9_700)
    assert (await house.reconciler.run(unlocked)).differences == ()


async def test_an_empty_account_has_an_opening_too() -> None:
    """Else the first deposit would pass for it."""
    house = await House(balances={}).open()
    assert [(m.currency, m.amount) for m in await house.store.cash_movements()] == [("USD", Decimal(0))]
    house.pass_time(60)
    house.exchange.move_cash("USD", Decimal(50), "fiat_deposit")
    await house.restarted().reconciler.start(unlocked)
    assert [m.kind for m in await house.store.cash_movements()] == [CashKind.OPENING_BALANCE, CashKind.DEPOSIT]


QUERIES = ("products", "fee_rates", "balances", "fills_since", "fills_of", "get_order", "movements_since")


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_that_fails_leaves_positions_and_books_as_they_were(query: str) -> None:
    """D11, S7, F18: never "flat"; the run after it finds everything."""

    class Failing(MemoryExchange):
        failing = ""

        def __getattribute__(self, name: str) -> object:
            if name == object.__getattribute__(self, "failing"):
                return _refuse
            return super().__getattribute__(name)

    plain = House()
    exchange = Failing(plain.clock, plain.products, plain.balances, FEES)
    house = await House(clock=plain.clock, given_exchange=exchange).open()
    await house.buy("0.01")
    exchange.script(StayOpen())
    intent = entry("0.1", "eth", ETH, house.clock.now(), price("2000"))
    await house.placer.place(intent)
    (order,) = house.portfolio.open_orders()
    house.pass_time(60)
    assert order.venue_order_id is not None
    exchange.fill(order.venue_order_id, Size(Decimal("0.1")), price("2000"))
    exchange.move_cash("USD", Decimal(100), "fiat_deposit")
    held = house.portfolio.position(BTC)
    assert held is not None
    executions = await house.store.executions(BTC)
    exchange.failing = query
    with contextlib.suppress(ExchangeUnreachable):
        await house.reconciler.run(unlocked)
    assert house.portfolio.position(BTC) == held
    assert await house.store.executions(BTC) == executions
    assert len(await house.store.cash_movements()) <= 2
    exchange.failing = ""
    assert (await house.reconciler.run(unlocked)).differences == ()
    assert len(house.portfolio.positions()) == 2


async def _refuse(*_: object) -> None:
    raise ExchangeUnreachable("no answer")


async def test_a_correction_says_what_either_side_said() -> None:
    house = await House().open()
    await trade_by_hand(house)
    (fill, order) = (await house.reconciler.run(unlocked)).corrections
    assert fill == Correction(
        CorrectionKind.FILL,
        "trade-1",
        "not recorded",
        "buy 0.01 BTC-USD at 40000, fee 3.20000",
        "recorded",
        house.clock.now(),
    )
    assert (order.ours, order.theirs) == ("not in the books", "buy 0.01 BTC-USD for 400.00, filled")


async def test_an_order_of_somebody_else_does_not_count_against_the_limits_on_ours() -> None:
    """F51"""
    house = await House().open()
    await trade_by_hand(house)
    await house.reconciler.run(unlocked)
    restarted = house.restarted()
    await restarted.reconciler.start(unlocked)
    assert len(await house.store.trade_records()) == 1
    assert restarted.portfolio.orders_since(NOON) == 0
