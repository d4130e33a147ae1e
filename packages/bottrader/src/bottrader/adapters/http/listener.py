"""The webhook: `POST /webhook`, beside `POST /kill` and the probes.

Order of checks: size, JSON, signature and age, replay, schema, known pair, ready, rate, room, accept. Nothing about a
request is remembered before it is accepted, so one that was answered 429 or 503 may come again with the same id (R75).
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar import Litestar, Request, Response, post

from bottrader.adapters.http.described import Refused, SignalTaken, described
from bottrader.adapters.http.flood import RecentRequests, SenderRate
from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.payload import PayloadInvalid, SignalPayload, read_payload, to_signal
from bottrader.adapters.http.probes import Probes, application
from bottrader.adapters.http.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, SignatureRefused, verify
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from bottrader.app.tally import Answer
from bottrader.domain.errors import StoreUnreachable
from bottrader.domain.market import ProductId
from bottrader.domain.signals import Signal, Trigger
from bottrader.ports import Acceptance, Clock, InboundSignal

BODY_BYTES_MAX = 64 * 1024
RETRY_AFTER_S = "1"
MANUAL_SENDER = "manual"
ANSWERS = {
    "UNAUTHORIZED": Answer.UNAUTHORIZED,
    "NOT_READY": Answer.NOT_READY,
    "BUSY": Answer.BUSY,
    "STORE_UNREACHABLE": Answer.STORE_UNREACHABLE,
    "DUPLICATE_UUID": Answer.CONFLICT,
    "REPLAYED_REQUEST": Answer.REPLAYED,
}
# Requests that may wait for the database at once. Each holds a body and a connection, and a healthy database empties
# this many in well under a second.
WAITING_MAX = 1_024

Reply = Response[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Who may send (holders of `secret`, or of one of those before it), for which pairs, and how much a second.

    Without `rate_per_s_max` as much as comes.
    """

    secret: str
    product_ids: Collection[ProductId]
    sender: str = "sighook"
    old_secrets: Sequence[str] = ()
    rate_per_s_max: int | None = None


class WebhookListener:
    """Judges requests; knows nothing of sockets."""

    def __init__(
        self,
        acceptor: SignalAcceptor,
        health: Callable[[], Health],
        clock: Clock,
        options: ListenerOptions,
    ) -> None:
        self._acceptor = acceptor
        self._health = health
        self._clock = clock
        self._options = options
        self._product_ids = frozenset(options.product_ids)
        self._rate = None if options.rate_per_s_max is None else SenderRate(options.rate_per_s_max, clock)
        self._recent = RecentRequests()
        self._waiting = 0
        self.answers = dict.fromkeys(Answer, 0)
        """How often a request was answered in each way."""

    async def take(self, body: bytes, timestamp: str | None, signature: str | None) -> Reply:
        """Answer one signal request."""
        reply = await self._judge(body, timestamp, signature)
        self.answers[_answer_of(reply)] += 1
        return reply

    async def _judge(self, body: bytes, timestamp: str | None, signature: str | None) -> Reply:
        options = self._options
        try:
            payload = read_payload(body)
            verify(options.secret, timestamp, signature, body, self._clock.wall(), options.old_secrets)
            request_digest = hashlib.sha256((signature or "").encode()).hexdigest()
            if request_digest in self._recent:
                return _replayed()
            signal = to_signal(payload)
        except SignatureRefused as error:
            return _refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", str(error))
        except PayloadInvalid as error:
            status = HTTPStatus.FORBIDDEN if error.code == "FORBIDDEN" else HTTPStatus.BAD_REQUEST
            return _refuse(status, error.code, str(error))
        if signal.product_id not in self._product_ids:
            message = f"{signal.product_id[:40]} is not traded here: it is not among the configured symbols"
            return _refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "PRECISION_ERROR", message)
        return self._put_off(signal) or await self._accept(signal, body, request_digest)

    def _put_off(self, signal: Signal) -> Reply | None:
        """Return why the signal has to come again later; None when it may be accepted now."""
        if not self._health().is_ready:
            return _later("NOT_READY", "the bot is still reconciling; send the same signal again")
        if self._rate is not None and not self._rate.allows():
            message = f"more than {self._options.rate_per_s_max} signals a second; send the same signal later"
            return _later("RATE_LIMIT", message, HTTPStatus.TOO_MANY_REQUESTS)
        if self._waiting >= WAITING_MAX:
            message = "too many signals wait for the database; send the same signal later"
            return _later("BUSY", message, HTTPStatus.TOO_MANY_REQUESTS)
        if not self._acceptor.has_room(signal.product_id):
            message = f"too many signals of {signal.product_id} wait already; send the same signal later"
            return _later("BUSY", message, HTTPStatus.TOO_MANY_REQUESTS)
        return None

    async def _accept(self, signal: Signal, body: bytes, request_digest: str) -> Reply:
        inbound = InboundSignal(
            signal=signal,
            sender=MANUAL_SENDER if signal.trigger is Trigger.MANUAL else self._options.sender,
            body_digest=hashlib.sha256(body).hexdigest(),
            request_digest=request_digest,
            received_at=self._clock.wall(),
        )
        self._waiting += 1
        try:
            acceptance = await self._acceptor.accept(inbound)
        except StoreUnreachable:
            return _later("STORE_UNREACHABLE", "the database did not confirm the signal; send the same signal again")
        finally:
            self._waiting -= 1
        self._recent.add(request_digest)
        match acceptance:
            case Acceptance.ACCEPTED | Acceptance.DUPLICATE:
                content = {"code": "SUCCESS", "uuid": signal.signal_id, "duplicate": acceptance is Acceptance.DUPLICATE}
                return Response(content, status_code=HTTPStatus.OK)
            case Acceptance.CONFLICT:
                message = "this uuid was accepted with another body; a new signal needs a new uuid"
                return _refuse(HTTPStatus.CONFLICT, "DUPLICATE_UUID", message)
            case Acceptance.REPLAYED:
                return _replayed()


def build_app(listener: WebhookListener, kill: KillListener, probes: Probes) -> Litestar:
    """Return the ASGI application around the two listeners and the probes."""
    refusals = dict.fromkeys((400, 401, 403, 409, 413, 422, 429, 503), Refused)
    shape = described({200: SignalTaken, **refusals}, SignalPayload)

    @post("/webhook", status_code=HTTPStatus.OK, operation_class=shape)
    async def webhook(request: Request[Any, Any, Any]) -> Reply:
        """Take in a signed signal; 200 means it is durable."""
        headers = request.headers
        return await listener.take(await request.body(), headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER))

    return application("BotTrader webhook", [webhook, kill.handler(), *probes.handlers()], BODY_BYTES_MAX)


def _answer_of(reply: Reply) -> Answer:
    """Return how an answer is counted: by its code, and whatever else is wrong with a request as invalid."""
    code = reply.content["code"]
    if code == "SUCCESS":
        return Answer.DUPLICATE if reply.content["duplicate"] else Answer.ACCEPTED
    is_limited = reply.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return ANSWERS.get(code, Answer.LIMITED if is_limited else Answer.INVALID)


def _refuse(status: HTTPStatus, code: str, message: str) -> Reply:
    return Response({"code": code, "message": message}, status_code=status)


def _replayed() -> Reply:
    message = "this very request was sent before; a retry is signed anew with the current time"
    return _refuse(HTTPStatus.CONFLICT, "REPLAYED_REQUEST", message)


def _later(code: str, message: str, status: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE) -> Reply:
    headers = {"Retry-After": RETRY_AFTER_S}
    return Response({"code": code, "message": message}, status_code=status, headers=headers)
