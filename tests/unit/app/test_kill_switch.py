"""The board of the kill switch: what holds this process alone, beside what anybody has thrown for all."""

from datetime import timedelta

import pytest

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.exchange import MemoryExchange
from bottrader.adapters.memory.safety import MemoryKillFile
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.world import World
from bottrader.domain.risk import KillSwitch
from tests.fixtures.facts import NOON
from tests.fixtures.trading_house import FEES, House, signal

KEY = "key"


class Scene:
    def __init__(self) -> None:
        self.clock, self.store, self.log = ManualClock(NOON), MemoryStore(), RecentEvents()
        exchange = MemoryExchange(self.clock, (), {}, FEES)
        self.board = KillSwitchBoard(World(self.store, exchange, self.clock, self.log), MemoryKillFile())

    def told(self) -> list[tuple[str, object]]:
        return [(event.event, event.fields["reason"]) for event in self.log.newest]

    def thrown(self, *, on: bool) -> KillSwitch:
        return KillSwitch(on, "fear" if on else "calm", "cli", self.clock.wall())


async def test_a_process_that_is_held_buys_nothing_for_as_long_as_there_is_a_reason() -> None:
    """Promise P2"""
    house = await House().open()
    house.kill_switch.hold("the key can transfer", KEY)
    await house.actor.act(signal(), gate=None)
    assert house.exchange.placements == []
    outcome = await house.store.outcome_of(signal().signal_id)
    assert outcome is not None
    assert outcome.code == "KILL_SWITCH"
    house.kill_switch.hold(None, KEY)
    await house.actor.act(signal(number=1), gate=None)
    assert len(house.exchange.placements) == 1


async def test_a_hold_is_told_once_and_its_end_once_however_often_it_is_found_again() -> None:
    scene = Scene()
    for _ in range(3):
        scene.board.hold("the key can transfer", KEY)
        scene.clock.advance(timedelta(hours=1))
    for _ in range(3):
        scene.board.hold(None, KEY)
    assert scene.told() == [("kill_switch_on", "the key can transfer"), ("kill_switch_off", "")]


async def test_a_hold_says_since_when_and_why() -> None:
    scene = Scene()
    scene.board.hold("the key can transfer", KEY)
    assert await scene.board.read() == KillSwitch(True, "the key can transfer", KEY, NOON)
    assert scene.board.last == KillSwitch(True, "the key can transfer", KEY, NOON)


async def test_nobody_who_throws_the_switch_back_ends_a_hold() -> None:
    """Promise P2: with a key that can empty the account, a person's "off" is not enough."""
    scene = Scene()
    scene.board.hold("the key can transfer", KEY)
    assert await scene.board.throw(scene.thrown(on=True))
    assert await scene.board.throw(scene.thrown(on=False))
    switch = await scene.board.read()
    assert switch is not None
    assert switch.source == KEY


async def test_the_end_of_a_hold_leaves_a_switch_on_that_somebody_has_thrown() -> None:
    scene = Scene()
    await scene.board.throw(scene.thrown(on=True))
    scene.board.hold("the key can transfer", KEY)
    scene.board.hold(None, KEY)
    switch = await scene.board.read()
    assert switch is not None
    assert switch.reason == "fear"
    assert scene.told() == [("kill_switch_on", "fear")]


@pytest.mark.parametrize("is_held", [True, False])
async def test_a_hold_is_of_this_process_and_not_of_the_books(is_held: bool) -> None:
    """A start judges anew; no row says that anybody has thrown anything."""
    scene = Scene()
    scene.board.hold("the key can transfer" if is_held else None, KEY)
    await scene.board.read()
    assert await scene.store.kill_switch() is None
