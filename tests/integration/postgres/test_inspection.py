"""What a smoke test reads of a real database, and that each fault planted there shows."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.databases import at_database
from bottrader.adapters.postgres.inspection import inspect_books
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.cash import CashKind, CashMovement
from bottrader.domain.orders import OrderState, Side
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.domain.smoke import BooksSeen, BooksUnseen
from bottrader.domain.strategy import freeze_parameters
from bottrader.ports import ReportDelivery, ReportOutcome
from tests.fixtures.facts import at, make_exit, make_fill, make_intent, record

DAY_S = 86_400
DEAL = ((OrderState.SENT, None), (OrderState.ACCEPTED, "venue-1"))
DIRECT_SELL = """
    INSERT INTO trade_records (order_id, symbol, side, size, price, status, filled_at)
    VALUES ('sell-999', 'BTC-USD', 'sell', 0.001, 40000.00, 'filled', '2026-01-11T12:00:00Z')"""
FORGET_LINKS = """
    ALTER TABLE trade_strategy_link DISABLE TRIGGER append_only;
    DELETE FROM trade_strategy_link;
    ALTER TABLE trade_strategy_link ENABLE ALWAYS TRIGGER append_only"""


async def inspect(database_url: str, seconds: float = 3600) -> BooksSeen:
    seen = await inspect_books(database_url, at(seconds))
    assert isinstance(seen, BooksSeen)
    return seen


async def buy(store: PostgresStore) -> None:
    await record(store, make_intent(), *DEAL)
    await store.record_fills([make_fill()])


async def test_new_books_have_nothing_yet(database_url: str) -> None:
    seen = await inspect(database_url)
    assert (seen.revision, seen.allocation_version) == (schema.newest(), 1)
    assert (seen.trades_count, seen.sells_unallocated_count, seen.linkable_count) == (0, 0, 0)
    assert (seen.snapshots, seen.leases, seen.made, seen.opened_at) == ({}, frozenset(), frozenset(), None)


async def test_trades_count_for_a_day(store: PostgresStore, database_url: str) -> None:
    """B303: the order was made at 120 s, and an order without a fill is no trade."""
    await buy(store)
    await record(store, make_intent("unfilled"), (OrderState.SENT, None))
    assert (await inspect(database_url, 120 + DAY_S)).trades_count == 1
    assert (await inspect(database_url, 121 + DAY_S)).trades_count == 0


async def test_a_sell_without_an_allocation_is_missed_until_the_lots_know_it(
    store: PostgresStore, sql: Connection, database_url: str
) -> None:
    """B303"""
    await sql.execute(DIRECT_SELL)
    sell = make_exit(make_intent())
    await store.record_intent(make_intent(), 0, None)
    await record(store, sell, (OrderState.SENT, None), (OrderState.ACCEPTED, "venue-2"))
    two = [replace(make_fill(trade_id, "venue-2"), side=Side.SELL, traded_at=at(601)) for trade_id in ("7", "8")]
    await store.record_fills(two)
    assert (await inspect(database_url)).sells_unallocated_count == 2


async def test_a_trade_that_leads_to_no_strategy_lowers_the_rate(
    store: PostgresStore, sql: Connection, database_url: str
) -> None:
    """B303: a row of a person is no trade of the bot, and is not expected to be linked."""
    await buy(store)
    await sql.execute(DIRECT_SELL)
    linked = await inspect(database_url)
    assert (linked.linkable_count, linked.linked_count) == (1, 1)
    await sql.execute(FORGET_LINKS)
    seen = await inspect(database_url)
    assert (seen.linkable_count, seen.linked_count) == (1, 0)


async def test_only_the_open_snapshot_of_a_role_is_active(store: PostgresStore, database_url: str) -> None:
    """B303"""
    old, new = freeze_parameters("s", {"a": 1}), freeze_parameters("s", {"a": 2})
    await store.activate_snapshot(old, "webhook", at(0))
    await store.activate_snapshot(new, "webhook", at(60))
    await store.activate_snapshot(old, "sighook", at(60))
    assert (await inspect(database_url)).snapshots == {"webhook": new.content_hash, "sighook": old.content_hash}


async def test_a_lease_shows_while_it_is_held(store: PostgresStore, database_url: str) -> None:
    """B303: the row stays behind, the lock does not."""
    async with store.lease("webhook"):
        assert (await inspect(database_url)).leases == {"webhook"}
    assert (await inspect(database_url)).leases == frozenset()


@pytest.mark.parametrize(
    ("outcome", "is_made"),
    [
        (ReportOutcome.SENT, True),
        (ReportOutcome.FILED, True),
        (ReportOutcome.REFUSED, True),
        (ReportOutcome.STARTED, False),
        (ReportOutcome.FAILED, False),
    ],
)
async def test_a_report_is_made_when_it_came_to_an_end(
    store: PostgresStore, database_url: str, outcome: ReportOutcome, *, is_made: bool
) -> None:
    """B303"""
    period = ReportPeriod.ending(ReportKind.DAILY, at(0))
    await store.record_report_delivery(ReportDelivery(period, outcome, at(60), "<a@b>"))
    assert (await inspect(database_url)).made == (frozenset({period}) if is_made else frozenset())


async def test_the_books_open_with_the_first_cash(store: PostgresStore, database_url: str) -> None:
    await store.record_cash([CashMovement("opening USD", CashKind.OPENING_BALANCE, "USD", Decimal(100), at(5))])
    assert (await inspect(database_url)).opened_at == at(5)


async def test_a_database_that_is_not_there_is_told_with_what_to_do(database_url: str) -> None:
    """B303"""
    seen = await inspect_books(at_database(database_url, "nowhere"), at(0))
    assert isinstance(seen, BooksUnseen)
    assert "nowhere" in seen.cause
    assert "DATABASE_URL" in seen.advice


async def test_a_schema_of_another_version_is_told_with_what_to_do(empty_database_url: str) -> None:
    """B303"""
    seen = await inspect_books(empty_database_url, at(0))
    assert isinstance(seen, BooksUnseen)
    assert "revision none" in seen.cause
    assert "bottrader db upgrade" in seen.advice
