"""How much work is under way, so that a shutdown, a replayed market or a test waits for quiet instead of sleeping."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """Counts work from the moment it is queued to the moment it is finished; quiet means none."""

    __slots__ = ("_count", "_quiet")

    def __init__(self) -> None:
        self._count = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def begin(self) -> None:
        """Count one piece of work; whoever finishes it calls `end`."""
        self._count += 1
        self._quiet.clear()

    def end(self) -> None:
        assert self._count > 0, "work ended that never began"
        self._count -= 1
        if self._count == 0:
            self._quiet.set()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count the body as one piece of work."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    async def quiet(self) -> None:
        """Return once nothing is under way."""
        while self._count:
            await self._quiet.wait()
