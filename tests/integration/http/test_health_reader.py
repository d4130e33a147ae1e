"""How services are asked how they are, over real sockets: what is no answer of ours counts as none."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from bottrader.adapters.http import health_reader
from bottrader.adapters.http.health_reader import ask_service, read_health
from tests.fixtures.small_server import serving

TOLD = {
    "status": "degraded",
    "role": "all",
    "faults": ["the kill switch is on (cli): by hand"],
    "venue_time": "2026-03-02T12:00:00+00:00",
    "tasks": {"desk": 0.25},
    "git_sha": "of a newer bot",
}


@asynccontextmanager
async def answering(answer: Callable[[], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    async with serving("/health", answer) as origin:
        yield f"{origin}/"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_an_answer_is_read_whatever_else_a_newer_bot_tells(session: aiohttp.ClientSession) -> None:
    async def sick() -> web.Response:
        return web.json_response(TOLD, status=503)

    async with answering(sick) as origin:
        seen = await read_health(session, origin)
    assert (seen.is_ok, seen.role, seen.cause) == (False, "all", "")
    assert seen.faults == ("the kill switch is on (cli): by hand",)
    assert seen.venue_time == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert seen.tasks == {"desk": 0.25}


async def test_a_service_that_answers_and_is_sick_is_told_in_its_words(session: aiohttp.ClientSession) -> None:
    """B303"""

    async def sick() -> web.Response:
        return web.json_response(TOLD, status=503)

    async with answering(sick) as origin:
        seen = await ask_service(session, "reporter", origin)
    assert (seen.is_up, seen.has_answered) == (False, True)
    assert seen.cause == "the kill switch is on (cli): by hand"
    assert seen.tasks == {"desk": 0.25}


async def test_a_bot_that_tells_of_no_tasks_is_read_too(session: aiohttp.ClientSession) -> None:
    async def well() -> web.Response:
        return web.json_response({"status": "ok", "role": "webhook", "faults": [], "venue_time": None})

    async with answering(well) as origin:
        seen = await read_health(session, origin)
    assert (seen.is_ok, seen.tasks, seen.venue_time) == (True, None, None)


@pytest.mark.parametrize("body", ["<html>404</html>", "[]", '{"faults": "all of them"}'])
async def test_a_page_of_somebody_else_is_no_health(session: aiohttp.ClientSession, body: str) -> None:
    """B303: another program on the port must not pass for the bot."""

    async def other() -> web.Response:
        return web.Response(text=body)

    async with answering(other) as origin:
        seen = await ask_service(session, "webhook", origin)
    assert seen.is_up is False
    assert "no health of a bot" in seen.cause


async def test_a_port_without_a_service_is_told(session: aiohttp.ClientSession) -> None:
    """B303"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        seen = await ask_service(session, "sighook", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (seen.name, seen.is_up, seen.cause) == ("sighook", False, "no answer (connection refused)")


async def test_a_service_that_hangs_is_told(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """B303"""
    monkeypatch.setattr(health_reader, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    forever = asyncio.Event()

    async def hang() -> web.Response:
        await forever.wait()
        return web.Response()

    async with answering(hang) as origin:
        seen = await read_health(session, origin)
        forever.set()
    assert seen.cause == "no answer (timed out)"
