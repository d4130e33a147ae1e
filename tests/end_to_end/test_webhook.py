"""What a sender meets at the webhook's door."""

import json
import time
from io import BytesIO

from bottrader.adapters.postgres.connection import Connection
from tests.fixtures.processes import Bot, Exchange, signal_body, signature

DAY_MS = 24 * 3600 * 1000


async def test_the_door_refuses_what_it_should(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """B256-B258, E5, F46, F47, F49: malformed, unsigned, wrongly signed, stale, unclear: each gets a 4xx, one sentence,
    and has no effect."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    good = json.dumps(signal_body()).encode()

    without_id = json.dumps({**signal_body(), "uuid": ""}).encode()
    requests = [
        (b"{not json", {}, 400, "INVALID_JSON_FORMAT"),
        (b"[1, 2]", {}, 400, "INVALID_JSON_FORMAT"),
        (good, {}, 401, "UNAUTHORIZED"),
        (good, signature(good, secret="somebody-elses-secret-0123456789"), 401, "UNAUTHORIZED"),
        (good, signature(good, at_ms=int(time.time() * 1000) - DAY_MS), 401, "UNAUTHORIZED"),
        (without_id, signature(good), 401, "UNAUTHORIZED"),
    ]
    for content, headers, status, code in requests:
        answer_status, answer = await bot.send(webhook, content, **headers)
        assert (answer_status, answer["code"]) == (status, code), content
        assert answer["message"]

    signed = {
        "MISSING_UUID": (400, {"uuid": ""}),
        "MISSING_ACTION": (400, {"action": ""}),
        "INVALID_JSON_FORMAT": (400, {"action": "foo"}),
        "FORBIDDEN": (403, {"origin": "elsewhere"}),
        "PRECISION_ERROR": (422, {"pair": "DOGE-USD"}),
    }
    for code, (status, changes) in signed.items():
        answer_status, answer = await bot.signal(webhook, {**signal_body(), **changes})
        assert (answer_status, answer["code"]) == (status, code)

    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 0
    assert await exchange.orders() == []


async def test_a_retry_changes_nothing_and_a_replay_is_refused(bot: Bot, exchange: Exchange, sql: Connection) -> None:
    """B259, E5: signed anew it is a retry (200, duplicate); the same bytes are a replay (409); another body is 409."""
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    body = signal_body()
    encoded = json.dumps(body).encode()
    headers = signature(encoded)

    first = await bot.send(webhook, encoded, **headers)
    replay = await bot.send(webhook, encoded, **headers)
    retry = await bot.signal(webhook, body)
    changed = await bot.signal(webhook, {**body, "price": "1"})

    assert (first[0], first[1]["duplicate"]) == (200, False)
    assert (replay[0], replay[1]["code"]) == (409, "REPLAYED_REQUEST")
    assert (retry[0], retry[1]["duplicate"]) == (200, True)
    assert (changed[0], changed[1]["code"]) == (409, "DUPLICATE_UUID")
    assert await sql.fetchval("SELECT count(*) FROM inbound_signals") == 1
    assert len(await exchange.orders()) <= 1


async def test_a_body_of_megabytes_is_turned_away(bot: Bot, exchange: Exchange) -> None:
    webhook = await bot.start("webhook")
    await bot.ready(webhook)
    body = json.dumps({"padding": "x" * 2_000_000}).encode()

    async with bot.session.post(f"http://127.0.0.1:{webhook.port}/webhook", data=BytesIO(body)) as response:
        assert response.status == 413
