"""B303: the whole bot in one process, looked at from outside while it trades."""

import json
from pathlib import Path

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.processes import SECRET, Bot, Exchange, eventually, signal_body, signature

FOREIGN_SECRET = "a-secret-that-somebody-else-has-chosen"
BOUGHT = "SELECT count(*) FROM trade_records WHERE side = 'buy' AND status = 'filled'"


async def test_the_running_bot_is_healthy_writes_reports_and_keeps_its_secrets(
    bot: Bot, exchange: Exchange, sql: Connection
) -> None:
    """What helps to find a fault must not help to empty an account."""
    running = await bot.start("all", log_level="DEBUG")
    await bot.ready(running)
    origin = f"http://127.0.0.1:{running.port}"
    async with bot.session.get(f"{origin}/ready") as response:
        assert (response.status, await response.json()) == (200, {"ready": True})
    async with bot.session.get(f"{origin}/health") as response:
        health = await response.json()
    assert response.status == 200

    body = signal_body("buy")
    encoded = json.dumps(body).encode()
    assert (await bot.signal(running, body))[0] == 200
    assert (await bot.send(running, encoded, **signature(encoded, secret=FOREIGN_SECRET)))[0] == 401
    await eventually(lambda: sql.fetchval(BOUGHT), "filled buy")
    data_dir = Path(bot.environment["BOTTRADER_DATA_DIR"])
    report = data_dir / "reports" / "latest.html"

    async def is_written() -> bool:
        return report.exists()

    await eventually(is_written, "the report of the start")
    assert await running.stop() == 0
    await running.reader  # type: ignore[attr-defined]

    events = [json.loads(line) for line in running.lines]
    assert all({"event", "level", "timestamp", "role"} <= set(event) for event in events), running.lines
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("starting", "stopped")
    assert {"ready", "signal_accepted", "order_sent", "fill_recorded", "report_written"} <= set(names)
    key = Path(exchange.ready["key_file"]).read_text().splitlines()[1:-1]
    said = "\n".join([*running.lines, json.dumps(health), report.read_text()])
    for secret in (SECRET, FOREIGN_SECRET, *key):
        assert secret not in said


async def test_a_bot_whose_exchange_falls_silent_says_so(bot: Bot, exchange: Exchange) -> None:
    """Blind is not healthy, and the probe of the listener answers all the same."""
    running = await bot.start("all")
    await bot.ready(running)
    await exchange.fault("ws ticker", "drop_connection")

    await exchange.price("40100")

    await eventually(lambda: _has_lost_the_stream(running.events("market_stream_lost")), "the loss is told")
    await bot.ready(running)
    assert running.process.returncode is None


async def _has_lost_the_stream(told: list[dict[str, object]]) -> bool:
    return bool(told)
