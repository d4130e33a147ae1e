"""Notice that the event loop stands still: meanwhile nothing is judged, no stop is seen and nobody is answered (F35).

Whoever is blocked cannot tell, so a thread does, while it lasts, with what the loop is busy with. Once the loop goes
on, it tells itself how long that was; whatever waited in the sockets meanwhile is as old as its own time says.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from traceback import extract_stack

from bottrader.ports import EventLog

STALL_S_MAX = 5.0
LOOKS_PER_STALL = 5
FRAMES_SHOWN = 3


@asynccontextmanager
async def stall_watch(lines: EventLog, log: EventLog, stall_s_max: float = STALL_S_MAX) -> AsyncIterator[None]:
    """While the block lasts, tell of each time the loop does nothing else for longer than `stall_s_max`.

    `lines` is told from another thread (`loop_stands_still`), `log` on the loop afterwards (`loop_stalled`).
    """
    watch = _Watch(lines, stall_s_max)
    thread = threading.Thread(target=watch.run, name="stall-watch", daemon=True)
    beating = asyncio.create_task(watch.beat(log))
    thread.start()
    try:
        yield
    finally:
        beating.cancel()
        watch.ended.set()
        await asyncio.wait({beating})
        thread.join()


class _Watch:
    def __init__(self, lines: EventLog, stall_s_max: float) -> None:
        self._lines = lines
        self._stall_s_max = stall_s_max
        self._look_s = stall_s_max / LOOKS_PER_STALL
        self._loop_thread = threading.get_ident()
        self._beaten_s = monotonic()
        self.ended = threading.Event()

    async def beat(self, log: EventLog) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            silent_s = monotonic() - self._beaten_s
            self._beaten_s = monotonic()
            if silent_s > self._stall_s_max:
                log.alarm("loop_stalled", seconds=f"{silent_s:.1f}")

    def run(self) -> None:
        told_s: float | None = None
        while not self.ended.wait(self._look_s):
            beaten_s = self._beaten_s
            if monotonic() - beaten_s <= self._stall_s_max or beaten_s == told_s:
                continue
            # Once per stall: it ends, or somebody ends the process.
            told_s = beaten_s
            self._lines.alarm("loop_stands_still", seconds=f"{monotonic() - beaten_s:.1f}", busy_with=self._busy_with())

    def _busy_with(self) -> str:
        """Return where the loop's thread is, innermost first: names of code, and no values."""
        frames = extract_stack(sys._current_frames().get(self._loop_thread))  # noqa: SLF001 - its documented name
        return " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-FRAMES_SHOWN:]))
