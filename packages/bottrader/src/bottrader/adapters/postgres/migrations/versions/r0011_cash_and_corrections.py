"""Cash from files and by API, what reconciliations corrected, and orders that are not the bot's in `trade_records`.

The checks say what the domain promises: a deposit is above zero, a withdrawal below, a transfer between own accounts
moves something; a currency is written in capitals; nothing is said of a movement that follows from another fact, since
such a one has no row. An order that is not the bot's has a row of `trade_records` that is computed from its fills, and
moves the cash of the view `cash_movements`; trades from before the books were opened are in the opening balance.

Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CASH_KINDS = "cash_transactions_kind_check"
INGEST_VIA = "trade_records_ingest_via_check"
PRICE_OF_DIRECT = "trade_records_price_of_direct"
# An unnamed check over several columns has the name that Postgres gave it; found by what it says.
DROP_PRICE_CHECK = """DO $$ DECLARE old text; BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'trade_records'::regclass AND contype = 'c'
      AND pg_get_constraintdef(oid) LIKE '%price IS NOT NULL%';
    EXECUTE format('ALTER TABLE trade_records DROP CONSTRAINT %I', old);
END $$"""
UP = (
    f"ALTER TABLE cash_transactions DROP CONSTRAINT {CASH_KINDS}",
    f"""ALTER TABLE cash_transactions
        ADD CONSTRAINT {CASH_KINDS} CHECK (kind IN ('opening_balance', 'deposit', 'withdrawal', 'internal_transfer')),
        ADD CONSTRAINT cash_transactions_transfer_moves CHECK (kind <> 'internal_transfer' OR amount <> 0),
        ADD CONSTRAINT cash_transactions_id_given CHECK (transaction_id <> ''),
        ADD COLUMN ingest_via text NOT NULL DEFAULT 'direct'
            CONSTRAINT cash_transactions_ingest_via CHECK (ingest_via IN ('direct', 'file', 'api'))""",
    """CREATE TABLE reconciliation_corrections (
        correction bigserial PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN (
            'order', 'fill', 'foreign_order', 'lost_order', 'cash', 'unknown_cash', 'balance')),
        subject text NOT NULL CHECK (subject <> ''),
        ours text NOT NULL,
        theirs text NOT NULL,
        action text NOT NULL CHECK (action <> ''),
        at timestamptz NOT NULL)""",
    "CREATE INDEX reconciliation_corrections_of ON reconciliation_corrections (kind, subject, correction)",
    "CALL make_append_only('reconciliation_corrections')",
    "ALTER TABLE manual_review_queue ALTER COLUMN symbol DROP NOT NULL",
    f"ALTER TABLE trade_records DROP CONSTRAINT {INGEST_VIA}",
    DROP_PRICE_CHECK,
    f"""ALTER TABLE trade_records
        ADD COLUMN last_reconciled_at timestamptz,
        ADD COLUMN last_reconciled_via text CHECK (last_reconciled_via IN ('rest_api')),
        ADD CHECK ((last_reconciled_at IS NULL) = (last_reconciled_via IS NULL)),
        ADD CONSTRAINT {INGEST_VIA} CHECK (ingest_via IN ('direct', 'intent', 'reconciled')),
        ADD CONSTRAINT trade_records_source_of_reconciled
            CHECK (ingest_via <> 'reconciled' OR source IN ('manual', 'reconciled')),
        ADD CONSTRAINT {PRICE_OF_DIRECT} CHECK (ingest_via <> 'direct' OR status <> 'filled' OR price IS NOT NULL)""",
    """CREATE FUNCTION refuse_new_source() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the source of order % is % for good, it cannot become %', OLD.order_id, OLD.source, NEW.source;
    END $$""",
    """CREATE TRIGGER source_is_for_good BEFORE UPDATE ON trade_records FOR EACH ROW
       WHEN (OLD.source IS DISTINCT FROM NEW.source OR OLD.ingest_via IS DISTINCT FROM NEW.ingest_via)
       EXECUTE FUNCTION refuse_new_source()""",
    "ALTER TABLE trade_records ENABLE ALWAYS TRIGGER source_is_for_good",
    """CREATE VIEW foreign_trades AS
        SELECT f.trade_id, f.venue_order_id, f.product_id, f.side, coalesce(t.price, f.price) AS price,
               coalesce(t.size, f.size) AS size, coalesce(t.fee, f.fee) AS fee, f.traded_at
        FROM fills f
        LEFT JOIN amended_trades a ON a.trade_id = f.trade_id
        LEFT JOIN fills t ON t.fill_id = a.corrected_by
        WHERE f.kind = 'fill' AND (a.trade_id IS NULL OR a.corrected_by IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM order_transitions o WHERE o.venue_order_id = f.venue_order_id)""",
    "DROP VIEW cash_movements",
    """CREATE VIEW cash_movements AS
        SELECT transaction_id, kind, currency, amount, at, ingest_via FROM cash_transactions
        UNION ALL
        SELECT 'adoption:' || order_id || '/cash', 'adoption', split_part(product_id, '-', 2), price * size,
               recorded_at, 'direct'
        FROM adoptions
        UNION ALL
        SELECT 'adoption:' || order_id || '/coins', 'adoption', split_part(product_id, '-', 1), -booked_size,
               recorded_at, 'direct'
        FROM adoptions WHERE booked_size > 0
        UNION ALL
        SELECT 'trade:' || f.trade_id || leg.name, 'foreign_trade', leg.currency, leg.amount, f.traded_at, 'api'
        FROM foreign_trades f
        JOIN trade_records r ON r.order_id = f.venue_order_id AND r.ingest_via = 'reconciled'
        CROSS JOIN LATERAL (VALUES
            ('/cash', split_part(f.product_id, '-', 2),
             CASE f.side WHEN 'buy' THEN -f.price * f.size - f.fee ELSE f.price * f.size - f.fee END),
            ('/coins', split_part(f.product_id, '-', 1), CASE f.side WHEN 'buy' THEN f.size ELSE -f.size END)
        ) leg (name, currency, amount)
        WHERE f.traded_at > coalesce(
            (SELECT min(at) FROM cash_transactions WHERE kind = 'opening_balance'), '-infinity')""",
)

# An older program does not know transfers: the check refuses when there are any. Records of orders that are not the
# bot's are derived; the older program does not show them.
DOWN = (
    "DROP VIEW cash_movements",
    """CREATE VIEW cash_movements AS
        SELECT transaction_id, kind, currency, amount, at FROM cash_transactions
        UNION ALL
        SELECT 'adoption:' || order_id || '/cash', 'adoption', split_part(product_id, '-', 2), price * size, recorded_at
        FROM adoptions
        UNION ALL
        SELECT 'adoption:' || order_id || '/coins', 'adoption', split_part(product_id, '-', 1), -booked_size,
               recorded_at
        FROM adoptions WHERE booked_size > 0""",
    "DROP VIEW foreign_trades",
    "DROP TRIGGER source_is_for_good ON trade_records",
    "DROP FUNCTION refuse_new_source",
    "DELETE FROM trade_records WHERE ingest_via = 'reconciled'",
    f"""ALTER TABLE trade_records
        DROP CONSTRAINT {PRICE_OF_DIRECT}, DROP CONSTRAINT trade_records_source_of_reconciled,
        DROP CONSTRAINT {INGEST_VIA}, DROP COLUMN last_reconciled_via, DROP COLUMN last_reconciled_at,
        ADD CONSTRAINT {INGEST_VIA} CHECK (ingest_via IN ('direct', 'intent')),
        ADD CHECK (ingest_via = 'intent' OR status <> 'filled' OR price IS NOT NULL)""",
    "DELETE FROM manual_review_queue WHERE symbol IS NULL",
    "ALTER TABLE manual_review_queue ALTER COLUMN symbol SET NOT NULL",
    "DROP TABLE reconciliation_corrections",
    f"""ALTER TABLE cash_transactions DROP CONSTRAINT cash_transactions_transfer_moves,
        DROP CONSTRAINT cash_transactions_id_given, DROP COLUMN ingest_via, DROP CONSTRAINT {CASH_KINDS}""",
    f"""ALTER TABLE cash_transactions
        ADD CONSTRAINT {CASH_KINDS} CHECK (kind IN ('opening_balance', 'deposit', 'withdrawal'))""",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
