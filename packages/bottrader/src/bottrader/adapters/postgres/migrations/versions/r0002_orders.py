"""Orders, fills and what they add up to.

`order_intents`, `order_transitions` and `fills` are facts. A fill names only the venue's order id: whether the order is
ours is answered by a join with the transitions, so it does not matter which of the two arrives first. `trade_records`
shows the facts in the shape people query; rows of our own orders are computed from them. People may insert rows there
themselves, and such a row is a full fact (`ingest_via` is `direct`).

Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE order_intents (
        client_order_id text PRIMARY KEY CHECK (client_order_id ~ '^[A-Z_]+-[A-Z0-9]+-[0-9a-f]{32}$'),
        signal_id text UNIQUE,
        product_id product NOT NULL,
        side text NOT NULL CHECK (side IN ('buy', 'sell')),
        kind text NOT NULL CHECK (kind IN ('limit_ioc', 'market_ioc')),
        size_base positive_amount NOT NULL,
        limit_price positive_amount,
        trigger trigger_name NOT NULL,
        note text NOT NULL,
        created_at timestamptz NOT NULL,
        parent_id text,
        parent_ids text[] NOT NULL,
        requested_quote amount,
        granted_quote amount,
        snapshot_hash text,
        fencing_token bigint NOT NULL,
        CHECK ((limit_price IS NULL) = (kind = 'market_ioc')))""",
    """CREATE TABLE order_transitions (
        client_order_id text NOT NULL REFERENCES order_intents,
        step integer NOT NULL CHECK (step > 0),
        state text NOT NULL CHECK (state IN ('planned', 'sent', 'unknown', 'accepted', 'refused', 'filled',
                                             'cancelled', 'expired', 'failed')),
        at timestamptz NOT NULL,
        venue_order_id text,
        detail text NOT NULL,
        PRIMARY KEY (client_order_id, step))""",
    # An order ends once.
    """CREATE UNIQUE INDEX order_transitions_end ON order_transitions (client_order_id)
       WHERE state IN ('refused', 'filled', 'cancelled', 'expired', 'failed')""",
    """CREATE INDEX order_transitions_venue ON order_transitions (venue_order_id, client_order_id)
       WHERE venue_order_id IS NOT NULL""",
    """CREATE TABLE fills (
        trade_id text PRIMARY KEY,
        venue_order_id text NOT NULL,
        product_id product NOT NULL,
        side text NOT NULL CHECK (side IN ('buy', 'sell')),
        price positive_amount NOT NULL,
        size positive_amount NOT NULL,
        fee amount NOT NULL,
        traded_at timestamptz NOT NULL)""",
    "CREATE INDEX fills_of_order ON fills (venue_order_id)",
    "CREATE INDEX fills_of_product ON fills (product_id, traded_at)",
    """CREATE TABLE trade_records (
        order_id text PRIMARY KEY,
        symbol product NOT NULL,
        side text NOT NULL CHECK (side IN ('buy', 'sell')),
        size positive_amount NOT NULL,
        price positive_amount,
        status text NOT NULL CHECK (status IN ('pending', 'filled', 'cancelled', 'failed')),
        order_time timestamptz NOT NULL DEFAULT now(),
        filled_at timestamptz,
        parent_id text,
        parent_ids text[] NOT NULL DEFAULT '{}',
        notes text NOT NULL DEFAULT '',
        trigger text NOT NULL DEFAULT 'MANUAL',
        source text NOT NULL DEFAULT 'manual' CHECK (source IN (
            'webhook', 'websocket', 'passivemm', 'position_monitor', 'manual', 'reconciled', 'unknown')),
        ingest_via text NOT NULL DEFAULT 'direct' CHECK (ingest_via IN ('direct', 'intent')),
        filled_size nonnegative_amount NOT NULL DEFAULT 0,
        filled_value nonnegative_amount NOT NULL DEFAULT 0,
        fees amount NOT NULL DEFAULT 0,
        CHECK (trigger = 'MANUAL' OR trigger::trigger_name IS NOT NULL),
        CHECK (ingest_via = 'intent' OR status <> 'filled' OR price IS NOT NULL))""",
    "CREATE INDEX trade_records_by_time ON trade_records (order_time)",
    """CREATE INDEX trade_records_direct ON trade_records (symbol)
       WHERE ingest_via = 'direct' AND status = 'filled'""",
    """CREATE TABLE trade_strategy_link (
        order_id text PRIMARY KEY REFERENCES order_intents,
        snapshot_id text,
        trigger_type trigger_name NOT NULL,
        buy_score amount,
        sell_score amount,
        indicator_breakdown jsonb NOT NULL)""",
    """CREATE TABLE trailing_stops (
        product_id product PRIMARY KEY,
        anchor_order_id text NOT NULL,
        high positive_amount NOT NULL,
        stop positive_amount NOT NULL,
        CHECK (stop <= high))""",
    """CREATE TABLE leases (
        role text PRIMARY KEY,
        token bigint NOT NULL UNIQUE,
        acquired_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE SEQUENCE lease_tokens",
    """CREATE VIEW attributed_fills AS
        SELECT f.*, o.client_order_id, coalesce(r.source, 'manual') AS source
        FROM fills f
        LEFT JOIN (SELECT DISTINCT venue_order_id, client_order_id FROM order_transitions
                   WHERE venue_order_id IS NOT NULL) o USING (venue_order_id)
        LEFT JOIN trade_records r ON r.order_id = o.client_order_id""",
    """CREATE VIEW executions AS
        SELECT trade_id AS execution_id, client_order_id AS order_id, product_id, side, price, size, fee,
               traded_at AS executed_at,
               CASE WHEN trade_id ~ '^[0-9]{1,18}$' THEN trade_id::bigint ELSE 0 END AS sequence
        FROM attributed_fills WHERE client_order_id IS NOT NULL
        UNION ALL
        SELECT 'record:' || order_id, order_id, symbol, side, price, size, fees, coalesce(filled_at, order_time), 0
        FROM trade_records WHERE ingest_via = 'direct' AND status = 'filled'""",
    "CALL make_append_only('order_intents')",
    "CALL make_append_only('order_transitions')",
    "CALL make_append_only('fills')",
    "CALL make_append_only('trade_strategy_link')",
)

DOWN = (
    "DROP VIEW executions, attributed_fills",
    "DROP SEQUENCE lease_tokens",
    "DROP TABLE leases, trailing_stops, trade_strategy_link, trade_records, fills, order_transitions, order_intents",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
