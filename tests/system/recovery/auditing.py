"""The books of the bot against the ledger on the exchange's disk, after everything: nothing lost, nothing doubled."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.postgres.connection import Connection, connect
from bottrader.adapters.postgres.lots_audit import open_auditor
from bottrader.app.check_lots import check_lots
from coinbase_sim.model import Fill
from coinbase_sim.state import SimulatorState
from tests.fixtures.processes import eventually
from tests.system.recovery.load import Market
from tests.system.recovery.scene import EXPOSURE_MAX, POSITION_MAX, START_USD, Scene

SHOWN_CHARACTERS = 12_000
"""Of each webhook's log, when it does not come to its end."""

OPEN_ORDERS = """
    SELECT count(*) FROM order_intents i WHERE NOT EXISTS (
        SELECT 1 FROM order_transitions t WHERE t.client_order_id = i.client_order_id
        AND t.state IN ('refused', 'filled', 'cancelled', 'expired', 'failed'))"""
UNDECIDED = "SELECT (SELECT count(*) FROM inbound_signals) - (SELECT count(*) FROM signal_outcomes)"
TAKEN = "SELECT client_order_id, bool_or(venue_order_id IS NOT NULL) AS is_there FROM order_transitions GROUP BY 1"
FILLS = "SELECT trade_id, lower(side) AS side, product_id, price, size, fee FROM fills"


async def undone(scene: Scene) -> dict[str, int]:
    """Return what the bot has yet to do: signals without an outcome, orders without an end."""
    session = await connect(scene.dsn)
    try:
        left = {"signals": await session.fetchval(UNDECIDED), "orders": await session.fetchval(OPEN_ORDERS)}
    finally:
        await session.close()
    return {name: count for name, count in left.items() if count}


def coins(ledger: SimulatorState) -> dict[str, Decimal]:
    """Return what is held besides dollars."""
    held = {name: ledger.available[name] + ledger.held[name] for name in ledger.available if name != "USD"}
    return {name: amount for name, amount in held.items() if amount}


async def settled(stage: Scene) -> None:
    """Return once every signal is decided on and every order has ended."""

    async def is_settled() -> bool:
        return not await undone(stage)

    await eventually(is_settled, "every signal has its outcome and every order its end")


async def patiently(stage: Scene, check: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return once `check` is true; else fail with what the exchange holds and what the webhooks said last."""
    try:
        await eventually(check, what)
    except pytest.fail.Exception as error:
        said = "\n".join(actor.said()[-SHOWN_CHARACTERS:] for actor in stage.webhooks)
        raise AssertionError(f"{error}; left {coins(stage.ledger())}\n{said}") from None


async def end_flat(stage: Scene, market: Market, crumbs: Mapping[str, Decimal] | None = None) -> None:
    """Let the market fall below every stop, and return when the bot has sold all that it held.

    `crumbs` are what is too little for the exchange to take.
    """
    market.is_falling = True

    async def is_flat() -> bool:
        return coins(stage.ledger()) == (crumbs or {})

    await patiently(stage, is_flat, "every position is sold at its stop")
    await settled(stage)


async def audit(scene: Scene, acknowledged: Sequence[dict[str, Any]]) -> int:
    """Fail unless the books are the exchange's, to the last digit; return how many orders there were (S1, S2, E1, E2).

    Call it when nothing is open any more.
    """
    ledger = scene.ledger()
    session = await connect(scene.dsn)
    try:
        await _audit_orders(session, ledger)
        await audit_fills(session, ledger)
        await _audit_signals(session, [body["uuid"] for body in acknowledged])
    finally:
        await session.close()
    _audit_limits(ledger.fills)
    async with open_auditor(scene.dsn) as auditor:
        result = await check_lots(auditor, None, "the exchange was asked already")
    assert result.holds, [check for check in result.checks if check.findings]
    return len(ledger.orders)


async def _audit_orders(session: Connection, ledger: SimulatorState) -> None:
    """Each order at the exchange is one intent that the bot knows to be there, and the other way round."""
    placed = [order.request.client_order_id for order in ledger.orders]
    assert len(placed) == len(set(placed)), "an order is doubled at the exchange"
    known = {row["client_order_id"] for row in await session.fetch(TAKEN) if row["is_there"]}
    assert known == set(placed), "an order is lost, or is known that is not there"
    per_signal = "SELECT count(*) FROM order_intents WHERE side = 'buy' GROUP BY signal_id HAVING count(*) > 1"
    assert await session.fetch(per_signal) == [], "a signal was bought for twice"


async def audit_fills(session: Connection, ledger: SimulatorState) -> None:
    """Fail unless the fills are the exchange's, and its wallets what follows from them."""
    theirs = {f.trade_id: (f.side.lower(), f.product_id, f.price, f.size, f.commission) for f in ledger.fills}
    rows = await session.fetch(FILLS)
    ours = {r["trade_id"]: (r["side"], r["product_id"], r["price"], r["size"], r["fee"]) for r in rows}
    assert ours == theirs
    paid = sum((price * size + fee for side, _, price, size, fee in ours.values() if side == "buy"), Decimal(0))
    received = sum((price * size - fee for side, _, price, size, fee in ours.values() if side == "sell"), Decimal(0))
    assert ledger.available["USD"] + ledger.held["USD"] == START_USD - paid + received
    totals = defaultdict(Decimal, coins(ledger))
    for product in {product for _, product, *_ in ours.values()}:
        moved = [size if side == "buy" else -size for side, of, _, size, _ in ours.values() if of == product]
        assert sum(moved, Decimal(0)) == totals[product.removesuffix("-USD")]


async def _audit_signals(session: Connection, acknowledged: Sequence[str]) -> None:
    stored = {row["signal_id"] for row in await session.fetch("SELECT signal_id FROM inbound_signals")}
    assert {str(each) for each in stored} >= set(acknowledged), "an acknowledged signal is lost"
    decided = [row["signal_id"] for row in await session.fetch("SELECT signal_id FROM signal_outcomes")]
    assert sorted(map(str, decided)) == sorted(map(str, stored)), "a signal has no outcome, or two"


def _audit_limits(fills: Sequence[Fill]) -> None:
    """Hold what the positions cost, after each fill in the exchange's order, against the limits."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        if fill.side.lower() == "buy":
            held[fill.product_id] += fill.size
            cost[fill.product_id] += fill.size * fill.price
        else:
            share = fill.size / held[fill.product_id]
            cost[fill.product_id] -= cost[fill.product_id] * share
            held[fill.product_id] -= fill.size
        assert cost[fill.product_id] <= POSITION_MAX, "a position is beyond its limit"
        assert sum(cost.values()) <= EXPOSURE_MAX, "all positions together are beyond the limit"
