"""Why a signal was given, one open activation per role, and links that carry the scores of every order.

`breakdown` holds the components of a decision; NULL for a sender that does not say. An order without a signal of its
own (a stop, a target) is linked to the scores of the entry it ends, and to the snapshot its process acts by.

Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_REFUSE_REWRITTEN = """CREATE OR REPLACE FUNCTION refuse_rewritten_activation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.active_until IS NULL AND NEW.active_until IS NOT NULL
           AND (OLD.activation, OLD.snapshot_id, OLD.active_from{role}) =
               (NEW.activation, NEW.snapshot_id, NEW.active_from{new_role})
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'strategy_activations is append-only: % refused; an activation may only be closed', TG_OP;
    END $$"""

UP = (
    "ALTER TABLE signals ADD COLUMN breakdown jsonb CHECK (jsonb_typeof(breakdown) = 'object')",
    "ALTER TABLE inbound_signals ADD COLUMN breakdown jsonb CHECK (jsonb_typeof(breakdown) = 'object')",
    # The last side of a pair is read for every closed candle.
    "CREATE INDEX inbound_signals_sides ON inbound_signals (product_id, acceptance)",
    "ALTER TABLE strategy_activations ADD COLUMN role text NOT NULL DEFAULT 'sighook'",
    "ALTER TABLE strategy_activations ALTER COLUMN role DROP DEFAULT",
    "DROP INDEX strategy_activations_one_open",
    "CREATE UNIQUE INDEX strategy_activations_one_open ON strategy_activations (role) WHERE active_until IS NULL",
    _REFUSE_REWRITTEN.format(role=", OLD.role", new_role=", NEW.role"),
    "ALTER TABLE trade_strategy_link ADD COLUMN indicators_fired text[] NOT NULL DEFAULT '{}'",
)

# The older table knows one open activation only, so all but the newest are closed; none is deleted.
DOWN = (
    "ALTER TABLE trade_strategy_link DROP COLUMN indicators_fired",
    "DROP INDEX strategy_activations_one_open",
    _REFUSE_REWRITTEN.format(role="", new_role=""),
    """UPDATE strategy_activations a SET active_until = active_from WHERE active_until IS NULL AND EXISTS (
        SELECT 1 FROM strategy_activations b WHERE b.active_until IS NULL AND b.activation > a.activation)""",
    "ALTER TABLE strategy_activations DROP COLUMN role",
    "CREATE UNIQUE INDEX strategy_activations_one_open ON strategy_activations ((true)) WHERE active_until IS NULL",
    "DROP INDEX inbound_signals_sides",
    "ALTER TABLE inbound_signals DROP COLUMN breakdown",
    "ALTER TABLE signals DROP COLUMN breakdown",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
