"""What a person asks of a bot that has traded: every command beside the running one, on one stack.

Each test trades on a pair of its own first; none of the commands changes what another test sees of its pair.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bottrader.adapters.postgres import schema
from tests.fixtures.processes import SECRET
from tests.fixtures.shared_stack import CASH, Workflow

SETTINGS = {"LOG_LEVEL": "DEBUG"}


@pytest.fixture
async def traded(workflow: Workflow) -> Mapping[str, Any]:
    """A won trade of this pair; returns the record of its sell."""
    await workflow.buy()
    await workflow.price("42000")
    return await workflow.filled("sell")


async def test_the_report_shows_what_was_earned(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    printed = await workflow.command("report", "--out", "page.html", "--trades", "100")
    assert workflow.pair in printed
    assert "TAKE" in printed.upper()
    page = (workflow.stack.log.parent / workflow.pair / "page.html").read_text()
    assert workflow.pair in page


@pytest.mark.parametrize("kind", ["daily", "weekly"])
async def test_a_report_of_a_period_is_made_on_demand(workflow: Workflow, traded: Mapping[str, Any], kind: str) -> None:
    """The simulator's market is of the past, so a period of this test reaches back to it."""
    out = workflow.stack.log.parent / f"{kind}.html"
    await workflow.command("report", kind, "--hours", "100000", "--preview", str(out))
    assert workflow.pair in out.read_text()


async def test_every_pair_is_listed_with_whether_it_is_entered(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    row = next(line for line in (await workflow.command("symbols")).splitlines() if line.startswith(workflow.pair))
    assert row.split()[1] == "yes"


async def test_a_signal_is_explained_to_its_order(workflow: Workflow) -> None:
    _, _, signal_id = await workflow.send()
    await workflow.filled("buy")
    told = await workflow.command("explain", signal_id)
    assert workflow.pair in told
    assert "ordered" in told


async def test_a_refused_signal_is_explained_with_its_reason(workflow: Workflow) -> None:
    _, _, signal_id = await workflow.send(quote_size="9.99")
    assert await workflow.decided(signal_id) == ("refused", "INSUFFICIENT_QUOTE")
    told = await workflow.command("explain", signal_id)
    assert "below minimum" in told


async def test_the_lots_are_checked_against_the_exchange(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    """S6: three routes to the same rows, and the open lots are what the exchange holds."""
    assert "everything that was checked holds" in await workflow.command("lots", "check")


async def test_the_lots_are_rebuilt_into_a_version_with_the_same_result(
    workflow: Workflow, traded: Mapping[str, Any]
) -> None:
    total = "SELECT sum(pnl_usd) FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)"
    before = await workflow.sql.fetchval(total)
    await workflow.command("lots", "rebuild")
    assert await workflow.sql.fetchval(total) == before
    assert "fifo" in await workflow.command("lots", "versions")


async def test_the_opening_cash_is_listed(workflow: Workflow) -> None:
    assert f"{CASH:,}".replace(",", "") in (await workflow.command("cash", "list")).replace(",", "")


async def test_a_reconciliation_beside_the_bot_finds_equal_books(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    assert "the books are equal to the exchange's" in await workflow.command("reconcile")


async def test_the_schema_is_the_one_this_version_needs(workflow: Workflow) -> None:
    assert schema.newest() in await workflow.command("db", "check")


async def test_the_settings_are_shown_without_the_secret(workflow: Workflow) -> None:
    told = await workflow.command("config", "show")
    assert "900000" in told
    assert SECRET not in told


async def test_a_start_is_checked_without_starting(workflow: Workflow) -> None:
    assert "wrong" not in await workflow.command("config", "check")


async def test_the_switch_is_thrown_and_taken_back(workflow: Workflow) -> None:
    """F54: while it is on nothing is bought, and afterwards the same pair is."""
    await workflow.command("kill", "on", "--reason", "lunch")
    try:
        assert await workflow.outcome() == ("refused", "KILL_SWITCH")
        assert "lunch" in await workflow.command("kill", "status")
    finally:
        await workflow.command("kill", "off")
    await workflow.buy()


async def test_a_smoke_test_beside_the_bot_tells_its_trades(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    """B303"""
    told = json.loads(await workflow.command("smoke", "--json", "--logs", str(workflow.stack.log), status=1))
    verdicts = {each["name"]: each["verdict"] for each in told["checks"]}
    # This stack has no reporter, and says so.
    assert {name for name, verdict in verdicts.items() if verdict == "fail"} == {"services"}
    assert verdicts["recent trades"] == verdicts["allocations"] == verdicts["trade linkage"] == "pass"


async def test_the_health_page_tells_what_runs(workflow: Workflow) -> None:
    async with workflow.session.get(f"{workflow.stack.url}/health") as response:
        told = await response.json()
    assert (response.status, told["status"], told["role"]) == (200, "ok", "webhook")
    assert (told["ready"], told["faults"]) == (True, [])


async def test_the_log_tells_each_step_of_a_trade(workflow: Workflow, traded: Mapping[str, Any]) -> None:
    sent = [event for event in workflow.stack.events("order_sent") if workflow.pair in json.dumps(event)]
    assert len(sent) == 2
    assert SECRET not in Path(workflow.stack.log).read_text()


async def test_the_exchange_and_the_books_agree_on_the_cash_to_the_last_digit(
    workflow: Workflow, traded: Mapping[str, Any]
) -> None:
    """S6: the account has what it began with, less every buy, plus every sell."""
    flows = """
        SELECT coalesce(sum(CASE side WHEN 'sell' THEN 1 ELSE -1 END * price * size - fee), 0) FROM executions"""
    books = await workflow.exchange.books()
    assert Decimal(books["totals"]["USD"]) == CASH + await workflow.sql.fetchval(flows)
