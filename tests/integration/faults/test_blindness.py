"""The whole service when it does not see: nothing is bought, and what is held is protected all the same.

Whatever a test needs to have been looked at, it looks at by hand (`look`), so that nothing waits in real time.
"""

from dataclasses import replace

import pytest

from bottrader.adapters.postgres.connection import Connection
from coinbase_sim.drafts import DuplicateIds
from tests.integration.faults.conftest import HARD_STOP, audit, buy_and_stop_out, clear, cut_user, filled, outcome_of
from tests.integration.services.conftest import RunningWebhook, Stage, eventually

STORMS = [
    ("F1", "drop_request"),
    ("F2", "drop_reply"),
    ("F5", "http_429"),
    ("F5", "http_429_html"),
    ("F7", "http_500_placed"),
    ("F7", "http_502_not_placed"),
    ("F7", "http_503_placed"),
    ("F9", "truncate"),
]


async def look(webhook: RunningWebhook, times: int) -> None:
    """Let seconds of real time pass for the service, as far as its looks go."""
    for _ in range(times):
        webhook.service.desk.look()
        await webhook.service.probe.look()
        await webhook.quiet()


async def held(stage: Stage, webhook: RunningWebhook, sql: Connection) -> None:
    """Have a position at 40,000."""
    await webhook.healthy()
    await webhook.send("buy")
    await filled(sql, "buy")
    await webhook.quiet()


async def refused(webhook: RunningWebhook, sql: Connection) -> str:
    _, _, signal_id = await webhook.send("buy")
    kind, code = await outcome_of(sql, signal_id)
    assert kind == "refused"
    return code


@pytest.mark.parametrize(("fault", "do"), STORMS)
@pytest.mark.parametrize("duplicates", list(DuplicateIds))
async def test_f01_to_f07_a_stop_of_unknown_outcome_is_sent_again_as_it_was(
    stage: Stage, sql: Connection, fault: str, do: str, duplicates: DuplicateIds
) -> None:
    """F1, F2, F5, F6, F7, S1, L2: one order at the exchange, filled within two looks, no 30 s of waiting.

    Both answers that a repeated client order id may get are played: the order that exists, and a refusal.
    """
    assert fault
    stage.server.simulator.set_duplicate_ids(duplicates)
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("POST /orders", do)
        await stage.price(HARD_STOP)
        await eventually(lambda: webhook.told("order_unknown"), "the outcome is unknown")
        await look(webhook, 2)
        await filled(sql, "sell")
        await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    await audit(stage, sql, orders=2)


async def test_f06_after_a_storm_of_429_the_stop_is_there_within_two_looks(stage: Stage, sql: Connection) -> None:
    """F6: the storm refuses orders only, so that the test need not wait for questions that are asked four times."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("POST /orders", "http_429_html", times=0)
        await stage.price(HARD_STOP)
        await eventually(lambda: webhook.told("order_unknown"), "the outcome is unknown")
        await look(webhook, 6)
        assert len(stage.orders) == 1
        assert await refused(webhook, sql) == "SKIPPED_OPEN_ORDER"
        clear(stage)
        await look(webhook, 2)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)


async def test_f23_a_stop_is_judged_by_request_while_no_tick_comes(stage: Stage, sql: Connection) -> None:
    """F23, S7: tickers are not sent; two looks, and the fall is sold."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("ws ticker", "mute", times=0)
        await stage.price(HARD_STOP)
        await look(webhook, 2)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)


async def test_f27_a_dead_ticker_is_found_and_nothing_is_bought_until_it_speaks(stage: Stage, sql: Connection) -> None:
    """F27, S7: heartbeats go on; the exchange shows trades that were not told, the stream is made anew."""
    stage.venue = replace(stage.venue, streams=replace(stage.venue.streams, ack_timeout_s=0.5))
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.price("40000")
        await webhook.quiet()
        await look(webhook, 1)
        await stage.fault("ws ticker", "mute", times=0)
        await stage.fault("subscribe ticker", "drop_ack", times=0)
        await stage.price("40100")
        await look(webhook, 6)
        (told,) = webhook.told("market_channel_dead")
        assert told.fields["channel"] == "ticker"
        assert await refused(webhook, sql) == "STALE_PRICE"
        assert stage.orders == []
        clear(stage)
        await eventually(lambda: len(webhook.told("market_stream_live")) == 2, "connected anew")
        await stage.price("40000")
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f27_a_quiet_market_is_not_a_dead_channel(stage: Stage, sql: Connection) -> None:
    """F27: nothing is traded for a hundred looks, not even after an order of ours."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        for _ in range(10):
            await stage.server.publish_heartbeat()
            await look(webhook, 10)
        assert webhook.told("market_channel_dead") == []
        await webhook.healthy()
    await audit(stage, sql, orders=1)


async def test_f27_dead_candles_are_found(stage: Stage) -> None:
    """F27: the trailing stop needs candles; a later bucket opened, and nobody said so."""
    async with stage.webhook(trailing_stop_enabled="true") as webhook:
        await webhook.healthy()
        await stage.price("40000")
        await webhook.quiet()
        await look(webhook, 1)
        await stage.fault("ws candles", "mute", times=0)
        await stage.roll("40000", 700)
        await webhook.quiet()
        await look(webhook, 17)
        (told,) = webhook.told("market_channel_dead")
        assert told.fields["channel"] == "candles"
        assert webhook.service.watcher.is_blind


async def test_f27_a_dead_user_channel_costs_nothing(stage: Stage, sql: Connection) -> None:
    """F27, E1: no order update ever comes; every order is asked about, so fills are booked all the same."""
    await stage.fault("ws user", "mute", times=0)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_reply")
        await webhook.send("buy")
        await eventually(lambda: webhook.told("order_unknown"), "the outcome is unknown")
        await look(webhook, 2)
        await filled(sql, "buy")
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f25_a_thousand_old_updates_cause_no_request(stage: Stage, sql: Connection) -> None:
    """F25: after the reconciliation of a reconnect the replay asks nothing more."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
        await stage.fault("subscribe user", "replay", times=0)
        await stage.fault("GET /orders/historical/{order_id}", "unknown_field", times=0)
        await cut_user(stage)
        await eventually(lambda: not webhook.service.desk.is_user_stream_live, "the cut is noticed")
        await webhook.healthy()
        await webhook.quiet()
        (asked,) = [fault for fault in stage.server.faults.counts() if fault["on"].startswith("GET")]
        assert asked["seen"] == 0
    await audit(stage, sql, orders=2)


async def test_f30_a_tick_of_ten_times_the_market_sells_and_buys_nothing(stage: Stage, sql: Connection) -> None:
    """F30, S6: it is asked about, told, and forgotten; the next fall is sold."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("ws ticker", "tenfold_tick")
        await stage.price("40001")
        await webhook.quiet()
        assert len(webhook.told("price_doubted")) == 1
        assert len(stage.orders) == 1
        # A second one, although the first was not confirmed, stands as alone as the first.
        await stage.fault("ws ticker", "tenfold_tick")
        await stage.price("40002")
        await webhook.quiet()
        assert len(stage.orders) == 1
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)


@pytest.mark.parametrize("do", ["crossed_tick", "zero_tick"])
async def test_f30_a_tick_that_no_market_has_silences_no_stop(stage: Stage, sql: Connection, do: str) -> None:
    """F30: the market fell, the stream tells nonsense; the exchange is asked, and the stop is sold by its answer."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("ws ticker", do, times=0)
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        assert len(webhook.told("price_unusable")) == 1
    await audit(stage, sql, orders=2)


async def test_f30_a_crash_is_sold_on_its_first_tick(stage: Stage, sql: Connection) -> None:
    """F30: the exchange confirms at once what looked like an error."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.price("20000")
        await filled(sql, "sell")
        assert webhook.told("price_doubted")
    await audit(stage, sql, orders=2)


async def test_s7_nothing_is_bought_while_the_user_stream_is_down(stage: Stage, sql: Connection) -> None:
    """S7: it cannot come back, because its subscription is not acknowledged; the stop goes out all the same."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("subscribe heartbeats", "drop_ack", times=0)
        await stage.fault("subscribe user", "drop_ack", times=0)
        await cut_user(stage)
        await eventually(lambda: not webhook.service.desk.is_user_stream_live, "the cut is noticed")
        assert await refused(webhook, sql) == "USER_STREAM_DOWN"
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)


async def test_s7_after_a_reconnect_an_entry_waits_for_what_was_missed(stage: Stage, sql: Connection) -> None:
    """B270, R39: the reconciliation hangs on its first question; the entry is decided after it has ended."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET /transaction_summary", "delay_reply", 0.3)
        await cut_user(stage)
        await eventually(lambda: len(webhook.told("user_stream_live")) == 2, "the stream is back")
        assert "what the user stream missed is not known yet" in webhook.service.health().faults
        await webhook.send("buy")
        await filled(sql, "buy")
        events = [told.event for told in webhook.log.newest]
        assert events.index("order_sent") > len(events) - 1 - events[::-1].index("reconciled")
    await audit(stage, sql, orders=1)


async def test_s7_nothing_is_bought_after_a_reconciliation_that_failed(stage: Stage, sql: Connection) -> None:
    """S7: the venue answers everything but the fee rates."""
    async with stage.webhook() as webhook:
        await held(stage, webhook, sql)
        await stage.fault("GET /transaction_summary", "http_403", times=0)
        await cut_user(stage)
        await eventually(lambda: webhook.told("not_reconciled"), "the reconciliation failed")
        assert await refused(webhook, sql) == "RECONCILIATION_FAILED"
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
    await audit(stage, sql, orders=2)
