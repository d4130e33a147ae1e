"""`bottrader lots check` as a person runs it, beside a bot that traded."""

import asyncio
import subprocess

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.command_line import Shell
from tests.fixtures.processes import Bot, Exchange, eventually, signal_body

SOLD = "SELECT true FROM trade_records WHERE side = 'sell' AND status = 'filled'"
ALLOCATED = "SELECT count(*) FROM fifo_allocations"
EXCHANGE = "BOTTRADER_EXCHANGE_"


async def test_the_lots_of_a_round_trip_hold_until_somebody_changes_them(
    shell: Shell, bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """B207: exit code 0 with the exchange compared; 1 after a change, naming the row; 1 when the exchange is gone."""
    names = [name for name in bot.environment if name == "DATABASE_URL" or name.startswith(EXCHANGE)]
    settings = {name: bot.environment[name] for name in names}

    async def check(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(shell.run, "lots", "check", *words, **{**settings, **changes})

    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchval("SELECT count(*) FROM fills"), "the buy is recorded")
    await exchange.price("38000")
    await eventually(lambda: sql.fetchval(SOLD), "stopped out")
    await eventually(lambda: sql.fetchval(ALLOCATED), "allocated")
    await webhook.stop()

    right = await check()
    assert (right.returncode, right.stderr) == (0, "")
    assert "everything that was checked holds" in right.stdout
    assert "left out" not in right.stdout
    assert "1 coins" in right.stdout
    without = await check("--no-exchange")
    assert without.returncode == 0
    assert "left out" in without.stdout

    gone = await check(BOTTRADER_EXCHANGE_REST_URL="http://127.0.0.1:9")
    assert gone.returncode == 1
    assert "not compared" in gone.stdout
    assert "the exchange could not be compared" in gone.stdout

    await sql.execute("DELETE FROM fifo_allocations WHERE position = 0")
    wrong = await check()
    assert wrong.returncode == 1
    assert "BTC-USD position 0: expected sell_execution_id" in wrong.stdout
    assert "found no row" in wrong.stdout
