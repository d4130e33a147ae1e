"""The exchange's state on disk: a whole file at the end, or one after each change, which outlives a kill."""

import os
from pathlib import Path

from coinbase_sim.model import Event, OrderChanged, TickerChanged
from coinbase_sim.simulator import Simulator


class Journal:
    """A listener that has each change of the market and of the orders on disk before anybody is told of it.

    Subscribe it before all others: what a client has heard is then never lost by a kill of this process.
    """

    def __init__(self, simulator: Simulator, path: Path) -> None:
        self._simulator = simulator
        self._path = path

    def __call__(self, event: Event) -> None:
        """Write the state of which `event` tells a part."""
        if isinstance(event, TickerChanged | OrderChanged):
            save(self._simulator, self._path, is_synced=False)


def save(simulator: Simulator, path: Path, *, is_synced: bool = True) -> None:
    """Write the state so that the file is always a whole one, the old or the new; synced, it outlives a power cut."""
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(simulator.snapshot())
        file.flush()
        if is_synced:
            os.fsync(file.fileno())
    beside.replace(path)
