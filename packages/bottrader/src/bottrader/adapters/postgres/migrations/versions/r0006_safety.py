"""The kill switch, and the peaks of open positions.

`kill_switch` is a fact: each throw is a row, the newest one holds, and a signed request counts once. `tracked_peaks`
is what a restart needs to go on where peak tracking stopped.

Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE tracked_peaks (
        product_id product PRIMARY KEY,
        anchor_order_id text NOT NULL,
        high positive_amount,
        sample_times timestamptz[] NOT NULL,
        sample_prices positive_amount[] NOT NULL,
        CHECK (cardinality(sample_times) = cardinality(sample_prices)))""",
    """CREATE TABLE kill_switch (
        throw bigserial PRIMARY KEY,
        is_on boolean NOT NULL,
        reason text NOT NULL,
        source text NOT NULL CHECK (source IN ('cli', 'http')),
        at timestamptz NOT NULL,
        flattens boolean NOT NULL,
        request_digest text UNIQUE,
        CHECK (is_on OR NOT flattens))""",
    "CALL make_append_only('kill_switch')",
)

DOWN = ("DROP TABLE kill_switch, tracked_peaks",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
