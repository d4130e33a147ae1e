"""What the key may do is asked again and again."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.memory.safety import MemoryKillFile
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.tasks import Pulse
from bottrader.app.watch_key import KeyWatcher
from bottrader.app.world import World
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.market import FeeRates
from bottrader.ports import KeyPermissions
from tests.fixtures.facts import NOON

GOOD = KeyPermissions(can_view=True, can_trade=True, can_transfer=False, portfolio_id="p")


class AskedExchange(MemoryExchange):
    told: KeyPermissions | None = GOOD

    async def permissions(self) -> KeyPermissions:
        if self.told is None:
            raise ExchangeUnreachable("no answer")
        return self.told


class Scene:
    def __init__(self) -> None:
        self.clock = clock = ManualClock(NOON)
        self.exchange = AskedExchange(clock, (), {}, FeeRates(maker=Decimal(0), taker=Decimal(0)))
        world = World(MemoryStore(), self.exchange, clock, RecentEvents())
        self.board = KillSwitchBoard(world, MemoryKillFile())
        self.watcher = KeyWatcher(world, self.board, "p")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"can_transfer": True}, "can transfer funds"),
        ({"can_trade": False}, "cannot trade"),
        ({"portfolio_id": "q"}, "another portfolio"),
    ],
)
async def test_a_key_that_changes_while_the_bot_runs_ends_buying_until_it_is_mended(
    change: dict[str, Any], words: str
) -> None:
    """Promise P2."""
    scene = Scene()
    scene.exchange.told = replace(GOOD, **change)
    await scene.watcher.check()
    switch = await scene.board.read()
    assert switch is not None
    assert words in switch.reason
    scene.exchange.told = GOOD
    await scene.watcher.check()
    assert await scene.board.read() is None


async def test_an_exchange_that_does_not_answer_neither_ends_buying_nor_allows_it_again() -> None:
    """Promise P2."""
    scene = Scene()
    scene.exchange.told = None
    await scene.watcher.check()
    assert await scene.board.read() is None
    scene.exchange.told = replace(GOOD, can_transfer=True)
    await scene.watcher.check()
    scene.exchange.told = None
    await scene.watcher.check()
    assert await scene.board.read() is not None


async def test_the_key_is_asked_about_once_an_hour() -> None:
    """Promise P2: not at the start, which has asked already."""
    scene = Scene()
    asked_after: list[timedelta] = []

    async def permissions() -> KeyPermissions:
        asked_after.append(scene.clock.now() - NOON)
        if len(asked_after) == 3:
            raise asyncio.CancelledError
        return GOOD

    scene.exchange.permissions = permissions  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await scene.watcher.run(Pulse(scene.clock, 60))
    assert asked_after == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=3)]
