"""One trade from signal to books, through real processes."""

from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.processes import Bot, Exchange, eventually, signal_body


@pytest.mark.component("fifo_engine", "position_monitor", "trade_recorder")
async def test_a_signal_becomes_a_position_and_a_profit_is_taken(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """B287: buy near 40,000 as taker, take profit at 42,500, books equal to the exchange's.

    A unit costs about 40,000 x 1.008 = 40,320 and brings 42,500 x 0.992 = 42,160: +4.6 %, above the 3.5 % target.
    """
    webhook = await bot.start("webhook")
    await bot.ready(webhook)

    status, answer = await bot.signal(webhook, signal_body("buy"))
    assert (status, answer["code"], answer["duplicate"]) == (200, "SUCCESS", False)
    buy = await eventually(
        lambda: sql.fetchrow("SELECT * FROM trade_records WHERE side = 'buy' AND status = 'filled'"), "filled buy"
    )

    await exchange.price("42500")
    sell = await eventually(
        lambda: sql.fetchrow("SELECT * FROM trade_records WHERE side = 'sell' AND status = 'filled'"), "filled sell"
    )

    assert sell["trigger"] == "TAKE_PROFIT"
    assert sell["parent_id"] == buy["order_id"]
    assert sell["notes"].startswith("take_profit:")
    allocation = await sql.fetchrow("SELECT * FROM fifo_allocations")
    assert allocation is not None
    assert allocation["buy_order_id"] == buy["order_id"]
    assert allocation["allocated_size"] == buy["size"]
    bought = buy["filled_value"] + buy["fees"]
    sold = sell["filled_value"] - sell["fees"]
    assert allocation["pnl_usd"] == sold - bought > 0
    books = await exchange.books()
    assert Decimal(books["totals"]["USD"]) == Decimal(10000) + sold - bought
    assert Decimal(books["totals"]["BTC"]) == 0
    assert Decimal(books["fees"]) == buy["fees"] + sell["fees"]


@pytest.mark.component("position_monitor")
async def test_a_fall_of_five_percent_is_stopped_at_the_market(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """B289: bought at 40,000, price 38,000: a market sell whose reason and parent are recorded."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchval("SELECT true FROM trade_records WHERE status = 'filled'"), "filled buy")

    await exchange.price("38000")

    sell = await eventually(
        lambda: sql.fetchrow("SELECT * FROM trade_records WHERE side = 'sell' AND status = 'filled'"), "filled sell"
    )
    buy = await sql.fetchrow("SELECT * FROM trade_records WHERE side = 'buy'")
    assert buy is not None
    assert sell["trigger"] == "HARD_STOP"
    assert "stop_loss" in sell["notes"]
    assert sell["parent_id"] == buy["order_id"]
    orders = await exchange.orders()
    assert [order["side"] for order in orders] == ["BUY", "SELL"]
    assert orders[1]["order_type"] == "MARKET"


@pytest.mark.component("order_manager")
async def test_a_second_signal_does_not_add_to_a_position(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """B42: its outcome is a refusal with a code, and no order leaves."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    await bot.signal(webhook, signal_body("buy"))
    await eventually(lambda: sql.fetchval("SELECT true FROM trade_records WHERE status = 'filled'"), "filled buy")

    second = signal_body("buy")
    await bot.signal(webhook, second)

    outcome = await eventually(
        lambda: sql.fetchrow("SELECT * FROM signal_outcomes WHERE signal_id = $1", second["uuid"]), "an outcome"
    )
    assert (outcome["kind"], outcome["code"]) == ("refused", "POSITION_EXISTS")
    assert len(await exchange.orders()) == 1
