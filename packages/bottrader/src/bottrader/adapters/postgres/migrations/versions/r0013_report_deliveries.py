"""What became of each report: every step of making and sending one is a row, and a period is settled once.

Revises: 0012
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE report_deliveries (
        step bigserial PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('daily', 'weekly')),
        period_start timestamptz NOT NULL,
        period_end timestamptz NOT NULL,
        outcome text NOT NULL CHECK (outcome IN (
            'started', 'sent', 'filed', 'refused', 'unreachable', 'unknown', 'failed')),
        at timestamptz NOT NULL,
        message_id text NOT NULL CHECK (message_id <> ''),
        detail text NOT NULL,
        CHECK (period_start < period_end))""",
    "CREATE INDEX report_deliveries_of_period ON report_deliveries (kind, period_end)",
    """CREATE UNIQUE INDEX report_deliveries_settled_once ON report_deliveries (kind, period_end)
        WHERE outcome IN ('sent', 'filed', 'refused')""",
    "CALL make_append_only('report_deliveries')",
)

DOWN = ("DROP TABLE report_deliveries",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
