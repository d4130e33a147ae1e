"""Versions of the allocations: written aside, complete, then active.

A version names the method by which sells met buys. The pointer can only name a complete one: its foreign key carries
the status, so that no reader ever sees half of a run. A run over all products logs one row without a symbol.

Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE allocation_versions (
        allocation_version integer PRIMARY KEY CHECK (allocation_version > 0),
        method text NOT NULL CHECK (method IN ('fifo', 'lifo', 'hifo', 'specific')),
        status text NOT NULL CHECK (status IN ('building', 'complete')),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (allocation_version, status))""",
    """INSERT INTO allocation_versions (allocation_version, method, status)
        SELECT allocation_version, 'fifo', 'complete' FROM (
            SELECT allocation_version FROM allocation_pointer
            UNION SELECT allocation_version FROM fifo_computation_log) known""",
    """ALTER TABLE allocation_pointer
        ADD COLUMN status text NOT NULL DEFAULT 'complete' CHECK (status = 'complete'),
        ADD FOREIGN KEY (allocation_version, status) REFERENCES allocation_versions (allocation_version, status)""",
    """ALTER TABLE fifo_computation_log
        ALTER COLUMN symbol DROP NOT NULL,
        ADD CHECK (symbol IS NOT NULL OR mode = 'full'),
        ADD COLUMN executions integer CHECK (executions >= 0),
        ADD COLUMN finished_at timestamptz,
        ADD FOREIGN KEY (allocation_version) REFERENCES allocation_versions""",
)

# An older program knows one method only: the check refuses when there is another. What a run over all products wrote is
# derived and goes; the older program writes it again, product by product, when it starts.
DOWN = (
    "ALTER TABLE allocation_versions ADD CHECK (method = 'fifo')",
    """DELETE FROM fifo_allocations USING fifo_computation_log run
        WHERE run.batch_id = allocation_batch_id AND run.symbol IS NULL""",
    "DELETE FROM fifo_computation_log WHERE symbol IS NULL",
    """ALTER TABLE fifo_computation_log
        DROP CONSTRAINT fifo_computation_log_allocation_version_fkey,
        DROP COLUMN finished_at, DROP COLUMN executions,
        ALTER COLUMN symbol SET NOT NULL""",
    "ALTER TABLE allocation_pointer DROP COLUMN status",
    "DROP TABLE allocation_versions",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
