"""What reconciliations find out, in Postgres: movements of cash, corrections, orders of others, and what to look at."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bottrader.adapters.postgres.connection import Connection, Row
from bottrader.adapters.postgres.pool import Database
from bottrader.domain.cash import CashKind, CashMovement, CashRoute, record_fault
from bottrader.domain.corrections import Correction, CorrectionKind
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.orders import OrderState, VenueOrder, VenueOrderId
from bottrader.ports import OrderSource, ReviewItem

INSERT_CASH = """
    INSERT INTO cash_transactions (transaction_id, kind, currency, amount, at, ingest_via)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (transaction_id) DO NOTHING RETURNING transaction_id"""
KNOWN_CASH = """SELECT transaction_id, kind, currency, amount, at, ingest_via FROM cash_transactions
    WHERE transaction_id = $1"""
CASH = """SELECT transaction_id, kind, currency, amount, at, ingest_via FROM cash_movements
    ORDER BY at, transaction_id COLLATE "C" """
INSERT_REVIEW = """
    INSERT INTO manual_review_queue (issue, symbol, subject, detail, severity, created_at)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (issue, subject) DO NOTHING RETURNING item"""
REVIEW = """SELECT issue, symbol, subject, detail, severity, created_at FROM manual_review_queue
    WHERE status IN ('pending', 'in_progress') ORDER BY created_at, item"""
# Two reconciliations at once take turns, so that neither misses what the other just recorded.
ONE_RECONCILER = "SELECT pg_advisory_xact_lock(hashtextextended('bottrader corrections', 0))"
INSERT_CORRECTION = """
    INSERT INTO reconciliation_corrections (kind, subject, ours, theirs, action, at)
    SELECT $1, $2, $3, $4, $5, $6
    WHERE ($3::text, $4::text, $5::text) IS DISTINCT FROM (
        SELECT (ours, theirs, action) FROM reconciliation_corrections WHERE kind = $1 AND subject = $2
        ORDER BY correction DESC LIMIT 1)
    RETURNING correction"""
CORRECTIONS = "SELECT kind, subject, ours, theirs, action, at FROM reconciliation_corrections ORDER BY correction"
MARK_RECONCILED = """
    UPDATE trade_records SET last_reconciled_at = $3, last_reconciled_via = 'rest_api'
    WHERE order_id = CASE WHEN $1 = 'fill'
        THEN (SELECT client_order_id FROM attributed_fills WHERE fill_id = $2) ELSE $2 END"""
UNCLAIMED = """
    SELECT f.venue_order_id FROM foreign_trades f
    LEFT JOIN trade_records r ON r.order_id = f.venue_order_id
    WHERE r.order_id IS NULL OR r.ingest_via = 'reconciled'
    GROUP BY f.venue_order_id
    HAVING sum(f.size) IS DISTINCT FROM max(r.filled_size) OR sum(f.price * f.size) IS DISTINCT FROM max(r.filled_value)
        OR sum(f.fee) IS DISTINCT FROM max(r.fees)
    UNION
    SELECT r.order_id FROM trade_records r
    WHERE r.ingest_via = 'reconciled' AND (r.status = 'pending' OR (r.filled_size > 0
      AND NOT EXISTS (SELECT 1 FROM foreign_trades f WHERE f.venue_order_id = r.order_id)))
    ORDER BY 1"""
IS_OURS = """
    SELECT EXISTS (SELECT 1 FROM order_intents i WHERE client_order_id = $1 AND NOT EXISTS (
        SELECT 1 FROM order_transitions t WHERE t.client_order_id = i.client_order_id
        AND t.state IN ('refused', 'filled', 'cancelled', 'expired', 'failed')))
    OR EXISTS (SELECT 1 FROM order_transitions WHERE venue_order_id = $2)"""
# The price is that of its fills when they have but one: an average could not be exact.
SHOW_FOREIGN_ORDER = """
    INSERT INTO trade_records AS r (order_id, symbol, side, size, price, status, order_time, filled_at, notes, source,
        ingest_via, filled_size, filled_value, fees, last_reconciled_at, last_reconciled_via)
    SELECT $1, $2, $3, coalesce(sum(size), max(was)), CASE WHEN min(price) = max(price) THEN min(price) END, $4, $5,
        max(traded_at), $6, $7, 'reconciled', coalesce(sum(size), 0), coalesce(sum(price * size), 0),
        coalesce(sum(fee), 0), $8, 'rest_api'
    FROM (SELECT size, price, fee, traded_at, NULL::numeric AS was FROM foreign_trades WHERE venue_order_id = $1
          UNION ALL SELECT NULL, NULL, NULL, NULL, size FROM trade_records WHERE order_id = $1) known
    HAVING count(*) > 0
    ON CONFLICT (order_id) DO UPDATE SET size = excluded.size, price = excluded.price, status = excluded.status,
        filled_at = excluded.filled_at, filled_size = excluded.filled_size, filled_value = excluded.filled_value,
        fees = excluded.fees, last_reconciled_at = excluded.last_reconciled_at
    WHERE r.ingest_via = 'reconciled'
        AND (r.status, r.filled_at, r.filled_size, r.filled_value, r.fees) IS DISTINCT FROM
            (excluded.status, excluded.filled_at, excluded.filled_size, excluded.filled_value, excluded.fees)
    RETURNING order_id"""
_STATUS = {OrderState.FILLED: "filled", OrderState.CANCELLED: "cancelled", OrderState.EXPIRED: "cancelled"}
_MARKED = frozenset({CorrectionKind.ORDER, CorrectionKind.FILL})


class PostgresTruth:
    """The part of the `LedgerStore` that reconciliations write, of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_cash(self, movements: Iterable[CashMovement]) -> int:
        # One order for all writers, so that two batches cannot wait for each other.
        arrived = sorted(movements, key=lambda movement: movement.transaction_id)
        new: set[str] = set()

        async def work(connection: Connection, *, is_repeat: bool) -> int:  # noqa: ARG001 - the set remembers
            for movement in arrived:
                if await _insert_movement(connection, movement):
                    new.add(movement.transaction_id)
            return len(new)

        return await self._database.write("recording cash movements", work)

    async def cash_movements(self) -> Sequence[CashMovement]:
        return [to_movement(row) for row in await self._database.fetch("reading cash movements", CASH)]

    async def queue_review(self, items: Iterable[ReviewItem]) -> int:
        queued = sorted(items, key=lambda item: (item.issue, item.subject))
        new: set[tuple[str, str]] = set()

        async def work(connection: Connection, *, is_repeat: bool) -> int:  # noqa: ARG001 - the set remembers
            for each in queued:
                values = (each.issue, each.symbol, each.subject, each.detail, each.severity, each.created_at)
                if await connection.fetchval(INSERT_REVIEW, *values) is not None:
                    new.add((each.issue, each.subject))
            return len(new)

        return await self._database.write("queueing for review", work)

    async def review_items(self) -> Sequence[ReviewItem]:
        return [ReviewItem(**row) for row in await self._database.fetch("reading the review queue", REVIEW)]

    async def record_corrections(self, corrections: Sequence[Correction]) -> int:
        if not corrections:
            return 0
        new: set[int] = set()

        async def work(connection: Connection, *, is_repeat: bool) -> int:  # noqa: ARG001 - the set remembers
            await connection.execute(ONE_RECONCILER)
            for number, each in enumerate(corrections):
                values = (each.kind.value, each.subject, *each.terms, each.at)
                if await connection.fetchval(INSERT_CORRECTION, *values) is None:
                    continue
                new.add(number)
                if each.kind in _MARKED:
                    await connection.execute(MARK_RECONCILED, each.kind.value, each.subject, each.at)
            return len(new)

        return await self._database.write("recording corrections", work)

    async def corrections(self) -> Sequence[Correction]:
        rows = await self._database.fetch("reading corrections", CORRECTIONS)
        return [
            Correction(
                CorrectionKind(row["kind"]), row["subject"], row["ours"], row["theirs"], row["action"], row["at"]
            )
            for row in rows
        ]

    async def unclaimed_orders(self) -> Sequence[VenueOrderId]:
        rows = await self._database.fetch("reading orders that are not ours", UNCLAIMED)
        return [VenueOrderId(row["venue_order_id"]) for row in rows]

    async def record_foreign_order(self, order: VenueOrder, source: OrderSource, at: datetime) -> bool:
        async def work(connection: Connection, *, is_repeat: bool) -> bool:
            if await connection.fetchval(IS_OURS, order.client_order_id, order.venue_order_id):
                return False
            values = (
                order.venue_order_id,
                order.product_id,
                order.side.value,
                _STATUS.get(order.state, "pending"),
                order.created_at,
                f"client order id {order.client_order_id}",
                source.value,
                at,
            )
            return await connection.fetchval(SHOW_FOREIGN_ORDER, *values) is not None or is_repeat

        return await self._database.write("showing an order that is not ours", work)


def to_movement(row: Row) -> CashMovement:
    """Return the movement of a row of `CASH`."""
    return CashMovement(
        row["transaction_id"],
        CashKind(row["kind"]),
        row["currency"],
        row["amount"],
        row["at"],
        CashRoute(row["ingest_via"]),
    )


def refuse_changed_movement(stored: CashMovement, arrived: CashMovement) -> None:
    """Raise `InvariantBroken` when a known transaction arrives with other content."""
    if stored != arrived:
        raise InvariantBroken(f"transaction {stored.transaction_id} is stored as {stored} and arrived as {arrived}")


async def _insert_movement(connection: Connection, movement: CashMovement) -> bool:
    fault = record_fault(movement)
    if fault:
        raise InvariantBroken(f"cash movement {movement.transaction_id}: {fault}")
    values = (movement.kind.value, movement.currency, movement.amount, movement.at, movement.ingest_via.value)
    if await connection.fetchval(INSERT_CASH, movement.transaction_id, *values) is not None:
        return True
    stored = await connection.fetchrow(KNOWN_CASH, movement.transaction_id)
    assert stored is not None, "facts stay, and the insertion found it"
    refuse_changed_movement(to_movement(stored), movement)
    return False
