"""B303: `smoke_test.sh` against the real bot: ten verdicts of one at work, and each fault that is planted."""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.databases import at_database
from tests.fixtures.processes import BIN, Bot, Exchange, Process, eventually, free_port, signal_body

SCRIPT = Path(__file__).with_name("smoke_test.sh")
BOUGHT = "SELECT count(*) FROM trade_records WHERE side = 'buy' AND status = 'filled'"
UNALLOCATED = """
    INSERT INTO trade_records (order_id, symbol, side, size, price, status)
    VALUES ('sell-999', 'BTC-USD', 'sell', 0.001, 40000.00, 'filled')"""
UNLINKED = """
    ALTER TABLE trade_strategy_link DISABLE TRIGGER append_only;
    DELETE FROM trade_strategy_link;
    ALTER TABLE trade_strategy_link ENABLE ALWAYS TRIGGER append_only"""
NO_SNAPSHOT = "UPDATE strategy_activations SET active_until = greatest(now(), active_from) WHERE role = 'webhook'"


class Smoke:
    """The script beside one running bot whose log is a file."""

    def __init__(self, bot: Bot, running: Process, folder: Path) -> None:
        self.bot = bot
        self.running = running
        self.log = folder / "bot.log"
        self.log.write_text("\n".join(running.lines))

    async def checks(self, *words: str, **settings: str) -> tuple[int, dict[str, tuple[str, str]]]:
        """Return the exit code, and verdict and finding of each check."""
        code, out = await self.run("--json", *words, **settings)
        told: dict[str, Any] = json.loads(out)
        for each in told["checks"]:
            assert bool(each["advice"]) == (each["verdict"] != "pass"), each
        assert (code == 1) == (told["verdict"] == "fail")
        return code, {each["name"]: (each["verdict"], each["found"]) for each in told["checks"]}

    async def run(self, *words: str, url: str = "", logs: str = "", **settings: str) -> tuple[int, str]:
        where = ("--url", url or f"http://127.0.0.1:{self.running.port}", "--logs", logs or str(self.log))
        environment = {**self.bot.environment, "BOTTRADER": str(BIN / "bottrader"), **settings}
        process = await asyncio.create_subprocess_exec(
            *(str(SCRIPT), *where, *words),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert err == b"", err
        assert process.returncode is not None
        return process.returncode, out.decode()


@pytest.fixture
async def smoke(bot: Bot, sql: Connection, tmp_path: Path) -> Smoke:
    """A bot that has bought once."""
    running = await bot.start("all")
    await bot.ready(running)
    await bot.signal(running, signal_body("buy"))
    await eventually(lambda: sql.fetchval(BOUGHT), "filled buy")
    return Smoke(bot, running, tmp_path)


def wrong(checks: dict[str, tuple[str, str]], usual: Sequence[str] = ()) -> dict[str, str]:
    """Return what did not pass, without what is always so here."""
    return {name: verdict for name, (verdict, _) in checks.items() if verdict != "pass" and name not in usual}


async def test_ten_checks_of_a_bot_at_work_and_each_fault_that_is_planted(
    smoke: Smoke, sql: Connection, database_url: str
) -> None:
    """B303: one running bot, so that the faults that can be taken back come first."""
    code, checks = await smoke.checks()
    assert (code, len(checks)) == (0, 10)
    # A bot that does not tell of its tasks is not known to be all three services.
    usual = [name for name in ("services", "disk") if checks[name][0] == "warn"]
    assert wrong(checks, usual) == {}
    assert checks["recent trades"] == ("pass", "1 in 24 hours")
    assert checks["trade linkage"] == ("pass", "1 of 1 trades linked")

    code, out = await smoke.run()
    assert (code, "Smoke test" in out, "webhook health" in out) == (0, True, True)

    old = time.time() - 3600
    os.utime(smoke.log, (old, old))
    _, checks = await smoke.checks()
    assert wrong(checks, usual) == {"logs": "fail"}
    smoke.log.touch()
    _, checks = await smoke.checks(logs="nowhere.log")
    assert wrong(checks, usual) == {"logs": "fail"}

    _, checks = await smoke.checks("--dsn", at_database(database_url, "nowhere"))
    of_books = ("recent trades", "allocations", "active snapshot", "trade linkage", "schedules")
    assert wrong(checks, usual) == {"database": "fail", **dict.fromkeys(of_books, "warn")}

    _, checks = await smoke.checks(url=f"http://127.0.0.1:{free_port()}")
    assert checks["webhook health"][0] == "fail"

    await sql.execute(UNALLOCATED)
    code, checks = await smoke.checks()
    assert (code, wrong(checks, usual)) == (0, {"allocations": "warn"})
    assert checks["allocations"][1] == "1 sell is missing in version 1"
    await sql.execute("DELETE FROM trade_records WHERE order_id = 'sell-999'")

    await sql.execute(UNLINKED)
    code, checks = await smoke.checks()
    assert (code, wrong(checks, usual)) == (0, {"trade linkage": "warn"})

    await sql.execute(NO_SNAPSHOT)
    _, checks = await smoke.checks()
    assert wrong(checks, [*usual, "trade linkage"]) == {"active snapshot": "fail"}


async def test_a_killed_bot_fails_and_the_rest_is_still_judged(smoke: Smoke) -> None:
    """B303: nobody answers, nobody holds a lease, and what the database tells is told."""
    await smoke.running.kill()

    async def fails() -> dict[str, tuple[str, str]] | None:
        # The server takes a moment to see that the holder of a lease is gone.
        code, checks = await smoke.checks()
        assert code == 1
        return checks if "reporter at" in checks["services"][1] else None

    checks = await eventually(fails, "the lease of the dead process is gone")
    assert {name for name, (verdict, _) in checks.items() if verdict == "fail"} == {"services", "webhook health"}
    assert all(f"{name} at http://127.0.0.1:" in checks["services"][1] for name in ("webhook", "sighook", "reporter"))
    assert checks["schedules"][0] == "warn"
    assert checks["database"][0] == checks["active snapshot"][0] == "pass"


async def test_a_bot_that_says_it_is_sick_fails_with_its_own_words(smoke: Smoke, exchange: Exchange) -> None:
    """B303: a thrown kill switch is no state to be left alone in."""
    Path(smoke.bot.environment["BOTTRADER_DATA_DIR"], "KILL").write_text("by a test")

    async def tells() -> str | None:
        _, checks = await smoke.checks()
        verdict, found = checks["webhook health"]
        return found if verdict == "fail" else None

    assert "by a test" in await eventually(tells, "the switch is on")
    assert len(await exchange.orders()) == 1
