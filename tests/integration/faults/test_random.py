"""Faults at random, by seed, all at once: the books agree all the same when the weather has cleared."""

import pytest

from bottrader.adapters.postgres.connection import Connection
from tests.integration.faults.conftest import HARD_STOP, audit, clear, filled, let_time_pass
from tests.integration.services.conftest import Stage

SEEDS = [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(4, 54))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_random_faults_end_with_equal_books(stage: Stage, sql: Connection, seed: int) -> None:
    """A buy and its stop in bad weather, S1, S2, E1, E2: each order goes out, its reply gets lost or spoiled."""
    async with stage.webhook() as webhook:
        await webhook.healthy()
        storm = {"rate": 0.3, "seed": seed, "times": 0}
        await stage.fault("GET *", "http_503_not_placed", **storm)
        await stage.fault("GET /orders/historical/fills", "lose_row", **storm)
        await stage.fault("GET /orders/historical/batch", "hide_rows", **storm)
        await stage.fault("POST /orders", "http_502_placed", **storm)
        await stage.fault("POST /orders", "drop_reply", rate=0.5, seed=seed, times=0)
        await stage.fault("ws user", "repeat_message", **storm)
        await webhook.send("buy")
        await let_time_pass(stage, 10)
        clear(stage)
        await let_time_pass(stage, 4)
        await filled(sql, "buy")
        await stage.fault("POST /orders", "http_503_placed", rate=0.5, seed=seed, times=0)
        await stage.price(HARD_STOP)
        await let_time_pass(stage, 6, price=38_000)
        clear(stage)
        await filled(sql, "sell")
        await webhook.healthy()
    await audit(stage, sql, orders=2)
