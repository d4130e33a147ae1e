"""Secrets stay where they are: every role with a canary in each of them, driven through everything that fails."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.main import get_group

from bottrader.cli import app
from bottrader.cli.lazy import LazyGroup
from bottrader.config.settings import SECRETS
from tests.fixtures.canaries import Scene, ended_or_told, planted
from tests.fixtures.command_line import COMMAND_S_MAX
from tests.fixtures.processes import BIN, Bot, Exchange, Process, eventually

ROLES = ("webhook", "sighook", "reporter", "all")
CRASH = """
import bottrader.bootstrap.roles as roles
from bottrader.cli import main

class Planted(Exception):
    pass

async def fail(self, notifier):
    settings, venue = self._settings, self._venue
    raise Planted("on purpose")

roles.Process.run = fail
main()
"""
COMMANDS = (
    ("config", "show"),
    ("config", "check", "--verbose", "--role", "webhook"),
    ("db", "check"),
    ("smoke",),
    ("smoke", "--json"),
    ("report", "--out", "page.html"),
    ("report", "daily", "--send"),
    ("symbols",),
    ("status",),
    ("order", "--symbol", "BTC-USD", "--side", "buy", "--size", "0.001"),
    ("explain", "0b7e4a34-5b0e-5f6a-9c0d-0123456789ab"),
    ("lots", "check"),
    ("halt", "a test"),
    ("resume", "a test"),
    ("reconcile",),
)
SPOILT = {
    "BOTTRADER_WEBHOOK_SECRET": "change-me-{}",
    "BOTTRADER_WEBHOOK_SECRETS_OLD": "{},x",
    "BOTTRADER_NOTIFY_URLS": "nosuch://{}",
    "BOTTRADER_HEARTBEAT_URL": "ftp://x/{}",
    "BOTTRADER_SMTP_PASSWORD": "{}\nBcc: a@example.org",
    "DATABASE_URL": "mysql://bot:{}@127.0.0.1/x",
}


@pytest.fixture
async def scene(bot: Bot, exchange: Exchange, database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with planted(bot, exchange, database_url, tmp_path) as made:
        yield made


async def is_up(scene: Scene, role: str) -> Process:
    """Start a role and return it once it is at work."""
    running = await scene.bot.start(role)
    word = "report_written" if role == "reporter" else "market_stream_live"

    async def is_at_work() -> bool:
        assert running.process.returncode is None, "\n".join(running.lines)
        return bool(running.events(word))

    await eventually(is_at_work, f"{role} is at work")
    if role in ("webhook", "all"):
        await scene.bot.ready(running)
    return running


async def command(scene: Scene, *words: str, **settings: str) -> tuple[int, str]:
    """Run a command of the bot; returns its exit code and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=scene.calls.parent,
        env={**scene.settings, "COLUMNS": "300", "NO_COLOR": "1", **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(COMMAND_S_MAX):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, printed.decode()


@pytest.mark.parametrize("role", ROLES)
async def test_no_secret_is_in_a_log_a_page_a_report_or_a_row(scene: Scene, role: str) -> None:
    """E7, promise P4: starts, refusals, an exchange that errs, services that fail, and a database that goes away."""
    assert scene.words.keys() == SECRETS, "a secret has no canary here"
    running = await is_up(scene, role)
    await scene.exchange.fault("GET *", "http_500_not_placed")
    await scene.exchange.price("40100")
    if role in ("webhook", "all"):
        await scene.provoke(running)
        await ended_or_told(running, "notification_not_sent")
    await scene.look(running)
    await scene.database.aclose()
    if role in ("webhook", "all"):
        await ended_or_told(running, "database")
    await scene.look(running)
    await running.stop()
    await running.reader  # type: ignore[attr-defined]
    assert len(running.lines) > 3
    texts = {"a line": running.lines, "a page": scene.shown, "a row": await scene.rows()}
    assert [(where, name) for where, each in texts.items() for text in each for name in scene.found_in(text)] == []
    assert {name: found for name, text in scene.files().items() if (found := scene.found_in(text))} == {}
    # Whatever a library said between is a line like the others; the last one is a person's, when the bot gave up.
    odd = [line for line in running.lines if not isinstance(_json(line), dict) and not line.startswith("bottrader: ")]
    assert odd == []


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


async def test_no_secret_is_in_what_a_command_prints(scene: Scene) -> None:
    """E7, promise P4"""
    commands = get_group(app)
    assert isinstance(commands, LazyGroup)
    known = commands.places
    running = await is_up(scene, "webhook")
    scene.settings["BOTTRADER_WEBHOOK_PORT"] = str(running.port)
    for words in COMMANDS:
        if words[0] not in known:
            continue
        code, printed = await command(scene, str(BIN / "bottrader"), *words)
        assert printed, words
        assert code in (0, 1, 2), printed
        assert "Traceback" not in printed, printed
        assert scene.found_in(printed) == [], words
    assert {name: found for name, text in scene.files().items() if (found := scene.found_in(text))} == {}


@pytest.mark.parametrize("variable", sorted(SPOILT))
async def test_no_secret_is_in_a_refusal(scene: Scene, variable: str) -> None:
    """E7, promise P4: one that is spoilt is refused in a sentence that does not repeat it."""
    word = scene.words["webhook_secret"]
    settings = {variable: SPOILT[variable].format(word)}
    code, printed = await command(scene, str(BIN / "bottrader"), "run", "--role", "webhook", **settings)
    assert (code, len(printed.splitlines())) == (2, 1), printed
    assert variable in printed
    assert scene.found_in(printed) == []


async def test_no_secret_is_in_the_traceback_of_a_crash(scene: Scene) -> None:
    """E7, promise P4: everything is open when it crashes."""
    code, printed = await command(scene, sys.executable, "-c", CRASH, "run", "--role", "all")
    assert code == 1
    assert "Planted: on purpose" in printed
    assert "Traceback" in printed
    assert scene.found_in(printed) == []


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_calls_what_its_settings_do_not_name(scene: Scene, role: str) -> None:
    """Promise P9: every look-up and connection of the process, as the interpreter saw it."""
    running = await is_up(scene, role)
    if role in ("webhook", "all"):
        await scene.provoke(running)
        await ended_or_told(running, "notification_not_sent")
    await running.stop()
    named, called = scene.named_places(running), scene.called()
    needed = {_place(scene.settings[name]) for name in ("BOTTRADER_EXCHANGE_REST_URL", "DATABASE_URL")}
    assert needed <= called, "the hook sees nothing"
    hosts = {host for host, _ in named}
    assert {(host, port) for host, port in called if port} <= named
    assert {host for host, port in called if not port} <= hosts


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
