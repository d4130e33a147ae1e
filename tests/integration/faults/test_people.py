"""People and the exchange itself move coins and orders beside the bot: F51, F52, and coins that are handed to it.

The market moves on only when the bot has done all that its last tick caused.
"""

import re
from decimal import Decimal

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.app.adopt_assets import Adopted, AdoptionRequest, AssetAdopter
from bottrader.app.reconcile import our_books
from bottrader.app.world import World
from bottrader.bootstrap.strategies import decision_basis
from bottrader.domain.custody import Custody
from bottrader.domain.money import Price, Size
from bottrader.domain.orders import OrderIntent, OrderKind, Side, derive_client_order_id
from bottrader.domain.signals import Trigger
from coinbase_sim import model as sim
from coinbase_sim.model import OrderRequest
from tests.fixtures.facts import BTC
from tests.integration.faults.conftest import HARD_STOP, filled
from tests.integration.services.conftest import RunningWebhook, Stage, eventually

RECONCILE_INTERVAL_S = 300


@pytest.fixture(autouse=True)
def balances_do_not_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books that differ are compared again at once: here they differ because of people, and time changes nothing."""
    monkeypatch.setattr("bottrader.app.reconcile.COMPARE_PAUSE_S", 0.0)


BY_HAND = OrderRequest(
    "placed-in-the-app",
    "BTC-USD",
    sim.Side.BUY,
    sim.OrderType.LIMIT,
    sim.TimeInForce.GTC,
    base_size=Decimal("0.001"),
    limit_price=Decimal("20000.00"),
)


HAND_BUY = OrderRequest(
    "bought-in-the-app",
    "BTC-USD",
    sim.Side.BUY,
    sim.OrderType.LIMIT,
    sim.TimeInForce.IOC,
    base_size=Decimal("0.01"),
    limit_price=Decimal("41000.00"),
)


def shown(webhook: RunningWebhook) -> str:
    """Return the faults of its health without the zeros at the end of amounts."""
    return re.sub(r"(\.\d*?[1-9])0+\b", r"\1", " ".join(webhook.service.health().faults))


async def look_again(stage: Stage, webhook: RunningWebhook, price: str = "40000") -> None:
    """Let the interval between two reconciliations pass, and wait until the one that is due has ended."""
    before = webhook.service.desk.last_reconciliation
    await stage.roll(price, RECONCILE_INTERVAL_S + 1)
    await eventually(lambda: webhook.service.desk.last_reconciliation is not before, "it is reconciled")
    await webhook.quiet()


def held_btc(stage: Stage) -> Decimal:
    return Decimal(stage.books.totals.get("BTC", Decimal(0)))


def move_btc(stage: Stage, amount: str) -> None:
    """Coins come or go behind the bot's back."""
    stage.server.simulator.set_balance("BTC", held_btc(stage) + Decimal(amount))


def adopter(stage: Stage, webhook: RunningWebhook) -> AssetAdopter:
    world = World(stage.store, stage.venue.exchange, stage.venue.clock, webhook.log)
    return AssetAdopter(world, stage.settings.symbols, decision_basis(stage.settings).rules)


async def test_f51_an_order_of_somebody_else_is_left_alone(stage: Stage, sql: Connection) -> None:
    """F51, S2, E1: it rests beside the bot's own trade, is never cancelled, and is none of the bot's facts."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        stage.server.simulator.submit(BY_HAND)
        await webhook.send("buy")
        await filled(sql, "buy")
        await look_again(stage, webhook)
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        await look_again(stage, webhook, HARD_STOP)
        assert len(webhook.told("foreign_order_seen")) == 1
        assert webhook.told("orphan_order_cancelled") == []
    (foreign,) = [o for o in stage.orders if o.request.client_order_id == "placed-in-the-app"]
    assert foreign.status == "OPEN"
    assert await sql.fetchval("SELECT count(*) FROM order_intents") == 2


async def test_f51_no_more_is_sold_than_is_there(stage: Stage, sql: Connection) -> None:
    """F51, S5: a part of the position is taken out by hand; the stop sells the rest, once, and the loss is told."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
        await webhook.healthy()
        bought = held_btc(stage)
        move_btc(stage, "-0.001")
        await look_again(stage, webhook)
        assert "0.001 BTC of ours are not at the exchange" in shown(webhook)
        (told,) = webhook.told("coins_missing")
        assert told.fields["missing"] == Decimal("0.001")
        for _ in range(8):
            await stage.price(HARD_STOP)
            await stage.handled()
        assert held_btc(stage) == 0
        sold = [order for order in stage.orders if order.request.side == "SELL" and order.status == "FILLED"]
        assert [order.filled_size for order in sold] == [bought - Decimal("0.001")]


async def rows_of_all_tables(sql: Connection) -> dict[str, int]:
    tables = await sql.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    # Names from the catalogue, nobody's input.
    return {row["name"]: await sql.fetchval(f"SELECT count(*) FROM {row['name']}") for row in tables}  # noqa: S608


async def test_f51_what_a_person_trades_is_shown_as_manual_and_is_never_sold(stage: Stage, sql: Connection) -> None:
    """F51, E1, E2, B277, R6, R86: 0.01 are bought by hand and money comes in, beside the bot's own trade; it sells its
    own coins only, the books are equal, and a second look changes no row of any table."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await stage.price("40000")
        stage.server.simulator.submit(HAND_BUY)
        stage.server.simulator.move_cash("USD", Decimal(250), "fiat_deposit")
        await webhook.send("buy")
        await filled(sql, "buy")
        await look_again(stage, webhook)
        await webhook.healthy()
        manual = await sql.fetchrow("SELECT * FROM trade_records WHERE source = 'manual'")
        assert manual is not None
        assert (manual["ingest_via"], manual["status"], manual["filled_size"]) == (
            "reconciled",
            "filled",
            Decimal("0.01"),
        )
        assert manual["last_reconciled_via"] == "rest_api"
        kinds = {row["kind"] for row in await sql.fetch("SELECT kind FROM reconciliation_corrections")}
        assert {"fill", "foreign_order", "cash"} <= kinds
        before = await rows_of_all_tables(sql)
        await look_again(stage, webhook)
        await webhook.healthy()
        assert await rows_of_all_tables(sql) == before
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        await look_again(stage, webhook, HARD_STOP)
        await webhook.healthy()
        assert held_btc(stage) == Decimal("0.01")
        assert (await our_books(stage.store)).cash["USD"] == stage.books.totals["USD"]


async def test_f52_coins_from_nowhere_raise_an_alarm_and_are_never_sold(stage: Stage, sql: Connection) -> None:
    """F52, E2, E3: told once, and the stop sells what the bot bought and nothing else."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        await webhook.send("buy")
        await filled(sql, "buy")
        await webhook.healthy()
        move_btc(stage, "0.5")
        await look_again(stage, webhook)
        await look_again(stage, webhook)
        assert [told.fields["size"] for told in webhook.told("foreign_coins")] == [Decimal("0.5")]
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        await look_again(stage, webhook, HARD_STOP)
        assert held_btc(stage) == Decimal("0.5")
        held = {each.currency: each.kind for each in webhook.service.asset_guard.holdings}
        assert held == {"BTC": Custody.FOREIGN, "USD": Custody.CASH}
    assert len(stage.orders) == 2


async def test_f52_adopted_coins_are_protected_and_sold_like_others(stage: Stage, sql: Connection) -> None:
    """F52, E2: coins that came from nowhere are adopted while the bot runs; the books are equal from then on."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        move_btc(stage, "0.5")
        await look_again(stage, webhook)
        assert "the books differ from the exchange's: holding BTC" in webhook.service.health().faults
        answer = await adopter(stage, webhook).adopt(AdoptionRequest(BTC, Size(Decimal("0.5")), Price(Decimal(40_000))))
        assert isinstance(answer, Adopted)
        await look_again(stage, webhook)
        await webhook.healthy()
        assert (await our_books(stage.store)).cash == {"USD": stage.books.totals["USD"]}
        (position,) = webhook.service.portfolio.positions()
        assert (position.size, position.trigger) == (Decimal("0.5"), "MANUAL")
        await stage.price(HARD_STOP)
        await filled(sql, "sell")
        await look_again(stage, webhook, HARD_STOP)
        await webhook.healthy()
        assert held_btc(stage) == 0
        ours = await our_books(stage.store)
        assert ours.cash == {"USD": stage.books.totals["USD"]}
        record = await filled(sql, "sell")
        assert record["parent_id"] == answer.adoption.order_id


async def test_r12_an_order_that_a_lost_database_described_is_cancelled(stage: Stage, sql: Connection) -> None:
    """R12, F44: it bears an id of the bot's making, and no intent stands for it."""
    order = OrderIntent(
        client_order_id=derive_client_order_id(Trigger.ROC, BTC, "lost"),
        product_id=BTC,
        side=Side.BUY,
        kind=OrderKind.LIMIT_GTC,
        size_base=Size(Decimal("0.001")),
        limit_price=Price(Decimal("20000.00")),
        trigger=Trigger.ROC,
        note="from before the restore",
        created_at=stage.venue.clock.now(),
    )
    await stage.venue.exchange.place(order)
    async with stage.webhook() as webhook:
        await webhook.healthy()
        assert len(webhook.told("orphan_order_cancelled")) == 1
    assert [each.status for each in stage.orders] == ["CANCELLED"]
    assert not stage.server.simulator.fills()
    assert await sql.fetchval("SELECT count(*) FROM order_intents") == 0
