"""Whether a trade id is a whole number is asked without a regular expression, an eighth of what reading a ledger took.

The answer is the same: 1 to 18 digits of ASCII and nothing else.

Revises: 0014
"""

from alembic import op

from bottrader.adapters.postgres.migrations.versions.r0009_adoptions import ADOPTED, EXECUTIONS

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BEFORE = EXECUTIONS.format(adopted=ADOPTED)
NOW = BEFORE.replace(
    "trade_id ~ '^[0-9]{1,18}$'",
    "octet_length(trade_id) BETWEEN 1 AND 18 AND ltrim(trade_id, '0123456789') = ''",
)


def upgrade() -> None:
    op.execute(NOW)


def downgrade() -> None:
    op.execute(BEFORE)
