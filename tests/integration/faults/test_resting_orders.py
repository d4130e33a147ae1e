"""A cancel meets a fill on its way, F16 and F17: the position is bracketed at the exchange, and the bot wants out.

Bought at 40,000 with the fee of the taker, 0.8 %. A fixed stop of 6 % plus spread and fee lies below 37,300, the
target of 10 % plus both above 44,300. The hard stop of the bot, 4.5 % after fees, is reached first at 38,000.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.integration.faults.conftest import audit, filled, script_of
from tests.integration.services.conftest import RunningWebhook, Stage, eventually

pytestmark = pytest.mark.component("position_monitor")

BRACKETED = {
    "bracket_enabled": "true",
    "stop_mode": "fixed",
    "stop_loss": "-0.06",
    "take_profit": "0.10",
    "roc_sl_multiplier": "1",
    "roc_tp_multiplier": "1",
}
CANCEL = "POST /orders/batch_cancel"
BRACKETS = "SELECT * FROM trade_records WHERE trigger = 'BRACKET'"


async def row_of(sql: Connection, query: str) -> Mapping[str, Any]:
    """Return the one row that is asked for."""
    row = await sql.fetchrow(query)
    assert row is not None, query
    return row


async def bracketed(stage: Stage, webhook: RunningWebhook, sql: Connection) -> Any:
    """Buy, and return the order of the bracket once the exchange has it."""
    await webhook.healthy()
    await webhook.send("buy")
    await filled(sql, "buy")
    await eventually(lambda: len(stage.orders) == 2, "the bracket is at the exchange")
    bracket = stage.orders[1].request
    assert (bracket.side.value, bracket.base_size) == ("SELL", stage.orders[0].filled_size)
    assert not bracket.post_only
    return bracket


async def flat(stage: Stage, webhook: RunningWebhook) -> None:
    await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    await eventually(lambda: not webhook.service.portfolio.open_orders(), "every order has ended")
    assert stage.books.totals["BTC"] == 0


async def test_f16_the_stop_at_the_exchange_wins_against_the_cancel(stage: Stage, sql: Connection) -> None:
    """F16, B126: the cancel comes too late, so nothing is left to sell and nothing is sold."""
    async with stage.webhook(**BRACKETED) as webhook:
        await bracketed(stage, webhook, sql)
        await stage.fault(CANCEL, "tick_first", tick={"price": "37000"})
        await stage.price("38000")
        await flat(stage, webhook)
    await audit(stage, sql, orders=2)
    row = await row_of(sql, BRACKETS)
    assert (row["status"], row["filled_size"]) == ("filled", row["size"])
    assert row["notes"].startswith("stop_loss:")
    assert row["parent_id"] == stage.orders[0].request.client_order_id
    assert script_of(stage).unfired == []


async def test_f16_the_target_wins_against_the_cancel(stage: Stage, sql: Connection) -> None:
    """F16: the market turns round while the cancel is on its way."""
    async with stage.webhook(**BRACKETED) as webhook:
        await bracketed(stage, webhook, sql)
        await stage.fault(CANCEL, "tick_first", tick={"price": "46000"})
        await stage.price("38000")
        await flat(stage, webhook)
    await audit(stage, sql, orders=2)
    assert (await row_of(sql, BRACKETS))["notes"].startswith("take_profit:")


async def test_f17_what_a_partial_fill_leaves_is_sold_and_no_more(stage: Stage, sql: Connection) -> None:
    """F17, B127: 0.001 fill at the target before the cancel; the stop sells the rest, never below what was filled."""
    async with stage.webhook(**BRACKETED) as webhook:
        bracket = await bracketed(stage, webhook, sql)
        tick = {"price": str(bracket.limit_price), "size": "0.001"}
        await stage.fault(CANCEL, "tick_first", tick=tick)
        await stage.price("38000")
        await flat(stage, webhook)
    await audit(stage, sql, orders=3, filled_orders=2)
    part = await row_of(sql, BRACKETS)
    assert (part["status"], part["filled_size"]) == ("cancelled", Decimal("0.001"))
    assert part["notes"].startswith("take_profit:")
    stop = await row_of(sql, "SELECT * FROM trade_records WHERE trigger = 'HARD_STOP'")
    assert stop["filled_size"] == bracket.base_size - Decimal("0.001")
    assert script_of(stage).unfired == []


async def test_without_a_race_the_bracket_is_cancelled_and_everything_is_sold(stage: Stage, sql: Connection) -> None:
    """B103, R17: cancelled first, then sold at the market."""
    async with stage.webhook(**BRACKETED) as webhook:
        bracket = await bracketed(stage, webhook, sql)
        await stage.price("38000")
        await flat(stage, webhook)
    assert [order.status.value for order in stage.orders] == ["FILLED", "CANCELLED", "FILLED"]
    assert stage.orders[2].filled_size == bracket.base_size
    await audit(stage, sql, orders=3, filled_orders=2)


async def test_a_cancel_whose_reply_is_lost_is_followed_by_no_second_sell(stage: Stage, sql: Connection) -> None:
    """B126, R84: the order is cancelled all the same; only when the exchange says so is the position sold."""
    async with stage.webhook(**BRACKETED) as webhook:
        await bracketed(stage, webhook, sql)
        await stage.fault(CANCEL, "drop_reply")
        await stage.price("38000")
        await flat(stage, webhook)
        assert webhook.told("cancel_unanswered")
    await audit(stage, sql, orders=3, filled_orders=2)


async def test_the_exchange_leaves_by_its_own_stop_while_the_bot_is_away(stage: Stage, sql: Connection) -> None:
    """B78, R10: that is what a bracket is for; the next life books it with its parent and its reason."""
    async with stage.webhook(**BRACKETED) as webhook:
        await bracketed(stage, webhook, sql)
    await stage.price("37000")
    async with stage.webhook(**BRACKETED) as webhook:
        await webhook.healthy()
        await flat(stage, webhook)
    await audit(stage, sql, orders=2)
    assert (await row_of(sql, BRACKETS))["notes"].startswith("stop_loss:")
