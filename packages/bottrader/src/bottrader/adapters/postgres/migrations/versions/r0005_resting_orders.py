"""Orders that rest at the venue: their kinds, a bracket's stop, and every trigger that orders are attributed to.

Rows that are there already are of the old kinds and have no stop, so nothing about them changes.

Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = "('limit_ioc', 'market_ioc', 'limit_gtc', 'limit_gtc_post_only', 'bracket_gtc')"
OLD_KINDS = "('limit_ioc', 'market_ioc')"
OLD_TRIGGERS = """'ROC', 'ROC_MOMO', 'ROC_MOMO_OVERRIDE', 'SIGNAL', 'SCORE', 'WEBHOOK', 'HARD_STOP', 'TRAILING_STOP',
    'TAKE_PROFIT', 'SIGNAL_EXIT'"""
TRIGGERS = (
    OLD_TRIGGERS
    + """, 'BRACKET', 'PEAK_DRAWDOWN', 'PEAK_BREAKEVEN', 'SOFT_STOP', 'MAX_HOLD', 'FLATTEN', 'RSI_OVERSOLD',
    'MACD_CROSS', 'PASSIVE_BUY', 'PASSIVE_SELL', 'PASSIVE_EXIT', 'PASSIVE_PROFIT', 'PASSIVE_LOSS', 'MANUAL'"""
)

UP = (
    "ALTER TABLE order_intents DROP CONSTRAINT order_intents_kind_check",
    f"ALTER TABLE order_intents ADD CONSTRAINT order_intents_kind_check CHECK (kind IN {KINDS})",
    "ALTER TABLE order_intents ADD COLUMN stop_price positive_amount",
    """ALTER TABLE order_intents ADD CONSTRAINT bracket_has_a_stop
        CHECK ((stop_price IS NOT NULL) = (kind = 'bracket_gtc'))""",
    """ALTER TABLE order_intents ADD CONSTRAINT stop_below_target
        CHECK (stop_price IS NULL OR (side = 'sell' AND stop_price < limit_price))""",
    "ALTER DOMAIN trigger_name DROP CONSTRAINT trigger_name_check",
    f"ALTER DOMAIN trigger_name ADD CONSTRAINT trigger_name_check CHECK (VALUE IN ({TRIGGERS}))",
)

# Refused by the checks themselves once there is an order that the older program could not read.
DOWN = (
    "ALTER DOMAIN trigger_name DROP CONSTRAINT trigger_name_check",
    f"ALTER DOMAIN trigger_name ADD CONSTRAINT trigger_name_check CHECK (VALUE IN ({OLD_TRIGGERS}))",
    "ALTER TABLE order_intents DROP CONSTRAINT stop_below_target",
    "ALTER TABLE order_intents DROP CONSTRAINT bracket_has_a_stop",
    "ALTER TABLE order_intents DROP COLUMN stop_price",
    "ALTER TABLE order_intents DROP CONSTRAINT order_intents_kind_check",
    f"ALTER TABLE order_intents ADD CONSTRAINT order_intents_kind_check CHECK (kind IN {OLD_KINDS})",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
