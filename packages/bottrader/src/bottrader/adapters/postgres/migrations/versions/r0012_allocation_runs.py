"""The newest run of a product, found without reading the others; and amounts spelled in one way.

A process that follows the lots of a product knows by the number of the newest run whether another wrote since, so it is
asked for after each sell. Allocations that were written before spell some amounts with zeros at their end; without
these the rows are equal to those of a rebuild, to the byte.

Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

AMOUNTS = (
    "allocated_size",
    "buy_price",
    "sell_price",
    "buy_fee",
    "sell_fee",
    "cost_basis_usd",
    "proceeds_usd",
    "net_proceeds_usd",
    "pnl_usd",
)
UP = (
    """CREATE INDEX fifo_computation_log_completed ON fifo_computation_log (allocation_version, symbol, batch_id)
       WHERE status = 'completed'""",
    f"UPDATE fifo_allocations SET {', '.join(f'{amount} = trim_scale({amount})' for amount in AMOUNTS)}",  # noqa: S608 - the names above
)

DOWN = ("DROP INDEX fifo_computation_log_completed",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
