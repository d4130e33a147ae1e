"""Carries signals to the webhook over HTTP, signed anew at every attempt."""

import aiohttp

from bottrader.adapters.http.payload import encode_signal
from bottrader.adapters.http.signature import signed_headers
from bottrader.domain.signals import Signal
from bottrader.ports import Clock, Delivery, DeliveryReport

# The webhook answers as soon as the signal is durable, so a slow answer is a sick webhook.
TIMEOUT = aiohttp.ClientTimeout(total=5, connect=2)
OK = 200
RETRYABLE = frozenset({408, 425, 429})
SERVER_ERROR = 500
EXCERPT_LENGTH = 200


class HttpSignalSender:
    """A `SignalSender` to one webhook URL."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str, clock: Clock) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._clock = clock

    async def send(self, signal: Signal) -> DeliveryReport:
        body = encode_signal(signal)
        signed = signed_headers(self._secret, self._clock.wall(), body)
        headers = {"Content-Type": "application/json", **signed}
        try:
            # A redirect is not followed: what answers there with 200 is not the webhook, and has stored nothing.
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as response:
                answer = (await response.text(errors="replace"))[:EXCERPT_LENGTH]
                return _report(response.status, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return DeliveryReport(Delivery.RETRY, f"no answer: {type(error).__name__}")


def _report(status: int, answer: str) -> DeliveryReport:
    if status == OK:
        return DeliveryReport(Delivery.ACKNOWLEDGED, answer)
    if status in RETRYABLE or status >= SERVER_ERROR:
        return DeliveryReport(Delivery.RETRY, f"{status} {answer}")
    return DeliveryReport(Delivery.REJECTED, f"{status} {answer}")
