"""What people see in the tables: direct rows, links, activations, the review queue, the log."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection, translated
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution, LotMethod
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, OrderState, Side
from bottrader.domain.strategy import freeze_parameters
from bottrader.ports import AllocationVersion
from tests.fixtures.facts import (
    BTC,
    at,
    make_allocation,
    make_exit,
    make_fill,
    make_inbound,
    make_intent,
    make_signal,
    make_unmatched,
    ordered,
    step,
)

pytestmark = pytest.mark.component("trade_recorder")

GUIDE_INSERT = """
    INSERT INTO trade_records (order_id, symbol, side, size, price, status, filled_at)
    VALUES ('buy-999', 'BTC-USD', 'buy', 0.001, 40000.00, 'filled', '2026-01-11T12:00:00Z')"""


async def test_a_row_that_a_person_inserts_is_an_execution(store: PostgresStore, sql: Connection) -> None:
    await sql.execute(GUIDE_INSERT)
    assert await store.executions(BTC) == [
        Execution(
            "record:buy-999",
            ClientOrderId("buy-999"),
            BTC,
            Side.BUY,
            Price(Decimal("40000.00")),
            Size(Decimal("0.001")),
            Money(Decimal(0)),
            at(0),
            0,
        )
    ]
    (row,) = await store.trade_records()
    assert (row.source, row.trigger, row.filled_size, row.filled_value) == (
        "manual",
        "MANUAL",
        Decimal("0.001"),
        Decimal(40),
    )


@pytest.mark.parametrize("status", ["pending", "cancelled", "failed"])
async def test_a_direct_row_that_is_not_filled_is_no_execution(
    store: PostgresStore, sql: Connection, status: str
) -> None:
    await sql.execute(GUIDE_INSERT.replace("'filled'", f"'{status}'"))
    assert await store.executions() == []
    assert (await store.trade_records())[0].filled_size == 0


async def test_a_direct_filled_row_needs_a_price(sql: Connection) -> None:
    with pytest.raises(InvariantBroken, match="check"), translated("inserting a record"):
        await sql.execute(GUIDE_INSERT.replace("40000.00", "NULL"))


async def test_a_sell_of_a_direct_position_counts_by_its_fills_only(store: PostgresStore, sql: Connection) -> None:
    """It inherits the source `manual`, and must not count a second time as a row that a person inserted."""
    await sql.execute(GUIDE_INSERT)
    sell = replace(make_exit(make_intent()), parent_id=ClientOrderId("buy-999"))
    await store.record_intent(sell, 0, None)
    await store.record_transition(step(sell, OrderState.SENT, 601))
    await store.record_transition(step(sell, OrderState.FILLED, 602, "venue-1"))
    assert [row.execution_id for row in await store.executions()] == ["record:buy-999"]
    assert next(row for row in await store.trade_records() if row.parent_id == "buy-999").source == "manual"
    await store.record_fills([replace(make_fill(), side=Side.SELL, traded_at=at(602))])
    assert [row.execution_id for row in await store.executions()] == ["record:buy-999", "1001"]


async def test_a_person_cannot_take_the_id_of_an_order(store: PostgresStore, sql: Connection) -> None:
    await sql.execute(GUIDE_INSERT.replace("buy-999", make_intent().client_order_id))
    with pytest.raises(InvariantBroken):
        await store.record_intent(make_intent(), 0, None)
    assert await store.open_orders() == []


async def test_a_fill_is_manual_until_a_transition_names_its_order(store: PostgresStore, sql: Connection) -> None:
    """F51, and the order of arrival does not matter."""
    source = "SELECT source FROM attributed_fills WHERE trade_id = '1001'"
    await store.record_intent(make_intent(), 0, None)
    await store.record_transition(step(make_intent(), OrderState.SENT, 121))
    await store.record_fills([make_fill()])
    assert await sql.fetchval(source) == "manual"
    await store.record_transition(step(make_intent(), OrderState.ACCEPTED, 122, "venue-1"))
    assert await sql.fetchval(source) == "position_monitor"


async def test_only_a_whole_number_in_a_trade_id_says_what_came_first(store: PostgresStore) -> None:
    """Fills of the same time are in the order of their numbers; an id of another shape has none."""
    await store.record_intent(make_intent(), 0, None)
    await store.record_transition(step(make_intent(), OrderState.SENT, 121))
    await store.record_transition(step(make_intent(), OrderState.ACCEPTED, 122, "venue-1"))
    sequences = {"10": 10, "9": 9, "0011": 11, "9" * 18: 10**18 - 1, "1" + "0" * 18: 0, "12a": 0, "-5": 0, " 7": 0}
    sequences |= {"1e3": 0, "+4": 0, "\u0663": 0, "5\n": 0}
    await store.record_fills([make_fill(trade_id) for trade_id in sequences])
    stored = await store.executions(BTC)
    assert {execution.execution_id: execution.sequence for execution in stored} == sequences
    assert [execution.sequence for execution in stored] == sorted(sequences.values())


async def test_every_order_is_linked_to_its_strategy(store: PostgresStore, sql: Connection) -> None:
    """B280, R47"""
    for number in range(20):
        signal = make_signal(number)
        await store.accept_signal(make_inbound(signal, request=f"r{number}"))
        await store.record_intent(make_intent(f"o{number}", signal.signal_id), 0, ordered(signal))
    rows = await sql.fetch("SELECT * FROM trade_strategy_link l JOIN order_intents i ON i.client_order_id = l.order_id")
    assert len(rows) == 20
    for row in rows:
        assert (row["snapshot_id"], row["trigger_type"]) == ("5eed", "ROC_MOMO")
        assert (row["buy_score"], row["sell_score"]) == (Decimal("2.50"), Decimal("-0.1"))
        assert json.loads(row["indicator_breakdown"])["rsi"] == "28.123456789012345678"


async def test_a_to_b_to_a_gives_three_activations_of_two_contents(store: PostgresStore, sql: Connection) -> None:
    """B278, R55, R80, R59"""
    fast, slow = (freeze_parameters("momentum", {"period": period}) for period in (5, 7))
    for seconds, snapshot in enumerate((fast, fast, slow, slow, fast)):
        await store.activate_snapshot(snapshot, "sighook", at(seconds))
    rows = await sql.fetch(
        "SELECT snapshot_id, active_from, active_until FROM strategy_activations ORDER BY activation"
    )
    assert [tuple(row.values()) for row in rows] == [
        (fast.content_hash, at(0), at(2)),
        (slow.content_hash, at(2), at(4)),
        (fast.content_hash, at(4), None),
    ]
    contents = await sql.fetch("SELECT parameters_text FROM strategy_snapshots ORDER BY 1")
    assert [row["parameters_text"] for row in contents] == ['{"period":5}', '{"period":7}']


async def test_a_clock_that_stepped_back_does_not_stop_an_activation(store: PostgresStore, sql: Connection) -> None:
    await store.activate_snapshot(freeze_parameters("momentum", {"period": 5}), "sighook", at(10))
    await store.activate_snapshot(freeze_parameters("momentum", {"period": 7}), "sighook", at(9))
    rows = await sql.fetch("SELECT active_from, active_until FROM strategy_activations ORDER BY activation")
    assert [tuple(row.values()) for row in rows] == [(at(10), at(10)), (at(10), None)]


async def test_a_second_open_activation_is_refused(store: PostgresStore, sql: Connection) -> None:
    """R80"""
    snapshot = freeze_parameters("momentum", {"period": 5})
    await store.activate_snapshot(snapshot, "sighook", at(0))
    with pytest.raises(InvariantBroken, match="one_open"), translated("activating twice"):
        await sql.execute(
            "INSERT INTO strategy_activations (snapshot_id, role, active_from) VALUES ($1, 'sighook', now())",
            snapshot.content_hash,
        )


async def test_an_unmatched_sell_is_queued_once(store: PostgresStore, sql: Connection) -> None:
    """R5"""
    for seconds in (900, 901):
        await store.replace_allocations(BTC, [make_allocation(), make_unmatched()], at(seconds))
    rows = await sql.fetch("SELECT issue, symbol, subject, severity, status, created_at FROM manual_review_queue")
    assert [tuple(row.values()) for row in rows] == [
        ("unmatched_sell", "BTC-USD", "sell-9/sell-9-fill", "medium", "pending", at(900))
    ]


async def test_a_run_is_logged_with_its_counts(store: PostgresStore, sql: Connection) -> None:
    rows = [make_allocation("a"), make_allocation("b"), make_unmatched()]
    await store.replace_allocations(BTC, rows, at(900))
    log = await sql.fetchrow("SELECT status, allocations, unmatched, pnl_usd, computed_at FROM fifo_computation_log")
    assert log is not None
    assert tuple(log.values()) == ("completed", 3, 1, Decimal("9.16"), at(900))


async def test_a_failed_run_changes_nothing_and_is_logged(store: PostgresStore, sql: Connection) -> None:
    """B210, R81"""
    await store.replace_allocations(BTC, [make_allocation()], at(900))
    rounded = replace(make_allocation("b"), pnl=Money(Decimal("4.6")))
    with pytest.raises(InvariantBroken, match="pnl_exact"):
        await store.replace_allocations(BTC, [make_allocation("a"), rounded], at(901))
    assert await store.allocations() == [make_allocation()]
    log = await sql.fetch("SELECT status, error FROM fifo_computation_log ORDER BY batch_id")
    assert [row["status"] for row in log] == ["completed", "failed"]
    assert "pnl_exact" in log[1]["error"]


async def test_readers_follow_the_pointer(store: PostgresStore, sql: Connection) -> None:
    """B193, B211: another version's rows do not show until the pointer names it, and it names no half one."""
    await store.replace_allocations(BTC, [make_allocation("v1")], at(900))
    await sql.execute("INSERT INTO allocation_versions VALUES (99, 'hifo', 'building')")
    with pytest.raises(InvariantBroken, match="allocation_pointer"), translated("naming half a version"):
        await sql.execute("UPDATE allocation_pointer SET allocation_version = 99")
    await sql.execute("UPDATE allocation_versions SET status = 'complete' WHERE allocation_version = 99")
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 99")
    assert await store.active_version() == AllocationVersion(99, LotMethod.HIFO)
    assert await store.allocations() == []
    await store.replace_allocations(BTC, [make_allocation("v99")], at(901))
    assert await store.allocations() == [make_allocation("v99")]
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 1")
    assert await store.allocations() == [make_allocation("v1")]
