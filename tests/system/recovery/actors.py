"""Programs that are started again whenever they end, as a service manager does, and that a test may kill."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.processes import inherited_environment

LOOK_S = 0.02
RESTART_S = 0.1


@dataclass
class Actor:
    """A program and its present process; `pid` is 0 while there is none, `log` takes what all of its processes say."""

    argv: list[str]
    env: dict[str, str]
    log: Path
    pid: int = 0
    starts_count: int = 0
    is_retired: bool = False

    @property
    def is_alive(self) -> bool:
        if not self.pid:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    async def kill(self) -> None:
        """End it as a power cut would, and return when it is gone."""
        pid = self.pid
        if not pid:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        # Processes of another parent: there is no event to wait for.
        while self.pid == pid and self.is_alive:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    async def retire(self) -> None:
        """Kill it for good."""
        self.is_retired = True
        await self.kill()

    @property
    def clock(self) -> Path:
        """The file that says by how many seconds its wall clock is off."""
        return self.log.with_suffix(".clock")

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


class Troupe:
    """Starts actors, and starts them again."""

    def __init__(self, zygote: asyncio.subprocess.Process) -> None:
        self._zygote = zygote
        self._asking = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def keep(self, actor: Actor) -> None:
        """Have a process of this actor as good as always from now on."""
        self._tasks.append(asyncio.create_task(self._keep(actor)))

    async def _keep(self, actor: Actor) -> None:
        while not actor.is_retired:
            actor.pid = await self._fork(actor)
            actor.starts_count += 1
            while actor.is_alive:  # noqa: ASYNC110 - see `kill`
                await asyncio.sleep(LOOK_S)
            actor.pid = 0
            await asyncio.sleep(RESTART_S)

    async def _fork(self, actor: Actor) -> int:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        order = {"argv": actor.argv, "env": actor.env, "log": str(actor.log), "clock": str(actor.clock)}
        async with self._asking:
            self._zygote.stdin.write(json.dumps(order).encode() + b"\n")
            await self._zygote.stdin.drain()
            return int(await self._zygote.stdout.readline())

    async def end(self) -> None:
        """Kill everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        await self._zygote.wait()


@asynccontextmanager
async def troupe() -> AsyncIterator[Troupe]:
    """Have actors while the block lasts."""
    zygote = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fixtures.zygote"),
        env=inherited_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    made = Troupe(zygote)
    try:
        yield made
    finally:
        await made.end()
