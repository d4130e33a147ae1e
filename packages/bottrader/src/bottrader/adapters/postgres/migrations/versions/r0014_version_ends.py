"""How a version of the allocations ends: its run failed, or it was dropped.

Its rows are gone then, its number and its log stay: numbers are never used again.

Revises: 0013
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UP = (
    """ALTER TABLE allocation_versions
        DROP CONSTRAINT allocation_versions_status_check,
        ADD CONSTRAINT allocation_versions_status_check
            CHECK (status IN ('building', 'complete', 'failed', 'dropped'))""",
)

# An older program has no word for such a version; without rows it is one that is still to be built.
DOWN = (
    "UPDATE allocation_versions SET status = 'building' WHERE status IN ('failed', 'dropped')",
    """ALTER TABLE allocation_versions
        DROP CONSTRAINT allocation_versions_status_check,
        ADD CONSTRAINT allocation_versions_status_check CHECK (status IN ('building', 'complete'))""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
