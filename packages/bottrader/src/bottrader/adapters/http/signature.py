"""HMAC-SHA256 over time and raw body, so that only a holder of the secret can make the bot trade.

    signature = hex(HMAC-SHA256(secret, timestamp_ms + "." + body))

The body carries the signal's uuid, so time, id and content are all covered. The time is in milliseconds: a sender that
retries signs anew and so never repeats a signature, while a recorded request replayed by somebody else always does.
The window is 300 s either way (B257). Comparison takes constant time.

Secrets are changed without an outage: the new one is given to the webhook as the current and the one before as an old
one, then the senders get the new one, then the old one is taken away.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from bottrader.domain.errors import BotTraderError

TIMESTAMP_HEADER = "X-BotTrader-Timestamp"
SIGNATURE_HEADER = "X-BotTrader-Signature"
WINDOW = timedelta(seconds=300)


class SignatureRefused(BotTraderError):
    """The request is answered with 401 and has no effect."""


def sign(secret: str, timestamp_ms: int, body: bytes) -> str:
    """Return the signature of `body` sent at `timestamp_ms` (milliseconds since 1970, wall time)."""
    message = str(timestamp_ms).encode() + b"." + body
    return hmac.digest(secret.encode(), message, "sha256").hex()


def signed_headers(secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that prove `body` was sent at `at` by a holder of `secret`."""
    timestamp_ms = to_milliseconds(at)
    return {TIMESTAMP_HEADER: str(timestamp_ms), SIGNATURE_HEADER: sign(secret, timestamp_ms, body)}


def verify(
    secret: str,
    timestamp: str | None,
    signature: str | None,
    body: bytes,
    now: datetime,
    old_secrets: Sequence[str] = (),
) -> None:
    """Return when the signature fits one of the secrets and is recent.

    Raises `SignatureRefused` with one sentence otherwise; it does not tell which secret came near.
    """
    if timestamp is None or signature is None:
        raise SignatureRefused(f"the request is not signed: send {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999999")):
        raise SignatureRefused(f"{TIMESTAMP_HEADER} is milliseconds since 1970, was {timestamp[:20]!r}")
    if not any(_fits(key, int(timestamp), body, signature) for key in (secret, *old_secrets)):
        raise SignatureRefused("the signature does not fit the body, the timestamp and the secret")
    if abs(to_milliseconds(now) - int(timestamp)) > WINDOW.total_seconds() * 1000:
        raise SignatureRefused(f"the request was signed more than {WINDOW.total_seconds():.0f} s away from now")


def _fits(secret: str, timestamp_ms: int, body: bytes, signature: str) -> bool:
    # Bytes, because compare_digest refuses text outside ASCII with an exception instead of a verdict.
    return hmac.compare_digest(sign(secret, timestamp_ms, body).encode(), signature.encode())


def to_milliseconds(at: datetime) -> int:
    """Return milliseconds since 1970 of an aware time."""
    return round(at.timestamp() * 1000)
