"""Asks services how they are: `GET /health`, and what is not understood is taken for silence."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from bottrader.domain.smoke import HealthSeen, ServiceSeen

TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
HEALTH_PATH = "/health"


class HealthPayload(msgspec.Struct):
    """The body of `GET /health`, as far as it is used; a bot of another version may tell more, or less."""

    role: str = ""
    faults: list[str] = []
    venue_time: datetime | None = None
    tasks: dict[str, float] | None = None


_DECODER = msgspec.json.Decoder(HealthPayload)


async def read_health(session: aiohttp.ClientSession, origin: str) -> HealthSeen:
    """Ask the service at `origin` (`http://host:port`); an answer that is not ours counts as none."""
    url = origin.rstrip("/") + HEALTH_PATH
    try:
        async with session.get(url, timeout=TIMEOUT, allow_redirects=False) as response:
            body, status = await response.read(), response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return HealthSeen(url, cause=f"no answer ({_cause(error)})")
    try:
        payload = _DECODER.decode(body)
    except msgspec.MsgspecError:
        return HealthSeen(url, cause=f"answered {status}, and what it says is no health of a bot")
    return HealthSeen(
        url,
        is_ok=status == HTTPStatus.OK,
        role=payload.role,
        faults=tuple(payload.faults),
        venue_time=payload.venue_time,
        tasks=payload.tasks,
    )


async def ask_service(session: aiohttp.ClientSession, name: str, origin: str) -> ServiceSeen:
    """Tell whether a service answers at `origin` and is well, with its own words when it is not."""
    seen = await read_health(session, origin)
    has_answered = not seen.cause
    cause = "" if seen.is_ok else seen.cause or "; ".join(seen.faults) or "not ready"
    return ServiceSeen(name, seen.url, seen.is_ok, cause, has_answered, seen.tasks)


def _cause(error: Exception) -> Any:
    if isinstance(error, TimeoutError):
        return "timed out"
    return "connection refused" if isinstance(error, aiohttp.ClientConnectorError) else type(error).__name__
