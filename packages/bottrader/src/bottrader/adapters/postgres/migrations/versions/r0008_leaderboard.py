"""The leaderboard: how each product traded did in the day before `computed_at`.

Derived data: every run replaces all rows in one transaction. `profit_factor` is NULL when nothing was lost, `win_rate`
when no trade was decided.

Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

UP = (
    """CREATE TABLE active_symbols (
        symbol product PRIMARY KEY,
        trades_count integer NOT NULL CHECK (trades_count >= 1),
        win_rate nonnegative_amount CHECK (win_rate <= 1),
        pnl_mean amount NOT NULL,
        profit_factor nonnegative_amount,
        score amount NOT NULL,
        is_eligible boolean NOT NULL,
        computed_at timestamptz NOT NULL,
        CHECK (NOT is_eligible OR pnl_mean > 0))""",
)

DOWN = ("DROP TABLE active_symbols",)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
