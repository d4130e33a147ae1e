"""The first thing a request meets: too large bodies are refused unread, and signals take the short way.

A framework finds the route, the parameters and the serializer of each request anew: for a signal, most of its cost
(ADR 18). So `POST /webhook` is answered here, and everything else by the application, which also documents it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Litestar

from bottrader.adapters.http.listener import BODY_BYTES_MAX, Reply, WebhookListener
from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

SIGNALS_PATH = "/webhook"
TIMESTAMP = TIMESTAMP_HEADER.lower().encode()
SIGNATURE = SIGNATURE_HEADER.lower().encode()
TOO_LARGE = {"code": "TOO_LARGE", "message": f"a body has at most {BODY_BYTES_MAX} bytes"}

_ENCODER = msgspec.json.Encoder()


class BodyTooLarge(Exception):
    """The body that comes is longer than any signal."""


class Door:
    """An ASGI application in front of the webhook's own."""

    def __init__(self, app: Litestar, listener: WebhookListener) -> None:
        self._app = app
        self._listener = listener

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if _is_too_long(headers.get(b"content-length")):
            await _answer(send, 413, TOO_LARGE, [])
        elif scope["path"] == SIGNALS_PATH and scope["method"] == "POST":
            await self._take(headers, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _take(self, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        try:
            body = await _body(receive)
        except BodyTooLarge:
            await _answer(send, 413, TOO_LARGE, [])
            return
        if body is None:
            return
        reply: Reply = await self._listener.take(body, _text(headers.get(TIMESTAMP)), _text(headers.get(SIGNATURE)))
        more = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        await _answer(send, reply.status_code or 200, reply.content, more)


def _is_too_long(length: bytes | None) -> bool:
    # What is no number is left to the server, which refuses it.
    return length is not None and length.isdigit() and int(length) > BODY_BYTES_MAX


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None when the sender went away on the way."""
    body = b""
    while True:
        message: dict[str, Any] = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return body


async def _answer(send: Send, status: int, content: object, more: list[tuple[bytes, bytes]]) -> None:
    body = _ENCODER.encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
