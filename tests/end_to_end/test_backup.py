"""An older backup is restored, and the exchange tells what it does not know."""

import asyncio
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess

from bottrader.adapters.postgres.connection import Connection, connect
from tests.fixtures.command_line import Shell
from tests.fixtures.processes import Bot, Exchange, eventually, signal_body


async def test_after_an_older_backup_the_books_equal_the_exchanges(
    shell: Shell, bot: Bot, exchange: Exchange, sql: Connection, empty_database_url: str, tmp_path: Path
) -> None:
    """F44, E1, E2, E3: a backup knows a buy and not the take profit that followed; restored and reconciled, nothing
    differs, and the lots are what both ways to compute them anew come to, and what the exchange holds."""
    names = {"BOTTRADER_EXCHANGE_REST_URL", "BOTTRADER_EXCHANGE_MARKET_WS_URL", "BOTTRADER_EXCHANGE_USER_WS_URL"}
    names |= {"BOTTRADER_EXCHANGE_KEY_NAME", "BOTTRADER_EXCHANGE_KEY_FILE"}
    settings = {name: bot.environment[name] for name in names}
    file = str(tmp_path / "older.dump")

    async def run(*words: str, url: str) -> CompletedProcess[str]:
        return await asyncio.to_thread(shell.run, *words, **settings, DATABASE_URL=url)

    async def filled(side: str) -> None:
        known = "SELECT true FROM trade_records WHERE status = 'filled' AND side = $1"
        await eventually(lambda: sql.fetchval(known, side), f"filled {side}")

    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    assert (await bot.signal(webhook, signal_body("buy")))[0] == 200
    await filled("buy")
    done = await run("db", "backup", file, url=bot.environment["DATABASE_URL"])
    assert done.returncode == 0, done.stderr
    await exchange.price("42500")
    await filled("sell")
    await webhook.stop()
    refused = await run("db", "restore", file, url=bot.environment["DATABASE_URL"])
    assert refused.returncode == 2
    assert "never overwritten" in refused.stderr

    done = await run("db", "restore", file, url=empty_database_url)
    assert done.returncode == 0, done.stderr
    done = await run("reconcile", url=empty_database_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the books are equal to the exchange's" in done.stdout
    done = await run("lots", "check", url=empty_database_url)
    assert done.returncode == 0, done.stdout + done.stderr
    restored = await connect(empty_database_url)
    try:
        trades = await restored.fetch("SELECT side, filled_size, filled_value, fees FROM trade_records ORDER BY side")
    finally:
        await restored.close()
    buy, sell = trades
    theirs = await exchange.books()
    assert (buy["side"], sell["side"]) == ("buy", "sell")
    assert buy["filled_size"] - sell["filled_size"] == Decimal(theirs["totals"]["BTC"]) == 0
    assert buy["fees"] + sell["fees"] == Decimal(theirs["fees"])
    bought, sold = buy["filled_value"] + buy["fees"], sell["filled_value"] - sell["fees"]
    assert Decimal(10000) - bought + sold == Decimal(theirs["totals"]["USD"])


async def test_halt_and_resume_throw_the_kill_switch(shell: Shell, database_url: str) -> None:
    """F54: one switch, whichever command throws it."""

    async def run(*words: str) -> str:
        done = await asyncio.to_thread(shell.run, *words, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "kill switch: on since" in await run("halt", "--reason", "fear")
    assert "fear" in await run("kill", "status")
    assert "sells everything: more" in await run("flatten", "--reason", "more")
    assert "kill switch: off since" in await run("resume")
