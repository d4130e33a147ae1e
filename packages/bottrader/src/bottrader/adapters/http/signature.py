"""HMAC-SHA256 over time and raw body, so that only a holder of the secret can make the bot trade.

    signature = hex(HMAC-SHA256(secret, timestamp_ms + "." + body))

The body carries the signal's uuid, so time, id and content are all covered. The time is in milliseconds: a sender that
retries signs anew and so never repeats a signature, while a recorded request replayed by somebody else always does.
The window is 300 s either way (B257). Comparison takes constant time.
"""

import hashlib
import hmac
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
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def signed_headers(secret: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that prove `body` was sent at `at` by a holder of `secret`."""
    timestamp_ms = to_milliseconds(at)
    return {TIMESTAMP_HEADER: str(timestamp_ms), SIGNATURE_HEADER: sign(secret, timestamp_ms, body)}


def verify(secret: str, timestamp: str | None, signature: str | None, body: bytes, now: datetime) -> None:
    """Return when the signature fits and is recent; raises `SignatureRefused` with one sentence otherwise."""
    if timestamp is None or signature is None:
        raise SignatureRefused(f"the request is not signed: send {TIMESTAMP_HEADER} and {SIGNATURE_HEADER}")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("9999999999999")):
        raise SignatureRefused(f"{TIMESTAMP_HEADER} is milliseconds since 1970, was {timestamp[:20]!r}")
    expected = sign(secret, int(timestamp), body)
    # Bytes, because compare_digest refuses text outside ASCII with an exception instead of a verdict.
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise SignatureRefused("the signature does not fit the body, the timestamp and the secret")
    if abs(to_milliseconds(now) - int(timestamp)) > WINDOW.total_seconds() * 1000:
        raise SignatureRefused(f"the request was signed more than {WINDOW.total_seconds():.0f} s away from now")


def to_milliseconds(at: datetime) -> int:
    """Return milliseconds since 1970 of an aware time."""
    return round(at.timestamp() * 1000)
