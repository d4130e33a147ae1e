"""Where a look from outside finds the services of a bot."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from bottrader.bootstrap.smoking import SmokeOptions, look
from bottrader.config import load_settings
from tests.fixtures.small_server import serving


@asynccontextmanager
async def healthy(role: str) -> AsyncIterator[int]:
    """Serve the health of a role; yields its port."""

    async def health() -> web.Response:
        return web.json_response({"status": "ok", "role": role, "faults": []})

    async with serving("/health", health) as origin:
        yield urlsplit(origin).port or 0


async def test_services_are_asked_on_the_ports_of_the_settings_or_where_somebody_says(tmp_path: Path) -> None:
    async with AsyncExitStack() as opened:
        roles = ("webhook", "sighook", "reporter")
        ports = {role: await opened.enter_async_context(healthy(role)) for role in roles}
        elsewhere = await opened.enter_async_context(healthy("sighook"))
        given = {f"{role}_port": str(port) for role, port in ports.items()}
        settings = load_settings({"data_dir": str(tmp_path), "symbols": "BTC-USD", **given}, None)
        seen = await look(settings, SmokeOptions())
        named = await look(settings, SmokeOptions(addresses={"sighook": f"http://127.0.0.1:{elsewhere}"}))
    assert {service.name: service.where for service in seen.services} == {
        role: f"http://127.0.0.1:{port}/health" for role, port in ports.items()
    }
    assert all(service.is_up for service in seen.services)
    assert [service.where for service in named.services if service.name == "sighook"] == [
        f"http://127.0.0.1:{elsewhere}/health"
    ]
