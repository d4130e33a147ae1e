"""Orders that a person sends beside the running bot, over the simulator: one writer, the same rules, no order twice."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.fixtures.processes import free_port
from tests.fixtures.shared_stack import Workflow

SOURCE = "SELECT source, trigger, filled_size, order_id, ingest_via FROM trade_records WHERE symbol = $1 AND side = $2"
LOTS = """
    SELECT buy_order_id, sell_order_id, allocated_size
    FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)
    WHERE symbol = $1"""
EXECUTED = "SELECT sum(size) FROM executions WHERE order_id = $1"


async def order(workflow: Workflow, *words: str, status: int = 0) -> dict[str, Any]:
    told = await workflow.command("order", "--symbol", workflow.pair, *words, "--yes", "--json", status=status)
    decoded: dict[str, Any] = json.JSONDecoder().raw_decode(told, told.index("{"))[0]
    return decoded


async def test_a_manual_order_is_sent_and_stands_in_the_books_as_manual(workflow: Workflow) -> None:
    """B297: printed first, sent in paper mode; its coins are a position like any other, and sell the same way."""
    told = await workflow.command("order", "--symbol", workflow.pair, "--side", "buy", "--size", "0.001", "--yes")
    # The limit is ask x 1.002, and the fees of this exchange are zero.
    assert "Price     at most 40080" in told
    assert "FILLED: filled, 0.001 for 40.00" in told
    bought = await workflow.sql.fetchrow(SOURCE, workflow.pair, "buy")
    assert bought is not None
    assert (bought["source"], bought["trigger"], bought["ingest_via"]) == ("manual", "MANUAL", "intent")
    assert await workflow.sql.fetchval(EXECUTED, bought["order_id"]) == Decimal("0.001")
    assert await workflow.holding() == Decimal("0.001")

    sold = await order(workflow, "--side", "sell", "--size", "0.0004")
    assert (sold["result"]["outcome"], sold["result"]["filled_size"]) == ("filled", "0.0004")
    row = await workflow.sql.fetchrow(LOTS, workflow.pair)
    assert row is not None
    assert (row["buy_order_id"], row["sell_order_id"]) == (bought["order_id"], sold["result"]["order_id"])
    assert row["allocated_size"] == Decimal("0.0004")
    source = "SELECT source FROM trade_records WHERE symbol = $1 AND side = 'sell'"
    assert await workflow.sql.fetchval(source, workflow.pair) == "manual"


async def test_money_may_be_named_instead_of_coins(workflow: Workflow) -> None:
    """B297: buy 10.00; 10.00 / 40,080 = 0.00024950..., rounded down to the increment."""
    told = await order(workflow, "--side", "buy", "--quote", "10.00")
    assert told["result"]["outcome"] == "filled"
    assert told["preview"]["size"] == told["result"]["filled_size"]
    assert Decimal("0.000249") < Decimal(told["result"]["filled_size"]) <= Decimal("0.0002495")


async def test_a_lost_reply_is_unknown_and_then_found_and_never_sent_twice(workflow: Workflow) -> None:
    """B297, F1: the exchange has the order and its answer is lost."""
    await workflow.exchange.fault("POST /orders", "drop_reply")
    told = await order(workflow, "--side", "buy", "--size", "0.001", "--wait", "60")
    assert told["result"]["outcome"] == "filled"
    unknown = [each["order_id"] for each in workflow.stack.events("order_unknown")]
    assert unknown.count(told["result"]["order_id"]) == 1
    assert len(await workflow.orders()) == 1
    assert await workflow.holding() == Decimal("0.001")


async def test_an_order_that_nobody_knows_of_is_told_as_unknown_and_not_as_failed(workflow: Workflow) -> None:
    """B297, F2: the request never arrived, which only time can tell; until then the order counts as live."""
    await workflow.exchange.fault("POST /orders", "drop_request")
    told = await order(workflow, "--side", "buy", "--size", "0.001", "--wait", "4", status=3)
    assert (told["result"]["outcome"], told["result"]["code"]) == ("unknown", "ORDER_UNKNOWN")
    assert "may be live" in told["result"]["message"]
    second = await order(workflow, "--side", "buy", "--size", "0.001", status=1)
    assert second["preview"]["refused"]["code"] == "SKIPPED_OPEN_ORDER"
    assert await workflow.orders() == []


async def test_an_order_repeated_by_its_id_is_the_same_order(workflow: Workflow) -> None:
    """B297: whoever does not know what became of it asks again, and gets the first order's end."""
    first = await order(workflow, "--side", "buy", "--size", "0.001")
    again = await order(workflow, "--side", "buy", "--size", "0.001", "--id", first["result"]["id"])
    assert again["result"] == first["result"]
    assert len(await workflow.orders()) == 1
    other = await workflow.command(
        "order",
        "--symbol",
        workflow.pair,
        "--side",
        "sell",
        "--size",
        "0.001",
        "--yes",
        "--id",
        first["result"]["id"],
        status=2,
    )
    assert "is the id of another order" in other


async def test_nobody_is_asked_on_a_pipe(workflow: Workflow) -> None:
    """B297"""
    told = await workflow.command("order", "--symbol", workflow.pair, "--side", "buy", "--size", "0.001", status=2)
    assert "Size      0.001" in told
    assert "add --yes" in told
    assert await workflow.orders() == []


async def test_without_a_webhook_nothing_is_sent_and_one_sentence_says_what_to_do(workflow: Workflow) -> None:
    """B297: the database and the exchange are there, and nobody who may act."""
    elsewhere = {**workflow.stack.environment, "BOTTRADER_WEBHOOK_PORT": str(free_port())}
    alone = replace(workflow, stack=replace(workflow.stack, environment=elsewhere))
    told = await alone.command(
        "order", "--symbol", workflow.pair, "--side", "buy", "--size", "0.001", "--yes", status=2
    )
    assert "only a running bot sends orders: start `bottrader run`" in told
    assert await workflow.orders() == []


async def test_nothing_is_sold_that_the_bot_does_not_hold(workflow: Workflow) -> None:
    """B297, S5"""
    told = await order(workflow, "--side", "sell", "--size", "0.001", status=1)
    assert told["preview"]["refused"]["code"] == "INSUFFICIENT_BASE"
    assert told["result"] is None


async def test_the_kill_switch_holds_for_a_person_too(workflow: Workflow) -> None:
    """B297, F54"""
    await workflow.command("halt", "--reason", "lunch")
    try:
        told = await order(workflow, "--side", "buy", "--size", "0.001", status=1)
    finally:
        await workflow.command("resume")
    assert told["preview"]["refused"]["code"] == "KILL_SWITCH"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--side", "buy"], "needs --size (coins) or --quote (money)"),
        (["--side", "buy", "--size", "0"], "--size is above zero"),
        (["--side", "sell", "--quote", "10"], "a sell needs --size"),
    ],
)
async def test_bad_input_gets_one_sentence(workflow: Workflow, words: list[str], sentence: str) -> None:
    assert sentence in await workflow.command("order", "--symbol", workflow.pair, *words, "--yes", status=2)


async def test_the_status_shows_a_position_and_what_protects_it(workflow: Workflow) -> None:
    """This stack has no reporter, so it is not healthy, and the status says why."""
    await order(workflow, "--side", "buy", "--size", "0.001")
    told = json.loads(await workflow.command("status", "--json", status=1))
    assert [each["verdict"] for each in told["checks"] if each["name"] == "database"] == ["pass"]
    assert "webhook" in told["leases"]
    (position,) = [each for each in told["positions"] if each["symbol"] == workflow.pair]
    assert (position["size"], position["protection"]) == ("0.001", "watched by the bot on each price")
    assert told["market_age_s"] is not None
    screen = await workflow.command("status", status=1)
    assert "NOT HEALTHY, mode paper" in screen
    assert "reporter at" in screen
    assert "Kill switch   off" in screen
