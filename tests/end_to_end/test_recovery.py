"""The bot dies at the worst moments; afterwards its books equal the exchange's and nothing was ordered twice."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.processes import PATIENCE_S, Bot, Exchange, eventually, signal_body

pytestmark = pytest.mark.component("order_manager")

READY_S_MAX = 20.0
"""On two busy cores; alone it takes about three."""
FILLED = "SELECT * FROM trade_records WHERE side = 'buy' AND status = 'filled'"


async def test_killed_between_placing_and_recording(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """F31: the exchange has filled the order, the bot dies before it hears of it; the restart finds it by its id."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await exchange.fault("POST /orders", "delay_reply", seconds=60)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(exchange.orders, "the order is at the exchange")
    await webhook.kill()
    assert await sql.fetchval("SELECT count(*) FROM fills") == 0

    restarted = await bot.start("webhook")
    await bot.ready(restarted)

    buy = await eventually(lambda: sql.fetchrow(FILLED), "the fill is recorded")
    assert len(await exchange.orders()) == 1
    books = await exchange.books()
    assert Decimal(books["totals"]["USD"]) == Decimal(10000) - buy["filled_value"] - buy["fees"]
    assert Decimal(books["totals"]["BTC"]) == buy["filled_size"]
    assert Decimal(books["fees"]) == buy["fees"]


async def test_a_killed_webhook_looks_after_its_position_again_within_twenty_seconds(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """L3: from the start of the process until it is healthy: interpreter, lease, reconciliation, both streams."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED), "the position is open")
    await webhook.kill()

    started_at = time.monotonic()
    restarted = await bot.start("webhook")
    await bot.ready(restarted)
    assert time.monotonic() - started_at < READY_S_MAX

    await exchange.price("37000")
    await eventually(
        lambda: sql.fetchrow("SELECT 1 FROM trade_records WHERE side = 'sell' AND status = 'filled'"), "the stop sells"
    )


async def test_stopped_in_the_middle_of_placing(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """F34, S2, R1: SIGTERM while the reply is on its way; it ends in order, and the next start finds the order."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await exchange.fault("POST /orders", "delay_reply", seconds=60)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(exchange.orders, "the order is at the exchange")

    assert await webhook.stop() == 0
    sent = await sql.fetch("SELECT state FROM order_transitions ORDER BY at")
    assert "sent" in [row["state"] for row in sent]

    restarted = await bot.start("webhook")
    await bot.ready(restarted)
    buy = await eventually(lambda: sql.fetchrow(FILLED), "the fill is recorded")
    assert len(await exchange.orders()) == 1
    assert Decimal((await exchange.books())["totals"]["BTC"]) == buy["filled_size"]


async def test_a_lost_reply_is_unknown_and_then_found(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """F2: the connection drops after the order went live; one order, found by lookup, never "failed"."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await exchange.fault("POST /orders", "drop_reply")

    await bot.signal(webhook, signal_body("buy"))

    await eventually(
        lambda: sql.fetchval("SELECT true FROM order_transitions WHERE state = 'unknown'"), "the outcome is unknown"
    )
    # The next prices make the desk ask; time at this exchange only passes with its market.
    for step in range(4):
        await exchange.price(f"{40001 + step}")
    await eventually(lambda: sql.fetchrow(FILLED), "the order is found and its fill recorded")
    assert len(await exchange.orders()) == 1


async def test_a_request_that_never_arrived_is_settled_as_not_there(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """F1: nothing reached the exchange; only past the listing lag does "not listed" become "not there"."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await exchange.fault("POST /orders", "drop_request")

    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchval("SELECT true FROM order_transitions WHERE state = 'unknown'"), "unknown")
    for step in range(40):
        await exchange.price(f"{40001 + step}")

    refused = await eventually(
        lambda: sql.fetchrow("SELECT * FROM order_transitions WHERE state = 'refused'"), "the order is settled"
    )
    assert refused["detail"].startswith("NOT_AT_VENUE")
    assert await exchange.orders() == []


async def test_a_second_webhook_waits_and_takes_over(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """F33: only one acts; when it is killed the other one reconciles and carries on with its position."""
    first = await bot.start("webhook")
    await bot.ready(first)
    await bot.signal(first, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED), "filled buy")
    second = await bot.start("webhook")
    await eventually(lambda: _answers(bot, second), "the second one answers")
    status, answer = await bot.signal(second, signal_body("buy"))
    assert (status, answer["code"]) == (503, "NOT_READY")

    await first.kill()
    await bot.ready(second)
    await exchange.price("38000")

    await eventually(
        lambda: sql.fetchval("SELECT true FROM trade_records WHERE side = 'sell' AND status = 'filled'"), "stopped out"
    )
    assert len(await exchange.orders()) == 2


async def test_a_stopped_bot_ends_with_zero_and_starts_again(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchrow(FILLED), "filled buy")

    assert await webhook.stop() == 0

    restarted = await bot.start("webhook")
    await bot.ready(restarted)
    assert restarted.events("ready")[0]["positions"] == 1
    assert len(await exchange.orders()) == 1


async def test_a_file_that_becomes_invalid_changes_nothing_of_a_bot_that_runs(
    bot: Bot, exchange: Exchange, sql: Connection, tmp_path: Path
) -> None:
    """F53, S3: settings are taken whole at the start or not at all. Of a file with one good change and two bad ones the
    bot that runs takes nothing, and no other one starts on it; 25 USD at 40,080.02 are 0.00062375 BTC.
    """
    file = tmp_path / "bottrader.toml"
    file.write_text('[sizing]\norder_size_roc = "25"\n')
    webhook = await bot.start("webhook", config=str(file))
    await bot.ready(webhook)
    snapshots = await sql.fetch("SELECT * FROM strategy_activations")

    file.write_text('[sizing]\norder_size_roc = "50"\norder_size_signal = "much"\n[risk]\nmax_exposure = "-1"\n')
    second = await bot.start("webhook", config=str(file))
    async with asyncio.timeout(PATIENCE_S):
        assert await second.process.wait() == 2
    await second.reader  # type: ignore[attr-defined]
    told = "\n".join(second.lines)
    assert "order_size_signal" in told.lower()
    assert "max_exposure" in told.lower()

    await bot.signal(webhook, signal_body("buy", quote_size=None))
    buy = await eventually(lambda: sql.fetchrow(FILLED), "the fill is recorded")
    assert buy["filled_size"] == Decimal("0.00062375")
    assert await sql.fetch("SELECT * FROM strategy_activations") == snapshots


async def _answers(bot: Bot, process: object) -> bool:
    try:
        async with bot.session.get(f"http://127.0.0.1:{process.port}/ready"):  # type: ignore[attr-defined]
            return True
    except OSError:
        return False
