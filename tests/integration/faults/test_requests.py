"""The bot's services meet what can go wrong with a request to the exchange, F1 to F19.

Each test ends with one order per intent and with books that equal the exchange's.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.domain.market import ProductId
from coinbase_sim.model import ProductGates
from tests.integration.faults.conftest import (
    HARD_STOP,
    audit,
    buy_and_stop_out,
    clear,
    cut_user,
    filled,
    held,
    impatient,
    let_time_pass,
    outcome_of,
    refusal_of,
    script_of,
)
from tests.integration.services.conftest import RunningWebhook, Stage, eventually


async def unknown(webhook: RunningWebhook) -> None:
    await eventually(lambda: webhook.told("order_unknown"), "the outcome is unknown")


async def found(stage: Stage, sql: Connection) -> None:
    """The order is asked for as prices come, found and booked."""
    await let_time_pass(stage, 4)
    await filled(sql, "buy")


async def not_there(stage: Stage, sql: Connection) -> None:
    """Past the listing lag of 30 s, and not before, the order counts as not placed."""
    await let_time_pass(stage, 20)
    assert await sql.fetchval("SELECT count(*) FROM order_transitions WHERE state = 'refused'") == 0
    await let_time_pass(stage, 20)
    assert (await refusal_of(sql)).startswith("NOT_AT_VENUE")


async def test_f01_a_lost_request_is_settled_as_not_there(stage: Stage, sql: Connection) -> None:
    """F1: nothing was placed, nothing is placed later, and the next signal trades."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_request")
        await webhook.send("buy")
        await unknown(webhook)
        await not_there(stage, sql)
        await buy_and_stop_out(stage, webhook, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f02_a_lost_reply_is_found_and_never_ordered_again(stage: Stage, sql: Connection) -> None:
    """F2: the third order is placed and its reply lost."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_reply", nth=3)
        await buy_and_stop_out(stage, webhook, sql)
        await stage.price("40000")
        await webhook.send("buy")
        await unknown(webhook)
        await let_time_pass(stage, 4)
        buys = "SELECT count(*) = 2 FROM trade_records WHERE side = 'buy' AND status = 'filled'"
        await eventually(lambda: sql.fetchval(buys), "the second buy is found")
        await webhook.healthy()
    await audit(stage, sql, orders=3)
    assert script_of(stage).unfired == []


async def test_f03_a_slow_reply_is_waited_for_and_nothing_else_is_ordered(stage: Stage, sql: Connection) -> None:
    """F3: while the answer is out a second signal waits its turn behind the order."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "hold_reply")
        await webhook.send("buy")
        await held(stage)
        _, _, second = await webhook.send("buy")
        await let_time_pass(stage, 30)
        assert len(stage.orders) == 1
        stage.release()
        await filled(sql, "buy")
        assert await outcome_of(sql, second) == ("refused", "POSITION_EXISTS")
        await webhook.healthy()
    await audit(stage, sql, orders=1)


async def test_f04_a_reply_that_comes_after_the_order_was_found_changes_nothing(stage: Stage, sql: Connection) -> None:
    """F4: the client has given up, asked, and booked the fill before the exchange answers."""
    impatient(stage, 1.0)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "hold_reply")
        await webhook.send("buy")
        await unknown(webhook)
        await found(stage, sql)
        assert stage.server.faults.held_count == 1
        stage.release()
        await let_time_pass(stage, 4)
        await webhook.healthy()
    await audit(stage, sql, orders=1)


@pytest.mark.parametrize("do", ["http_429", "http_429_html"])
async def test_f05_a_429_to_an_order_is_not_taken_for_an_answer(stage: Stage, sql: Connection, do: str) -> None:
    """F5: whether it was refused before it was booked is found out by asking, not by guessing."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", do)
        await webhook.send("buy")
        await unknown(webhook)
        await not_there(stage, sql)
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f06_a_storm_of_429_delays_the_stop_and_buys_nothing(stage: Stage, sql: Connection) -> None:
    """F6: the exit is sent again once the exchange answers, and only when the first one is surely not there."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
        await stage.fault("* *", "http_429_html", lasts_s=600)
        await stage.price(HARD_STOP)
        await unknown(webhook)
        await webhook.send("buy")
        assert len(stage.orders) == 1
        clear(stage)
        await let_time_pass(stage, 45, price=38_000)
        await filled(sql, "sell")
        await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    await audit(stage, sql, orders=2)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_f07_a_5xx_to_an_order_that_was_placed(stage: Stage, sql: Connection, status: int) -> None:
    """F7"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", f"http_{status}_placed")
        await webhook.send("buy")
        await unknown(webhook)
        await found(stage, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=1)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_f07_a_5xx_to_an_order_that_was_not_placed(stage: Stage, sql: Connection, status: int) -> None:
    """F7"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", f"http_{status}_not_placed")
        await webhook.send("buy")
        await unknown(webhook)
        await not_there(stage, sql)
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


@pytest.mark.parametrize(
    "code", ["INSUFFICIENT_FUND", "INVALID_PRICE_PRECISION", "PREVIEW_INVALID_LIMIT_PRICE", "A_REASON_ADDED_TODAY"]
)
async def test_f08_a_refusal_in_a_200_leaves_nothing_behind(stage: Stage, sql: Connection, code: str) -> None:
    """F8: whichever of the venue's fields holds the reason, it is kept, and no order stays open."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "not_success", code=code)
        await webhook.send("buy")
        assert code.removeprefix("PREVIEW_") in await refusal_of(sql)
        await eventually(lambda: not webhook.service.portfolio.open_orders(), "nothing stays open")
        await buy_and_stop_out(stage, webhook, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f09_half_a_reply_to_an_order_is_no_answer(stage: Stage, sql: Connection) -> None:
    """F9"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "truncate")
        await webhook.send("buy")
        await unknown(webhook)
        await found(stage, sql)
    await audit(stage, sql, orders=1)


async def test_f09_fields_that_nobody_knows_are_passed_over(stage: Stage, sql: Connection) -> None:
    """F9"""
    await stage.fault("* *", "unknown_field", times=0)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=2)


async def test_f09_an_unknown_status_is_not_guessed(stage: Stage, sql: Connection) -> None:
    """F9: the order stays open, and is settled when the exchange says something that can be read."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET /orders/historical/{order_id}", "unknown_enum", times=0)
        await webhook.send("buy")
        await eventually(lambda: webhook.told("order_not_settled"), "what came was not understood")
        assert await sql.fetchval("SELECT count(*) FROM fills") == 0
        assert len(webhook.service.portfolio.open_orders()) == 1
        clear(stage)
        await found(stage, sql)
    await audit(stage, sql, orders=1)


async def test_f10_one_401_to_a_question_is_cured(stage: Stage, sql: Connection) -> None:
    """F10"""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET *", "http_401")
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)
    assert script_of(stage).unfired == []


async def test_f10_while_the_venues_clock_is_off_nothing_is_lost(stage: Stage, sql: Connection) -> None:
    """F10: every token is refused as expired; the signal waits with an alarm until the clocks agree."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        stage.server.faults.clock_skew_s = 600
        await webhook.send("buy")
        await eventually(lambda: webhook.told("work_postponed"), "an alarm")
        assert stage.orders == []
        stage.server.faults.clock_skew_s = 0
        await cut_user(stage)
        await filled(sql, "buy")
        await webhook.healthy()
    await audit(stage, sql, orders=1)


async def test_f11_a_revoked_key_stops_trading_and_loses_nothing(stage: Stage, sql: Connection) -> None:
    """F11: the signal waits with an alarm; once the key opens the door again it is carried out."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("* *", "http_401", times=0)
        await webhook.send("buy")
        await eventually(lambda: webhook.told("work_postponed"), "an alarm")
        assert stage.orders == []
        clear(stage)
        # Coming back, the user stream has everything reconciled, which takes up what was postponed.
        await cut_user(stage)
        await filled(sql, "buy")
        await webhook.healthy()
    await audit(stage, sql, orders=1)


async def test_f12_a_closed_product_is_not_bought(stage: Stage, sql: Connection) -> None:
    """F12: the exchange closes the product between two looks at it; once it is open again the bot trades."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        stage.server.simulator.set_product_state("BTC-USD", ProductGates(cancel_only=True))
        await webhook.send("buy")
        await refusal_of(sql)
        assert stage.orders == []
        stage.server.simulator.set_product_state("BTC-USD", ProductGates())
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f13_after_a_change_of_increments_orders_lie_on_the_new_grid(stage: Stage, sql: Connection) -> None:
    """F13: the order that was quantised by the old rules is refused, the rules are read again."""
    simulator = stage.server.simulator
    async with stage.webhook() as webhook:
        await webhook.healthy()
        spec = simulator.products["BTC-USD"]
        # 40,080.01 is off the new grid, and so is 0.00249500.
        coarse = replace(spec, price_increment=Decimal(10), base_increment=Decimal("0.0001"))
        simulator.set_product_rules(coarse)
        await webhook.send("buy")
        assert "INVALID" in await refusal_of(sql)
        await cut_user(stage)
        await eventually(lambda: reconciled_with(webhook, Decimal("0.0001")), "the rules are read again")
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


def reconciled_with(webhook: RunningWebhook, base_increment: Decimal) -> bool:
    return webhook.service.portfolio.products[ProductId("BTC-USD")].base_increment == base_increment


async def test_f14_an_order_below_a_minimum_that_was_raised_is_refused(stage: Stage, sql: Connection) -> None:
    """F14: 100 USD are not enough any more; with the old minimum the bot trades again."""
    simulator = stage.server.simulator
    async with stage.webhook() as webhook:
        await webhook.healthy()
        spec = simulator.products["BTC-USD"]
        simulator.set_product_rules(replace(spec, quote_min_size=Decimal(500)))
        await webhook.send("buy")
        await refusal_of(sql)
        assert stage.orders == []
        simulator.set_product_rules(spec)
        await buy_and_stop_out(stage, webhook, sql)
    await audit(stage, sql, orders=2)


async def test_f15_money_that_left_the_account_is_not_spent(stage: Stage, sql: Connection) -> None:
    """F15: our books say 10,000, the exchange says 5; nothing is sent, once and for all."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        stage.server.simulator.set_balance("USD", Decimal(5))
        _, _, signal_id = await webhook.send("buy")
        kind, code = await outcome_of(sql, signal_id)
        assert (kind, code) == ("refused", "INSUFFICIENT_QUOTE")
        await let_time_pass(stage, 10)
    await audit(stage, sql, orders=0)


async def test_f18_a_young_order_that_is_not_listed_yet_is_not_taken_for_absent(stage: Stage, sql: Connection) -> None:
    """F18: the reply is lost, and for seconds neither the listing nor the lookup knows the order."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("POST /orders", "drop_reply")
        await stage.fault("GET /orders/historical/batch", "hide_rows", times=3)
        await stage.fault("GET /orders/historical/{order_id}", "not_found", times=3)
        await webhook.send("buy")
        await unknown(webhook)
        _, _, second = await webhook.send("buy")
        assert await outcome_of(sql, second) == ("refused", "SKIPPED_OPEN_ORDER")
        await let_time_pass(stage, 25)
        await filled(sql, "buy")
    await audit(stage, sql, orders=1)
    assert script_of(stage).unfired == []


@pytest.mark.parametrize("do", ["lose_row", "repeat_row"])
async def test_f19_a_row_lost_or_doubled_between_pages_of_fills(stage: Stage, sql: Connection, do: str) -> None:
    """F19: the order ends only when its fills add up to what the exchange says was filled."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.fault("GET /orders/historical/fills", do)
        await webhook.send("buy")
        await found(stage, sql)
        await webhook.healthy()
    await audit(stage, sql, orders=1)
    assert script_of(stage).unfired == []
