"""How the status screen reads the numbers of a service: what is no page of numbers counts as none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bottrader.adapters.http.metrics_reader import read_metrics
from tests.fixtures.small_server import serving

PAGE = """# HELP bottrader_ready whether signals are accepted
# TYPE bottrader_ready gauge
bottrader_ready 1.0
# TYPE bottrader_signals_total counter
bottrader_signals_total{answer="accepted"} 3.0
# TYPE bottrader_market_message_age_seconds gauge
bottrader_market_message_age_seconds 0.25
"""


@asynccontextmanager
async def showing(body: bytes, status: int = 200) -> AsyncIterator[str]:
    async def answer() -> web.Response:
        return web.Response(body=body, status=status)

    async with serving("/metrics", answer) as origin:
        yield origin


async def read(origin: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session:
        return await read_metrics(session, origin)


async def test_numbers_without_labels_are_read() -> None:
    async with showing(PAGE.encode()) as origin:
        assert await read(origin) == {"bottrader_ready": 1, "bottrader_market_message_age_seconds": 0.25}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PAGE.encode(), 503),
        (b"bottrader_ready one\n", 200),
        (b"\xff\xfe", 200),
        (b"<html>a proxy's page</html>", 200),
    ],
    ids=["unwell", "no number", "no text", "another page"],
)
async def test_what_is_no_page_of_numbers_counts_as_none(body: bytes, status: int) -> None:
    async with showing(body, status) as origin:
        assert await read(origin) == {}


async def test_a_service_that_is_not_there_counts_as_none(unused_tcp_port: int) -> None:
    assert await read(f"http://127.0.0.1:{unused_tcp_port}") == {}
