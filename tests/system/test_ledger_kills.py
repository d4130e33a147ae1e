"""The bot and its database are killed at random points of recording and allocating, again and again.

After each kill the bot starts on what is there. Nothing that was acknowledged may be missing, nothing may be there that
the exchange does not list, or twice, and the allocations are those of a computation from scratch.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.lots_audit import open_auditor
from bottrader.adapters.postgres.store import open_store
from bottrader.app.check_lots import check_lots
from bottrader.domain.lots import Allocation, allocate
from bottrader.domain.orders import Fill
from tests.fixtures.killable_server import KillableServer, killable_database, killable_server
from tests.fixtures.ledger_writer import Step, schedule
from tests.fixtures.processes import PATIENCE_S, inherited_environment

STEPS_PER_KILL = 9
OVERLAP = 2
DELAY_S_MAX = 0.04
PROCESS_KILLS, SERVER_KILLS = 4, 1
# 50 kills here and 500 at night.
SEEDS = [*range(10), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(10, 110))]


@dataclass
class Writer:
    """The process of `tests.fixtures.ledger_writer`, and what it acknowledged."""

    process: asyncio.subprocess.Process
    acknowledged: int = 0
    pid: int = 0

    async def start(self) -> None:
        await self._say(str(max(0, self.acknowledged - OVERLAP)))
        self.pid = int((await self.until("started")).split()[1])

    async def go_on(self) -> None:
        await self._say("go")

    async def until(self, word: str) -> str:
        """Return the next line that begins so; what is acknowledged before is counted."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while True:
                line = (await self.process.stdout.readline()).decode().strip()
                assert line, "the writer is gone"
                if line.startswith("ack "):
                    self.acknowledged = max(self.acknowledged, int(line.split()[1]) + 1)
                if line.startswith(word):
                    return line

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()


@dataclass
class Auditor:
    """Knows what the exchange told, step by step, and what must follow from it."""

    steps: list[Step]
    dsn: str
    told: MemoryStore = field(default_factory=MemoryStore)
    rows_after: list[list[Allocation]] = field(default_factory=lambda: [[]])

    async def audit(self, acknowledged: int) -> None:
        """Compare a store that has just recovered with the exchange: all that was acknowledged, and at most the step
        after it that was under way."""
        fills = {fill.fill_id: fill for step in self.steps[: acknowledged + 1] for fill in step.fills}
        needed = {fill.fill_id for step in self.steps[:acknowledged] for fill in step.fills}
        async with open_store(self.dsn) as store, open_auditor(self.dsn) as auditor:
            stored = await self._stored_fills()
            assert needed <= set(stored) <= set(fills), "an acknowledged fill is lost, or one is there from nowhere"
            assert all(stored[fill_id] == _terms(fills[fill_id]) for fill_id in stored)
            executions = await store.executions()
            assert len({each.execution_id for each in executions}) == len(executions), "a fill counts twice"
            result = await check_lots(auditor, None, "there is no exchange to ask")
            assert result.holds, [check for check in result.checks if check.findings]
            audit = await auditor.audit_lots()
        rows = [each.row for each in audit.rows]
        expected = [await self._rows(acknowledged), await self._rows(min(acknowledged + 1, len(self.steps)))]
        assert rows in expected
        assert len(set(stored)) in {len(needed), len(fills)}

    async def _rows(self, count: int) -> list[Allocation]:
        """Return what follows from the first `count` steps, computed from scratch and without the database."""
        for step in self.steps[len(self.rows_after) - 1 : count]:
            await step.announce(self.told)
            await self.told.record_fills(step.fills)
            self.rows_after.append(list(allocate(await self.told.executions()).allocations))
        return self.rows_after[count]

    async def _stored_fills(self) -> dict[str, tuple[object, ...]]:
        connection = await connect(self.dsn)
        try:
            rows = await connection.fetch("SELECT * FROM fills")
        finally:
            await connection.close()
        names = ("venue_order_id", "product_id", "side", "price", "size", "fee", "traded_at", "kind")
        return {row["fill_id"]: tuple(row[name] for name in names) for row in rows}


def _terms(fill: Fill) -> tuple[object, ...]:
    terms = (fill.venue_order_id, fill.product_id, fill.side.value, fill.price, fill.size, fill.fee, fill.traded_at)
    return (*terms, fill.kind.value)


@pytest.fixture(scope="module")
def server() -> Iterator[KillableServer]:
    with killable_server() as made:
        yield made


async def _writer(dsn: str, seed: int, count: int) -> Writer:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.fixtures.ledger_writer", dsn, str(seed), str(count)),
        env=inherited_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # The driver's complaints about the server that was killed.
        stderr=asyncio.subprocess.DEVNULL,
    )
    return Writer(process)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_acknowledged_fill_is_lost_or_doubled(server: KillableServer, seed: int) -> None:
    """F31, F41, E1, E3, R1, R8: SIGKILL of the bot, or of Postgres with all of its processes."""
    chance = Random(seed)
    kills = ["process"] * PROCESS_KILLS + ["server"] * SERVER_KILLS
    count = STEPS_PER_KILL * len(kills)
    chance.shuffle(kills)
    steps = schedule(seed, count)
    async with killable_database(server, f"killed_{seed}") as dsn:
        writer, auditor = await _writer(dsn, seed, count), Auditor(steps, dsn)
        for victim in kills:
            await _kill_once(writer, auditor, chance, server if victim == "server" else None)
        await writer.start()
        await writer.until("recovered")
        await auditor.audit(writer.acknowledged)
        # After all of that it goes on.
        await writer.go_on()
        await writer.until("ack")
        writer.kill()
        await writer.until("ended")
        writer.process.stdin.close()  # type: ignore[union-attr]
        assert await writer.process.wait() == 0


async def _kill_once(writer: Writer, auditor: Auditor, chance: Random, server: KillableServer | None) -> None:
    """Have the writer work, and kill it, with the server if there is one, at a moment that is drawn."""
    await writer.start()
    if chance.random() < 0.2:
        # While it reads its books and brings them in step.
        await writer.until("connected")
    else:
        await writer.until("recovered")
        await auditor.audit(writer.acknowledged)
        await writer.go_on()
        for _ in range(chance.randint(0, 5) + min(OVERLAP, writer.acknowledged)):
            await writer.until("ack")
    # The moment itself is drawn, so there is no event to wait for.
    await asyncio.sleep(chance.random() * DELAY_S_MAX)
    if server is not None:
        await server.kill()
    writer.kill()
    await writer.until("ended")
    if server is not None:
        await asyncio.to_thread(server.start)
