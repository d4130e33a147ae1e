"""What a smoke test sees of services in containers, through the `docker compose` that started them."""

import asyncio
import json
from asyncio.subprocess import PIPE
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bottrader.domain.errors import StartupRefused
from bottrader.domain.smoke import LogSeen, ServiceSeen

ANSWER_S_MAX = 30.0


class Compose:
    """The project of one compose file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def look(self, names: tuple[str, ...], now: datetime) -> tuple[tuple[ServiceSeen, ...], LogSeen]:
        """Return for each name whether its container runs, healthy if it has a check, and the age of their newest line.

        Raises `StartupRefused` when docker cannot be asked.
        """
        listed = _listed(await self._ask("ps", "--all", "--format", "json"))
        states = {str(each.get("Service")): each for each in listed}
        seen = tuple(self._seen(name, states.get(name)) for name in names)
        return seen, await self._log([name for name in names if name in states], now)

    async def _log(self, names: list[str], now: datetime) -> LogSeen:
        told = await self._ask("logs", "--timestamps", "--no-color", "--no-log-prefix", "--tail", "1", *names)
        times = [at for line in told.splitlines() if (at := _time_of(line)) is not None]
        where = f"the containers of {self._file.name}"
        return LogSeen(where, max(now - max(times), timedelta(0)) if times else None, is_named=True)

    async def _ask(self, *words: str) -> str:
        command = ("docker", "compose", "--file", str(self._file), *words)
        try:
            process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        except OSError as error:
            raise StartupRefused(f"docker cannot be started: {error.strerror}; leave --compose out") from None
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise StartupRefused(f"docker did not answer within {ANSWER_S_MAX:.0f} s; is its engine running?") from None
        if process.returncode:
            lines = err.decode(errors="replace").strip().splitlines() or ["it does not say why"]
            raise StartupRefused(f"docker compose cannot be asked about {self._file}: {lines[-1]}")
        return out.decode(errors="replace")

    def _seen(self, name: str, state: dict[str, Any] | None) -> ServiceSeen:
        where = f"container of {self._file.name}"
        if state is None:
            return ServiceSeen(name, where, is_up=False, cause="there is none")
        told, health = str(state.get("State", "unknown")), str(state.get("Health") or "")
        is_up = told == "running" and health in {"", "healthy"}
        cause = "" if is_up else ", ".join(filter(None, (told, health)))
        return ServiceSeen(name, where, is_up, cause, has_answered=True)


def _listed(answer: str) -> list[dict[str, Any]]:
    """Read a list of objects; newer versions write one a line, older ones an array."""
    try:
        read = [json.loads(line) for line in answer.splitlines() if line.strip()]
    except ValueError:
        raise StartupRefused("docker compose answered what is no JSON; it has to be version 2 or later") from None
    flat = [item for each in read for item in (each if isinstance(each, list) else [each])]
    return [item for item in flat if isinstance(item, dict)]


def _time_of(line: str) -> datetime | None:
    # Docker writes nanoseconds; only the first six digits of a second are read.
    stamp, _, _ = line.partition(" ")
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{seconds}.{fraction[:6] or '0'}+00:00")
    except ValueError:
        return None
