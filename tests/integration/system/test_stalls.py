"""A loop that stands still is told of while it does, from outside, and by itself afterwards."""

import asyncio
import threading

from bottrader.adapters.system.log import RecentEvents
from bottrader.adapters.system.stalls import stall_watch

STALL_S_MAX = 0.2
PATIENCE_S = 30.0


class Ringing(RecentEvents):
    """Sets an event that a blocked loop may wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = threading.Event()

    def alarm(self, event: str, **fields: object) -> None:
        super().alarm(event, **fields)
        self.rung.set()


async def test_a_loop_that_stands_still_is_told_of_with_what_it_is_busy_with() -> None:
    """F35, L1: by a thread while it lasts, once, and by the loop when it goes on."""
    lines, log = Ringing(), RecentEvents()
    async with stall_watch(lines, log, STALL_S_MAX):
        assert lines.rung.wait(PATIENCE_S)
        assert log.counts == {}
        async with asyncio.timeout(PATIENCE_S):
            # It tells with its next beat.
            while not log.newest:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    (told,) = lines.newest
    assert told.event == "loop_stands_still"
    assert told.is_alarm
    assert float(str(told.fields["seconds"])) >= STALL_S_MAX
    assert "test_stalls.py" in str(told.fields["busy_with"])
    (after,) = log.newest
    assert (after.event, after.is_alarm) == ("loop_stalled", True)
    assert float(str(after.fields["seconds"])) >= STALL_S_MAX


async def test_a_loop_that_is_only_busy_is_not_told_of() -> None:
    """Many short pieces of work in a row are no stall, however long they take together."""
    lines, log = RecentEvents(), RecentEvents()
    async with stall_watch(lines, log, stall_s_max=60), asyncio.timeout(PATIENCE_S):
        for _ in range(1000):
            await asyncio.sleep(0)
    assert lines.counts == log.counts == {}
    assert "stall-watch" not in {thread.name for thread in threading.enumerate()}
