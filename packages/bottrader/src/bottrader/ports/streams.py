"""The venue's push side: market data and our own orders' changes."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bottrader.domain.market import Candle, ProductId, Ticker
from bottrader.domain.money import Size
from bottrader.domain.orders import ClientOrderId, OrderState, VenueOrderId


@dataclass(frozen=True, slots=True)
class CandleUpdate:
    """The state of a bucket so far; the bucket is closed once a later one of the same product appears."""

    candle: Candle
    at: datetime


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Proof that the connection lives; everything sent before it on the same socket has been delivered."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """A hint that an order changed. Facts (fills) are fetched by request: the stream has no trade ids.

    `filled_size` (cumulative, base units) and `state` serve to tell an old report from a new one only; None when the
    venue did not say it in a way that can be read.
    """

    venue_order_id: VenueOrderId
    client_order_id: ClientOrderId
    product_id: ProductId
    at: datetime
    filled_size: Size | None = None
    state: OrderState | None = None


@dataclass(frozen=True, slots=True)
class StreamLive:
    """The first event after every (re)subscription: what happened before it may have been missed, so fill the gap by
    request before the next decision (R39)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The connection is gone or silent; until `StreamLive` the caller is blind and must not open positions (S7)."""

    cause: str


MarketEvent = Ticker | CandleUpdate | Heartbeat | StreamLive | StreamLost
UserEvent = OrderUpdate | Heartbeat | StreamLive | StreamLost


class MarketFeed(Protocol):
    """Market data; reconnects by itself for ever and says so in its events."""

    def events(self, product_ids: Sequence[ProductId]) -> AsyncGenerator[MarketEvent, None]:
        """Yield events in the order the venue sent them, until cancelled."""
        ...


class UserFeed(Protocol):
    """Our own orders' changes; reconnects by itself for ever and says so in its events."""

    def events(self) -> AsyncGenerator[UserEvent, None]:
        """Yield events in the order the venue sent them, until cancelled."""
        ...
