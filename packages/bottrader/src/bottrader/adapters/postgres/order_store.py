"""Orders and fills in Postgres.

The facts are three append-only tables. The row of an order in `trade_records` is computed from them, after each of them
that concerns it, in the transaction that adds the fact: whatever arrives first, the row ends the same.
"""

from collections.abc import Collection, Iterable, Sequence

from bottrader.adapters.postgres.breakdowns import components_from_json
from bottrader.adapters.postgres.connection import Connection, Row
from bottrader.adapters.postgres.pool import Database
from bottrader.adapters.postgres.signal_store import insert_outcome
from bottrader.domain.amendments import standing_trades
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Execution
from bottrader.domain.market import ProductId
from bottrader.domain.orders import (
    ClientOrderId,
    Fill,
    FillKind,
    OpenOrder,
    OrderIntent,
    OrderKind,
    OrderState,
    OrderTransition,
    Side,
    VenueOrderId,
    check_transition,
)
from bottrader.domain.signals import SignalOutcome, Trigger
from bottrader.ports import StrategyLink

# The share lock makes a new holder wait until this intent is committed, so it cannot miss it when it reconciles.
LEASE_TOKENS = "SELECT token FROM leases ORDER BY role FOR SHARE"
INSERT_INTENT = """
    INSERT INTO order_intents (client_order_id, signal_id, product_id, side, kind, size_base, limit_price, trigger,
        note, created_at, parent_id, parent_ids, requested_quote, granted_quote, snapshot_hash, stop_price,
        fencing_token)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (client_order_id) DO NOTHING RETURNING client_order_id"""
INTENT = "SELECT * FROM order_intents WHERE client_order_id = $1"
# A sell inherits its parent's source.
INSERT_RECORD = """
    INSERT INTO trade_records (order_id, symbol, side, size, price, status, order_time, parent_id, parent_ids, notes,
        trigger, ingest_via, source)
    SELECT client_order_id, product_id, side, size_base, limit_price, 'pending', created_at, parent_id, parent_ids,
        note, trigger, 'intent', coalesce(
            (SELECT source FROM trade_records WHERE order_id = i.parent_id),
            CASE WHEN trigger = 'PASSIVE_BUY' THEN 'passivemm'
                WHEN trigger = 'MANUAL' THEN 'manual'
                WHEN signal_id IS NULL THEN 'position_monitor' ELSE 'webhook' END)
    FROM order_intents i WHERE client_order_id = $1"""
# An exit without a signal of its own has the scores of the entry it ends, and the snapshot that its process acts by.
INSERT_LINK = """
    INSERT INTO trade_strategy_link (order_id, snapshot_id, trigger_type, buy_score, sell_score, indicators_fired,
        indicator_breakdown)
    SELECT i.client_order_id,
        coalesce(i.snapshot_hash, s.snapshot_hash, active.snapshot_id, parent.snapshot_id),
        i.trigger,
        coalesce((s.scores ->> 'buy_score')::numeric, parent.buy_score),
        coalesce((s.scores ->> 'sell_score')::numeric, parent.sell_score),
        coalesce(fired.names, parent.indicators_fired, '{}'),
        coalesce(s.scores || jsonb_build_object('components', coalesce(s.breakdown -> 'components', '[]')),
                 parent.indicator_breakdown, '{}')
    FROM order_intents i
    LEFT JOIN inbound_signals s USING (signal_id)
    LEFT JOIN trade_strategy_link parent ON parent.order_id = i.parent_id
    LEFT JOIN strategy_activations active ON active.role = 'webhook' AND active.active_until IS NULL
    LEFT JOIN LATERAL (
        SELECT coalesce(array_agg(c ->> 'indicator' ORDER BY n), '{}') AS names
        FROM jsonb_array_elements(s.breakdown -> 'components') WITH ORDINALITY AS each (c, n)
        WHERE (c -> 'decision')::text = 'true' AND c ->> 'side' = i.side) fired ON s.signal_id IS NOT NULL
    WHERE i.client_order_id = $1"""
LINKS = """
    SELECT l.* FROM trade_strategy_link l JOIN order_intents i ON i.client_order_id = l.order_id
    ORDER BY i.created_at, l.order_id COLLATE "C" """
LAST_STEP = """
    SELECT step, state FROM order_transitions WHERE client_order_id = $1 ORDER BY step DESC LIMIT 1"""
IS_STEP = "SELECT true FROM order_transitions WHERE client_order_id = $1 AND state = $2 AND at = $3 LIMIT 1"
VENUE_CLAIMS = """
    SELECT client_order_id, venue_order_id FROM order_transitions
    WHERE (client_order_id = $1 AND venue_order_id <> $2) OR (venue_order_id = $2 AND client_order_id <> $1) LIMIT 1"""
INSERT_TRANSITION = """
    INSERT INTO order_transitions (client_order_id, step, state, at, venue_order_id, detail)
    VALUES ($1, $2, $3, $4, $5, $6)"""
REFRESH_RECORD = """
    UPDATE trade_records r SET
        status = CASE WHEN last.state = 'filled' THEN 'filled'
                      WHEN last.state IN ('cancelled', 'expired') THEN 'cancelled'
                      WHEN last.state IN ('refused', 'failed') THEN 'failed'
                      ELSE 'pending' END,
        filled_at = coalesce(sums.filled_at, CASE WHEN last.state = 'filled' THEN last.at END),
        filled_size = coalesce(sums.size, 0),
        filled_value = coalesce(sums.value, 0),
        fees = coalesce(sums.fees, 0),
        notes = CASE WHEN i.kind = 'bracket_gtc' AND sums.size > 0 AND last.detail <> '' THEN last.detail
                     ELSE r.notes END
    FROM (SELECT state, at, detail FROM order_transitions WHERE client_order_id = $1 ORDER BY step DESC LIMIT 1) last,
         (SELECT kind FROM order_intents WHERE client_order_id = $1) i,
         (SELECT max(executed_at) AS filled_at, sum(size) AS size, sum(price * size) AS value, sum(fee) AS fees
          FROM executions WHERE order_id = $1) sums
    WHERE r.order_id = $1"""
OPEN_ORDERS = """
    SELECT i.*, last.state, venue.venue_order_id, sent.at AS sent_at
    FROM order_intents i
    CROSS JOIN LATERAL (SELECT state FROM order_transitions t WHERE t.client_order_id = i.client_order_id
                        ORDER BY step DESC LIMIT 1) last
    LEFT JOIN LATERAL (SELECT venue_order_id FROM order_transitions t WHERE t.client_order_id = i.client_order_id
                       AND venue_order_id IS NOT NULL ORDER BY step DESC LIMIT 1) venue ON true
    LEFT JOIN LATERAL (SELECT at FROM order_transitions t WHERE t.client_order_id = i.client_order_id
                       AND t.state = 'sent' ORDER BY step DESC LIMIT 1) sent ON true
    WHERE NOT EXISTS (SELECT 1 FROM order_transitions t WHERE t.client_order_id = i.client_order_id
                      AND t.state IN ('refused', 'filled', 'cancelled', 'expired', 'failed'))
    ORDER BY i.created_at, i.client_order_id COLLATE "C" """
INSERT_FILLS = """
    INSERT INTO fills (trade_id, venue_order_id, product_id, side, price, size, fee, traded_at, kind, entry_id)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[],
                         $8::timestamptz[], $9::text[], $10::text[])
    ON CONFLICT (fill_id) DO NOTHING"""
FILLS_BY_ID = """
    SELECT fill_id, trade_id, venue_order_id, product_id, side, price, size, fee, traded_at, kind, entry_id FROM fills
    WHERE fill_id = ANY($1::text[])"""
# Of those orders that have an amendment; most never have one.
FILLS_OF_AMENDED_ORDERS = """
    SELECT trade_id, venue_order_id, product_id, side, price, size, fee, traded_at, kind, entry_id FROM fills
    WHERE venue_order_id IN (SELECT venue_order_id FROM fills
                             WHERE kind <> 'fill' AND venue_order_id = ANY($1::text[]))"""
FORGET_AMENDED_TRADES = "DELETE FROM amended_trades WHERE venue_order_id = ANY($1::text[])"
INSERT_AMENDED_TRADE = "INSERT INTO amended_trades (trade_id, venue_order_id, corrected_by) VALUES ($1, $2, $3)"
ORDERS_OF_VENUE_IDS = """
    SELECT DISTINCT client_order_id FROM order_transitions WHERE venue_order_id = ANY($1::text[])"""
EXECUTIONS = """
    SELECT execution_id, order_id, product_id, side, price, size, fee, executed_at, sequence FROM executions
    WHERE $1::text IS NULL OR product_id = $1
    ORDER BY product_id COLLATE "C", executed_at, sequence, execution_id COLLATE "C" """
# The ids are looked up first: only then are the orders' own fills read by their index, not all fills.
EXECUTIONS_OF = """
    SELECT execution_id, order_id, product_id, side, price, size, fee, executed_at, sequence FROM executions
    WHERE order_id = ANY(ARRAY(SELECT client_order_id FROM order_transitions WHERE venue_order_id = ANY($1::text[])))
    ORDER BY product_id COLLATE "C", executed_at, sequence, execution_id COLLATE "C" """
# Steps and fills take turns: each sees what the one before committed, so that steps stay legal and the record computed
# last is computed from everything. An advisory lock, because locking rows of a fact would need the right to change it.
ONE_BOOKKEEPER = "SELECT pg_advisory_xact_lock(hashtextextended('bottrader orders', 0))"


class PostgresOrders:
    """The `OrderStore` of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_intent(self, intent: OrderIntent, fencing_token: int, outcome: SignalOutcome | None) -> bool:
        async def work(connection: Connection, *, is_repeat: bool) -> bool:
            await _refuse_fenced(connection, fencing_token)
            if await connection.fetchval(INSERT_INTENT, *_intent_values(intent), fencing_token) is None:
                return is_repeat and await _is_ours(connection, intent, fencing_token)
            planned = OrderTransition(intent.client_order_id, OrderState.PLANNED, intent.created_at)
            await _insert_transition(connection, planned, 1)
            await connection.execute(INSERT_RECORD, intent.client_order_id)
            await connection.execute(INSERT_LINK, intent.client_order_id)
            if outcome is not None:
                await insert_outcome(connection, outcome)
            return True

        return await self._database.write("recording an order intent", work)

    async def strategy_links(self) -> Sequence[StrategyLink]:
        return [to_link(row) for row in await self._database.fetch("reading strategy links", LINKS)]

    async def record_transition(self, transition: OrderTransition) -> bool:
        order_id = transition.client_order_id

        async def work(connection: Connection, *, is_repeat: bool) -> bool:
            await connection.execute(ONE_BOOKKEEPER)
            last = await connection.fetchrow(LAST_STEP, order_id)
            if last is None:
                raise InvariantBroken(f"order {order_id} has no intent, so it cannot become {transition.state}")
            if is_repeat and await connection.fetchval(IS_STEP, order_id, transition.state.value, transition.at):
                return True
            if last["state"] == transition.state.value:
                return False
            check_transition(OrderState(last["state"]), transition.state)
            await _refuse_second_identity(connection, transition)
            await _insert_transition(connection, transition, last["step"] + 1)
            await connection.execute(REFRESH_RECORD, order_id)
            return True

        return await self._database.write("recording an order transition", work)

    async def open_orders(self) -> Sequence[OpenOrder]:
        rows = await self._database.fetch("reading open orders", OPEN_ORDERS)
        return [
            OpenOrder(_intent(row), OrderState(row["state"]), row["venue_order_id"], row["sent_at"]) for row in rows
        ]

    async def record_fills(self, fills: Iterable[Fill]) -> Sequence[Fill]:
        by_id = distinct_fills(fills)
        if not by_id:
            return []
        written: set[str] = set()

        async def work(connection: Connection, *, is_repeat: bool) -> Sequence[Fill]:  # noqa: ARG001 - the set remembers
            await connection.execute(ONE_BOOKKEEPER)
            known = {row["fill_id"]: _fill(row) for row in await connection.fetch(FILLS_BY_ID, list(by_id))}
            for fill_id, stored in known.items():
                refuse_changed_fill(stored, by_id[fill_id])
            new = [fill for fill_id, fill in by_id.items() if fill_id not in known]
            if not new:
                return [by_id[fill_id] for fill_id in by_id if fill_id in written]
            written.update(fill.fill_id for fill in new)
            await connection.fetch(INSERT_FILLS, *_fill_columns(new))
            venue_order_ids = sorted({fill.venue_order_id for fill in new})
            await _derive_amended_trades(connection, venue_order_ids)
            for order in await connection.fetch(ORDERS_OF_VENUE_IDS, venue_order_ids):
                await connection.execute(REFRESH_RECORD, order["client_order_id"])
            return [by_id[fill_id] for fill_id in by_id if fill_id in written]

        return await self._database.write("recording fills", work)

    async def executions(self, product_id: ProductId | None = None) -> Sequence[Execution]:
        rows = await self._database.fetch("reading executions", EXECUTIONS, product_id)
        return [to_execution(row) for row in rows]

    async def executions_of(self, venue_order_ids: Collection[VenueOrderId]) -> Sequence[Execution]:
        rows = await self._database.fetch("reading executions of orders", EXECUTIONS_OF, sorted(venue_order_ids))
        return [to_execution(row) for row in rows]


def to_link(row: Row) -> StrategyLink:
    """Return the link of a row of `LINKS`."""
    return StrategyLink(
        order_id=row["order_id"],
        snapshot_id=row["snapshot_id"],
        trigger_type=row["trigger_type"],
        buy_score=row["buy_score"],
        sell_score=row["sell_score"],
        indicators_fired=tuple(row["indicators_fired"]),
        components=components_from_json(row["indicator_breakdown"]),
    )


def to_execution(row: Row) -> Execution:
    """Return the execution of a row of `EXECUTIONS`."""
    return Execution(
        row["execution_id"],
        row["order_id"],
        row["product_id"],
        Side(row["side"]),
        row["price"],
        row["size"],
        row["fee"],
        row["executed_at"],
        row["sequence"],
    )


def distinct_fills(fills: Iterable[Fill]) -> dict[str, Fill]:
    """Return the fills by their key, in the order given; raises `InvariantBroken` when one has two contents."""
    by_id: dict[str, Fill] = {}
    for fill in fills:
        refuse_changed_fill(by_id.setdefault(fill.fill_id, fill), fill)
    return by_id


def refuse_changed_fill(stored: Fill, arrived: Fill) -> None:
    """Raise `InvariantBroken` when a known row of the venue arrives with other content."""
    if stored != arrived:
        raise InvariantBroken(f"trade {stored.fill_id} is stored as {stored} and arrived as {arrived}")


async def _derive_amended_trades(connection: Connection, venue_order_ids: Sequence[str]) -> None:
    """Rewrite which trades of these orders were taken back or corrected, from all the facts about each order."""
    fills = [_fill(row) for row in await connection.fetch(FILLS_OF_AMENDED_ORDERS, venue_order_ids)]
    if not fills:
        return
    terms = {trade.executed.trade_id: trade.terms for trade in standing_trades(fills)}
    await connection.execute(FORGET_AMENDED_TRADES, venue_order_ids)
    for fill in fills:
        standing = terms.get(fill.trade_id)
        if fill.kind is FillKind.FILL and standing is not fill:
            corrected_by = standing.fill_id if standing else None
            await connection.execute(INSERT_AMENDED_TRADE, fill.trade_id, fill.venue_order_id, corrected_by)


async def _refuse_fenced(connection: Connection, token: int) -> None:
    tokens = [row["token"] for row in await connection.fetch(LEASE_TOKENS)]
    if token not in tokens and any(held > token for held in tokens):
        raise InvariantBroken(f"lease {token} was taken over by another process; this one must stop")


async def _refuse_second_identity(connection: Connection, transition: OrderTransition) -> None:
    if transition.venue_order_id is None:
        return
    row = await connection.fetchrow(VENUE_CLAIMS, transition.client_order_id, transition.venue_order_id)
    if row is not None:
        raise InvariantBroken(
            f"order {transition.client_order_id} cannot be venue order {transition.venue_order_id}: order"
            f" {row['client_order_id']} is venue order {row['venue_order_id']}"
        )


async def _is_ours(connection: Connection, intent: OrderIntent, token: int) -> bool:
    """Tell whether the stored intent is the one that an earlier try of this very call committed."""
    row = await connection.fetchrow(INTENT, intent.client_order_id)
    return row is not None and row["fencing_token"] == token and _intent(row) == intent


async def _insert_transition(connection: Connection, transition: OrderTransition, step: int) -> None:
    await connection.execute(
        INSERT_TRANSITION,
        transition.client_order_id,
        step,
        transition.state.value,
        transition.at,
        transition.venue_order_id,
        transition.detail,
    )


def _intent_values(intent: OrderIntent) -> tuple[object, ...]:
    return (
        intent.client_order_id,
        intent.signal_id,
        intent.product_id,
        intent.side.value,
        intent.kind.value,
        intent.size_base,
        intent.limit_price,
        intent.trigger.value,
        intent.note,
        intent.created_at,
        intent.parent_id,
        list(intent.parent_ids),
        intent.requested_quote,
        intent.granted_quote,
        intent.snapshot_hash,
        intent.stop_price,
    )


def _intent(row: Row) -> OrderIntent:
    return OrderIntent(
        client_order_id=ClientOrderId(row["client_order_id"]),
        product_id=row["product_id"],
        side=Side(row["side"]),
        kind=OrderKind(row["kind"]),
        size_base=row["size_base"],
        limit_price=row["limit_price"],
        trigger=Trigger(row["trigger"]),
        note=row["note"],
        created_at=row["created_at"],
        signal_id=row["signal_id"],
        parent_id=row["parent_id"],
        parent_ids=tuple(row["parent_ids"]),
        requested_quote=row["requested_quote"],
        granted_quote=row["granted_quote"],
        snapshot_hash=row["snapshot_hash"],
        stop_price=row["stop_price"],
    )


def _fill_columns(fills: Sequence[Fill]) -> tuple[list[object], ...]:
    return (
        [fill.trade_id for fill in fills],
        [fill.venue_order_id for fill in fills],
        [fill.product_id for fill in fills],
        [fill.side.value for fill in fills],
        [fill.price for fill in fills],
        [fill.size for fill in fills],
        [fill.fee for fill in fills],
        [fill.traded_at for fill in fills],
        [fill.kind.value for fill in fills],
        [fill.entry_id for fill in fills],
    )


def _fill(row: Row) -> Fill:
    return Fill(
        row["trade_id"],
        row["venue_order_id"],
        row["product_id"],
        Side(row["side"]),
        row["price"],
        row["size"],
        row["fee"],
        row["traded_at"],
        FillKind(row["kind"]),
        row["entry_id"],
    )
