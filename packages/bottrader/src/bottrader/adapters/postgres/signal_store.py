"""Signals in Postgres, from birth to outcome, and the strategy snapshots they were decided by."""

from collections.abc import Collection, Sequence
from datetime import datetime

from bottrader.adapters.postgres.acceptance import InboundGate
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.pool import Database
from bottrader.adapters.postgres.signal_rows import signal_values, to_signal
from bottrader.domain.market import ProductId
from bottrader.domain.signals import Action, LastSide, OutcomeKind, Signal, SignalId, SignalOutcome
from bottrader.domain.strategy import StrategySnapshot
from bottrader.ports import Acceptance, Delivery, DeliveryReport, InboundSignal

INSERT_SIGNAL = """
    INSERT INTO signals (signal_id, product_id, action, trigger, note, price, candle_opened_at, born_at, expires_at,
        snapshot_hash, scores, quote_size, breakdown, size_base)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (signal_id) DO NOTHING RETURNING signal_id"""
INSERT_OUTBOX = "INSERT INTO signal_outbox (signal_id) VALUES ($1)"
UNDELIVERED = """
    SELECT signals.* FROM signals JOIN signal_outbox USING (signal_id)
    WHERE closed_at IS NULL ORDER BY born_at, signal_id COLLATE "C" LIMIT $1"""
CLOSE_DELIVERY = """
    UPDATE signal_outbox SET closed_at = $2, delivery = $3, detail = $4 WHERE signal_id = $1 AND closed_at IS NULL"""
WITHOUT_OUTCOME = """
    SELECT waiting.* FROM unnest($1::text[]) AS asked (product_id) CROSS JOIN LATERAL (
        SELECT i.* FROM inbound_signals i
        WHERE i.product_id = asked.product_id
            AND NOT EXISTS (SELECT 1 FROM signal_outcomes o WHERE o.signal_id = i.signal_id)
        ORDER BY acceptance LIMIT $2) waiting
    ORDER BY acceptance"""
INSERT_OUTCOME = """
    INSERT INTO signal_outcomes (signal_id, kind, code, message, decided_at) VALUES ($1, $2, $3, $4, $5)"""
INSERT_OUTCOME_ONCE = f"{INSERT_OUTCOME} ON CONFLICT (signal_id) DO NOTHING RETURNING signal_id"
OUTCOME_OF = "SELECT signal_id, kind, code, message, decided_at FROM signal_outcomes WHERE signal_id = $1"
# The run of the last side begins after the newest signal of the other side. What a person orders is no strategy's word.
LAST_SIDE = """
    SELECT newest.action, newest.candle_opened_at AS signalled_at, first.candle_opened_at AS flipped_at
    FROM (SELECT action, candle_opened_at FROM inbound_signals WHERE product_id = $1 AND trigger <> 'MANUAL'
          ORDER BY acceptance DESC LIMIT 1) newest
    CROSS JOIN LATERAL (
        SELECT candle_opened_at FROM inbound_signals
        WHERE product_id = $1 AND trigger <> 'MANUAL' AND acceptance > coalesce(
            (SELECT max(acceptance) FROM inbound_signals o
             WHERE o.product_id = $1 AND o.trigger <> 'MANUAL' AND o.action <> newest.action), 0)
        ORDER BY acceptance LIMIT 1) first"""
BORN_SIGNAL = "SELECT s.*, delivery, detail FROM signals s JOIN signal_outbox USING (signal_id) WHERE signal_id = $1"
ACCEPTED_SIGNAL = "SELECT * FROM inbound_signals WHERE signal_id = $1"
INSERT_SNAPSHOT = """
    INSERT INTO strategy_snapshots (snapshot_id, strategy, parameters, parameters_text) VALUES ($1, $2, $3::jsonb, $4)
    ON CONFLICT (snapshot_id) DO NOTHING"""
# Two processes that activate at once take turns; the row to lock may not exist yet.
LOCK_ACTIVATIONS = "LOCK TABLE strategy_activations IN SHARE ROW EXCLUSIVE MODE"
OPEN_ACTIVATION = "SELECT snapshot_id FROM strategy_activations WHERE role = $1 AND active_until IS NULL"
# A clock that stepped back between two runs does not make a period end before it began.
CLOSE_ACTIVATION = """
    UPDATE strategy_activations SET active_until = greatest(active_from, $2) WHERE role = $1 AND active_until IS NULL
    RETURNING active_until"""
INSERT_ACTIVATION = "INSERT INTO strategy_activations (role, snapshot_id, active_from) VALUES ($1, $2, $3)"


async def insert_outcome(connection: Connection, outcome: SignalOutcome) -> None:
    """Append the outcome inside the caller's transaction; a second one for the same signal is refused."""
    await connection.execute(INSERT_OUTCOME, *_outcome_values(outcome))


class PostgresSignals:
    """The `SignalStore` of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gate = InboundGate(database)

    async def record_signal(self, signal: Signal) -> bool:
        async def work(connection: Connection, *, is_repeat: bool) -> bool:
            if await connection.fetchval(INSERT_SIGNAL, *signal_values(signal)) is None:
                # Its id is derived from its content, so after a lost commit it is the one of the first try.
                return is_repeat
            await connection.execute(INSERT_OUTBOX, signal.signal_id)
            return True

        return await self._database.write("recording a signal", work)

    async def undelivered_signals(self, limit: int) -> Sequence[Signal]:
        rows = await self._database.fetch("reading undelivered signals", UNDELIVERED, limit)
        return [to_signal(row) for row in rows]

    async def close_delivery(self, signal_id: SignalId, report: DeliveryReport, at: datetime) -> None:
        values = (signal_id, at, report.delivery.value, report.detail)
        await self._database.write_at_once("closing a delivery", CLOSE_DELIVERY, *values)

    async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
        return await self._gate.accept(inbound)

    async def signals_without_outcome(self, product_ids: Collection[ProductId], limit: int) -> Sequence[Signal]:
        rows = await self._database.fetch("reading signals without outcome", WITHOUT_OUTCOME, list(product_ids), limit)
        return [to_signal(row) for row in rows]

    async def record_outcome(self, outcome: SignalOutcome) -> bool:
        values = _outcome_values(outcome)
        rows, is_repeat = await self._database.write_at_once("recording an outcome", INSERT_OUTCOME_ONCE, *values)
        return bool(rows) or (is_repeat and await self.outcome_of(outcome.signal_id) == outcome)

    async def outcome_of(self, signal_id: SignalId) -> SignalOutcome | None:
        row = await self._database.fetchrow("reading an outcome", OUTCOME_OF, signal_id)
        if row is None:
            return None
        return SignalOutcome(
            SignalId(row["signal_id"]), OutcomeKind(row["kind"]), row["code"], row["message"], row["decided_at"]
        )

    async def last_side(self, product_id: ProductId) -> LastSide | None:
        row = await self._database.fetchrow("reading the last side", LAST_SIDE, product_id)
        return None if row is None else LastSide(Action(row["action"]), row["flipped_at"], row["signalled_at"])

    async def born_and_accepted(
        self, signal_id: SignalId
    ) -> tuple[Signal, DeliveryReport | None, datetime | None] | None:
        """Return the signal with how its delivery ended and when it was accepted; None for an unknown id."""
        born = await self._database.fetchrow("reading a signal", BORN_SIGNAL, signal_id)
        accepted = await self._database.fetchrow("reading an accepted signal", ACCEPTED_SIGNAL, signal_id)
        row = born or accepted
        if row is None:
            return None
        delivery = None
        if born is not None and born["delivery"] is not None:
            delivery = DeliveryReport(Delivery(born["delivery"]), born["detail"])
        return to_signal(row), delivery, None if accepted is None else accepted["received_at"]

    async def activate_snapshot(self, snapshot: StrategySnapshot, role: str, at: datetime) -> None:
        content = (snapshot.content_hash, snapshot.strategy, snapshot.parameters, snapshot.parameters)

        async def work(connection: Connection, *, is_repeat: bool) -> None:  # noqa: ARG001 - the open one is left
            await connection.execute(INSERT_SNAPSHOT, *content)
            await connection.execute(LOCK_ACTIVATIONS)
            if await connection.fetchval(OPEN_ACTIVATION, role) == snapshot.content_hash:
                return
            closed_at = await connection.fetchval(CLOSE_ACTIVATION, role, at)
            await connection.execute(INSERT_ACTIVATION, role, snapshot.content_hash, closed_at or at)

        await self._database.write("activating a strategy snapshot", work)


def _outcome_values(outcome: SignalOutcome) -> tuple[object, ...]:
    return outcome.signal_id, outcome.kind.value, outcome.code, outcome.message, outcome.decided_at
