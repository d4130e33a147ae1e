"""What a smoke test sees of services in containers: those that carry the labels of one compose project.

The engine is asked, not compose: every version of it labels what it starts, and they differ in what they can be asked.
"""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bottrader.domain.errors import StartupRefused
from bottrader.domain.smoke import LogSeen, ServiceSeen

ANSWER_S_MAX = 30.0
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
SICK = ("(unhealthy)", "(health: starting)")


def see_log_lines(lines: Iterable[str], now: datetime) -> LogSeen:
    """Return the log that somebody else read, as `docker logs --timestamps` prints it; other lines tell no time."""
    return _log_seen("what came on standard input", _times_of(lines), now)


class Compose:
    """The containers of one compose project."""

    def __init__(self, project: str) -> None:
        self._project = project

    async def look(self, names: tuple[str, ...], now: datetime) -> tuple[tuple[ServiceSeen, ...], LogSeen]:
        """Return for each name whether its container runs, healthy if it has a check, and the age of their newest line.

        Raises `StartupRefused` when docker cannot be asked.
        """
        out, _ = await self._ask(
            "ps", "--all", "--filter", f"label={PROJECT}={self._project}", "--format", "{{json .}}"
        )
        containers = {_label(each, SERVICE): each for each in _listed(out)}
        seen = tuple(self._seen(name, containers.get(name)) for name in names)
        return seen, await self._log([containers[name]["Names"] for name in names if name in containers], now)

    async def _log(self, containers: list[str], now: datetime) -> LogSeen:
        times = []
        for container in containers:
            # What a container writes on its standard error comes out on ours.
            told = await self._ask("logs", "--timestamps", "--tail", "1", container)
            times += _times_of("\n".join(told).splitlines())
        return _log_seen(f"the containers of {self._project}", times, now)

    async def _ask(self, *words: str) -> tuple[str, str]:
        try:
            process = await asyncio.create_subprocess_exec("docker", *words, stdout=PIPE, stderr=PIPE)
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
            raise StartupRefused(f"docker cannot be asked about {self._project}: {lines[-1]}")
        return out.decode(errors="replace"), err.decode(errors="replace")

    def _seen(self, name: str, container: Mapping[str, str] | None) -> ServiceSeen:
        where = f"container of {self._project}"
        if container is None:
            return ServiceSeen(name, where, is_up=False, cause="there is none")
        status = container.get("Status", "unknown")
        is_up = status.startswith("Up ") and not status.endswith(SICK)
        return ServiceSeen(name, where, is_up, "" if is_up else status, has_answered=True)


def _listed(answer: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in answer.splitlines() if line.strip()]


def _label(container: Mapping[str, str], name: str) -> str:
    labels = dict(label.partition("=")[::2] for label in container.get("Labels", "").split(","))
    return labels.get(name, "")


def _times_of(lines: Iterable[str]) -> list[datetime]:
    return [at for line in lines if (at := _time_of(line)) is not None]


def _log_seen(where: str, times: list[datetime], now: datetime) -> LogSeen:
    return LogSeen(where, max(now - max(times), timedelta(0)) if times else None, is_named=True)


def _time_of(line: str) -> datetime | None:
    # Docker writes nanoseconds; only the first six digits of a second are read.
    stamp, _, _ = line.partition(" ")
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{seconds}.{fraction[:6] or '0'}+00:00")
    except ValueError:
        return None
