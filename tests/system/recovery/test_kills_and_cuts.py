"""Everything that can die is killed, again and again, in an order that a seed draws, under load."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fixtures.killable_server import KillableServer
from tests.system.recovery.auditing import audit, end_flat, settled
from tests.system.recovery.incidents import Incidents
from tests.system.recovery.load import Market, Sender
from tests.system.recovery.scene import PRODUCTS, scene, under_load
from tests.system.recovery.telling import TAKEN, TOLD

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


@pytest.mark.parametrize("seed", SEEDS)
async def test_kills_and_cuts_in_any_order_lose_and_double_nothing(
    server: KillableServer, folder: Path, record_property: Callable[[str, object], None], seed: int
) -> None:
    """F31, F32, F36, F41, F42, S1, S2, E1, E2, L1, invariant R1: bot, Postgres, exchange; the wire at a COMMIT."""
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
        assert (sender.odd, sender.unauthorized_count) == ([], 0)
        counts = (
            f"{sum(incidents.counts.values())} incidents, {len(sender.acknowledged)} signals, {orders_count} orders"
        )
        record_property(TOLD, f"seed {seed}: {counts}; nothing lost, nothing doubled")
        record_property(TAKEN, dict(incidents.seconds))
