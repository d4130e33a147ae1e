"""Cash, allocations by version, and the review queue.

A row of `fifo_allocations` repeats the arithmetic it stands for as checks, so that a rounded or half-written row cannot
be stored: cost basis = size x buy price + buy fee, proceeds = size x sell price, net = proceeds - sell fee, P&L = net -
cost basis. A sell without a buy has neither basis nor P&L (R5).

Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE venue_identity (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        venue text NOT NULL)""",
    """CREATE TABLE cash_transactions (
        transaction_id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('opening_balance', 'deposit', 'withdrawal')),
        currency text NOT NULL CHECK (currency ~ '^[A-Z0-9]+$'),
        amount amount NOT NULL,
        at timestamptz NOT NULL,
        CHECK (kind <> 'deposit' OR amount > 0),
        CHECK (kind <> 'withdrawal' OR amount < 0))""",
    """CREATE TABLE allocation_pointer (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        allocation_version integer NOT NULL CHECK (allocation_version > 0))""",
    "INSERT INTO allocation_pointer (allocation_version) VALUES (1)",
    """CREATE TABLE fifo_computation_log (
        batch_id bigserial PRIMARY KEY,
        allocation_version integer NOT NULL,
        symbol product NOT NULL,
        mode text NOT NULL CHECK (mode IN ('full', 'incremental', 'symbol')),
        status text NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'partial')),
        computed_at timestamptz NOT NULL,
        allocations integer NOT NULL CHECK (allocations >= 0),
        unmatched integer NOT NULL CHECK (unmatched BETWEEN 0 AND allocations),
        pnl_usd amount,
        error text NOT NULL DEFAULT '',
        CHECK ((status = 'failed') = (error <> '')))""",
    """CREATE TABLE fifo_allocations (
        allocation_version integer NOT NULL,
        symbol product NOT NULL,
        position integer NOT NULL CHECK (position >= 0),
        allocation_batch_id bigint NOT NULL REFERENCES fifo_computation_log,
        sell_order_id text NOT NULL,
        buy_order_id text,
        sell_execution_id text NOT NULL,
        buy_execution_id text,
        allocated_size positive_amount NOT NULL,
        buy_price positive_amount,
        sell_price positive_amount NOT NULL,
        buy_fee amount,
        sell_fee amount NOT NULL,
        cost_basis_usd amount,
        proceeds_usd positive_amount NOT NULL,
        net_proceeds_usd amount NOT NULL,
        pnl_usd amount,
        buy_time timestamptz,
        sell_time timestamptz NOT NULL,
        notes text NOT NULL DEFAULT '',
        PRIMARY KEY (allocation_version, symbol, position),
        CONSTRAINT basis_whole_or_absent CHECK (num_nulls(
            buy_order_id, buy_execution_id, buy_price, buy_fee, cost_basis_usd, pnl_usd, buy_time) IN (0, 7)),
        CONSTRAINT buy_not_after_sell CHECK (buy_time <= sell_time),
        CONSTRAINT cost_exact CHECK (cost_basis_usd = allocated_size * buy_price + buy_fee),
        CONSTRAINT proceeds_exact CHECK (proceeds_usd = allocated_size * sell_price),
        CONSTRAINT net_exact CHECK (net_proceeds_usd = proceeds_usd - sell_fee),
        CONSTRAINT pnl_exact CHECK (pnl_usd = net_proceeds_usd - cost_basis_usd))""",
    "CREATE INDEX fifo_allocations_by_sell ON fifo_allocations (sell_order_id)",
    "CREATE INDEX fifo_allocations_by_time ON fifo_allocations (allocation_version, sell_time)",
    """CREATE TABLE manual_review_queue (
        item bigserial PRIMARY KEY,
        issue text NOT NULL,
        symbol product NOT NULL,
        subject text NOT NULL,
        detail text NOT NULL,
        severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
        status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'in_progress', 'resolved', 'dismissed')),
        created_at timestamptz NOT NULL,
        UNIQUE (issue, subject))""",
    "CALL make_append_only('venue_identity')",
    "CALL make_append_only('cash_transactions')",
)

DOWN = (
    "DROP TABLE manual_review_queue, fifo_allocations, fifo_computation_log, allocation_pointer, cash_transactions,"
    " venue_identity",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
