"""The exchange takes fills back or corrects them, F29.

Each test ends with fills, cash, fees and holdings equal to the exchange's ledger, and a restart changes nothing.
"""

from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.app.reconcile import our_books
from coinbase_sim.model import Fill
from tests.integration.faults.conftest import HARD_STOP, audit, buy_and_stop_out, filled, script_of
from tests.integration.services.conftest import RunningWebhook, Stage, eventually

RECONCILE_INTERVAL_S = 300
BOOKED = (
    "SELECT * FROM fills ORDER BY fill_id",
    "SELECT * FROM executions ORDER BY execution_id",
    "SELECT * FROM amended_trades ORDER BY trade_id",
    "SELECT * FROM trade_records ORDER BY order_id",
    "SELECT * FROM order_transitions ORDER BY client_order_id, step",
    "SELECT symbol, position, sell_order_id, buy_order_id, pnl_usd FROM fifo_allocations ORDER BY symbol, position",
)


async def amend(stage: Stage, what: str, fill: Fill, **terms: str) -> None:
    """Have the exchange take a fill back or correct it; it tells nobody."""
    url = f"{stage.server.control_url}/{what}"
    async with stage.http.post(url, json={"trade_id": fill.trade_id, **terms}) as response:
        assert response.status == 200, await response.text()


async def reconciled(stage: Stage, webhook: RunningWebhook, price: str = "40000") -> None:
    """Let the interval between two reconciliations pass, and wait for the one that is due."""
    before = webhook.service.desk.last_reconciliation
    await stage.roll(price, RECONCILE_INTERVAL_S + 1)
    await eventually(lambda: webhook.service.desk.last_reconciliation is not before, "it is reconciled")
    await webhook.healthy()


async def books_are_equal(stage: Stage) -> None:
    """E2: to the last digit, coins, cash and fees."""
    ours = await our_books(stage.store)
    theirs = stage.books
    assert ours.cash == {"USD": theirs.totals["USD"]}
    assert ours.holdings.get("BTC", Decimal(0)) == theirs.totals["BTC"]
    assert ours.fees == theirs.fees


async def booked(sql: Connection) -> list[list[Any]]:
    return [[tuple(row.values()) for row in await sql.fetch(query)] for query in BOOKED]


async def restart_changes_nothing(stage: Stage, sql: Connection) -> None:
    before = await booked(sql)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await reconciled(stage, webhook)
        assert webhook.told("fill_amended") == webhook.told("books_differ") == []
        result = webhook.service.desk.last_reconciliation
        assert result is not None
        assert result.differences == ()
    assert await booked(sql) == before


async def test_f29_a_buy_that_is_taken_back_is_held_no_more(stage: Stage, sql: Connection) -> None:
    """F29, E2, E6: the position is gone, its stop sells nothing, and the order stays ended with nothing filled."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
        (fill,) = stage.server.simulator.fills()
        await amend(stage, "reversal", fill)
        await reconciled(stage, webhook)
        assert webhook.service.portfolio.positions() == []
        assert [told.fields["kind"] for told in webhook.told("fill_amended")] == ["reversal"]
        await stage.price(HARD_STOP)
        await reconciled(stage, webhook)
    await audit(stage, sql, orders=1)
    await books_are_equal(stage)
    record = await filled(sql, "buy")
    assert (record["filled_size"], record["filled_value"], record["fees"]) == (0, 0, 0)
    await restart_changes_nothing(stage, sql)


async def test_f29_a_corrected_buy_changes_what_its_sale_earned(stage: Stage, sql: Connection) -> None:
    """F29, E2, E6: at half the price and the fee it cost half as much, and the sale earned the other half more."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
        (before,) = await stage.store.allocations()
        buy = stage.server.simulator.fills()[0]
        # The exchange takes the coins back before it books them again, and they are sold: it is lent them meanwhile.
        stage.server.simulator.set_balance("BTC", buy.size)
        await amend(stage, "correction", buy, price=f"{buy.price / 2:f}", commission=f"{buy.commission / 2:f}")
        stage.server.simulator.set_balance("BTC", Decimal(0))
        await reconciled(stage, webhook)
        assert [told.fields["kind"] for told in webhook.told("fill_amended")] == ["reversal", "correction"]
    await audit(stage, sql, orders=2)
    await books_are_equal(stage)
    (after,) = await stage.store.allocations()
    assert before.pnl is not None
    assert before.cost_basis is not None
    assert (after.cost_basis, after.pnl) == (before.cost_basis / 2, before.pnl + before.cost_basis / 2)
    await restart_changes_nothing(stage, sql)


async def test_f29_a_sale_that_is_taken_back_is_sold_again(stage: Stage, sql: Connection) -> None:
    """F29, L1: the coins are back and under their stop, which is still passed."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await buy_and_stop_out(stage, webhook, sql)
        await amend(stage, "reversal", stage.server.simulator.fills()[1])
        await reconciled(stage, webhook, HARD_STOP)
        await stage.price(HARD_STOP)
        sales = "SELECT count(*) = 2 FROM trade_records WHERE side = 'sell' AND status = 'filled'"
        await eventually(lambda: sql.fetchval(sales), "the coins are sold again")
        await eventually(lambda: not webhook.service.portfolio.positions(), "flat")
    await audit(stage, sql, orders=3)
    await books_are_equal(stage)
    await restart_changes_nothing(stage, sql)


@pytest.mark.parametrize("listing", ["repeat_row", "reverse_rows"])
async def test_f29_amendments_made_while_the_bot_was_away(stage: Stage, sql: Connection, listing: str) -> None:
    """F29, F19, F21: a chain of three corrections and a reversal, listed twice or upside down when the bot starts."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
    simulator = stage.server.simulator
    row = simulator.fills()[0]
    for price in (39_000, 41_000, 39_500):
        await stage.roll("40000", 10)
        _, row = simulator.correct_fill(row.trade_id, Decimal(price), row.commission + Decimal("0.01"))
    await stage.fault("GET /orders/historical/fills", listing, times=0)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        (position,) = webhook.service.portfolio.positions()
        assert position.size == row.size
        assert position.cost == row.size * 39_500 + row.commission
    await books_are_equal(stage)
    simulator.reverse_fill(row.trade_id)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        assert webhook.service.portfolio.positions() == []
    assert script_of(stage).unfired == []
    await audit(stage, sql, orders=1)
    await books_are_equal(stage)
    await restart_changes_nothing(stage, sql)
