"""Coins that came without the bot and are handed to it.

An adoption is one fact; its execution and the movements that balance it follow from it in the views (see
`bottrader.domain.adoption`), so that neither can be there without the other.

Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

EXECUTIONS = """CREATE OR REPLACE VIEW executions AS
    SELECT trade_id AS execution_id, client_order_id AS order_id, product_id, side, price, size, fee,
           traded_at AS executed_at,
           CASE WHEN trade_id ~ '^[0-9]{{1,18}}$' THEN trade_id::bigint ELSE 0 END AS sequence
    FROM (
        SELECT f.trade_id, f.client_order_id, f.product_id, f.side, coalesce(t.price, f.price) AS price,
               coalesce(t.size, f.size) AS size, coalesce(t.fee, f.fee) AS fee, f.traded_at
        FROM attributed_fills f
        LEFT JOIN amended_trades a ON a.trade_id = f.trade_id
        LEFT JOIN fills t ON t.fill_id = a.corrected_by
        WHERE f.kind = 'fill' AND (a.trade_id IS NULL OR a.corrected_by IS NOT NULL)) standing
    WHERE client_order_id IS NOT NULL
    UNION ALL
    SELECT 'record:' || order_id, order_id, symbol, side, price, size, fees, coalesce(filled_at, order_time), 0
    FROM trade_records WHERE ingest_via = 'direct' AND status = 'filled'{adopted}"""
ADOPTED = """
    UNION ALL
    SELECT 'adoption:' || order_id, order_id, product_id, 'buy', price, size, 0::amount, acquired_at, 0
    FROM adoptions"""

UP = (
    """CREATE TABLE adoptions (
        order_id text PRIMARY KEY CHECK (order_id ~ '^MANUAL-[A-Z0-9]+-[0-9a-f]{32}$'),
        product_id product NOT NULL,
        size positive_amount NOT NULL,
        price positive_amount NOT NULL,
        acquired_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        booked_size nonnegative_amount NOT NULL,
        CHECK (booked_size <= size),
        CHECK (acquired_at <= recorded_at))""",
    "CALL make_append_only('adoptions')",
    EXECUTIONS.format(adopted=ADOPTED),
    """CREATE VIEW cash_movements AS
        SELECT transaction_id, kind, currency, amount, at FROM cash_transactions
        UNION ALL
        SELECT 'adoption:' || order_id || '/cash', 'adoption', split_part(product_id, '-', 2), price * size, recorded_at
        FROM adoptions
        UNION ALL
        SELECT 'adoption:' || order_id || '/coins', 'adoption', split_part(product_id, '-', 1), -booked_size,
               recorded_at
        FROM adoptions WHERE booked_size > 0""",
)

# A position that an older program cannot see is not deleted to please it: the check refuses when there are any.
DOWN = (
    "ALTER TABLE adoptions ADD CHECK (false)",
    "DROP VIEW cash_movements",
    EXECUTIONS.format(adopted=""),
    "DROP TABLE adoptions",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
