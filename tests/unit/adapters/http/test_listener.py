"""The webhook's judgement, without sockets."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bottrader.adapters.http.listener import ListenerOptions, Reply, WebhookListener
from bottrader.adapters.http.payload import encode_signal
from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_headers
from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.signals import Signal
from bottrader.ports import Acceptance, InboundSignal
from tests.fixtures.facts import BTC, NOON, make_signal

SECRET = "a-secret-of-this-test-only-0123"


class Bench:
    def __init__(self, store: MemoryStore | None = None, options: ListenerOptions | None = None) -> None:
        self.store = store or MemoryStore()
        self.clock = ManualClock(NOON)
        self.handed: list[Signal] = []
        self.room = {BTC}
        self.health = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")
        acceptor = SignalAcceptor(self.store, RecentEvents(), self.handed.append, self.room.__contains__)
        options = options or ListenerOptions(SECRET, [BTC])
        self.listener = WebhookListener(acceptor, lambda: self.health, self.clock, options)

    async def post(
        self, body: bytes, *, at: datetime | None = None, secret: str = SECRET
    ) -> tuple[int, dict[str, Any]]:
        headers = signed_headers(secret, at or self.clock.wall(), body)
        reply = await self.listener.take(body, headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER])
        return reply.status_code or 0, content_of(reply)


def content_of(reply: Reply) -> dict[str, Any]:
    content: dict[str, Any] = reply.content
    return content


def body_of(signal: Signal | None = None, **changes: Any) -> bytes:
    return json.dumps({**json.loads(encode_signal(signal or make_signal())), **changes}).encode()


async def test_a_good_signal_is_accepted() -> None:
    bench = Bench()
    status, answer = await bench.post(body_of())
    assert (status, answer) == (200, {"code": "SUCCESS", "uuid": make_signal().signal_id, "duplicate": False})
    assert bench.handed == [make_signal()]


async def test_a_flood_is_turned_away_before_anything_is_stored_and_the_same_signal_may_come_later() -> None:
    """F48, F36, R75"""
    bench = Bench()
    bench.room.clear()
    status, answer = await bench.post(body_of())
    assert (status, answer["code"]) == (429, "BUSY")
    assert bench.handed == []
    assert await bench.store.signals_without_outcome([BTC], 100) == []
    bench.room.add(BTC)
    assert (await bench.post(body_of()))[0] == 200
    assert bench.handed == [make_signal()]


async def test_a_retry_is_known_and_hands_on_nothing() -> None:
    """B259"""
    bench = Bench()
    await bench.post(body_of())
    bench.clock.advance(timedelta(milliseconds=1))
    status, answer = await bench.post(body_of())
    assert (status, answer["duplicate"]) == (200, True)
    assert len(bench.handed) == 1


async def test_another_body_under_the_same_id_is_a_conflict() -> None:
    """B259"""
    bench = Bench()
    await bench.post(body_of())
    status, answer = await bench.post(body_of(price="1"))
    assert (status, answer["code"]) == (409, "DUPLICATE_UUID")


async def test_the_very_same_request_is_a_replay() -> None:
    bench = Bench()
    await bench.post(body_of())
    status, answer = await bench.post(body_of())
    assert (status, answer["code"]) == (409, "REPLAYED_REQUEST")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"uuid": ""}, 400, "MISSING_UUID"),
        ({"action": ""}, 400, "MISSING_ACTION"),
        ({"action": "foo"}, 400, "INVALID_JSON_FORMAT"),
        ({"origin": "elsewhere"}, 403, "FORBIDDEN"),
        ({"pair": "DOGE-USD"}, 422, "PRECISION_ERROR"),
    ],
)
async def test_a_signed_request_with_a_fault_says_which(changes: dict[str, str], status: int, code: str) -> None:
    """B256-B258"""
    bench = Bench()
    answered, answer = await bench.post(body_of(None, **changes))
    assert (answered, answer["code"]) == (status, code)
    assert answer["message"]
    assert bench.handed == []
    assert await bench.store.signals_count() == 0


async def test_a_wrong_secret_an_old_time_and_no_signature_are_unauthorized() -> None:
    """B257"""
    bench = Bench()
    assert (await bench.post(body_of(), secret="another"))[0] == 401
    assert (await bench.post(body_of(), at=NOON - timedelta(seconds=301)))[0] == 401
    reply = await bench.listener.take(body_of(), None, None)
    assert (reply.status_code, content_of(reply)["code"]) == (401, "UNAUTHORIZED")


async def test_the_signature_comes_before_the_schema() -> None:
    """Who is not known learns nothing about what a signal looks like."""
    bench = Bench()
    assert (await bench.post(body_of(uuid=""), secret="another"))[1]["code"] == "UNAUTHORIZED"
    assert (await bench.post(b"{not json", secret="another"))[1]["code"] == "INVALID_JSON_FORMAT"


async def test_a_signal_that_came_too_early_is_accepted_when_it_comes_again() -> None:
    """B260, R75: nothing about it was remembered."""
    bench = Bench()
    bench.health = replace(bench.health, is_ready=False)
    headers = signed_headers(SECRET, NOON, body_of())
    early = await bench.listener.take(body_of(), headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER])
    assert (early.status_code, content_of(early)["code"]) == (503, "NOT_READY")
    assert early.headers["Retry-After"] == "1"
    bench.health = replace(bench.health, is_ready=True)
    assert (await bench.post(body_of()))[1]["duplicate"] is False
    assert len(bench.handed) == 1


async def test_a_commit_in_doubt_is_answered_with_come_again() -> None:
    """B261: the retry finds the signal committed and is a duplicate; it was handed on once or by the next start."""

    class Doubtful(MemoryStore):
        is_doubtful = True

        async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
            acceptance = await super().accept_signal(inbound)
            if self.is_doubtful:
                raise StoreUnreachable("the answer was lost")
            return acceptance

    store = Doubtful()
    bench = Bench(store)
    status, answer = await bench.post(body_of())
    assert (status, answer["code"]) == (503, "STORE_UNREACHABLE")
    store.is_doubtful = False
    bench.clock.advance(timedelta(seconds=1))
    assert (await bench.post(body_of()))[1]["code"] == "SUCCESS"


async def test_a_pair_that_is_not_traded_is_named_and_cut() -> None:
    bench = Bench()
    _, answer = await bench.post(body_of(pair=ProductId("X" * 5000)))
    assert "XXXX" in answer["message"]
    assert len(answer["message"]) < 200


async def test_each_answer_is_counted_by_its_kind() -> None:
    """One request of each kind that this listener can answer; the rate limit's answer is one more kind."""
    bench = Bench()
    await bench.post(body_of())  # accepted
    bench.clock.advance(timedelta(milliseconds=1))
    await bench.post(body_of())  # duplicate
    await bench.post(body_of())  # the same request: replayed, or known as a duplicate
    bench.clock.advance(timedelta(milliseconds=1))
    await bench.post(body_of(price="1"))  # the same id with another body
    await bench.post(body_of(), secret="another-secret-of-24-characters")
    await bench.post(b"[]")
    await bench.post(body_of(pair="DOGE-USD"))
    bench.room.clear()
    await bench.post(body_of())
    bench.health = replace(bench.health, is_ready=False)
    await bench.post(body_of())
    counted = {answer.value: count for answer, count in bench.listener.answers.items() if count}
    assert counted.pop("duplicate", 0) + counted.pop("replayed", 0) == 2
    assert counted == {"accepted": 1, "conflict": 1, "unauthorized": 1, "invalid": 2, "busy": 1, "not_ready": 1}


async def test_a_sender_above_its_rate_comes_again_later() -> None:
    """F48, R75, promise P6: nothing is remembered of what was put off."""
    bench = Bench(options=ListenerOptions(SECRET, [BTC], rate_per_s_max=1))
    assert (await bench.post(body_of()))[0] == 200
    other = body_of(make_signal(2))
    headers = signed_headers(SECRET, bench.clock.wall(), other)
    reply = await bench.listener.take(other, headers[TIMESTAMP_HEADER], headers[SIGNATURE_HEADER])
    assert (reply.status_code, content_of(reply)["code"], reply.headers["Retry-After"]) == (429, "RATE_LIMIT", "1")
    bench.clock.advance(timedelta(seconds=1))
    assert (await bench.post(other))[1]["duplicate"] is False


async def test_a_flood_of_replays_asks_the_store_once_and_uses_up_nobodys_rate() -> None:
    """B259, E5"""

    class Counting(MemoryStore):
        asked = 0

        async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
            self.asked += 1
            return await super().accept_signal(inbound)

    store = Counting()
    bench = Bench(store, ListenerOptions(SECRET, [BTC], rate_per_s_max=2))
    await bench.post(body_of())
    for _ in range(50):
        assert (await bench.post(body_of()))[1]["code"] == "REPLAYED_REQUEST"
    assert store.asked == 1
    assert (await bench.post(body_of(make_signal(2))))[0] == 200


async def test_a_former_secret_is_accepted_and_no_other() -> None:
    """Promise P1"""
    old = "the-secret-of-the-year-before-01"
    bench = Bench(options=ListenerOptions(SECRET, [BTC], old_secrets=[old]))
    assert (await bench.post(body_of(), secret=old))[0] == 200
    assert (await bench.post(body_of(make_signal(2))))[0] == 200
    assert (await bench.post(body_of(make_signal(3)), secret="another"))[0] == 401
    assert (await Bench().post(body_of(), secret=old))[0] == 401


async def test_those_that_wait_for_the_database_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """F36"""
    monkeypatch.setattr("bottrader.adapters.http.listener.WAITING_MAX", 1)
    entered, released = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        async def accept_signal(self, inbound: InboundSignal) -> Acceptance:
            entered.set()
            await released.wait()
            return await super().accept_signal(inbound)

    bench = Bench(Slow())
    first = asyncio.create_task(bench.post(body_of()))
    await entered.wait()
    status, answer = await bench.post(body_of(make_signal(2)))
    assert (status, answer["code"]) == (429, "BUSY")
    released.set()
    assert (await first)[0] == 200
    assert (await bench.post(body_of(make_signal(2))))[0] == 200
