"""Everything that can die is killed, again and again, in an order that a seed draws, while signals come and prices move."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.fixtures.killable_server import KillableServer, killable_server
from tests.fixtures.processes import eventually
from tests.system.recovery.auditing import audit, coins, undone
from tests.system.recovery.incidents import Incidents
from tests.system.recovery.load import Market, Sender
from tests.system.recovery.scene import PATIENCE_S, PRODUCTS, Scene, scene, under_load

# 16 incidents a seed: 32 here, and 208 more at night.
MIX = {
    "webhook": 2,
    "webhook with an order at the exchange": 2,
    "sighook": 2,
    "postgres": 2,
    "exchange": 2,
    "cut before COMMIT": 3,
    "cut after COMMIT": 3,
}
SEEDS = [1, 2, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(3, 16))]


@pytest.fixture(scope="module")
def server() -> Iterator[KillableServer]:
    with killable_server() as made:
        yield made


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="bottrader-recovery-"))
    yield made
    if not os.environ.get("KEEP"):
        shutil.rmtree(made)


async def settled(stage: Scene) -> None:
    """Return once every signal is decided on and every order has ended."""

    async def is_settled() -> bool:
        return not await undone(stage)

    await eventually(is_settled, "every signal has its outcome and every order its end")


async def end_flat(stage: Scene, market: Market) -> None:
    """Let the market fall below every stop, and return when the bot has sold all that it held."""
    market.is_falling = True

    async def is_flat() -> bool:
        return not coins(stage.ledger())

    await eventually(is_flat, "every position is sold at its stop")
    await settled(stage)


@pytest.mark.parametrize("seed", SEEDS)
async def test_kills_and_cuts_in_any_order_lose_and_double_nothing(
    server: KillableServer, folder: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    """F31, F32, F36, F41, F42, S1, S2, E1, E2, R1, R2, L1: webhook, sighook, Postgres, exchange; the wire at a COMMIT."""
    chance = Random(seed)
    kinds = [kind for kind, count in MIX.items() for _ in range(count)]
    chance.shuffle(kinds)
    async with scene(server, f"recovery_{seed}", folder) as stage:
        stage.add_webhook()
        incidents = Incidents(stage, stage.add_sighook(), chance)
        market = Market(stage.control, stage.http, PRODUCTS, Random(seed + 1))
        sender = Sender(stage.url(), stage.http)
        async with under_load(market, sender):
            await stage.protected()
            for kind in kinds:
                await incidents.play(kind)
            await stage.protected()
            await incidents.sighook.retire()
            await sender.end()
            await settled(stage)
            await end_flat(stage, market)
        orders_count = await audit(stage, sender.acknowledged)
        assert sender.odd == []
        with capsys.disabled():
            print(f"\nseed {seed}: {len(sender.acknowledged)} signals, {orders_count} orders, {incidents.told()}")  # noqa: T201
