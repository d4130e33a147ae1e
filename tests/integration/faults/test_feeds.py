"""The bot's services meet what can go wrong with the exchange's streams and executions, F20 to F30.

Each test ends with one order per intent and with books that equal the exchange's.
"""

from dataclasses import replace

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.integration.faults.conftest import (
    HARD_STOP,
    audit,
    buy_and_stop_out,
    clear,
    cut_user,
    filled,
    heartbeats,
    held,
    let_time_pass,
    outcome_of,
    script_of,
)
from tests.integration.services.conftest import Stage, eventually

pytestmark = pytest.mark.component("websocket_handler")


async def test_f20_a_fill_that_is_listed_and_told_twice_is_booked_once(stage: Stage, sql: Connection) -> None:
    """F20: the same trade id twice in every listing of fills, and every order update twice."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET /orders/historical/fills", "repeat_row", times=0)
        await stage.fault("ws user", "repeat_message", times=0)
        await buy_and_stop_out(stage, webhook, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=2)
    assert script_of(stage).unfired == []


async def test_f21_updates_and_fills_out_of_order_end_in_the_same_books(stage: Stage, sql: Connection) -> None:
    """F21: each second update comes after the next one, and listings are upside down."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("ws user", "hold_message", rate=0.5, seed=21, times=0)
        await stage.fault("GET /orders/historical/fills", "reverse_rows", times=0)
        await buy_and_stop_out(stage, webhook, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f22_a_fill_that_is_told_before_the_order_is_answered(stage: Stage, sql: Connection) -> None:
    """F22: the update waits for the answer, and the order is booked once."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "hold_reply", times=0)
        await webhook.send("buy")
        await held(stage)
        await let_time_pass(stage, 3)
        assert await sql.fetchval("SELECT count(*) FROM fills") == 0
        stage.release()
        await filled(sql, "buy")
        await stage.price(HARD_STOP)
        await held(stage)
        await let_time_pass(stage, 3, price=38_000)
        assert await sql.fetchval("SELECT count(*) FROM fills") == 1
        stage.release()
        await filled(sql, "sell")
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f23_while_the_market_stream_is_silent_nothing_is_bought(stage: Stage, sql: Connection) -> None:
    """F23: the socket stays open; the silence is noticed, entries are refused, then the stream is made anew."""
    patient = stage.venue
    stage.venue = replace(patient, streams=replace(patient.streams, silence_timeout_s=0.5))
    async with stage.webhook() as webhook, heartbeats(stage):
        await webhook.healthy()
        await stage.fault("ws ticker", "stall")
        await stage.fault("subscribe ticker", "drop_ack", times=0)
        await stage.price("40000")
        await eventually(lambda: webhook.service.watcher.is_blind, "the silence is noticed")
        _, _, signal_id = await webhook.send("buy")
        assert await outcome_of(sql, signal_id) == ("refused", "STALE_PRICE")
        assert stage.orders == []
        clear(stage)
        await eventually(lambda: not webhook.service.watcher.is_blind, "it sees again")
    # So short a patience would take a busy machine for a silent exchange, so the rest is traded with a longer one.
    stage.venue = patient
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


@pytest.mark.parametrize("channel", ["ticker", "user"])
async def test_f24_a_message_that_is_missing_makes_the_stream_anew(stage: Stage, sql: Connection, channel: str) -> None:
    """F24: whatever the message said is asked for by request."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault(f"ws {channel}", "drop_message")
        await webhook.send("buy")
        await filled(sql, "buy")
        await let_time_pass(stage, 3)
        lost = "market_stream_lost" if channel == "ticker" else "user_stream_lost"
        (told,) = await eventually(lambda: webhook.told(lost), "the gap is noticed")
        assert "missing" in str(told.fields["cause"])
        await webhook.healthy()
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)


async def test_f25_old_updates_told_again_after_a_reconnect_change_nothing(stage: Stage, sql: Connection) -> None:
    """F25"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
        await stage.fault("subscribe user", "replay", times=0)
        for _ in range(2):
            await cut_user(stage)
            await webhook.healthy()
        await let_time_pass(stage, 5)
    await audit(stage, sql, orders=2)
    assert script_of(stage).unfired == []


async def test_f26_without_an_acknowledgement_the_bot_is_not_ready(stage: Stage, sql: Connection) -> None:
    """F26: prices come in, but nobody said that the subscription stands; nothing is bought on them."""
    stage.venue = replace(stage.venue, streams=replace(stage.venue.streams, ack_timeout_s=0.5))
    await stage.fault("subscribe ticker", "drop_ack", times=0)
    async with stage.webhook() as webhook:
        lost = webhook.log.counts
        await eventually(lambda: lost["market_stream_lost"], "the missing acknowledgement is noticed")
        assert "the market stream is down" in webhook.service.health().faults
        _, _, signal_id = await webhook.send("buy")
        assert await outcome_of(sql, signal_id) == ("refused", "STALE_PRICE")
        await eventually(lambda: lost["market_stream_lost"] >= 2, "the next connection is not acknowledged either")
        assert stage.orders == []
        clear(stage)
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f27_a_dead_ticker_beside_a_live_heartbeat_stops_buying(stage: Stage, sql: Connection) -> None:
    """F27: heartbeats go on, so the stream counts as live, but its price is older than a minute."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("ws ticker", "mute", times=0)
        await let_time_pass(stage, 70)
        _, _, signal_id = await webhook.send("buy")
        assert await outcome_of(sql, signal_id) == ("refused", "STALE_PRICE")
        assert stage.orders == []
        clear(stage)
        await stage.price("40000")
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f28_a_fill_that_is_listed_a_minute_late_with_its_old_time_is_booked(
    stage: Stage, sql: Connection
) -> None:
    """F28: the order counts as open until its fill is listed; a newer fill does not make the old one skipped."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET /orders/historical/fills", "hide_rows", times=0)
        await webhook.send("buy")
        await eventually(lambda: stage.orders, "the order is at the exchange")
        await let_time_pass(stage, 60)
        assert await sql.fetchval("SELECT count(*) FROM fills") == 0
        assert len(webhook.service.portfolio.open_orders()) == 1
        clear(stage)
        await let_time_pass(stage, 4)
        await filled(sql, "buy")
        await eventually(lambda: not webhook.service.portfolio.open_orders(), "settled")
    await audit(stage, sql, orders=1)


@pytest.mark.parametrize("do", ["crossed_tick", "zero_tick", "nan_tick"])
async def test_f30_a_tick_that_no_market_has_moves_nothing(stage: Stage, sql: Connection, do: str) -> None:
    """F30: neither a stop nor an entry follows from it while the market stands; the next good price trades."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
        await stage.fault("ws ticker", do, times=0)
        await let_time_pass(stage, 5)
        assert len(stage.orders) == 1
        clear(stage)
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)
