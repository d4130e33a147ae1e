"""A signal may ask for an exact size in base currency: an order that a person sends.

Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("signals", "inbound_signals"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN size_base positive_amount")


def downgrade() -> None:
    for table in ("signals", "inbound_signals"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN size_base")
