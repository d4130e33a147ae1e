"""How fast venue time runs: the one who calls `Simulator.step` when nobody else does.

At speed X, X venue seconds pass in one wall second. At `MAX` each tick follows as soon as the last one has been handed
to the network, so that a client is never outrun. At 0 only the control interface steps.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

from coinbase_sim.simulator import Simulator

MAX = inf


class Pacer:
    """Steps a simulator by the clock of the running event loop, and remembers whether the market has ended."""

    def __init__(self, simulator: Simulator, speed: float = 0.0) -> None:
        self._simulator = simulator
        self.speed = speed
        self.ended = False
        self._may_run = asyncio.Event()
        if speed:
            self._may_run.set()

    @property
    def paused(self) -> bool:
        return not self._may_run.is_set()

    def pause(self) -> None:
        self._may_run.clear()

    def resume(self) -> None:
        """Go on at the given speed; raises `ValueError` when that is 0."""
        if not self.speed:
            raise ValueError("the simulator was started without a speed: step it with POST /control/step")
        self._may_run.set()

    def step(self, count: int = 1) -> int:
        """Take up to `count` ticks; the number taken is smaller when the market ends."""
        for taken in range(count):
            self.ended = self._simulator.step() is None
            if self.ended:
                return taken
        return count

    async def run(self, flush: Callable[[], Awaitable[None]]) -> None:
        """Step until the market ends; `flush` returns when all messages have left."""
        while not self.ended:
            await self._may_run.wait()
            if self.speed == MAX:
                self.step()
                await flush()
                # A flush with nothing to send does not suspend, and the sockets need their turn.
                await asyncio.sleep(0)
            else:
                await self._stretch()

    async def _stretch(self) -> None:
        """Keep pace from now until the next pause; the anchor is new after each pause, so none is caught up."""
        loop = asyncio.get_running_loop()
        self.step()
        venue_start, wall_start = self._simulator.now, loop.time()
        while not (self.paused or self.ended):
            self.step()
            due = wall_start + (self._simulator.now - venue_start).total_seconds() / self.speed
            await asyncio.sleep(max(0.0, due - loop.time()))
