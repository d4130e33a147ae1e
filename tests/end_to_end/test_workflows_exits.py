"""How positions end at one running bot, each on a pair of its own: the guide's two scenarios, and what is around them.

Bought at 40,000 without fees, so shares of the price are net: a loss of 2.5 % is 39,000, one of 5 % is 38,000, a profit
of 3.5 % is 41,400, and one of 1 % is 40,400.
"""

import asyncio
from decimal import Decimal

import pytest

from tests.fixtures.processes import eventually
from tests.fixtures.shared_stack import PAIRS, Workflow

pytestmark = pytest.mark.component("position_monitor")

HELD = PAIRS[-1]
SETTINGS = {"HODL": HELD.removesuffix("-USD")}


async def pnl(workflow: Workflow) -> Decimal:
    """Return what the allocations of the pair say was earned."""
    total = "SELECT sum(pnl_usd) FROM fifo_allocations WHERE symbol = $1"
    return Decimal(await eventually(lambda: workflow.sql.fetchval(total, workflow.pair), "allocated"))


async def has_price(workflow: Workflow, other: Workflow, price: str) -> None:
    """Move the pair to a price, and return once the bot has bought another pair after it: the stream is in order."""
    await workflow.price(price)
    await other.price("40000")
    await other.buy()


async def test_the_guide_complete_profitable_round_trip(workflow: Workflow) -> None:
    """B287: bought at 40,000, sold at 42,000: 5 % of 100 USD are about 5 USD, in the books as at the exchange."""
    buy = await workflow.buy()
    await workflow.price("42000")
    sell = await workflow.filled("sell")
    assert sell["parent_id"] == buy["order_id"]
    assert sell["trigger"] == "TAKE_PROFIT"
    assert sell["filled_size"] == buy["filled_size"]
    assert await pnl(workflow) == sell["filled_value"] - buy["filled_value"]
    assert Decimal("4.5") < await pnl(workflow) < Decimal("5.5")
    assert await workflow.holding() == 0


async def test_the_guide_stop_loss_at_five_percent(workflow: Workflow) -> None:
    """B289: the fall of the guide; the order is a market order whose reason and parent are on record."""
    buy = await workflow.buy()
    await workflow.price("38000")
    sell = await workflow.filled("sell")
    assert sell["parent_id"] == buy["order_id"]
    assert sell["trigger"] == "HARD_STOP"
    assert "stop_loss" in sell["notes"]
    assert Decimal(-6) < await pnl(workflow) < Decimal("-4.5")
    assert [order["order_type"] for order in await workflow.orders()] == ["LIMIT", "MARKET"]


async def test_a_loss_between_soft_and_hard_is_stopped_near_the_bid(workflow: Workflow) -> None:
    """2.7 % down: the soft stop sells by a limit order, since there is time."""
    await workflow.buy()
    await workflow.price("38920")
    sell = await workflow.filled("sell")
    assert sell["trigger"] == "SOFT_STOP"
    assert [order["order_type"] for order in await workflow.orders()] == ["LIMIT", "LIMIT"]


async def test_a_loss_deeper_than_the_soft_stop_is_sold_at_the_market(workflow: Workflow) -> None:
    """4 % down, which is beyond 3 % and not yet 5 %."""
    await workflow.buy()
    await workflow.price("38400")
    sell = await workflow.filled("sell")
    assert sell["trigger"] == "SOFT_STOP"
    assert (await workflow.orders())[-1]["order_type"] == "MARKET"


async def test_a_small_fall_is_sat_out(workflow: Workflow, other: Workflow) -> None:
    """2 % down is held; what is sold later is sold at the stop, once."""
    await workflow.buy()
    await has_price(workflow, other, "39200")
    assert len(await workflow.orders()) == 1
    await workflow.price("37900")
    sell = await workflow.filled("sell")
    assert sell["filled_value"] / sell["filled_size"] < 38_000
    assert len(await workflow.orders()) == 2


async def test_a_small_rise_is_let_run_to_its_target(workflow: Workflow, other: Workflow) -> None:
    """3 % up is held; 3.6 % is taken."""
    await workflow.buy()
    await has_price(workflow, other, "41200")
    assert len(await workflow.orders()) == 1
    await workflow.price("41450")
    sell = await workflow.filled("sell")
    assert sell["trigger"] == "TAKE_PROFIT"
    assert sell["filled_value"] / sell["filled_size"] > 41_400


async def test_a_rise_and_a_fall_back_is_no_reason(workflow: Workflow, other: Workflow) -> None:
    """Without a trail nothing is sold on the way back to where it was bought."""
    await workflow.buy()
    await workflow.price("41000")
    await has_price(workflow, other, "40000")
    assert len(await workflow.orders()) == 1
    assert await workflow.holding() > 0


async def test_a_sell_signal_ends_a_position_that_has_gained(workflow: Workflow, other: Workflow) -> None:
    """2 % up, above the 1 % that a signal exit takes."""
    await workflow.buy()
    await has_price(workflow, other, "40800")
    assert (await workflow.outcome("sell"))[0] == "ordered"
    sell = await workflow.filled("sell")
    assert sell["trigger"] == "SIGNAL_EXIT"
    assert await workflow.holding() == 0


@pytest.mark.parametrize("price", ["39500", "40200"])
async def test_a_sell_signal_does_not_end_what_has_not_gained_enough(
    workflow: Workflow, other: Workflow, price: str
) -> None:
    """1.25 % down, and 0.5 % up with 1 % asked for."""
    await workflow.buy()
    await has_price(workflow, other, price)
    kind, _ = await workflow.outcome("sell")
    assert kind == "refused"
    assert len(await workflow.orders()) == 1


async def test_two_positions_end_each_for_its_own_reason(workflow: Workflow, other: Workflow) -> None:
    await asyncio.gather(workflow.buy(), other.buy())
    await workflow.price("37900")
    await other.price("41500")
    stopped, taken = await asyncio.gather(workflow.filled("sell"), other.filled("sell"))
    assert (stopped["trigger"], taken["trigger"]) == ("HARD_STOP", "TAKE_PROFIT")
    assert await pnl(workflow) < 0 < await pnl(other)


async def test_a_jump_is_believed_when_a_second_price_agrees_and_sold_once(workflow: Workflow) -> None:
    """20 % down at once could be a wrong print; two of them are a market."""
    await workflow.buy()
    await workflow.price("32000")
    await workflow.price("31990")
    sell = await workflow.filled("sell")
    assert sell["trigger"] == "HARD_STOP"
    assert len(await workflow.orders()) == 2
    assert await workflow.holding() == 0


async def test_a_coin_to_be_held_is_never_sold(workflow: Workflow, other: Workflow) -> None:
    """B40: neither by a stop nor by a signal."""
    workflow.pair = HELD
    await workflow.buy()
    await has_price(workflow, other, "37000")
    assert await workflow.outcome("sell") == ("refused", "HODL_REJECT")
    assert [order["side"] for order in await workflow.orders()] == ["BUY"]


async def test_a_stop_outlives_a_lost_reply_of_the_exchange(workflow: Workflow) -> None:
    """F2: the sell arrived although its answer did not; it is found, and sold once."""
    await workflow.buy()
    await workflow.exchange.fault("POST /orders", "drop_reply")
    await workflow.price("37900")
    await workflow.filled("sell")
    assert [order["side"] for order in await workflow.orders()] == ["BUY", "SELL"]
    assert await workflow.holding() == 0


async def test_a_stop_is_sold_although_the_exchange_is_sick_for_a_moment(workflow: Workflow) -> None:
    """The first sell is answered by an error of the server."""
    await workflow.buy()
    await workflow.exchange.fault("POST /orders", "http_503_not_placed")
    await workflow.price("37900")
    await workflow.filled("sell")
    assert await workflow.holding() == 0
