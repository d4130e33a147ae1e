"""The route that throws the kill switch: who may, what is refused, and that a request counts once."""

import json
from http import HTTPStatus

import pytest

from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_headers
from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.risk import KillSwitch
from tests.fixtures.facts import NOON

SECRET = "a-secret-of-at-least-24-characters"
ON = {"on": True, "reason": " fear "}


class Door:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock(NOON)
        self.listener = KillListener(self.store.record_kill_switch, self.clock, SECRET)

    async def knock(self, body: bytes, secret: str = SECRET) -> tuple[int, str]:
        headers = signed_headers(secret, self.clock.wall(), body)
        reply = await self.listener.take(body, headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER])
        return reply.status_code or 0, reply.content["code"]


async def test_a_signed_request_throws_the_switch() -> None:
    """F54"""
    door = Door()
    assert await door.knock(json.dumps(ON).encode()) == (200, "SUCCESS")
    assert await door.store.kill_switch() == KillSwitch(True, "fear", "http", door.clock.wall())


async def test_a_request_counts_once() -> None:
    door = Door()
    off = json.dumps({"on": False, "reason": "calm"}).encode()
    assert await door.knock(off) == (200, "SUCCESS")
    assert await door.knock(json.dumps(ON).encode()) == (200, "SUCCESS")
    assert await door.knock(off) == (409, "REPLAYED_REQUEST")
    switch = await door.store.kill_switch()
    assert switch is not None
    assert switch.is_on


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"on": true}',
        b'{"on": "yes", "reason": "x"}',
        b'{"on": true, "reason": "  "}',
        json.dumps({"on": True, "reason": "x" * 201}).encode(),
        b'{"on": true, "reason": "x", "other": 1}',
        b'{"on": false, "reason": "x", "flatten": true}',
        b"\xff",
        b'{"on": true, "reason": "\xff"}',
        b'{"on": true, "reason": "a\\u0000b"}',
    ],
)
async def test_what_is_no_throw_is_refused(body: bytes) -> None:
    door = Door()
    assert await door.knock(body) == (400, "INVALID_JSON_FORMAT")
    assert await door.store.kill_switch() is None


async def test_a_forged_request_has_no_effect() -> None:
    door = Door()
    assert await door.knock(json.dumps(ON).encode(), "another-secret-of-24-characters") == (401, "UNAUTHORIZED")
    assert (await door.listener.take(json.dumps(ON).encode(), None, None)).status_code == HTTPStatus.UNAUTHORIZED
    assert await door.store.kill_switch() is None


async def test_a_database_that_does_not_answer_is_said() -> None:
    door = Door()

    async def down(_switch: KillSwitch, _digest: str) -> bool:
        raise StoreUnreachable("down")

    door.listener = KillListener(down, door.clock, SECRET)
    assert await door.knock(json.dumps(ON).encode()) == (503, "STORE_UNREACHABLE")
