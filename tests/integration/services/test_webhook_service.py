"""The acting role against a wire-true exchange and a real database, in one process."""

import asyncio
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.domain.errors import StartupRefused
from tests.fixtures.lock_sessions import END_ADVISORY_HOLDERS
from tests.integration.services.conftest import Stage, eventually

FILLED = "SELECT * FROM trade_records WHERE side = '{side}' AND status = 'filled'"


async def filled(sql: Connection, side: str) -> object:
    return await eventually(lambda: sql.fetchrow(FILLED.format(side=side)), f"a filled {side}")


@pytest.mark.component("fifo_engine", "position_monitor")
async def test_a_signal_becomes_a_position_and_a_stop_ends_it(stage: Stage, sql: Connection) -> None:
    """B289: and the books agree to the last digit."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        status, answer, _ = await webhook.send("buy")
        assert (status, answer["code"]) == (200, "SUCCESS")
        await filled(sql, "buy")
        await stage.price("38000")
        await filled(sql, "sell")
        await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    sell = await sql.fetchrow("SELECT * FROM trade_records WHERE side = 'sell'")
    assert sell is not None
    assert sell["trigger"] == "HARD_STOP"
    pnl = await sql.fetchval("SELECT sum(pnl_usd) FROM fifo_allocations")
    assert stage.books.totals["USD"] == Decimal(10_000) + pnl
    assert stage.books.totals.get("BTC", Decimal(0)) == 0


async def test_a_signal_without_an_amount_is_ordered_by_the_size_of_its_trigger(stage: Stage, sql: Connection) -> None:
    """B38, R44, R45: from the payload to the exchange, ROC_MOMO buys for 20 USD and nothing else.

    The ask is 40,000.01, so the limit is that x 1.002 = 40,080.01002, a tick up; 20 / 40,080.02 = 0.00049900174...
    """
    async with stage.webhook(order_size_roc="20", order_size_signal="35") as webhook:
        await webhook.healthy()
        await webhook.send("buy", quote_size=None)
        await filled(sql, "buy")
        await stage.price("44000")
        await filled(sql, "sell")
    bought, sold = [order.request for order in stage.orders]
    assert (bought.side, bought.limit_price, bought.base_size) == ("BUY", Decimal("40080.02"), Decimal("0.000499"))
    assert (sold.side, sold.base_size) == ("SELL", Decimal("0.000499"))


@pytest.mark.component("order_manager")
async def test_a_lost_reply_is_unknown_then_found_and_ordered_once(stage: Stage, sql: Connection) -> None:
    """F2"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_reply")
        await webhook.send("buy")
        await eventually(lambda: webhook.told("order_unknown"), "unknown")
        for step in range(4):
            await stage.price(f"{40_001 + step}")
        await filled(sql, "buy")
        await webhook.healthy()
    assert len(stage.orders) == 1


async def test_while_an_order_is_unknown_the_bot_is_degraded_and_enters_no_more(stage: Stage, sql: Connection) -> None:
    """S3, B44"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_request")
        await webhook.send("buy")
        await eventually(lambda: webhook.told("order_unknown"), "unknown")
        assert any("unknown outcome" in fault for fault in webhook.service.health().faults)
        _, _, second = await webhook.send("buy")
        outcome = await eventually(
            lambda: sql.fetchrow("SELECT * FROM signal_outcomes WHERE signal_id = $1", second), "an outcome"
        )
        assert outcome["code"] == "SKIPPED_OPEN_ORDER"
    assert stage.orders == []


@pytest.mark.component("position_monitor")
async def test_a_restart_knows_its_position_and_guards_it(stage: Stage, sql: Connection) -> None:
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
    async with stage.webhook() as restarted:
        await restarted.healthy()
        assert len(restarted.service.portfolio.positions()) == 1
        await stage.price("38000")
        await filled(sql, "sell")
    assert len(stage.orders) == 2


async def test_killed_while_the_reply_was_on_its_way(stage: Stage, sql: Connection) -> None:
    """F31: the exchange has filled the order, the bot was cut off; the next start finds it by its id."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "hold_reply")
        await webhook.send("buy")
        await eventually(lambda: stage.orders, "the order is at the exchange")
    assert await sql.fetchval("SELECT count(*) FROM fills") == 0
    async with stage.webhook() as restarted:
        await restarted.healthy()
        await filled(sql, "buy")
    stage.release()
    assert len(stage.orders) == 1


async def test_a_signal_accepted_just_before_the_end_is_carried_out_by_the_next_start(
    stage: Stage, sql: Connection
) -> None:
    """R75, B261: the venue could not be asked for a balance, then the process ended."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        for _ in range(8):
            await stage.fault("GET /accounts", "drop_request")
        _, _, signal_id = await webhook.send("buy")
        await eventually(
            lambda: any(fault["fired"] for fault in stage.server.faults.counts()), "a balance is asked for"
        )
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 1
    async with stage.http.delete(f"{stage.server.control_url}/faults") as response:
        assert response.status == 200
    async with stage.webhook() as restarted:
        await restarted.healthy()
        await filled(sql, "buy")
    assert await sql.fetchval("SELECT code FROM signal_outcomes WHERE signal_id = $1", signal_id) == "SUCCESS"
    assert len(stage.orders) == 1


async def test_a_second_webhook_stands_by_and_takes_over(stage: Stage) -> None:
    """F33"""
    async with stage.webhook() as first:
        await first.healthy()
        stage.port = 0
        async with stage.webhook() as second:
            await asyncio.sleep(0.1)
            status, answer, _ = await second.send("buy")
            assert (status, answer["code"]) == (503, "NOT_READY")
            assert "waiting for another webhook" in second.service.health().faults[0]
            assert not second.service.is_acting.is_set()


async def test_no_position_is_opened_while_the_market_stream_is_gone(stage: Stage, sql: Connection) -> None:
    """S7"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        webhook.service.watcher.is_live = False
        assert "the market stream is down" in webhook.service.health().faults
        _, _, signal_id = await webhook.send("buy")
        outcome = await eventually(
            lambda: sql.fetchrow("SELECT * FROM signal_outcomes WHERE signal_id = $1", signal_id), "an outcome"
        )
        assert (outcome["kind"], outcome["code"]) == ("refused", "STALE_PRICE")
    assert stage.orders == []


async def test_cut_streams_come_back_and_the_bot_is_well_again(stage: Stage) -> None:
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("ws ticker", "drop_connection")
        await stage.price("40001")
        await eventually(lambda: webhook.told("market_stream_lost"), "the cut is told")
        await webhook.healthy()


END_HOLDER = "the database ends its session"
OVERTAKE = "a newer holder has a newer token"
LOSSES = {END_HOLDER: END_ADVISORY_HOLDERS, OVERTAKE: "UPDATE leases SET token = token + 1"}


@pytest.mark.parametrize(("loss", "check_s"), [(END_HOLDER, 3600), (OVERTAKE, 0.05)])
async def test_a_lost_lease_ends_the_webhook(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, sql: Connection, loss: str, check_s: float
) -> None:
    """F33, F41: another one may act, so this one must not; the end of the session is told and need not be asked for."""
    monkeypatch.setattr("bottrader.bootstrap.services.LEASE_CHECK_S", check_s)
    with pytest.raises(AssertionError) as ended:
        await _lose_the_lease(stage, sql, LOSSES[loss])
    cause = ended.value.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    assert isinstance(cause, StartupRefused)


async def _lose_the_lease(stage: Stage, sql: Connection, statement: str) -> None:
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await sql.execute(statement)
        await eventually(lambda: None, "the service ends, and this wait with it")


async def test_health_shows_what_runs(stage: Stage) -> None:
    """B264, R41, R43"""
    async with stage.webhook(max_exposure="1234") as webhook:
        await webhook.healthy()
        async with stage.http.get(f"http://127.0.0.1:{stage.port}/health") as response:
            shown = await response.json()
    assert (shown["status"], shown["role"], shown["faults"]) == ("ok", "webhook", [])
    assert shown["config_hash"] != stage.settings.config_hash()
    assert all(shown[name] for name in ("schema_revision", "snapshot_hash", "venue_time", "version"))
