"""The acting role, the exchange and Postgres, with an auditor who compares the bot's books with the exchange's own."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.entropy import SystemEntropy
from coinbase_sim.model import Order
from coinbase_sim.testing import Script
from tests.integration.services.conftest import RunningWebhook, Stage, eventually, stage

__all__ = ["stage"]

FILLED = "SELECT * FROM trade_records WHERE side = '{side}' AND status = 'filled'"
HARD_STOP = "38000"
"""5 % below the entry at 40,000, where a position is left at any price."""


async def filled(sql: Connection, side: str) -> Any:
    """Return the record of the filled buy or sell, once there is one."""
    return await eventually(lambda: sql.fetchrow(FILLED.format(side=side)), f"a filled {side}")


async def outcome_of(sql: Connection, signal_id: str) -> tuple[str, str]:
    """Return what became of a signal, once that is certain."""
    query = "SELECT kind, code FROM signal_outcomes WHERE signal_id = $1"
    row = await eventually(lambda: sql.fetchrow(query, signal_id), "the signal has an outcome")
    return row["kind"], row["code"]


async def let_time_pass(stage: Stage, seconds: int, price: int = 40_000) -> None:
    """Let the market stand, a second at a time; the next begins when the bot has done all that the last one caused."""
    for _ in range(seconds):
        await stage.price(str(price))
        await stage.handled()


async def refusal_of(sql: Connection) -> str:
    """Return why the only refused order was refused, once it is."""
    query = "SELECT detail FROM order_transitions WHERE state = 'refused'"
    return str(await eventually(lambda: sql.fetchval(query), "the order is refused"))


async def audit(stage: Stage, sql: Connection, *, orders: int, filled_orders: int | None = None) -> None:
    """One order per intent, and fills and holdings equal to the exchange's ledger, to the last digit (S1, S2, E1, E2).

    Call it when no order is open any more; `orders` is how many the exchange should have, `filled_orders` how many of
    them filled as a whole when not all did.
    """
    placed: list[Order] = stage.orders
    ids = [order.request.client_order_id for order in placed]
    intents = {row["client_order_id"] for row in await sql.fetch("SELECT client_order_id FROM order_intents")}
    assert len(ids) == len(set(ids)) == orders
    assert set(ids) <= intents
    theirs = {
        fill.trade_id: (fill.side.value.lower(), fill.price, fill.size, fill.commission)
        for fill in stage.server.simulator.fills()
    }
    rows = await sql.fetch("SELECT trade_id, side, price, size, fee FROM fills")
    ours = {row["trade_id"]: (row["side"], row["price"], row["size"], row["fee"]) for row in rows}
    assert ours == theirs
    bought = sum((size for side, _, size, _ in ours.values() if side == "buy"), Decimal(0))
    sold = sum((size for side, _, size, _ in ours.values() if side == "sell"), Decimal(0))
    assert stage.books.totals.get("BTC", Decimal(0)) == bought - sold
    assert await sql.fetchval("SELECT count(*) FROM trade_records WHERE status = 'filled'") == (
        orders if filled_orders is None else filled_orders
    )


async def buy_and_stop_out(stage: Stage, webhook: RunningWebhook, sql: Connection) -> None:
    """Carry a position through, as proof that the bot trades again; the market must stand at 40,000."""
    await webhook.send("buy")
    await filled(sql, "buy")
    await stage.price(HARD_STOP)
    await filled(sql, "sell")
    await eventually(lambda: not webhook.service.portfolio.positions(), "flat")


def script_of(stage: Stage) -> Script:
    """Return the script of faults, to ask which of them have not happened."""
    return Script(stage.server)


def impatient(stage: Stage, timeout_s: float) -> None:
    """Have webhooks started from now on wait for a reply only this long, which is to be held by then."""
    options = ClientOptions(SystemClock(), SystemEntropy(), total_timeout_s=timeout_s, requests_per_s=5000, burst=5000)
    venue = stage.venue
    exchange = CoinbaseExchange(venue.session, venue.address.rest_url, venue.signer, options)
    stage.venue = replace(venue, exchange=exchange)


async def held(stage: Stage) -> None:
    """Wait until the exchange has done what a request asked for and holds its answer back."""
    await eventually(lambda: stage.server.faults.held_count, "a reply is held")


def clear(stage: Stage) -> None:
    """Let everything be well again."""
    stage.server.faults.clear()


async def cut_user(stage: Stage) -> None:
    """Reset the socket of the user channel, and wait until the bot has noticed."""
    (webhook,) = stage.webhooks
    before = webhook.log.counts["user_stream_lost"]
    url = f"{stage.server.control_url}/disconnect"
    async with stage.http.post(url, json={"channel": "user"}) as response:
        assert (await response.json())["disconnected"] == 1
    # Counted, because the stream may be up again before anybody looks.
    await eventually(lambda: webhook.log.counts["user_stream_lost"] > before, "the cut is noticed")
