"""What comes of signals at one running bot, on a pair each: bought, refused, expired, and once only."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.fixtures.processes import eventually, signal_body, signature
from tests.fixtures.shared_stack import PAIRS, Workflow

pytestmark = pytest.mark.component("order_manager")

# The last pairs are named in settings; tests take theirs from the front.
SHILL, EXCLUDED, IGNORED = PAIRS[-3:]
SETTINGS = {
    "ORDER_SIZE_ROC": "20",
    "ORDER_SIZE_SIGNAL": "15",
    "ORDER_SIZE_WEBHOOK": "25",
    "MAX_VALUE_TO_BUY": "250",
    "SHILL_COINS": SHILL.removesuffix("-USD"),
    "PERMANENT_EXCLUSIONS": EXCLUDED.removesuffix("-USD"),
    "CURRENCY_PAIRS_IGNORED": IGNORED,
}


def triggered(trigger: str) -> dict[str, str]:
    return {"trigger": trigger, "trigger_note": "sent by a test"}


def about(amount: Decimal, wanted: str) -> bool:
    """Tell whether this is the amount wanted, less the 0.2 % that the limit leaves, and never more."""
    return Decimal(wanted) * Decimal("0.995") < amount <= Decimal(wanted)


@pytest.mark.parametrize(
    ("trigger", "amount"),
    [
        ("ROC", "20"),
        ("roc_momo", "20"),
        ("SCORE", "15"),
        ("RSI_OVERSOLD", "15"),
        ("MACD_CROSS", "15"),
        ("WEBHOOK", "25"),
    ],
)
async def test_a_signal_without_an_amount_buys_what_its_trigger_is_given(
    workflow: Workflow, trigger: str, amount: str
) -> None:
    """B29, B31, B32"""
    buy = await workflow.buy(trigger=triggered(trigger), quote_size=None)
    assert about(buy["filled_value"], amount)
    assert buy["trigger"] == trigger.upper()
    assert await workflow.holding() == buy["filled_size"]


async def test_an_alert_that_is_no_trigger_is_refused_at_the_door(workflow: Workflow) -> None:
    """B258: nothing is guessed, and nothing is stored."""
    status, answer, signal_id = await workflow.send(trigger=triggered("my alert 7"))
    assert (status, answer["code"]) == (400, "INVALID_JSON_FORMAT")
    assert "my alert 7" in answer["message"]
    assert not await workflow.sql.fetchval("SELECT count(*) FROM inbound_signals WHERE signal_id = $1", signal_id)


async def test_an_amount_in_the_signal_is_what_is_spent_and_not_a_cent_more(workflow: Workflow) -> None:
    """B35"""
    assert about((await workflow.buy(quote_size="62.50"))["filled_value"], "62.50")


async def test_an_amount_below_the_minimum_is_refused(workflow: Workflow) -> None:
    """B37"""
    assert await workflow.outcome(quote_size="9.99") == ("refused", "INSUFFICIENT_QUOTE")
    assert await workflow.orders() == []


async def test_a_position_grows_to_the_cap_at_most(workflow: Workflow) -> None:
    """B15: an order that could lead beyond 250 is not made smaller but refused."""
    assert await workflow.outcome(quote_size="251") == ("refused", "POSITION_LIMIT")
    assert await workflow.orders() == []


async def test_a_sell_of_what_is_not_held_is_refused(workflow: Workflow) -> None:
    assert await workflow.outcome("sell") == ("refused", "INSUFFICIENT_BASE")
    assert await workflow.orders() == []


async def test_a_signal_that_comes_too_late_expires(workflow: Workflow) -> None:
    past = datetime.now(UTC) - timedelta(days=3650)
    born = (past - timedelta(seconds=30)).isoformat()
    changes = {"born_at": born, "candle_opened_at": born, "expires_at": past.isoformat()}
    assert await workflow.outcome(**changes) == ("expired", "EXPIRED")
    assert await workflow.orders() == []


@pytest.mark.parametrize(
    ("pair", "code"), [(SHILL, "SHILL_REJECT"), (EXCLUDED, "SYMBOL_EXCLUDED"), (IGNORED, "SYMBOL_EXCLUDED")]
)
async def test_a_pair_that_its_owner_ruled_out_is_never_bought(workflow: Workflow, pair: str, code: str) -> None:
    """B41"""
    assert await workflow.outcome(pair=pair) == ("refused", code)
    assert all(order["product_id"] != pair for order in await workflow.exchange.orders())


async def test_twenty_senders_at_once_open_one_position(workflow: Workflow) -> None:
    """B42, B44: each is answered, one is ordered."""
    answers = await asyncio.gather(*(workflow.send() for _ in range(20)))
    ids = [signal_id for status, _, signal_id in answers if status == 200]
    assert {status for status, _, _ in answers} <= {200, 429, 503}
    decided = "SELECT kind FROM signal_outcomes WHERE signal_id = ANY($1)"

    async def all_decided() -> list[str] | None:
        rows = await workflow.sql.fetch(decided, ids)
        return [row["kind"] for row in rows] if len(rows) == len(ids) else None

    kinds = await eventually(all_decided, "every accepted signal has an outcome")
    assert kinds.count("ordered") == 1
    await workflow.filled("buy")
    assert len(await workflow.orders()) == 1


async def test_one_signal_sent_five_times_at_once_is_one_order(workflow: Workflow) -> None:
    """B259: a sender that retries is told the same, and nothing happens twice."""
    body = signal_body("buy", pair=workflow.pair)
    encoded = json.dumps(body).encode()

    async def post(number: int) -> tuple[int, bool]:
        # Signed a moment apart, as retries are: the very same request again would be a replay.
        headers = signature(encoded, at_ms=int(datetime.now(UTC).timestamp() * 1000) + number)
        url = f"{workflow.stack.url}/webhook"
        async with workflow.session.post(url, data=encoded, headers=headers) as response:
            return response.status, bool((await response.json()).get("duplicate"))

    answers = await asyncio.gather(*map(post, range(5)))
    assert sorted(answers) == [(200, False), *[(200, True)] * 4]
    await workflow.filled("buy")
    assert len(await workflow.orders()) == 1


async def test_after_a_round_trip_the_pair_is_bought_again(workflow: Workflow) -> None:
    """The lots of both trips stay apart: first in, first out."""
    first = await workflow.buy()
    await workflow.price("42000")
    await workflow.filled("sell")
    assert await workflow.outcome() == ("ordered", "SUCCESS")
    second = await workflow.filled("buy", 2)
    await workflow.price("44000")
    await workflow.filled("sell", 2)
    rows = await workflow.sql.fetch(
        "SELECT buy_order_id FROM fifo_allocations WHERE symbol = $1 ORDER BY position", workflow.pair
    )
    assert [row["buy_order_id"] for row in rows] == [first["order_id"], second["order_id"]]


async def test_a_bought_coin_leads_back_to_its_signal_and_strategy(workflow: Workflow) -> None:
    """B280: by the command that a person asks."""
    buy = await workflow.buy(score={"buy_score": "2.75"})
    link = await workflow.sql.fetchrow("SELECT * FROM trade_strategy_link WHERE order_id = $1", buy["order_id"])
    assert link is not None
    assert (link["buy_score"], link["trigger_type"]) == (Decimal("2.75"), "ROC_MOMO")


async def test_an_order_that_the_exchange_refuses_leaves_no_position_and_blocks_nothing(workflow: Workflow) -> None:
    """The pair can be bought as soon as the exchange takes orders again."""
    await workflow.exchange.turn("product", product_id=workflow.pair, status="offline")
    await workflow.outcome()
    failed = "SELECT true FROM trade_records WHERE symbol = $1 AND status = 'failed'"
    await eventually(lambda: workflow.sql.fetchval(failed, workflow.pair), "the order failed")
    assert await workflow.holding() == 0
    await workflow.exchange.turn("product", product_id=workflow.pair, status="online")

    async def is_bought() -> bool:
        kind, _ = await workflow.outcome()
        return kind == "ordered" and await workflow.holding() > 0

    await eventually(is_bought, "bought after the exchange is back")
