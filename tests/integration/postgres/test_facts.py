"""Facts are appended and never changed, and no row can say what the domain rules out."""

import itertools
import json

import pytest

from bottrader.adapters.postgres.connection import Connection, translated
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.corrections import Correction, CorrectionKind
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.orders import OrderState
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.domain.risk import KillSwitch
from bottrader.domain.strategy import freeze_parameters
from bottrader.ports import CashKind, CashMovement, ReportDelivery, ReportOutcome
from tests.fixtures.facts import (
    BTC,
    at,
    make_adoption,
    make_allocation,
    make_fill,
    make_inbound,
    make_intent,
    make_leaderboard,
    make_signal,
    make_unmatched,
    ordered,
    step,
)

FACTS = (
    "signals",
    "inbound_requests",
    "inbound_signals",
    "signal_outcomes",
    "strategy_snapshots",
    "strategy_activations",
    "order_intents",
    "order_transitions",
    "fills",
    "trade_strategy_link",
    "cash_transactions",
    "adoptions",
    "reconciliation_corrections",
    "venue_identity",
    "kill_switch",
    "report_deliveries",
)


@pytest.fixture
async def books(store: PostgresStore) -> PostgresStore:
    """A store with at least one row in every table that has checks."""
    signal = make_signal()
    await store.record_signal(signal)
    await store.accept_signal(make_inbound(signal))
    await store.activate_snapshot(freeze_parameters("momentum", {"period": 5}), "sighook", at(0))
    await store.record_intent(make_intent(signal_id=signal.signal_id), 0, ordered(signal))
    await store.record_transition(step(make_intent(), OrderState.SENT, 121))
    await store.record_transition(step(make_intent(), OrderState.ACCEPTED, 122, "venue-1"))
    await store.record_fills([make_fill()])
    await store.claim_venue("sim")
    await store.record_kill_switch(KillSwitch(True, "fear", "cli", at(0)))
    period = ReportPeriod.ending(ReportKind.DAILY, at(0))
    await store.record_report_delivery(ReportDelivery(period, ReportOutcome.SENT, at(0), "<daily@example.org>"))
    await store.record_cash([CashMovement("opening", CashKind.OPENING_BALANCE, "USD", make_fill().price, at(0))])
    await store.record_adoption(make_adoption())
    await store.record_corrections([Correction(CorrectionKind.BALANCE, "cash USD", "1", "2", "left", at(0))])
    await store.replace_allocations(BTC, [make_allocation(), make_unmatched()], at(900))
    await store.record_leaderboard(make_leaderboard())
    return store


CHANGES = ("UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE")


@pytest.mark.parametrize("replication_role", ["origin", "replica"])
async def test_a_fact_cannot_be_changed_even_by_a_superuser(
    books: PostgresStore, sql: Connection, subtests: pytest.Subtests, replication_role: str
) -> None:
    """R50"""
    await sql.execute(f"SET session_replication_role = {replication_role}")
    for table, change in itertools.product(FACTS, CHANGES):
        with subtests.test(table=table, change=change):
            rows = f"SELECT * FROM {table}"  # noqa: S608 - a name from the list above
            before = await sql.fetch(rows)
            assert before
            column = next(iter(before[0].keys()))
            with pytest.raises(InvariantBroken, match="is append-only"), translated("changing a fact"):
                await sql.execute(change.format(table, column))
            assert await sql.fetch(rows) == before


async def test_no_fact_table_is_without_guard(sql: Connection) -> None:
    """Every table is listed as a fact, as operational, or as derived."""
    others = {"signal_outbox", "trailing_stops", "leases", "trade_records", "fifo_allocations", "allocation_pointer"}
    others |= {"tracked_peaks", "fifo_computation_log", "manual_review_queue", "alembic_version", "amended_trades"}
    others |= {"active_symbols", "allocation_versions"}
    tables = await sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in tables} == others | set(FACTS)


SAMPLES = {
    "signals": ("signal_id", "another"),
    "inbound_signals": ("signal_id", "another"),
    "signal_outcomes": ("signal_id", "another"),
    "order_intents": ("client_order_id", "ROC-BTC-00000000000000000000000000000000"),
    "order_transitions": ("step", 9),
    "fills": ("trade_id", "another"),
    "adoptions": ("order_id", "MANUAL-BTC-00000000000000000000000000000000"),
    "cash_transactions": ("transaction_id", "another"),
    "reconciliation_corrections": ("correction", 99),
    "trade_records": ("order_id", "another"),
    "fifo_allocations": ("position", 9),
    "fifo_computation_log": ("batch_id", 99),
    "manual_review_queue": ("subject", "another"),
    "kill_switch": ("throw", 99),
    "active_symbols": ("symbol", "SOL-USD"),
}

OFFENCES = [
    ("kill_switch", "source", "nobody"),
    ("signals", "action", "hold"),
    ("signals", "trigger", "MOOD"),
    ("signals", "product_id", "bitcoin"),
    ("signals", "price", "0"),
    ("signals", "price", "NaN"),
    ("signals", "price", "Infinity"),
    ("signals", "quote_size", "-1"),
    ("signals", "scores", []),
    ("inbound_signals", "action", "hold"),
    ("inbound_signals", "price", "-1"),
    ("signal_outcomes", "kind", "forgotten"),
    ("order_intents", "client_order_id", "roc-btc-1"),
    ("order_intents", "side", "short"),
    ("order_intents", "kind", "limit_fok"),
    ("order_intents", "kind", "bracket_gtc"),
    ("order_intents", "stop_price", "1"),
    ("order_intents", "size_base", "0"),
    ("order_intents", "size_base", "NaN"),
    ("order_intents", "limit_price", None),
    ("order_intents", "kind", "market_ioc"),
    ("order_intents", "granted_quote", "NaN"),
    ("order_intents", "trigger", "MARKET"),
    ("order_transitions", "state", "lost"),
    ("order_transitions", "step", "0"),
    ("fills", "size", "0"),
    ("fills", "size", "-0.1"),
    ("fills", "price", "0"),
    ("fills", "fee", "NaN"),
    ("fills", "side", "BUY"),
    ("fills", "product_id", "BTC"),
    ("fills", "kind", "mistake"),
    ("fills", "kind", "reversal"),
    ("fills", "entry_id", "e-1"),
    ("adoptions", "size", "0"),
    ("adoptions", "price", "-1"),
    ("adoptions", "booked_size", "-1"),
    ("adoptions", "booked_size", "9"),
    ("adoptions", "order_id", "ROC-BTC-00000000000000000000000000000000"),
    ("adoptions", "recorded_at", "2025-01-01T00:00:00Z"),
    ("cash_transactions", "kind", "gift"),
    ("cash_transactions", "kind", "withdrawal"),
    ("cash_transactions", "kind", "adoption"),
    ("cash_transactions", "kind", "foreign_trade"),
    ("cash_transactions", "transaction_id", ""),
    ("cash_transactions", "ingest_via", "hearsay"),
    ("reconciliation_corrections", "kind", "guess"),
    ("reconciliation_corrections", "subject", ""),
    ("reconciliation_corrections", "action", ""),
    ("trade_records", "ingest_via", "hearsay"),
    ("trade_records", "ingest_via", "reconciled"),
    ("trade_records", "last_reconciled_via", "rest_api"),
    ("trade_records", "last_reconciled_at", "2026-01-01T00:00:00Z"),
    ("cash_transactions", "amount", "Infinity"),
    ("cash_transactions", "currency", "usd"),
    ("trade_records", "size", "0"),
    ("trade_records", "status", "done"),
    ("trade_records", "side", "short"),
    ("trade_records", "source", "rumour"),
    ("trade_records", "trigger", "LIMIT"),
    ("trade_records", "price", "-1"),
    ("trade_records", "filled_size", "-1"),
    ("fifo_allocations", "allocated_size", "0"),
    ("fifo_allocations", "allocated_size", "0.6"),
    ("fifo_allocations", "buy_price", "100.01"),
    ("fifo_allocations", "buy_fee", "0.21"),
    ("fifo_allocations", "buy_fee", None),
    ("fifo_allocations", "buy_order_id", None),
    ("fifo_allocations", "sell_fee", "0.23"),
    ("fifo_allocations", "pnl_usd", "4.59"),
    ("fifo_allocations", "pnl_usd", None),
    ("fifo_allocations", "buy_time", "2030-01-01T00:00:00Z"),
    ("fifo_computation_log", "mode", "guess"),
    ("fifo_computation_log", "status", "failed"),
    ("fifo_computation_log", "unmatched", "3"),
    ("active_symbols", "trades_count", "0"),
    ("active_symbols", "win_rate", "1.1"),
    ("active_symbols", "pnl_mean", "-1"),
    ("active_symbols", "score", "NaN"),
    ("manual_review_queue", "severity", "urgent"),
    ("manual_review_queue", "status", "ignored"),
]


async def copy_row(sql: Connection, table: str, **changes: object) -> None:
    """Insert a copy of the table's first row with some columns changed (given as the text of their values)."""
    rows = await sql.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = 'NEVER'", table
    )
    columns = [row["column_name"] for row in rows]
    values = [f"(jsonb_populate_record(NULL::{table}, to_jsonb(t) || $1::jsonb)).{column}" for column in columns]
    # Names from the catalogue, nobody's input.
    statement = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table} t LIMIT 1"  # noqa: S608
    await sql.execute(statement, json.dumps(changes))


def fresh_keys(table: str) -> dict[str, object]:
    """Return what a copy of a row has to change in order not to collide with it."""
    key, value = SAMPLES[table]
    extra: dict[str, dict[str, object]] = {
        "order_intents": {"signal_id": None},
        "inbound_signals": {"acceptance": 99},
        "manual_review_queue": {"item": 99},
    }
    return {key: value} | extra.get(table, {})


async def test_every_check_refuses_its_offence(
    books: PostgresStore, sql: Connection, subtests: pytest.Subtests
) -> None:
    """R50"""
    for table, column, value in OFFENCES:
        with (
            subtests.test(table=table, column=column, value=value),
            pytest.raises(InvariantBroken, match="check"),
            translated("inserting an offence"),
        ):
            await copy_row(sql, table, **(fresh_keys(table) | {column: value}))


async def test_a_proper_row_is_taken(books: PostgresStore, sql: Connection, subtests: pytest.Subtests) -> None:
    """Else the refusals above would prove nothing."""
    for table in SAMPLES:
        with subtests.test(table=table):
            await copy_row(sql, table, **fresh_keys(table))


async def test_an_order_ends_once_even_without_the_store(books: PostgresStore, sql: Connection) -> None:
    """S4"""
    await copy_row(sql, "order_transitions", step=4, state="filled")
    with pytest.raises(InvariantBroken, match="order_transitions_end"), translated("ending an order twice"):
        await copy_row(sql, "order_transitions", step=5, state="cancelled")


async def test_a_stop_above_its_high_is_refused_by_the_table(sql: Connection) -> None:
    with pytest.raises(InvariantBroken, match="check"), translated("saving a stop"):
        await sql.execute("INSERT INTO trailing_stops VALUES ('BTC-USD', 'x', 100, 101)")
