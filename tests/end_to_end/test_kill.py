"""The kill switch as a person throws it: by a command, for a bot that runs in another process, and by a file."""

import asyncio
from pathlib import Path

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.command_line import Shell
from tests.fixtures.processes import Bot, Exchange, Process, eventually, signal_body


async def outcome_of_a_signal(bot: Bot, webhook: Process, sql: Connection) -> str:
    body = signal_body("buy")
    await bot.signal(webhook, body)
    code = "SELECT code FROM signal_outcomes WHERE signal_id = $1"
    return str(await eventually(lambda: sql.fetchval(code, body["uuid"]), "outcome of a signal"))


async def test_the_switch_stops_a_running_bot_from_buying_and_can_sell_everything(
    shell: Shell, bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """F54"""
    database_url = bot.environment["DATABASE_URL"]
    webhook = await bot.start("webhook")
    await bot.ready(webhook)

    async def kill(*words: str) -> str:
        # In a thread: a loop that stands still would not notice that the server has closed an idle connection.
        done = await asyncio.to_thread(shell.run, "kill", *words, DATABASE_URL=database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "kill switch: off, never thrown" in await kill("status")
    assert "on since" in await kill("on", "--reason", "fear")
    assert await outcome_of_a_signal(bot, webhook, sql) == "KILL_SWITCH"
    assert "off since" in await kill("off")
    assert await outcome_of_a_signal(bot, webhook, sql) == "SUCCESS"
    await eventually(lambda: sql.fetchval("SELECT true FROM trade_records WHERE status = 'filled'"), "filled buy")

    assert "sells everything: more fear" in await kill("on", "--flatten", "--reason", "more fear")
    await eventually(lambda: _has_told(webhook, "more fear"), "the bot has read the switch")
    await exchange.price("40001")
    sell = await eventually(
        lambda: sql.fetchrow("SELECT * FROM trade_records WHERE side = 'sell' AND status = 'filled'"), "filled sell"
    )
    assert (sell["trigger"], sell["notes"]) == ("FLATTEN", "manual: kill switch (cli): more fear")


async def test_a_file_stops_a_running_bot_and_the_command_names_it(shell: Shell, bot: Bot, sql: Connection) -> None:
    """F54"""
    data_dir = Path(bot.environment["BOTTRADER_DATA_DIR"])
    data_dir.mkdir(exist_ok=True)
    (data_dir / "KILL").write_text("by hand")
    webhook = await bot.start("webhook")
    await eventually(lambda: _has_told(webhook, "by hand"), "the bot has seen the file")
    assert await outcome_of_a_signal(bot, webhook, sql) == "KILL_SWITCH"
    status = shell.run("kill", "status", DATABASE_URL=bot.environment["DATABASE_URL"], BOTTRADER_DATA_DIR=str(data_dir))
    assert f"kill file {data_dir / 'KILL'}: on: by hand" in status.stdout


async def _has_told(process: Process, reason: str) -> bool:
    return any(event["reason"] == reason for event in process.events("kill_switch_on"))
