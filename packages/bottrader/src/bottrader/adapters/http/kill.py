"""`POST /kill`: throw the kill switch by a signed request, on or off; it is durable before the answer is 200.

Signed as signals are. A request counts once, so that a recorded "off" cannot be played back while its signature is
still young. `{"on": true, "reason": "...", "flatten": false}`; the reason is required, because whoever finds the switch
thrown has to know why.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response, post

from bottrader.adapters.http.described import Refused, SwitchThrown, described
from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, SignatureRefused, verify
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.risk import KillSwitch
from bottrader.ports import Clock

SOURCE = "http"
REASON_LENGTH_MAX = 200

Reply = Response[dict[str, Any]]
Throw = Callable[[KillSwitch, str], Awaitable[bool]]


class KillPayload(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /kill`."""

    on: bool
    reason: str
    flatten: bool = False


_DECODER = msgspec.json.Decoder(KillPayload)


class KillListener:
    """Judges requests to throw the switch; knows nothing of sockets."""

    def __init__(self, throw: Throw, clock: Clock, secret: str, old_secrets: Sequence[str] = ()) -> None:
        self._throw = throw
        self._clock = clock
        self._secret, self._old_secrets = secret, old_secrets

    async def take(self, body: bytes, timestamp: str | None, signature: str | None) -> Reply:
        """Answer one request."""
        now = self._clock.wall()
        try:
            verify(self._secret, timestamp, signature, body, now, self._old_secrets)
        except SignatureRefused as error:
            return _reply(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", str(error))
        try:
            payload = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _reply(HTTPStatus.BAD_REQUEST, "INVALID_JSON_FORMAT", f"the body is no throw of the switch: {error}")
        fault = _fault_of(payload)
        if fault is not None:
            return _reply(HTTPStatus.BAD_REQUEST, "INVALID_JSON_FORMAT", fault)
        assert signature is not None
        digest = hashlib.sha256(signature.encode()).hexdigest()
        switch = KillSwitch(payload.on, payload.reason.strip(), SOURCE, now, payload.flatten)
        try:
            is_new = await self._throw(switch, digest)
        except StoreUnreachable:
            message = (
                "the database did not confirm it; send it again, signed anew, or make a file KILL in the data folder"
            )
            return _reply(HTTPStatus.SERVICE_UNAVAILABLE, "STORE_UNREACHABLE", message)
        if not is_new:
            message = "this very request was sent before; a retry is signed anew with the current time"
            return _reply(HTTPStatus.CONFLICT, "REPLAYED_REQUEST", message)
        return _reply(HTTPStatus.OK, "SUCCESS", f"the kill switch is {'on' if switch.is_on else 'off'}")

    def handler(self) -> Any:
        """Return the route for the application."""
        refusals = dict.fromkeys((400, 401, 409, 413, 503), Refused)
        shape = described({200: SwitchThrown, **refusals}, KillPayload)

        @post("/kill", status_code=HTTPStatus.OK, operation_class=shape)
        async def kill(request: Request[Any, Any, Any]) -> Reply:
            """Throw the kill switch by a signed request; 200 means it is durable."""
            headers = request.headers
            return await self.take(await request.body(), headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER))

        return kill


def _fault_of(payload: KillPayload) -> str | None:
    if not 0 < len(payload.reason.strip()) <= REASON_LENGTH_MAX:
        return f"reason has 1 to {REASON_LENGTH_MAX} characters"
    if "\0" in payload.reason:
        return "reason holds the character \\u0000, which no database stores"
    if payload.flatten and not payload.on:
        return "flatten sells everything, so it goes with on: true only"
    return None


def _reply(status: HTTPStatus, code: str, message: str) -> Reply:
    return Response({"code": code, "message": message}, status_code=status)
