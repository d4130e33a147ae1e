"""One connection's messages, turned into events. Pure: what was received goes in, what the caller sees comes out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from bottrader.adapters.coinbase.continuity import Continuity, StreamBroken
from bottrader.adapters.coinbase.errors import excerpt
from bottrader.adapters.coinbase.mapping import to_time
from bottrader.adapters.coinbase.messages import HeartbeatsMessage, Message, OtherMessage, SubscriptionsMessage
from bottrader.domain.errors import WireUnreadable
from bottrader.ports import Heartbeat, StreamLive

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Topic(Generic[E]):
    """What a stream is about: the channels it needs, and how a message of theirs becomes events."""

    channels: frozenset[str]
    read: Callable[[Message, datetime], list[E]]


class Conversation(Generic[E]):
    """Holds events back until every channel is acknowledged, so that `StreamLive` is always the first."""

    def __init__(self, topic: Topic[E], on_time: Callable[[datetime], None] | None) -> None:
        self._read = topic.read
        self._on_time = on_time
        self._continuity = Continuity(topic.channels)
        self._held_back: list[E | Heartbeat | StreamLive] = []

    @property
    def is_live(self) -> bool:
        return self._continuity.is_live

    @property
    def missing(self) -> str:
        """The channels that the venue has not acknowledged, for a message."""
        return ", ".join(sorted(self._continuity.missing))

    def take(self, message: Message) -> Sequence[E | Heartbeat | StreamLive]:
        """Return the events of one message, in order.

        Raises:
            StreamBroken: the venue reports an error, or something is missing.
            WireUnreadable: a number or time in the message cannot be read.
        """
        if isinstance(message, OtherMessage):
            self._pass_over(message)
            return []
        try:
            at = to_time(message.timestamp)
        except ValueError as error:
            raise WireUnreadable(f"Coinbase sent a message whose time cannot be read: {error}") from error
        self._continuity.number(message.sequence_num)
        if self._on_time is not None:
            self._on_time(at)
        if isinstance(message, SubscriptionsMessage):
            return self._subscribed(message, at)
        events = self._beat(message, at) if isinstance(message, HeartbeatsMessage) else self._read(message, at)
        if self._continuity.is_live:
            return events
        self._held_back += events
        return []

    def _beat(self, message: HeartbeatsMessage, at: datetime) -> list[Heartbeat]:
        for event in message.events:
            self._continuity.heartbeat(event.heartbeat_counter)
        return [Heartbeat(at)]

    def _subscribed(self, message: SubscriptionsMessage, at: datetime) -> list[E | Heartbeat | StreamLive]:
        listed = [channel for event in message.events for channel in event.subscriptions]
        if not self._continuity.acknowledge(listed):
            return []
        events, self._held_back = [StreamLive(at), *self._held_back], []
        return events

    def _pass_over(self, message: OtherMessage) -> None:
        if message.type == "error":
            raise StreamBroken(
                f"the venue answered the subscription with an error: {excerpt(message.message.encode())}"
            )
        if message.sequence_num is not None:
            self._continuity.number(message.sequence_num)
