"""Signs of life: only while healthy, and never of consequence."""

import asyncio

from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.send_heartbeats import HeartbeatSender
from bottrader.app.tasks import TaskBoard
from tests.fixtures.trading_house import turns


class Bench:
    """A switch outside that takes pings or not, and a bot that is healthy or not."""

    def __init__(self) -> None:
        self.is_healthy = True
        self.is_taken = True
        self.pings_count = 0
        self.log = RecentEvents()
        self.sender = HeartbeatSender(self, lambda: self.is_healthy, self.log)

    async def ping(self) -> bool:
        self.pings_count += 1
        return self.is_taken


async def test_a_bot_that_is_not_healthy_is_silent() -> None:
    """D12"""
    bench = Bench()
    await bench.sender.beat()
    bench.is_healthy = False
    await bench.sender.beat()
    assert bench.pings_count == 1
    bench.is_healthy = True
    await bench.sender.beat()
    assert bench.pings_count == 2
    assert list(bench.log.newest) == []


async def test_a_heartbeat_that_is_not_taken_is_told_once_and_so_is_the_next_that_is() -> None:
    """D12"""
    bench = Bench()
    for is_taken in (False, False, True, True, False):
        bench.is_taken = is_taken
        await bench.sender.beat()
    assert [(told.event, told.is_alarm) for told in bench.log.newest] == [
        ("heartbeat_not_taken", True),
        ("heartbeat_taken_again", False),
        ("heartbeat_not_taken", True),
    ]


async def test_it_beats_once_a_minute() -> None:
    bench, clock = Bench(), ManualClock()
    board = TaskBoard(clock, "heartbeat")
    task = asyncio.create_task(board.keep("send", 120, bench.sender.run))
    await turns(60)
    task.cancel()
    await asyncio.wait({task})
    assert bench.pings_count > 3
    assert 60 * (bench.pings_count - 1) <= clock.monotonic_s() <= 60 * bench.pings_count
