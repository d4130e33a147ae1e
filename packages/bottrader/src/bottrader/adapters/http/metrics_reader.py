"""Asks a service for its numbers: `GET /metrics`, as far as they have no labels."""

from http import HTTPStatus

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
METRICS_PATH = "/metrics"


async def read_metrics(session: aiohttp.ClientSession, origin: str) -> dict[str, float]:
    """Return the numbers of the service at `origin` by name; empty when it does not answer with any."""
    try:
        async with session.get(origin.rstrip("/") + METRICS_PATH, timeout=TIMEOUT, allow_redirects=False) as response:
            if response.status != HTTPStatus.OK:
                return {}
            text = (await response.read()).decode()
        families = list(text_string_to_metric_families(text))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return {}
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}
