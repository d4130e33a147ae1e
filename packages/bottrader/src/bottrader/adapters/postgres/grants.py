"""Three roles that can do their work in a database of ours and nothing more.

`bot_rw` is what the bot needs: it reads everything and adds rows, and changes or removes only what is no fact.
`report_ro` reads. `migrator` owns the schema and changes it. They are groups without a password: a login becomes a
member of one.

Which tables hold facts is asked from the catalogue: those with the trigger that refuses changes. So the statements are
the same for every revision, and are run again after each.
"""

from bottrader.adapters.postgres.connection import connect, translated
from bottrader.domain.errors import InvariantBroken, StartupRefused, StoreUnreachable

ROLES = ("bot_rw", "report_ro", "migrator")

_MAKE_ROLE = """DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$"""

# An activation is closed once in its life, so its guard judges rows; it may be updated, and the trigger says how.
_PER_TABLE = """DO $$ DECLARE each record; BEGIN
    FOR each IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relname, c.relkind,
               EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'append_only') AS is_fact
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, bot_rw, report_ro', each.name);
        EXECUTE format('GRANT SELECT ON %s TO bot_rw, report_ro', each.name);
        IF each.relkind = 'v' OR each.relname = 'alembic_version' THEN
            NULL;
        ELSIF each.is_fact THEN
            EXECUTE format('GRANT INSERT ON %s TO bot_rw', each.name);
        ELSIF each.relname = 'strategy_activations' THEN
            EXECUTE format('GRANT INSERT, UPDATE ON %s TO bot_rw', each.name);
        ELSE
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO bot_rw', each.name);
        END IF;
    END LOOP;
END $$"""

_OWNERSHIP = """DO $$ DECLARE each record; BEGIN
    FOR each IN
        SELECT format('ALTER %s %I.%I OWNER TO migrator',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                      n.nspname, c.relname) AS change
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v', 'S')
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')
                          AND d.classid = 'pg_class'::regclass AND c.relkind = 'S')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO migrator', p.oid::regprocedure)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
        UNION ALL
        SELECT format('ALTER DOMAIN %I.%I OWNER TO migrator', n.nspname, t.typname)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public' AND t.typtype = 'd'
    LOOP
        EXECUTE each.change;
    END LOOP;
END $$"""

STATEMENTS = (
    *(_MAKE_ROLE.format(role=role) for role in ROLES),
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO bot_rw, report_ro",
    "GRANT USAGE, CREATE ON SCHEMA public TO migrator",
    _PER_TABLE,
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO bot_rw",
    _OWNERSHIP,
)


def script() -> str:
    """Return the statements as a script for an administrator; running it twice changes nothing."""
    return "".join(f"{statement};\n" for statement in STATEMENTS)


async def grant(dsn: str) -> None:
    """Make the roles and their rights in the database; raises `StartupRefused`, and then nothing was changed.

    It takes an administrator: roles belong to the whole server, and the schema changes its owner.
    """
    connection = await connect(dsn)
    try:
        with translated("granting rights"):
            async with connection.transaction():
                for statement in STATEMENTS:
                    await connection.execute(statement)
    except (InvariantBroken, StoreUnreachable) as error:
        raise StartupRefused(
            f"{error}; nothing was changed: have an administrator run what `bottrader db grant` prints"
        ) from error
    finally:
        await connection.close()
