"""What keeps one sender from drowning the bot: a rate of signals, and a memory of the newest requests.

Both are asked after the signature, so nobody without the secret uses up what a sender may send.
"""

from bottrader.ports import Clock

REMEMBERED_MAX = 16_384


class SenderRate:
    """A token bucket for one sender: `per_s_max` signals a second, as many at once after a quiet second."""

    def __init__(self, per_s_max: int, clock: Clock) -> None:
        if per_s_max <= 0:
            raise ValueError(f"a rate is above zero, was {per_s_max}")
        self._per_s_max = per_s_max
        self._clock = clock
        self._tokens = float(per_s_max)
        self._filled_at = clock.wall()

    def allows(self) -> bool:
        """Tell whether one more signal may come now, and count it when it may."""
        now = self._clock.wall()
        # A clock stepped back gives nothing and takes nothing; stepped forward, at most a full bucket (F38).
        elapsed_s = max(0.0, (now - self._filled_at).total_seconds())
        self._filled_at = now
        self._tokens = min(float(self._per_s_max), self._tokens + elapsed_s * self._per_s_max)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RecentRequests:
    """The newest requests that the store knows, so that a flood of replays costs it nothing.

    A request that has fallen out is answered by the store, with the same words; this only spares it the question.
    """

    def __init__(self, count_max: int = REMEMBERED_MAX) -> None:
        self._count_max = count_max
        self._digests: dict[str, None] = {}

    def __contains__(self, digest: object) -> bool:
        return digest in self._digests

    def add(self, digest: str) -> None:
        """Remember a request whose row is committed; the oldest one is forgotten for it."""
        self._digests[digest] = None
        if len(self._digests) > self._count_max:
            del self._digests[next(iter(self._digests))]
