"""Versions of the allocations in Postgres: written aside, activated at once, dropped by command only.

A rebuild has three steps. It registers a version and its run; it writes the rows, from one snapshot of the facts, while
the bot goes on; it activates the version. Runs of single products hold the pointer to the active version shared until
they commit, so whoever holds it alone knows that none is under way. The number of the run in the log is taken then, and
so every run of a product with a higher number may have seen facts that the snapshot lacks: these products are written
again, holding the pointer, before the version becomes the active one. Nothing that arrives meanwhile is lost.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from time import monotonic

from bottrader.adapters.postgres.bulk import compiling, plain
from bottrader.adapters.postgres.bulk.target import Outcome, Target
from bottrader.adapters.postgres.connection import Connection, Row, connect, translated
from bottrader.adapters.postgres.pool import Database
from bottrader.domain.dust import DUST_SIZE_OF_OTHERS, DUST_SIZES, DUST_TAG
from bottrader.domain.errors import BotTraderError, VersionRefused
from bottrader.domain.lots import LotMethod
from bottrader.domain.market import ProductId
from bottrader.domain.money import ZERO, exact
from bottrader.ports import AllocationVersion, RebuildResult, VersionStatus, VersionSummary

COMPILED_FROM = 5_000
"""Fills from which the compiled route is faster, its loading included."""

COMPILED_METHODS = (LotMethod.FIFO, LotMethod.LIFO)
ABANDONED = "the run ended before it was done"

ONE_REBUILD = "SELECT pg_try_advisory_lock(hashtextextended('rebuild allocations', 0))"
POINTER = "SELECT allocation_version FROM allocation_pointer FOR UPDATE"
NEW_VERSION = """
    INSERT INTO allocation_versions (allocation_version, method, status, created_at)
    SELECT max(allocation_version) + 1, $1, 'building', $2 FROM allocation_versions RETURNING allocation_version"""
LOG_START = """
    INSERT INTO fifo_computation_log (allocation_version, mode, status, computed_at, allocations, unmatched)
    VALUES ($1, 'full', 'running', $2, 0, 0) RETURNING batch_id"""
LOG_END = """
    UPDATE fifo_computation_log
    SET status = 'completed', finished_at = $2, executions = $3, allocations = $4, unmatched = $5, pnl_usd = $6
    WHERE batch_id = $1"""
LOG_FAILURE = "UPDATE fifo_computation_log SET status = 'failed', finished_at = $2, error = $3 WHERE batch_id = $1"
LOG_ABANDONED = """
    UPDATE fifo_computation_log SET status = 'failed', error = $1
    WHERE status = 'running' AND allocation_version IN (
        SELECT allocation_version FROM allocation_versions WHERE status = 'building')"""
UNFINISHED = "SELECT allocation_version FROM allocation_versions WHERE status = 'building'"
END_VERSION = "UPDATE allocation_versions SET status = $2 WHERE allocation_version = $1"
ACTIVATE = "UPDATE allocation_pointer SET allocation_version = $1"
DELETE_ROWS = "DELETE FROM fifo_allocations WHERE allocation_version = $1"
DELETE_PRODUCTS = "DELETE FROM fifo_allocations WHERE allocation_version = $1 AND symbol = ANY($2::text[])"
# Runs of single products that may have seen facts after the snapshot.
PRODUCTS_SINCE = """
    SELECT DISTINCT symbol::text COLLATE "C" AS symbol FROM fifo_computation_log
    WHERE batch_id > $1 AND symbol IS NOT NULL ORDER BY 1"""
IS_DUST = """
    allocated_size < coalesce((
        SELECT size FROM unnest($3::text[], $4::numeric[]) AS dust (currency, size)
        WHERE currency = split_part(symbol, '-', 1)), $5)"""
# Twice through the version and no join: the statistics do not know it yet, and a join would read all of it per row.
SETTLE_UNMATCHED = f"""
    WITH tagged AS (
        UPDATE fifo_allocations SET notes = $6
        WHERE allocation_version = $1 AND buy_order_id IS NULL AND {IS_DUST})
    INSERT INTO manual_review_queue (issue, symbol, subject, detail, severity, created_at)
    SELECT 'unmatched_sell', symbol, sell_order_id || '/' || sell_execution_id,
        allocated_size || ' of the sell ' || sell_order_id || ' has no earlier buy', 'medium', $2
    FROM fifo_allocations
    WHERE allocation_version = $1 AND buy_order_id IS NULL AND NOT {IS_DUST}
    ORDER BY sell_order_id, sell_execution_id
    ON CONFLICT (issue, subject) DO NOTHING"""  # noqa: S608 - the condition above
IS_LARGE = "SELECT count(*) = $1 FROM (SELECT 1 FROM fills LIMIT $1) counted"
VERSIONS = """
    SELECT v.allocation_version, v.method, v.status, v.created_at, p.allocation_version IS NOT NULL AS is_active,
        coalesce(r.allocations, 0) AS allocations, coalesce(r.unmatched, 0) AS unmatched, coalesce(r.pnl, 0) AS pnl
    FROM allocation_versions v
    LEFT JOIN allocation_pointer p USING (allocation_version)
    LEFT JOIN (SELECT allocation_version, count(*) AS allocations, count(*) - count(buy_order_id) AS unmatched,
                   sum(pnl_usd) AS pnl
               FROM fifo_allocations GROUP BY allocation_version) r USING (allocation_version)
    ORDER BY v.allocation_version"""
STATUS = """
    SELECT status, EXISTS (SELECT 1 FROM allocation_pointer p WHERE p.allocation_version = v.allocation_version) AS used
    FROM allocation_versions v WHERE allocation_version = $1"""
# The plan has one sort. In parts that fit the processor's cache, a million executions take a quarter less time than in
# one of 160 MB.
WORK_MEMORY = "SET LOCAL work_mem = '8MB'"


class PostgresVersions:
    """The `VersionStore` of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rebuild_allocations(self, method: LotMethod, at: datetime) -> RebuildResult:
        started = monotonic()
        async with self._alone("rebuilding allocations") as connection:
            await _forget_unfinished(connection)
            target = await _begin(connection, method, at)
            try:
                with translated("rebuilding allocations"):
                    outcomes = await _write_aside(connection, target, at)
                    at_end = at + timedelta(seconds=monotonic() - started)
                    return await _activate(connection, target, outcomes, at_end)
            except BotTraderError as error:
                await self._end(target, at + timedelta(seconds=monotonic() - started), str(error))
                raise

    async def allocation_versions(self) -> Sequence[VersionSummary]:
        return [_summary(row) for row in await self._database.fetch("reading allocation versions", VERSIONS)]

    async def drop_version(self, number: int) -> int:
        async with self._alone("dropping an allocation version") as connection, connection.transaction():
            await connection.fetchval(POINTER)
            row = await connection.fetchrow(STATUS, number)
            if row is None:
                raise VersionRefused(f"there is no allocation version {number}; `bottrader lots versions` lists them")
            if row["used"]:
                raise VersionRefused(f"allocation version {number} is the active one; rebuild first, then drop it")
            if row["status"] == VersionStatus.DROPPED:
                raise VersionRefused(f"allocation version {number} was dropped before")
            tag = await connection.execute(DELETE_ROWS, number)
            await connection.execute(END_VERSION, number, VersionStatus.DROPPED.value)
            return int(tag.split()[-1])

    async def _end(self, target: Target, at: datetime, cause: str) -> None:
        """Log a failed run, in a transaction of its own and on another connection than the one that may be broken, so
        that the log survives (R81); then take away what it wrote."""
        async with self._database.transaction("logging a failed rebuild") as connection:
            await connection.execute(LOG_FAILURE, target.batch, at, cause)
        async with self._database.transaction("ending a failed version") as connection:
            await connection.execute(DELETE_ROWS, target.version)
            await connection.execute(END_VERSION, target.version, VersionStatus.FAILED.value)

    @asynccontextmanager
    async def _alone(self, doing: str) -> AsyncIterator[Connection]:
        """Yield a connection of its own while nobody else rebuilds or drops; the lock ends with the connection."""
        connection = await connect(self._database.dsn, None)
        try:
            with translated(doing):
                if not await connection.fetchval(ONE_REBUILD):
                    raise VersionRefused("allocations are being rebuilt by another process; wait until it is done")
                yield connection
        finally:
            await connection.close()


async def _forget_unfinished(connection: Connection) -> None:
    """End the versions whose run was killed; nobody has ever seen them."""
    async with connection.transaction():
        await connection.execute(LOG_ABANDONED, ABANDONED)
        for row in await connection.fetch(UNFINISHED):
            await connection.execute(DELETE_ROWS, row["allocation_version"])
            await connection.execute(END_VERSION, row["allocation_version"], VersionStatus.FAILED.value)


async def _begin(connection: Connection, method: LotMethod, at: datetime) -> Target:
    async with connection.transaction():
        # Runs under way have their numbers and commit first; runs to come get higher numbers than this one.
        await connection.fetchval(POINTER)
        version = await connection.fetchval(NEW_VERSION, method.value, at)
        return Target(version, await connection.fetchval(LOG_START, version, at), method)


async def _write_aside(connection: Connection, target: Target, at: datetime) -> dict[ProductId, Outcome]:
    async with connection.transaction(isolation="repeatable_read"):
        outcomes = await _write(connection, target)
    if any(outcome.unmatched for outcome in outcomes.values()):
        await _settle_unmatched(connection, target, at)
    return outcomes


async def _activate(
    connection: Connection, target: Target, outcomes: dict[ProductId, Outcome], at: datetime
) -> RebuildResult:
    async with connection.transaction():
        await connection.fetchval(POINTER)
        late = [row["symbol"] for row in await connection.fetch(PRODUCTS_SINCE, target.batch)]
        if late:
            await connection.execute(DELETE_PRODUCTS, target.version, late)
            outcomes = outcomes | await _write(connection, target, late)
            await _settle_unmatched(connection, target, at)
        result = _result(target, outcomes.values())
        counts = (result.executions_count, result.allocations_count, result.unmatched_count, result.pnl)
        await connection.execute(LOG_END, target.batch, at, *counts)
        await connection.execute(END_VERSION, target.version, VersionStatus.COMPLETE.value)
        await connection.execute(ACTIVATE, target.version)
    return result


async def _write(
    connection: Connection, target: Target, products: Sequence[ProductId] | None = None
) -> dict[ProductId, Outcome]:
    """Write the rows by the route that is the faster one here; both write the same."""
    await connection.execute(WORK_MEMORY)
    # Matching is work of this process, during which the transaction idles.
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    is_large = await connection.fetchval(IS_LARGE, COMPILED_FROM)
    if not is_large or target.method not in COMPILED_METHODS or not compiling.is_available():
        return await plain.write(connection, target, products)
    from bottrader.adapters.postgres.bulk import compiled  # noqa: PLC0415 - an extra, and slow to load

    return await compiled.write(connection, target, products)


async def _settle_unmatched(connection: Connection, target: Target, at: datetime) -> None:
    """Tag what is dust among the sells without a buy, and ask a person about the others, once."""
    sizes = (list(DUST_SIZES), list(DUST_SIZES.values()), DUST_SIZE_OF_OTHERS)
    await connection.execute(SETTLE_UNMATCHED, target.version, at, *sizes, DUST_TAG)


def _result(target: Target, outcomes: Collection[Outcome]) -> RebuildResult:
    with exact():
        pnl = sum((outcome.pnl for outcome in outcomes), start=ZERO)
    return RebuildResult(
        AllocationVersion(target.version, target.method),
        executions_count=sum(outcome.executions for outcome in outcomes),
        allocations_count=sum(outcome.allocations for outcome in outcomes),
        unmatched_count=sum(outcome.unmatched for outcome in outcomes),
        pnl=pnl,
    )


def _summary(row: Row) -> VersionSummary:
    return VersionSummary(
        AllocationVersion(row["allocation_version"], LotMethod(row["method"])),
        VersionStatus(row["status"]),
        row["is_active"],
        row["created_at"],
        row["allocations"],
        row["unmatched"],
        row["pnl"],
    )
