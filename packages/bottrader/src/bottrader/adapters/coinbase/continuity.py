"""Judges whether one connection has shown everything: subscriptions acknowledged, no number skipped.

The venue numbers its messages, by its documents per product, by observation per connection. Comparing with the highest
number seen is right for both: per product the numbers grow by one as well, a lower one is merely another product's.
"""

from collections.abc import Iterable

from bottrader.domain.errors import AdapterError


class StreamBroken(AdapterError):
    """The connection is given up and opened anew; its message becomes the cause of `StreamLost`."""


class Continuity:
    """The state of one connection; each method raises `StreamBroken` when the connection is not to be trusted."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._wanted = frozenset(channels)
        self._acknowledged: set[str] = set()
        self._sequence: int | None = None
        self._heartbeat: int | None = None
        self.is_live = False

    @property
    def missing(self) -> frozenset[str]:
        """The channels without an acknowledgement so far."""
        return self._wanted - self._acknowledged

    def number(self, sequence: int) -> None:
        """Take the sequence number of a message."""
        last = self._sequence
        if last is None or sequence == last + 1:
            self._sequence = sequence
        elif sequence > last:
            raise StreamBroken(f"messages {last + 1} to {sequence - 1} are missing")

    def heartbeat(self, counter: int | str) -> None:
        """Take the counter of a heartbeat."""
        try:
            count = int(counter)
        except ValueError:
            raise StreamBroken(f"a heartbeat counter is a number, was {counter!r}") from None
        last = self._heartbeat
        if last is not None and count > last + 1:
            raise StreamBroken(f"heartbeats {last + 1} to {count - 1} are missing")
        self._heartbeat = count if last is None else max(last, count)

    def acknowledge(self, channels: Iterable[str]) -> bool:
        """Take the list of the socket's channels; return True when this one completes the subscription."""
        listed = frozenset(channels)
        if self.is_live:
            if gone := self._wanted - listed:
                raise StreamBroken(f"the venue ended the subscription of {', '.join(sorted(gone))}")
            return False
        self._acknowledged |= listed
        self.is_live = not self.missing
        return self.is_live
