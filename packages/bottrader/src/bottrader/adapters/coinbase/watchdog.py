"""Ends a wait for a message that takes too long, without a timer for each message.

`asyncio.timeout` around every receive costs more than decoding what is received. Here one timer per connection looks
whether the wait that goes on is overdue, and sleeps on until it could be; a message only notes when its wait began.
"""

import asyncio
from collections.abc import Awaitable
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Overdue(Exception):
    """A wait took too long."""


class Watchdog:
    """Bounds each wait by `silence_s`, and while it `is_strict` by the moment `first_s` from the start as well.

    Time the caller spends between two waits does not count: a slow consumer is not a silent venue.
    """

    def __init__(self, silence_s: float, first_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._silence_s = silence_s
        self._first_s = first_s
        self._first_deadline = 0.0
        self.is_strict = True
        self._waiting_since: float | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._timer: asyncio.TimerHandle | None = None
        self._has_bitten = False

    async def __aenter__(self) -> Self:
        self._first_deadline = monotonic() + self._first_s
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def wait(self, arrival: Awaitable[T]) -> T:
        """Return what arrives; raises `Overdue` when nothing does in time."""
        # An iterator may be driven by another task each time, so whom to interrupt is known only now.
        task = asyncio.current_task(self._loop)
        assert task is not None
        if task is not self._task:
            self._task, self._cancelling = task, task.cancelling()
        self._waiting_since = monotonic()
        try:
            return await arrival
        except asyncio.CancelledError:
            # Our own interruption ends here; somebody else's goes on, even when both came at once.
            if self._has_bitten and task.uncancel() <= self._cancelling:
                raise Overdue from None
            raise
        finally:
            self._waiting_since = None

    def _look(self) -> None:
        """Interrupt the wait when it is overdue, else come back when it could be."""
        now, since = monotonic(), self._waiting_since
        if since is None:
            due = now + min(self._silence_s, self._first_s)
        elif self.is_strict:
            due = min(since + self._silence_s, self._first_deadline)
        else:
            due = since + self._silence_s
        if now < due:
            self._timer = self._loop.call_later(due - now, self._look)
        elif self._task is not None:
            self._has_bitten = True
            self._task.cancel()
