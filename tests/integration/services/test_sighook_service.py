"""The wishing role: candles in, signals out, none lost and none doubled."""

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.integration.services.conftest import Stage, eventually

pytestmark = pytest.mark.component("signal_manager")

CANDLE_S = 300


async def rising_market(stage: Stage) -> None:
    """Forty candles around 40,000 to warm up with."""
    for number in range(40):
        await stage.roll("40000" if number % 2 else "40010", CANDLE_S)


async def one_signal(sql: Connection) -> object:
    return await eventually(lambda: sql.fetchrow("SELECT * FROM signals"), "a signal is born")


async def delivered(sql: Connection) -> None:
    await eventually(lambda: sql.fetchrow("SELECT * FROM inbound_signals"), "the signal is accepted")


async def test_a_closed_candle_becomes_an_order(stage: Stage, sql: Connection) -> None:
    """2 % within five candles: momentum. R47, R80: both roles act by one snapshot, and the order is linked to it."""
    await rising_market(stage)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        async with stage.sighook():
            await stage.roll("40800", CANDLE_S)
            await stage.roll("40800", 2)
            await one_signal(sql)
            await delivered(sql)
            await eventually(lambda: stage.orders, "an order")
    assert await sql.fetchval("SELECT count(*) FROM signals") == 1
    (snapshot,) = await sql.fetch("SELECT snapshot_id, parameters_text FROM strategy_snapshots")
    for word in ("take_profit_pct", "order_size_roc", "roc_window", "exposure_quote_max"):
        assert word in snapshot["parameters_text"]
    active = await sql.fetch("SELECT role, snapshot_id FROM strategy_activations WHERE active_until IS NULL ORDER BY 1")
    assert [tuple(row.values()) for row in active] == [
        ("sighook", snapshot["snapshot_id"]),
        ("webhook", snapshot["snapshot_id"]),
    ]
    (link,) = await stage.store.strategy_links()
    assert link.snapshot_id == snapshot["snapshot_id"]
    assert link.buy_score is not None
    assert link.buy_score >= 1


async def test_a_signal_born_before_the_webhook_is_up_is_delivered_once(stage: Stage, sql: Connection) -> None:
    """B265, R48"""
    await rising_market(stage)
    async with stage.webhook() as webhook:
        await webhook.healthy()
    async with stage.sighook():
        await stage.roll("40800", CANDLE_S)
        await stage.roll("40800", 2)
        await one_signal(sql)
        assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 0
        async with stage.webhook() as webhook:
            await delivered(sql)
            await eventually(lambda: stage.orders, "an order")
            await webhook.healthy()
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 1
    assert len(stage.orders) == 1


async def test_an_outbox_left_by_a_crash_is_delivered_by_the_next_start(stage: Stage, sql: Connection) -> None:
    await rising_market(stage)
    async with stage.webhook():
        pass
    async with stage.sighook():
        await stage.roll("40800", CANDLE_S)
        await stage.roll("40800", 2)
        await one_signal(sql)
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 0
    async with stage.webhook() as webhook:
        await webhook.healthy()
        async with stage.sighook():
            await delivered(sql)
            await eventually(lambda: stage.orders, "an order")
            await eventually(lambda: _nothing_is_open(stage), "the outbox is empty")
    assert len(stage.orders) == 1


async def test_candles_that_closed_while_the_stream_was_gone_are_asked_for(stage: Stage, sql: Connection) -> None:
    """R39, B270: the move happens during the outage and is still traded."""
    await rising_market(stage)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        async with stage.sighook() as log:
            await stage.fault("ws candles", "drop_connection")
            await stage.roll("40800", CANDLE_S + 2)
            await eventually(lambda: log.counts["market_stream_lost"], "the cut is told")
            signal = await one_signal(sql)
            await delivered(sql)
    assert signal is not None
    assert await sql.fetchval("SELECT count(*) FROM signals") == 1


async def test_a_restarted_sighook_repeats_no_signal(stage: Stage, sql: Connection) -> None:
    """B174: the same candles give the same id, and what is known is not born again."""
    await rising_market(stage)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        async with stage.sighook():
            await stage.roll("40800", CANDLE_S)
            await stage.roll("40800", 2)
            await one_signal(sql)
            await delivered(sql)
        async with stage.sighook() as log:
            await eventually(lambda: log.counts["market_stream_live"], "live again")
            assert log.counts["signal_born"] == 0
    assert await sql.fetchval("SELECT count(*) FROM signals") == 1
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 1


async def _nothing_is_open(stage: Stage) -> bool:
    return not await stage.store.undelivered_signals(10)
