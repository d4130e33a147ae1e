"""Signals and strategy snapshots: amounts that cannot be NaN, facts that cannot be rewritten.

`numeric` holds NaN and Infinity, and NaN passes `> 0` because Postgres sorts it above every number; the domains below
refuse both. Facts are guarded by triggers that fire for every role, superusers and replication included; grants come on
top where a deployment has roles.

Revises: nothing
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SIGNAL_COLUMNS = """
    product_id product NOT NULL,
    action text NOT NULL CHECK (action IN ('buy', 'sell')),
    trigger trigger_name NOT NULL,
    note text NOT NULL,
    price positive_amount NOT NULL,
    candle_opened_at timestamptz NOT NULL,
    born_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    snapshot_hash text NOT NULL,
    scores jsonb NOT NULL CHECK (jsonb_typeof(scores) = 'object'),
    quote_size positive_amount
"""

UP = (
    "CREATE DOMAIN amount AS numeric CHECK (VALUE > '-Infinity'::numeric AND VALUE < 'Infinity'::numeric)",
    "CREATE DOMAIN positive_amount AS numeric CHECK (VALUE > 0 AND VALUE < 'Infinity'::numeric)",
    "CREATE DOMAIN nonnegative_amount AS numeric CHECK (VALUE >= 0 AND VALUE < 'Infinity'::numeric)",
    "CREATE DOMAIN product AS text CHECK (VALUE ~ '^[A-Z0-9]+-[A-Z0-9]+$')",
    """CREATE DOMAIN trigger_name AS text CHECK (VALUE IN (
        'ROC', 'ROC_MOMO', 'ROC_MOMO_OVERRIDE', 'SIGNAL', 'SCORE', 'WEBHOOK',
        'HARD_STOP', 'TRAILING_STOP', 'TAKE_PROFIT', 'SIGNAL_EXIT'))""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused; add a new row that corrects the old one', TG_TABLE_NAME, TG_OP;
    END $$""",
    """CREATE PROCEDURE make_append_only(fact regclass) LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
                        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', fact);
        -- ALWAYS: a session in replica role, which skips ordinary triggers, is refused as well.
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', fact);
    END $$""",
    f"CREATE TABLE signals (signal_id text PRIMARY KEY, {_SIGNAL_COLUMNS})",
    """CREATE TABLE signal_outbox (
        signal_id text PRIMARY KEY REFERENCES signals,
        closed_at timestamptz,
        delivery text CHECK (delivery IN ('acknowledged', 'rejected', 'retry')),
        detail text,
        CHECK ((closed_at IS NULL) = (delivery IS NULL)))""",
    "CREATE INDEX signal_outbox_open ON signal_outbox (signal_id) WHERE closed_at IS NULL",
    """CREATE TABLE inbound_requests (
        request_digest text PRIMARY KEY,
        sender text NOT NULL,
        received_at timestamptz NOT NULL)""",
    f"""CREATE TABLE inbound_signals (
        acceptance bigserial UNIQUE,
        signal_id text PRIMARY KEY,
        sender text NOT NULL,
        body_digest text NOT NULL,
        request_digest text NOT NULL REFERENCES inbound_requests,
        received_at timestamptz NOT NULL,
        {_SIGNAL_COLUMNS})""",
    """CREATE TABLE signal_outcomes (
        signal_id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('ordered', 'refused', 'expired')),
        code text NOT NULL,
        message text NOT NULL,
        decided_at timestamptz NOT NULL)""",
    """CREATE TABLE strategy_snapshots (
        snapshot_id text PRIMARY KEY,
        strategy text NOT NULL,
        parameters jsonb NOT NULL,
        parameters_text text NOT NULL)""",
    """CREATE TABLE strategy_activations (
        activation bigserial PRIMARY KEY,
        snapshot_id text NOT NULL REFERENCES strategy_snapshots,
        active_from timestamptz NOT NULL,
        active_until timestamptz,
        CHECK (active_from <= active_until))""",
    "CREATE UNIQUE INDEX strategy_activations_one_open ON strategy_activations ((true)) WHERE active_until IS NULL",
    # An activation changes once in its life: it ends. Everything else about it is a fact.
    """CREATE FUNCTION refuse_rewritten_activation() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.active_until IS NULL AND NEW.active_until IS NOT NULL
           AND (OLD.activation, OLD.snapshot_id, OLD.active_from) = (NEW.activation, NEW.snapshot_id, NEW.active_from)
        THEN RETURN NEW; END IF;
        RAISE EXCEPTION 'strategy_activations is append-only: % refused; an activation may only be closed', TG_OP;
    END $$""",
    """CREATE TRIGGER only_closed BEFORE UPDATE OR DELETE ON strategy_activations
       FOR EACH ROW EXECUTE FUNCTION refuse_rewritten_activation()""",
    """CREATE TRIGGER never_emptied BEFORE TRUNCATE ON strategy_activations
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    "ALTER TABLE strategy_activations ENABLE ALWAYS TRIGGER only_closed",
    "ALTER TABLE strategy_activations ENABLE ALWAYS TRIGGER never_emptied",
    "CALL make_append_only('signals')",
    "CALL make_append_only('inbound_requests')",
    "CALL make_append_only('inbound_signals')",
    "CALL make_append_only('signal_outcomes')",
    "CALL make_append_only('strategy_snapshots')",
)

DOWN = (
    "DROP TABLE strategy_activations, strategy_snapshots, signal_outcomes, inbound_signals, inbound_requests,"
    " signal_outbox, signals",
    "DROP FUNCTION refuse_rewritten_activation",
    "DROP PROCEDURE make_append_only",
    "DROP FUNCTION refuse_change",
    "DROP DOMAIN trigger_name, product, nonnegative_amount, positive_amount, amount",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
