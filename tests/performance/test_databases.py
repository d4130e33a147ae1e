"""What an isolated database costs a test, against dropping the schema and migrating anew for each, in the same run."""

from statistics import median
from time import perf_counter

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import connect
from tests.fixtures.database_keeper import Costs, DatabaseKeeper
from tests.fixtures.database_server import Server
from tests.performance.measuring import tell

RESETS = 60
CLONES = 12
REBUILDS = 3
TIMES_CHEAPER = 50


async def test_a_database_of_its_own_costs_a_test_a_fiftieth_of_migrating_again(
    postgres_server: Server, databases: DatabaseKeeper, empty_database_url: str
) -> None:
    """Both grades, with rows to remove and clones taken while tests run: 0.1 s each here, which is a short one."""
    costs = DatabaseKeeper(postgres_server, "measured")
    try:
        reset_ms, clone_ms = await _costs(costs)
    finally:
        costs.close()

    rebuild_ms = median([await _rebuild(empty_database_url) for _ in range(REBUILDS)])
    for name, cost_ms in (("reset", reset_ms), ("pooled clone", clone_ms)):
        tell(
            f"a database by {name}:",
            f"{cost_ms:.2f} ms; dropped and migrated {rebuild_ms:.0f} ms: {rebuild_ms / cost_ms:.0f} times",
            ratio=rebuild_ms / cost_ms,
        )
        assert rebuild_ms / cost_ms >= TIMES_CHEAPER


async def _costs(keeper: DatabaseKeeper) -> tuple[float, float]:
    """Return the medians of a reset and of the wait for a clone, in milliseconds."""
    url = keeper.shared_url()
    for number in range(RESETS):
        connection = await connect(url)
        await connection.execute(
            "INSERT INTO strategy_snapshots (snapshot_id, strategy, parameters, parameters_text)"
            " VALUES ($1, 'roc_momentum', '{}', '{}')",
            f"s-{number}",
        )
        await connection.close()
        assert keeper.reset_shared(keep=False) == []
    for _ in range(CLONES):
        taken = keeper.take_clone()
        connection = await connect(taken)
        await connection.execute("SELECT pg_sleep(0.1)")
        await connection.close()
        assert keeper.give_back(taken, keep=False) == []
    return _median(keeper.costs)


def _median(costs: Costs) -> tuple[float, float]:
    return median(costs.reset), median(costs.clone_wait)


async def _rebuild(url: str) -> float:
    """Return the milliseconds of what guides commonly do before each test."""
    started = perf_counter()
    connection = await connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    await schema.upgrade(url)
    return (perf_counter() - started) * 1000
