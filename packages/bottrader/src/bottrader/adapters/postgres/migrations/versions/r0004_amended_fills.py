"""Fills that the venue took back or corrected.

Such a row is a fact of its own in `fills`. Trade ids are unique for kind `fill` only, so the key becomes `fill_id`,
which for the rows that are there already is their trade id. What the amendments of an order come to is computed by
`bottrader.domain.amendments` and kept in `amended_trades`, which is derived and can be rebuilt from `fills`; the view
`executions` shows each trade that stands once, at its right terms, with its own id and time.

Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DROP_VIEWS = "DROP VIEW executions, attributed_fills"
ATTRIBUTED_FILLS = """CREATE VIEW attributed_fills AS
    SELECT f.*, o.client_order_id, coalesce(r.source, 'manual') AS source
    FROM fills f
    LEFT JOIN (SELECT DISTINCT venue_order_id, client_order_id FROM order_transitions
               WHERE venue_order_id IS NOT NULL) o USING (venue_order_id)
    LEFT JOIN trade_records r ON r.order_id = o.client_order_id"""
EXECUTIONS = """CREATE VIEW executions AS
    SELECT trade_id AS execution_id, client_order_id AS order_id, product_id, side, price, size, fee,
           traded_at AS executed_at,
           CASE WHEN trade_id ~ '^[0-9]{{1,18}}$' THEN trade_id::bigint ELSE 0 END AS sequence
    FROM {fills} WHERE client_order_id IS NOT NULL
    UNION ALL
    SELECT 'record:' || order_id, order_id, symbol, side, price, size, fees, coalesce(filled_at, order_time), 0
    FROM trade_records WHERE ingest_via = 'direct' AND status = 'filled'"""
# A correction has the product and the side of what it corrects.
STANDING = """(
        SELECT f.trade_id, f.client_order_id, f.product_id, f.side, coalesce(t.price, f.price) AS price,
               coalesce(t.size, f.size) AS size, coalesce(t.fee, f.fee) AS fee, f.traded_at
        FROM attributed_fills f
        LEFT JOIN amended_trades a ON a.trade_id = f.trade_id
        LEFT JOIN fills t ON t.fill_id = a.corrected_by
        WHERE f.kind = 'fill' AND (a.trade_id IS NULL OR a.corrected_by IS NOT NULL)) standing"""

UP = (
    DROP_VIEWS,
    "ALTER TABLE fills DROP CONSTRAINT fills_pkey",
    """ALTER TABLE fills
        ADD COLUMN kind text NOT NULL DEFAULT 'fill'
            CHECK (kind IN ('fill', 'reversal', 'correction', 'synthetic')),
        ADD COLUMN entry_id text NOT NULL DEFAULT '',
        ADD CHECK ((kind = 'fill') = (entry_id = '')),
        ADD COLUMN fill_id text PRIMARY KEY
            GENERATED ALWAYS AS (CASE WHEN kind = 'fill' THEN trade_id ELSE kind || ':' || entry_id END) STORED""",
    "CREATE INDEX fills_amending ON fills (venue_order_id) WHERE kind <> 'fill'",
    """CREATE TABLE amended_trades (
        trade_id text PRIMARY KEY REFERENCES fills (fill_id),
        venue_order_id text NOT NULL,
        corrected_by text UNIQUE REFERENCES fills (fill_id))""",
    "CREATE INDEX amended_trades_of_order ON amended_trades (venue_order_id)",
    ATTRIBUTED_FILLS,
    EXECUTIONS.format(fills=STANDING),
)

# An older program cannot hold amendments, and a fact is not deleted to please it: the check refuses when there are any.
DOWN = (
    DROP_VIEWS,
    "DROP TABLE amended_trades",
    "ALTER TABLE fills ADD CHECK (kind = 'fill')",
    "DROP INDEX fills_amending",
    "ALTER TABLE fills DROP COLUMN fill_id, DROP COLUMN entry_id, DROP COLUMN kind, ADD PRIMARY KEY (trade_id)",
    ATTRIBUTED_FILLS,
    EXECUTIONS.format(fills="attributed_fills"),
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
