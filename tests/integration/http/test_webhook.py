"""Listener and sender over real sockets: what one writes the other understands, and every answer has its meaning."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.listener import BODY_BYTES_MAX, ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.probes import Probes
from bottrader.adapters.http.sender import HttpSignalSender
from bottrader.adapters.http.server import bind, serve
from bottrader.adapters.memory.safety import MemoryKillFile
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.world import World
from bottrader.domain.errors import StartupRefused
from bottrader.domain.signals import Signal
from bottrader.ports import Delivery, Store
from tests.fixtures.facts import BTC, NOON, make_signal
from tests.fixtures.processes import signal_body, signature

SECRET = "an-integration-secret-0123456789"


class Webhook:
    """A listener on a free port, with a clock of this world: requests of this test are signed now."""

    def __init__(self, store: Store) -> None:
        self.handed: list[Signal] = []
        self.health = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")
        acceptor = SignalAcceptor(store, RecentEvents(), self.handed.append, lambda _: True)
        listener = WebhookListener(acceptor, lambda: self.health, SystemClock(), ListenerOptions(SECRET, [BTC]))
        self.board = KillSwitchBoard(World(store, None, SystemClock(), RecentEvents()), MemoryKillFile())  # type: ignore[arg-type]  # no exchange
        self.app = build_app(
            listener, KillListener(self.board.throw, SystemClock(), SECRET), Probes(lambda: self.health, list)
        )
        self.port = 0

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        listening = bind("127.0.0.1", self.port)
        self.port = listening.getsockname()[1]
        async with serve(self.app, listening):
            yield

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhook"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    webhook = Webhook(MemoryStore())
    async with webhook.served():
        yield webhook


def sender_to(url: str, http: aiohttp.ClientSession, secret: str = SECRET) -> HttpSignalSender:
    return HttpSignalSender(http, url, secret, SystemClock())


async def post(
    http: aiohttp.ClientSession, webhook: Webhook, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    signed = signature(body, secret=SECRET) if headers is None else headers
    async with http.post(webhook.url, data=body, headers=signed) as response:
        return response.status, await response.json()


async def test_what_is_sent_is_what_arrives(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    report = await sender_to(webhook.url, http).send(make_signal())
    assert report.delivery is Delivery.ACKNOWLEDGED
    assert webhook.handed == [make_signal()]


async def test_a_signal_that_is_sent_twice_arrives_once(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """B259: a retry is signed anew and acknowledged again."""
    sender = sender_to(webhook.url, http)
    for _ in range(2):
        assert (await sender.send(make_signal())).delivery is Delivery.ACKNOWLEDGED
        await asyncio.sleep(0.002)  # the signature's time has milliseconds
    assert len(webhook.handed) == 1


async def test_a_sender_that_is_refused_for_good_does_not_retry(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """B257: a wrong secret, and a pair that is not traded."""
    wrong = await sender_to(webhook.url, http, "another-secret-0123456789abcdef").send(make_signal())
    assert (wrong.delivery, wrong.detail[:3]) == (Delivery.REJECTED, "401")
    unknown = await sender_to(webhook.url, http).send(replace(make_signal(), product_id="DOGE-USD"))  # type: ignore[arg-type]
    assert (unknown.delivery, unknown.detail[:3]) == (Delivery.REJECTED, "422")


async def test_a_webhook_that_is_not_ready_is_tried_again(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """B260"""
    webhook.health = replace(webhook.health, is_ready=False)
    assert (await sender_to(webhook.url, http).send(make_signal())).delivery is Delivery.RETRY
    webhook.health = replace(webhook.health, is_ready=True)
    assert (await sender_to(webhook.url, http).send(make_signal())).delivery is Delivery.ACKNOWLEDGED
    assert len(webhook.handed) == 1


async def test_nobody_at_the_other_end_is_tried_again(http: aiohttp.ClientSession) -> None:
    """B265"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        report = await sender_to(f"http://127.0.0.1:{taken.getsockname()[1]}/webhook", http).send(make_signal())
    assert report.delivery is Delivery.RETRY
    assert "no answer" in report.detail


@asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None  # noqa: SLF001 - aiohttp shows the port nowhere else
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Delivery.ACKNOWLEDGED),
        (201, Delivery.REJECTED),
        (400, Delivery.REJECTED),
        (404, Delivery.REJECTED),
        (409, Delivery.REJECTED),
        (408, Delivery.RETRY),
        (425, Delivery.RETRY),
        (429, Delivery.RETRY),
        (500, Delivery.RETRY),
        (503, Delivery.RETRY),
    ],
)
async def test_every_status_has_its_meaning(http: aiohttp.ClientSession, status: int, expected: Delivery) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="x" * 1000)

    async with answering(answer) as url:
        report = await sender_to(url, http).send(make_signal())
    assert report.delivery is expected
    assert len(report.detail) <= 204


async def test_a_redirect_is_not_followed(http: aiohttp.ClientSession) -> None:
    """What answers 200 at the other address has not stored the signal."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/webhook":
            raise web.HTTPFound("/elsewhere")
        return web.Response(text="welcome")

    async with answering(answer) as url:
        report = await sender_to(url, http).send(make_signal())
    assert report.delivery is Delivery.REJECTED


async def test_an_answer_that_breaks_off_is_tried_again(http: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with answering(answer) as url:
        assert (await sender_to(url, http).send(make_signal())).delivery is Delivery.RETRY


async def test_the_door_answers_as_documented(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """B256-B258, B263: signed and written by hand."""

    def body(**changes: Any) -> bytes:
        return json.dumps(signal_body(**changes)).encode()

    cases: list[tuple[bytes, dict[str, str] | None, int, str]] = [
        (body(), None, 200, "SUCCESS"),
        (b"{not json", None, 400, "INVALID_JSON_FORMAT"),
        (body(uuid=""), None, 400, "MISSING_UUID"),
        (body(action=""), None, 400, "MISSING_ACTION"),
        (body(action="foo"), None, 400, "INVALID_JSON_FORMAT"),
        (body(origin="elsewhere"), None, 403, "FORBIDDEN"),
        (body(pair="DOGE-USD"), None, 422, "PRECISION_ERROR"),
        (body(), {}, 401, "UNAUTHORIZED"),
        (body(), signature(body(), secret="x"), 401, "UNAUTHORIZED"),
        (b'{"symbol": "BTC-USD", "side": "buy", "size": 0.001}', None, 400, "MISSING_UUID"),
    ]
    for content, headers, status, code in cases:
        answered, answer = await post(http, webhook, content, headers)
        assert (answered, answer["code"]) == (status, code), content
    assert len(webhook.handed) == 1


async def test_a_body_that_is_too_large_is_turned_away(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    async with http.post(webhook.url, data=b"x" * (BODY_BYTES_MAX + 1)) as response:
        assert response.status == 413


async def test_health_and_readiness_over_the_wire(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """B264"""
    base = webhook.url.removesuffix("/webhook")
    for is_ready, status in ((True, 200), (False, 503)):
        webhook.health = replace(webhook.health, is_ready=is_ready)
        for path in ("/health", "/ready"):
            async with http.get(base + path) as response:
                assert response.status == status
                assert (await response.json())["ready"] is is_ready


async def test_the_server_ends_with_its_block_and_finishes_what_is_in_flight(http: aiohttp.ClientSession) -> None:
    class SlowStore(MemoryStore):
        async def accept_signal(self, inbound: Any) -> Any:
            entered.set()
            await is_ending.wait()
            return await super().accept_signal(inbound)

    entered, is_ending = asyncio.Event(), asyncio.Event()
    webhook = Webhook(SlowStore())
    async with webhook.served():
        sending = asyncio.create_task(sender_to(webhook.url, http).send(make_signal()))
        await entered.wait()
        # The store answers when the server takes nobody in any more.
        ending = asyncio.create_task(_set_when_closed(webhook.port, is_ending))
    await ending
    assert (await sending).delivery is Delivery.ACKNOWLEDGED
    assert (await sender_to(webhook.url, http).send(make_signal())).delivery is Delivery.RETRY


async def _set_when_closed(port: int, is_closed: asyncio.Event) -> None:
    """Knock until nobody opens."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            is_closed.set()
            return
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await asyncio.sleep(0.01)


async def test_a_port_that_is_taken_is_one_sentence() -> None:
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with pytest.raises(StartupRefused, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*BOTTRADER_WEBHOOK_PORT"):
        bind("127.0.0.1", port)
    taken.close()
    bind("127.0.0.1", port).close()


async def test_an_address_that_is_not_ours_is_one_sentence() -> None:
    with pytest.raises(StartupRefused, match=r"cannot listen on 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


async def test_a_signal_is_durable_before_200(store: PostgresStore, http: aiohttp.ClientSession) -> None:
    """B259, B261: on a real database; a second listener on the same books knows the signal."""
    first, second = Webhook(store), Webhook(store)
    async with first.served(), second.served():
        assert (await sender_to(first.url, http).send(make_signal())).delivery is Delivery.ACKNOWLEDGED
        assert await store.signals_without_outcome([BTC], 100) == [make_signal()]
        await asyncio.sleep(0.002)
        assert (await sender_to(second.url, http).send(make_signal())).delivery is Delivery.ACKNOWLEDGED
        assert second.handed == []
        changed = replace(make_signal(), expires_at=NOON + timedelta(days=1))
        report = await sender_to(first.url, http).send(changed)
        assert (report.delivery, report.detail[:3]) == (Delivery.REJECTED, "409")


async def test_many_at_once_are_accepted_once_each(store: PostgresStore, http: aiohttp.ClientSession) -> None:
    """B262, smaller: a hundred signals, each posted twice at the same time."""
    webhook = Webhook(store)
    async with webhook.served():
        sender = sender_to(webhook.url, http)
        signals = [make_signal(number) for number in range(100)]
        reports = await asyncio.gather(*(sender.send(each) for each in signals for _ in range(2)))
    assert {report.delivery for report in reports} <= {Delivery.ACKNOWLEDGED, Delivery.REJECTED}
    assert {signal.signal_id for signal in webhook.handed} == {signal.signal_id for signal in signals}
    assert len(webhook.handed) == 100


async def test_the_kill_switch_is_thrown_by_a_signed_request(webhook: Webhook, http: aiohttp.ClientSession) -> None:
    """F54"""
    body = json.dumps({"on": True, "reason": "fear", "flatten": True}).encode()
    url = webhook.url.replace("/webhook", "/kill")
    async with http.post(url, data=body) as unsigned:
        assert unsigned.status == 401
    assert await webhook.board.read() is None
    headers = signature(body, secret=SECRET)
    for status in (200, 409):
        async with http.post(url, data=body, headers=headers) as signed:
            assert signed.status == status
    switch = await webhook.board.read()
    assert switch is not None
    assert (switch.reason, switch.source, switch.flattens) == ("fear", "http", True)
