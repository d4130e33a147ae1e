"""The venue's request limits, off unless they are set: a token bucket for members and one for the public (§11).

The venue counts private requests per user and public ones per address; here there is one of each.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

Rate = Annotated[float, msgspec.Meta(gt=0, le=1_000_000)]


class RateLimits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Requests per second of each class; a bucket holds one second's worth, at least one request."""

    private_per_s: Rate = 30.0
    public_per_s: Rate = 10.0
    ws_connections_per_s: Rate | None = None
    """New sockets per second; the venue's is 8. None lets all in."""
    ws_messages_per_s: Rate | None = None
    """Requests per second on all sockets together; the venue's is 8 from one address. None reads all."""
    html: bool = False
    """Refuse with a page of HTML instead of JSON, as the venue's edge does."""
    headers: bool = True
    """Say in `x-ratelimit-*` headers what is left."""


class _Bucket:
    def __init__(self, per_s: float, now: float) -> None:
        self.per_s = per_s
        self.size = max(1.0, per_s)
        self.level = self.size
        self._at = now

    def take(self, now: float) -> bool:
        self.level = min(self.size, self.level + (now - self._at) * self.per_s)
        self._at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Limiter:
    """Counts requests against the limits in force; `clock` gives wall-clock seconds that never go back."""

    def __init__(self, limits: RateLimits | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.set(limits)

    def set(self, limits: RateLimits | None) -> None:
        """Replace the limits, with full buckets; None lets everything pass."""
        self.limits = limits
        now = self._clock()
        self._public = _Bucket(limits.public_per_s, now) if limits else None
        self._private = _Bucket(limits.private_per_s, now) if limits else None
        per_s = (limits.ws_connections_per_s, limits.ws_messages_per_s) if limits else (None, None)
        self._connections, self._messages = (_Bucket(rate, now) if rate else None for rate in per_s)

    def admit(self, *, is_public: bool) -> bool:
        """Count one request; false when it is to be refused."""
        bucket = self._public if is_public else self._private
        return bucket is None or bucket.take(self._clock())

    def admit_connection(self) -> bool:
        """Count one new socket; false when it is to be refused."""
        return self._connections is None or self._connections.take(self._clock())

    def admit_message(self) -> bool:
        """Count one message on a socket; false when it is to be refused."""
        return self._messages is None or self._messages.take(self._clock())

    def headers(self, *, is_public: bool) -> dict[str, str]:
        """Return what the reply says of the limit: requests per second, whole requests left, seconds until full."""
        bucket = self._public if is_public else self._private
        if bucket is None or self.limits is None or not self.limits.headers:
            return {}
        return {
            "x-ratelimit-limit": f"{bucket.size:.0f}",
            "x-ratelimit-remaining": str(int(bucket.level)),
            "x-ratelimit-reset": f"{(bucket.size - bucket.level) / bucket.per_s:.3f}",
        }
