"""What surrounds a trade of the real program: its log, its stream, its settings file and its report."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.command_line import Shell
from tests.fixtures.processes import SECRET, Bot, Exchange, eventually, signal_body

FILLED = "SELECT * FROM trade_records WHERE side = '{side}' AND status = 'filled'"


@pytest.mark.component("logger")
async def test_every_line_of_a_trading_bot_is_json_that_a_machine_can_count_on(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """R58: each line has its event, level, role and time with a zone; amounts are text; no secret is in any."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED.format(side="buy")), "filled buy")
    assert await webhook.stop() == 0

    lines = [json.loads(line) for line in webhook.lines]

    assert lines
    for line in lines:
        assert line["event"]
        assert line["level"] in {"info", "warning"}
        assert line["role"] == "webhook"
        assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
        assert not [name for name, value in line.items() if isinstance(value, float)]
    (sent,) = webhook.events("order_sent")
    assert SECRET not in "\n".join(webhook.lines)
    assert sent["order_id"] == await sql.fetchval("SELECT order_id FROM trade_records")


@pytest.mark.component("websocket_handler")
async def test_a_position_is_stopped_although_the_stream_was_cut_on_the_way_down(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """F8: the connection ends instead of telling the fall; the one that replaces it tells the price as it is."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED.format(side="buy")), "filled buy")

    await exchange.fault("ws ticker", "drop_connection")
    await exchange.price("38000")

    sell = await eventually(lambda: sql.fetchrow(FILLED.format(side="sell")), "filled sell")
    assert sell["trigger"] == "HARD_STOP"
    assert len(await exchange.orders()) == 2


@pytest.mark.component("config_manager")
async def test_a_running_bot_trades_by_its_settings_file(
    bot: Bot, exchange: Exchange, sql: Connection, tmp_path: Path
) -> None:
    """The file says 25 USD, so an order without a size of its own is for that and not a cent more."""
    file = tmp_path / "mine.toml"
    file.write_text('[sizing]\norder_size_roc = "25"\n')
    webhook = await bot.start("webhook", config=str(file))
    await bot.ready(webhook)

    await bot.signal(webhook, signal_body("buy", quote_size=None))

    buy = await eventually(lambda: sql.fetchrow(FILLED.format(side="buy")), "filled buy")
    # The smallest step of BTC-USD in size is worth 4 cents here, and the limit is 0.2 % above the price it filled at.
    assert Decimal("24.90") < buy["filled_value"] <= 25


@pytest.mark.component("report_generator", "fifo_engine")
async def test_a_trade_is_in_the_report_with_what_the_exchange_really_paid(
    bot: Bot, exchange: Exchange, sql: Connection, shell: Shell, database_url: str
) -> None:
    """The page's profit is what the account has more than the 10,000 it began with."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED.format(side="buy")), "filled buy")
    await exchange.price("42500")
    await eventually(lambda: sql.fetchval("SELECT count(*) FROM fifo_allocations"), "allocated")
    assert await webhook.stop() == 0

    result = await asyncio.to_thread(shell.run, "report", "--out", "page.html", DATABASE_URL=database_url)

    assert (result.returncode, result.stderr) == (0, "")
    profit = Decimal((await exchange.books())["totals"]["USD"]) - 10_000
    assert profit > 0
    assert f"{profit:.2f}" in result.stdout
    assert f"{profit:.2f}" in (shell.folder / "page.html").read_text(encoding="utf-8")
