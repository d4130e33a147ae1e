"""How the venue behaves on the wire at the moment: what a knob may change while it serves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from coinbase_sim.knob_bodies import KeyBody
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire.dialect import PLAIN, Dialect


@dataclass(slots=True)
class Manners:
    """Shared by all that answers clients."""

    dialect: Dialect = PLAIN
    key: KeyBody = field(default_factory=KeyBody)
    quiet_close_s: float | None = None
    """Close a socket without heartbeats to which nothing was sent for so long."""


class Later:
    """What a fault has put off: orders on their way to the book, and cancels that are queued."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def settle(self, order_id: str, after_s: float) -> None:
        """Settle the order in so many wall-clock seconds; with 0 only when somebody calls `Simulator.settle`."""
        if after_s:
            loop = asyncio.get_running_loop()
            self._timers[order_id] = loop.call_later(after_s, self._settle_now(order_id))

    def _settle_now(self, order_id: str) -> Callable[[], None]:
        def settle() -> None:
            self._timers.pop(order_id, None)
            self._simulator.settle(order_id)

        return settle

    def close(self) -> None:
        """Settle at once what still waits, so that a state that is saved holds nothing that nobody will finish."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for order_id in self._simulator.waiting():
            self._simulator.settle(order_id)
