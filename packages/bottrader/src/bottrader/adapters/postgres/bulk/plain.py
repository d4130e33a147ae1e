"""The plain route: each product through `domain.lots`. It has no limits, and needs nothing but the driver."""

from collections.abc import Sequence

from bottrader.adapters.postgres.bulk.target import COLUMNS, TABLE, Outcome, Target
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.ledger_store import row_values
from bottrader.adapters.postgres.order_store import EXECUTIONS, to_execution
from bottrader.domain.lots import allocate
from bottrader.domain.market import ProductId
from bottrader.domain.performance import realized_pnl

PRODUCTS = 'SELECT DISTINCT product_id COLLATE "C" AS product_id FROM executions ORDER BY 1'


async def write(
    connection: Connection, target: Target, products: Sequence[ProductId] | None = None
) -> dict[ProductId, Outcome]:
    """Write the allocations of these products, or of all, inside the transaction that is open."""
    if products is None:
        products = [row["product_id"] for row in await connection.fetch(PRODUCTS)]
    return {product_id: await _write(connection, target, product_id) for product_id in products}


async def _write(connection: Connection, target: Target, product_id: ProductId) -> Outcome:
    executions = [to_execution(row) for row in await connection.fetch(EXECUTIONS, product_id)]
    rows = allocate(executions, target.method).allocations
    records = (
        (target.version, product_id, position, target.batch, *row_values(row)) for position, row in enumerate(rows)
    )
    await connection.copy_records_to_table(TABLE, records=records, columns=COLUMNS)
    unmatched = sum(row.buy_order_id is None for row in rows)
    return Outcome(len(executions), len(rows), unmatched, realized_pnl(rows))
