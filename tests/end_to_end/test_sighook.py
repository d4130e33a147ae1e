"""Signals on their way: born in one process, delivered to another over HTTP, ordered at the exchange."""

import asyncio
import json
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection, Row
from tests.fixtures.processes import Bot, Exchange, Process, eventually, free_port

pytestmark = pytest.mark.component("signal_manager")

TICKS_PER_CANDLE = 20
"""Four a minute; the strategy looks at candles of five minutes."""
CANDLES_MAX = 120

# A hectic market at the pace of the test, with room for enough history that the strategy is warm from the start.
HECTIC = ["--seed", "11", "--speed", "0", "--warmup", str(60 * TICKS_PER_CANDLE)]
EAGER = {
    "roc_5min_buy_threshold": "0.8",
    "roc_5min_sell_threshold": "0.8",
    "rsi_buy_min": "50",
    "rsi_buy_max": "80",
    # The market of these tests jumps by minutes, and signals are not to grow old by it.
    "signal_ttl_s": "1000000",
    "max_price_age_s": "100000",
}
hectic = pytest.mark.parametrize("exchange", [HECTIC], indirect=True)


BORN = "SELECT count(*) > 0 FROM signals"
# Every signal delivered, and decided on: then nothing is on its way that the next candle could overtake.
SETTLED = """
    SELECT NOT EXISTS (SELECT 1 FROM signal_outbox WHERE closed_at IS NULL)
        AND (SELECT count(*) FROM signal_outbox) = (SELECT count(*) FROM signal_outcomes)"""
ONE_REQUEST_EACH = "SELECT (SELECT count(*) FROM inbound_requests) = (SELECT count(*) FROM inbound_signals)"
BOUGHT = "SELECT count(*) > 0 FROM trade_records WHERE side = 'buy' AND status = 'filled'"


async def step_until(exchange: Exchange, sql: Connection, goal: str, settled: str = "SELECT true") -> None:
    """Let the market move on, candle by candle, until the books answer `goal` with yes."""
    for _ in range(CANDLES_MAX):
        if await sql.fetchval(goal):
            return
        await exchange.step(TICKS_PER_CANDLE)
        await asyncio.sleep(0.02)
        await eventually(lambda: sql.fetchval(settled), "every signal is delivered and decided on")
    await eventually(lambda: sql.fetchval(goal), f"{CANDLES_MAX} candles later: {goal}")


async def only_row(sql: Connection, query: str, *values: object) -> Row:
    (row,) = await sql.fetch(query, *values)
    return row


async def following(process: Process) -> None:
    """Return once sighook is subscribed to the market."""

    async def is_live() -> bool:
        assert process.process.returncode is None, "\n".join(process.lines)
        return bool(process.events("market_stream_live"))

    await eventually(is_live, "sighook follows the market")


@hectic
async def test_a_signal_is_born_delivered_and_ordered(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """From candles to a position through two processes, and not one order more than signals that were ordered."""
    webhook = await bot.start("webhook", **EAGER)
    await bot.ready(webhook)
    url = f"http://127.0.0.1:{webhook.port}/webhook"
    await following(await bot.start("sighook", webhook_url=url, **EAGER))

    await step_until(exchange, sql, BOUGHT, SETTLED)

    buy = await only_row(sql, "SELECT * FROM trade_records WHERE side = 'buy' AND status = 'filled' LIMIT 1")
    signal = await only_row(
        sql,
        "SELECT s.* FROM signals s JOIN order_intents i USING (signal_id) WHERE i.client_order_id = $1",
        buy["order_id"],
    )
    assert (signal["action"], signal["product_id"], buy["trigger"]) == ("buy", "BTC-USD", signal["trigger"])
    assert Decimal(json.loads(signal["scores"])["roc"]) >= Decimal("0.8")
    received = await only_row(sql, "SELECT * FROM inbound_signals WHERE signal_id = $1", signal["signal_id"])
    assert [received[name] for name in ("price", "scores", "born_at")] == [
        signal[name] for name in ("price", "scores", "born_at")
    ]
    outcome = await only_row(sql, "SELECT * FROM signal_outcomes WHERE signal_id = $1", signal["signal_id"])
    assert outcome["kind"] == "ordered"
    at_exchange = {order["client_order_id"] for order in await exchange.orders()}
    assert at_exchange == {row["order_id"] for row in await sql.fetch("SELECT order_id FROM trade_records")}


@hectic
async def test_a_signal_born_while_the_webhook_is_down_is_delivered_once(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """B265: it waits in the outbox, is retried, and arrives exactly once."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}/webhook"
    await following(await bot.start("sighook", webhook_url=url, **EAGER))
    await step_until(exchange, sql, BORN)
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 0
    # Others may be born at any time.
    ids = sorted(row["signal_id"] for row in await sql.fetch("SELECT signal_id FROM signals"))

    await bot.ready(await bot.start("webhook", webhook_port=port, **EAGER))

    await eventually(lambda: sql.fetchval(SETTLED), "every signal is delivered and decided on")
    arrived = await sql.fetch("SELECT signal_id FROM inbound_signals WHERE signal_id = ANY($1)", ids)
    assert sorted(row["signal_id"] for row in arrived) == ids
    assert await sql.fetchval(ONE_REQUEST_EACH)
    closed = await sql.fetch("SELECT delivery FROM signal_outbox WHERE signal_id = ANY($1)", ids)
    assert [row["delivery"] for row in closed] == ["acknowledged"] * len(ids)


@hectic
async def test_a_signal_outlives_the_sighook_that_bore_it(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """Killed before it could deliver: its successor finds the signal in the outbox."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}/webhook"
    first = await bot.start("sighook", webhook_url=url, **EAGER)
    await following(first)
    await step_until(exchange, sql, BORN)
    await first.kill()
    await bot.ready(await bot.start("webhook", webhook_port=port, **EAGER))
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 0
    # Its successor may bear others at any time.
    born = {row["signal_id"] for row in await sql.fetch("SELECT signal_id FROM signals")}

    await bot.start("sighook", webhook_url=url, **EAGER)

    await eventually(lambda: sql.fetchval(SETTLED), "every signal is delivered and decided on")
    assert born <= {row["signal_id"] for row in await sql.fetch("SELECT signal_id FROM inbound_signals")}
