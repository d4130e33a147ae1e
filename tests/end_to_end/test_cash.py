"""Cash and reconciliation as a person does them: by commands, on a database and an exchange that are real processes."""

import asyncio
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.command_line import Shell, refused
from tests.fixtures.processes import Bot, Exchange

HEAD = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Notes\n"
REPORT = f"""
Transactions
User,"Doe, Jane",5b1c-77
{HEAD}d-1,2026-01-11 12:00:00 UTC,Deposit,USD,250.50,USD,
w-1,2026-01-12 12:00:00 UTC,Withdrawal,USD,-50.25,USD,
x-1,2026-01-12 13:00:00 UTC,Exchange Deposit,USD,20,USD,
i-1,2026-01-13 12:00:00 UTC,Staking Income,ETH,0.001,USD,
t-1,2026-01-14 12:00:00 UTC,Advanced Trade Buy,BTC,0.01,USD,
"""


async def counts(sql: Connection) -> dict[str, int]:
    tables = await sql.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    return {row["name"]: await sql.fetchval(f"SELECT count(*) FROM {row['name']}") for row in tables}  # noqa: S608 - a name from the catalogue


async def test_a_report_is_imported_once_and_listed_with_totals(
    shell: Shell, database_url: str, sql: Connection, tmp_path: Path
) -> None:
    """E2: 250.50 - 50.25 = 200.25 are net deposits; what went to an own account is not among them."""
    file = tmp_path / "report.csv"
    file.write_text(REPORT, encoding="utf-8-sig")

    async def run(*words: str) -> str:
        done = await asyncio.to_thread(shell.run, "cash", *words, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = await run("import", str(file))
    assert "3 recorded" in told
    assert "1 of an unknown type: put up for review" in told
    assert "1 trades: no cash movements" in told
    before = await counts(sql)
    again = await run("import", str(file))
    assert "0 recorded" in again
    assert "3 known already" in again
    assert await counts(sql) == before
    listed = await run("list")
    assert "200.25" in listed
    assert "\N{MINUS SIGN}20" in listed
    assert "to review: unknown_cash i-1: Staking Income 0.001 ETH" in listed


async def test_a_report_with_a_problem_is_refused_as_a_whole(
    shell: Shell, database_url: str, sql: Connection, tmp_path: Path
) -> None:
    """E2: every problem with its line, and nothing is written."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(REPORT)
    await asyncio.to_thread(shell.run, "cash", "import", str(good), DATABASE_URL=database_url)
    before = await counts(sql)
    bad.write_text(
        f"{HEAD}n-1,2026-02-01 12:00:00 UTC,Deposit,USD,1,USD,\n"
        "n-2,2026-02-01 12:00:00,Deposit,USD,1,USD,\n"
        "n-3,2026-02-01 12:00:00 UTC,Deposit,PEPE,1,USD,\n"
        "d-1,2026-01-11 12:00:00 UTC,Deposit,USD,251,USD,\n"
    )
    done = await asyncio.to_thread(shell.run, "cash", "import", str(bad), DATABASE_URL=database_url)
    assert done.returncode == 2
    for words in ("line 3: the moment", "line 4: unknown currency 'PEPE'", "line 5: transaction d-1 is recorded with"):
        assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert await counts(sql) == before


def test_what_is_no_report_is_refused(shell: Shell, tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing.csv", tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    assert "cannot be read: No such file" in refused(shell.run("cash", "import", str(missing)))
    assert "is not a text in UTF-8" in refused(shell.run("cash", "import", str(binary)))


async def test_the_rights_of_a_deployment_are_printed(shell: Shell, database_url: str) -> None:
    done = await asyncio.to_thread(shell.run, "db", "grant", DATABASE_URL=database_url)
    assert done.returncode == 0
    assert "CREATE ROLE bot_rw NOLOGIN" in done.stdout


async def test_one_reconciliation_takes_in_what_a_person_did_and_a_second_changes_nothing(
    shell: Shell, bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """F51, B277, R86: a deposit, then 5 dollars that nobody can explain; the exit code tells."""
    names = {"DATABASE_URL", "BOTTRADER_EXCHANGE_REST_URL", "BOTTRADER_EXCHANGE_MARKET_WS_URL"}
    names |= {"BOTTRADER_EXCHANGE_USER_WS_URL", "BOTTRADER_EXCHANGE_KEY_NAME", "BOTTRADER_EXCHANGE_KEY_FILE"}
    settings = {name: bot.environment[name] for name in names}

    async def reconcile() -> CompletedProcess[str]:
        return await asyncio.to_thread(shell.run, "reconcile", **settings)

    assert "the books are not open yet" in refused(await reconcile())
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    assert "the books are equal to the exchange's" in (await reconcile()).stdout
    # The older API dates to the second, and what is older than the opening belongs to it.
    for _ in range(2):
        await exchange.price("40000")
    await exchange.turn("cash", currency="USD", amount="250.5")
    done = await reconcile()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ours not recorded; theirs deposit 250.5 USD; recorded" in done.stdout
    before = await counts(sql)
    assert (await reconcile()).returncode == 0
    assert await counts(sql) == before
    total = Decimal((await exchange.books())["totals"]["USD"])
    await exchange.turn("balance", currency="USD", available=str(total + 5))
    done = await reconcile()
    assert done.returncode == 1
    assert "differs: cash USD" in done.stdout
    before = await counts(sql)
    assert (await reconcile()).returncode == 1
    assert await counts(sql) == before
