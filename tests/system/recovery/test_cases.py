"""Single accidents, each under the same load as the random ones, and each ends with the exchange's books."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from bottrader.adapters.postgres.connection import connect
from bottrader.domain.custody import Custody
from tests.fixtures.killable_server import KillableServer
from tests.fixtures.processes import BIN, eventually
from tests.system.recovery.actors import Actor
from tests.system.recovery.auditing import audit, audit_fills, coins, end_flat, patiently, settled
from tests.system.recovery.load import BASE, Market, Sender
from tests.system.recovery.scene import PRODUCTS, Scene, scene, under_load
from tests.system.recovery.telling import TOLD

TAKE_OVER_S = 10.0
SMALL_DISK_BYTES = 2 * 1024**2
REFUSALS_IN_ROW = 20
MOMENT_S = 0.5


@dataclass
class Play:
    """A scene under load."""

    stage: Scene
    market: Market
    sender: Sender

    async def end(self) -> None:
        """Let everything come to its end, and hold the books against the exchange's."""
        await self.stage.protected()
        await self.sender.end()
        await settled(self.stage)
        await end_flat(self.stage, self.market)
        assert await audit(self.stage, self.sender.acknowledged) > 0

    async def traded(self, more: int = 1) -> None:
        """Return when the exchange has so many more orders."""
        goal = len(self.stage.ledger().orders) + more

        async def has_more() -> bool:
            return len(self.stage.ledger().orders) >= goal

        await eventually(has_more, f"{more} more orders")


@asynccontextmanager
async def play(server: KillableServer, name: str, folder: Path) -> AsyncIterator[Play]:
    """Have one webhook that trades; the market moves and signals come."""
    async with scene(server, name, folder) as stage:
        stage.add_webhook()
        market, sender = Market(stage.control, stage.http, PRODUCTS, Random(5)), Sender(stage.url(), stage.http)
        async with under_load(market, sender):
            await stage.protected()
            yield Play(stage, market, sender)


async def test_the_second_of_two_webhooks_takes_over_within_ten_seconds(
    server: KillableServer, folder: Path, record_property: Callable[[str, object], None]
) -> None:
    """F33, S1: both get signals, one acts; it is killed with an order at the exchange, and is not ordered for again."""
    async with play(server, "recovery_two", folder) as now:
        now.stage.add_webhook()
        waiting = await eventually(lambda: _answer(now.stage, 1), "the second webhook answers")
        assert waiting == 503
        await now.traded()
        first = now.stage.webhooks[0]
        await now.stage.fault(on="POST /orders", do="delay_reply", seconds=3)
        await now.traded()
        now.sender.url = now.stage.url(1)
        struck = monotonic()
        await first.retire()
        await now.stage.protected()
        taken_s = monotonic() - struck
        assert taken_s < TAKE_OVER_S
        await now.traded()
        await now.end()
    record_property(TOLD, f"the second webhook had taken over {taken_s:.1f} s after the first was killed")


async def _answer(stage: Scene, number: int) -> int:
    return (await stage.ask(f"{stage.url(number)}/ready"))[0]


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "restarted"])
async def test_postgres_goes_away_in_the_middle_of_a_transaction(
    server: KillableServer, folder: Path, is_killed: bool
) -> None:
    """F41, S2, E4: an intent waits for its lock when the server dies or is restarted; it was never committed.

    While there is no database nobody is told that the bot is well.
    """
    async with play(server, f"recovery_mid_{is_killed:d}", folder) as now:
        session, onlooker = await connect(now.stage.dsn), await connect(now.stage.dsn)
        await session.execute("BEGIN")
        await session.execute("LOCK TABLE order_intents IN SHARE ROW EXCLUSIVE MODE")
        # Asked in a session of its own: inside a transaction the picture of the sessions stands still.
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE '%order_intents%'"
        await eventually(lambda: onlooker.fetchval(waits), "an intent waits inside its transaction")
        if is_killed:
            await server.kill()
            await eventually(lambda: _is_unwell(now.stage), "the webhook says that it is not well, or nothing")
            await asyncio.to_thread(server.start)
        else:
            await server.restart()
        session.terminate()
        onlooker.terminate()
        await now.stage.protected()
        await now.traded()
        await now.end()


async def _is_unwell(stage: Scene) -> bool:
    return (await stage.ask(f"{stage.url()}/health"))[0] != 200


@asynccontextmanager
async def small_disk(server: KillableServer, folder: Path) -> AsyncIterator[Path]:
    """Have a tablespace on a disk of its own; what is in it must be gone at the end.

    Skips the test where no disk can be mounted.
    """
    folder.mkdir()
    if await _run("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES}", "none", str(folder)):
        pytest.skip("a disk can be mounted by root only, and PostgreSQL's own limits fill no disk")
    try:
        owner = (server.folder / "data").stat()
        place = folder / "tables"
        place.mkdir(mode=0o700)
        os.chown(place, owner.st_uid, owner.st_gid)
        admin = await connect(server.url)
        await admin.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        yield folder
        await admin.execute("DROP TABLESPACE small")
        await admin.close()
    finally:
        assert await _run("umount", "-l", str(folder)) == 0


async def test_a_full_disk_accepts_nothing_and_loses_nothing(server: KillableServer, folder: Path) -> None:
    """F40, E4, invariant R1: signals cannot be stored, so none is acknowledged; with room again, they come through."""
    folder.chmod(0o755)
    async with (
        small_disk(server, folder / "disk") as disk,
        play(server, "recovery_full", folder) as now,
    ):
        await now.traded()
        session = await connect(now.stage.dsn)
        for table in ("inbound_requests", "inbound_signals", "order_intents", "order_transitions"):
            await session.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        await session.close()
        ballast = disk / "ballast"
        with suppress(OSError):
            ballast.write_bytes(bytes(SMALL_DISK_BYTES))
        await eventually(lambda: _is_refused(now.sender), "no signal is accepted any more")
        count = len(now.sender.acknowledged)
        ballast.unlink()
        await eventually(lambda: _has_more(now.sender, count), "signals are accepted again")
        await now.end()


async def _is_refused(sender: Sender) -> bool:
    return sender.refusals_in_row > REFUSALS_IN_ROW


async def _has_more(sender: Sender, count: int) -> bool:
    return len(sender.acknowledged) > count + len(PRODUCTS)


@pytest.mark.parametrize("jump_s", [3600, -3600], ids=["ahead", "back"])
async def test_the_hosts_clock_jumps_and_comes_back(server: KillableServer, folder: Path, jump_s: int) -> None:
    """F38, S7, L1: nobody believes a bot whose clock is off, and what it holds is sold when the clock is right."""
    async with play(server, f"recovery_clock_{jump_s > 0:d}", folder) as now:
        await now.traded()
        clock = now.stage.webhooks[0].clock
        clock.write_text(str(jump_s))
        await eventually(lambda: _is_refused(now.sender), "the webhook takes signals for stale or early")
        assert now.sender.unauthorized_count > 0
        placed = len(now.stage.ledger().orders)
        await asyncio.sleep(MOMENT_S)
        # The exchange takes no token of another hour either.
        assert len(now.stage.ledger().orders) == placed
        clock.unlink()
        await now.traded()
        await now.end()


async def test_an_older_backup_is_brought_up_to_the_exchange(server: KillableServer, folder: Path) -> None:
    """F44, S1, E1, E3: what the backup does not know is taken in, and nothing is ordered once more; coins that orders
    of lost rows bought are sold once they are handed over, and then the books are the exchange's in every way."""
    async with play(server, "recovery_backup", folder) as now:
        await now.traded(2)
        backup = str(folder / "books.dump")
        await _bottrader(now.stage, "db", "backup", backup)
        await now.traded(4)
        await now.sender.end()
        await settled(now.stage)
        await now.stage.webhooks[0].retire()
        lost = [order.request.client_order_id for order in now.stage.ledger().orders]
        admin = await connect(server.url)
        await admin.execute("DROP DATABASE recovery_backup WITH (FORCE)")
        await admin.execute("CREATE DATABASE recovery_backup")
        await admin.close()
        await _bottrader(now.stage, "db", "restore", backup)
        now.stage.add_webhook()
        await eventually(lambda: _is_told(now.stage.webhooks[1], "ready"), "the restored bot is ready")
        await settled(now.stage)
        # A position of the old books may have been sold and bought anew by lost orders: its exit finds that sale under
        # its own id, and the coins of the second purchase are nobody's from then on.
        now.market.is_falling = True
        await patiently(now.stage, lambda: _is_all_foreign(now.stage), "the bot has sold what it takes for its own")
        await now.stage.webhooks[1].retire()
        for coin, amount in (await _held(now.stage, Custody.FOREIGN)).items():
            await _bottrader(now.stage, "adopt", f"{coin}-USD", f"{amount:f}", "--price", str(BASE))
        # A start takes them up at once; else the next reconciliation does.
        now.stage.add_webhook()
        await end_flat(now.stage, now.market, await _held(now.stage, Custody.DUST))
        placed = [order.request.client_order_id for order in now.stage.ledger().orders]
        assert placed[: len(lost)] == lost
        assert len(placed) == len(set(placed)), "an order is doubled at the exchange"
        session = await connect(now.stage.dsn)
        await audit_fills(session, now.stage.ledger())
        await session.close()
        assert "the books are equal to the exchange's" in await _bottrader(now.stage, "reconcile")
        # The rows as they were kept against both ways to compute them anew, and against the exchange.
        assert "everything that was checked holds" in await _bottrader(now.stage, "lots", "check")


async def _is_told(actor: Actor, event: str) -> bool:
    return f'"event": "{event}"' in actor.said()


async def _is_all_foreign(stage: Scene) -> bool:
    """Tell whether everything at the exchange is nobody's; what lost sales and purchases differ by may be dust."""
    nobodys = {**await _held(stage, Custody.FOREIGN), **await _held(stage, Custody.DUST)}
    return nobodys == coins(stage.ledger())


async def _held(stage: Scene, custody: Custody) -> dict[str, Decimal]:
    """Return the coins that are this to the bot, and how many of them there are."""
    rows = [line.split() for line in (await _bottrader(stage, "adopt", "--list")).splitlines()[1:]]
    return {row[0]: Decimal(row[-1]) for row in rows if row and row[1] == custody and Decimal(row[-1])}


async def _bottrader(stage: Scene, *words: str) -> str:
    """Run a command with the settings of the webhook, straight at the database, and return what it told."""
    process = await asyncio.create_subprocess_exec(
        str(BIN / "bottrader"),
        *words,
        env={**stage.environment, "DATABASE_URL": stage.dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return told.decode()


async def _run(program: str, *arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(program, *arguments, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()
