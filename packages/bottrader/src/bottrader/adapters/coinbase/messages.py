"""What comes over a Coinbase WebSocket, as far as the bot reads it, and its decoding.

One pass decodes the envelope and the typed events together: the channel's name selects the shape. Only a message on a
channel the bot does not know takes another, tolerant pass, because its sequence number counts all the same; and so does
a ticker message with an amount that is no number, because its other tickers count.
"""

from typing import TypeAlias

import msgspec

from bottrader.adapters.coinbase.errors import describe
from bottrader.adapters.coinbase.wire import Candle
from bottrader.domain.errors import WireUnreadable
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price


class _Envelope(msgspec.Struct, frozen=True, tag_field="channel"):
    timestamp: str
    sequence_num: int


class TickerEntry(msgspec.Struct, frozen=True, gc=False):
    """Amounts are exact from the decoder on, but NaN and the infinities have passed it."""

    product_id: ProductId
    price: Price
    best_bid: Price
    best_ask: Price


class TickerEvent(msgspec.Struct, frozen=True):
    tickers: list[TickerEntry]


class TickerMessage(_Envelope, frozen=True, tag="ticker"):
    events: list[TickerEvent]


class OddTickerEntry(msgspec.Struct, frozen=True):
    product_id: ProductId
    price: str
    best_bid: str
    best_ask: str


class OddTickerEvent(msgspec.Struct, frozen=True):
    tickers: list[OddTickerEntry]


class OddTickerMessage(_Envelope, frozen=True, tag="ticker"):
    """Tickers of which at least one has text where an amount should be; the others are still good."""

    events: list[OddTickerEvent]


class CandlesEvent(msgspec.Struct, frozen=True):
    candles: list[Candle]


class CandlesMessage(_Envelope, frozen=True, tag="candles"):
    events: list[CandlesEvent]


class HeartbeatEvent(msgspec.Struct, frozen=True):
    """The counter is an integer in newer documents and text in older ones."""

    heartbeat_counter: int | str


class HeartbeatsMessage(_Envelope, frozen=True, tag="heartbeats"):
    events: list[HeartbeatEvent]


class UserOrder(msgspec.Struct, frozen=True):
    order_id: str
    product_id: str
    client_order_id: str
    cumulative_quantity: str = ""
    status: str = ""


class UserEvent(msgspec.Struct, frozen=True):
    orders: list[UserOrder] = []


class UserMessage(_Envelope, frozen=True, tag="user"):
    events: list[UserEvent]


class SubscriptionsEvent(msgspec.Struct, frozen=True):
    subscriptions: dict[str, list[str]]


class SubscriptionsMessage(_Envelope, frozen=True, tag="subscriptions"):
    """Names every channel the socket has at that moment; `{}` means none."""

    events: list[SubscriptionsEvent]


class OtherMessage(msgspec.Struct, frozen=True):
    """A message on a channel the bot does not read, or an error, which has no channel at all."""

    channel: str = ""
    timestamp: str = ""
    sequence_num: int | None = None
    type: str = ""
    message: str = ""


KnownMessage: TypeAlias = TickerMessage | CandlesMessage | HeartbeatsMessage | UserMessage | SubscriptionsMessage
Message: TypeAlias = KnownMessage | OddTickerMessage | OtherMessage

KNOWN_CHANNELS = frozenset({"ticker", "candles", "heartbeats", "user", "subscriptions"})


class MessageDecoder:
    """All decoders, built once per stream."""

    def __init__(self) -> None:
        self._known: msgspec.json.Decoder[KnownMessage] = msgspec.json.Decoder(KnownMessage)
        self._odd_ticker = msgspec.json.Decoder(OddTickerMessage)
        self._other = msgspec.json.Decoder(OtherMessage)

    def decode(self, text: str | bytes) -> Message:
        """Return the message; raises `WireUnreadable` when it is no JSON, or a known channel in an unknown shape."""
        try:
            return self._known.decode(text)
        except (ValueError, RecursionError) as error:
            reason = describe(error)
        try:
            return self._odd_ticker.decode(text)
        except (ValueError, RecursionError):
            pass
        try:
            other = self._other.decode(text)
        except (ValueError, RecursionError):
            raise WireUnreadable(f"Coinbase sent a message that cannot be read: {reason}") from None
        if other.channel in KNOWN_CHANNELS:
            raise WireUnreadable(f"Coinbase sent a message on {other.channel} that cannot be read: {reason}")
        return other
