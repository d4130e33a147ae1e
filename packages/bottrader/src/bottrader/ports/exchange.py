"""The venue's request side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from bottrader.domain.cash import CashKind
from bottrader.domain.market import Candle, FeeRates, Granularity, Product, ProductId, Ticker
from bottrader.domain.orders import (
    Cancellation,
    ClientOrderId,
    Fill,
    OrderIntent,
    Placement,
    VenueOrder,
    VenueOrderId,
)


@dataclass(frozen=True, slots=True)
class Balance:
    """One wallet; the total is `available + hold`."""

    currency: str
    available: Decimal
    hold: Decimal

    @property
    def total(self) -> Decimal:
        return self.available + self.hold


@dataclass(frozen=True, slots=True)
class VenueMovement:
    """Money or coins that came (`amount` above zero) or went without an order; `kind` is None when the venue's `word`
    for it is one that nobody knows."""

    transaction_id: str
    kind: CashKind | None
    word: str
    currency: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyPermissions:
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_id: str


class Exchange(Protocol):
    """The venue's request side. Queries raise `ExchangeUnreachable` when no answer came and `ExchangeRefused` when the
    answer was an error: a failed query is never "none" (D11). All times are venue time."""

    async def place(self, intent: OrderIntent) -> Placement:
        """Send the order once; never raises for what the venue or network did.

        Idempotency key: `client_order_id`; the same id and body again returns the order that exists. `Unknown` means
        the order may be live: the caller records it as live and settles it with `find_order`. Never retried inside.
        """
        ...

    async def cancel(self, venue_order_ids: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
        """Ask the venue to cancel these orders, each once; never raises for what the venue or network did.

        Every id has its answer, whatever became of the others. An answer is about the request only: how an order ended
        is asked with `get_order`. Asking again is harmless: an order that has ended is refused.
        """
        ...

    async def find_order(
        self, client_order_id: ClientOrderId, product_id: ProductId, since: datetime
    ) -> VenueOrder | None:
        """Return the order with this client id created at or after `since`, or None when the venue lists no such order.

        A young order may not be listed yet: None within the first seconds is "not yet", not "absent" (F18).
        """
        ...

    async def get_order(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        """Return the order, or None when the venue says it does not know the id."""
        ...

    async def open_orders(self) -> Sequence[VenueOrder]:
        """Return every order of ours that can still fill, pending and queued ones included."""
        ...

    async def fills_of(self, venue_order_id: VenueOrderId) -> Sequence[Fill]:
        """Return all rows of fills of one order, amendments included, oldest first. May lag the order's own status.

        Whether the order's totals follow an amendment (F29) is up to the venue.
        """
        ...

    async def fills_since(self, at: datetime) -> Sequence[Fill]:
        """Return all rows of fills dated at or after `at`, oldest first; callers overlap their windows (F19, F28).

        An amendment is dated by when it was made, so its fill may be older than `at` (F29).
        """
        ...

    async def balances(self) -> Sequence[Balance]:
        """Return all wallets. May lag fills by seconds."""
        ...

    async def movements_since(self, at: datetime, currencies: Collection[str]) -> Sequence[VenueMovement]:
        """Return what came and went of these currencies without an order and is complete, dated (to the second) at or
        after `at`, oldest first. A movement is dated by its beginning and listed once complete, so callers ask for a
        long window."""
        ...

    async def products(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        """Return the products asked for; a pair the venue does not have is `ExchangeRefused` naming it."""
        ...

    async def tickers(self, product_ids: Sequence[ProductId]) -> Sequence[Ticker]:
        """Return last trade and top of book for each pair."""
        ...

    async def candles(
        self, product_id: ProductId, granularity: Granularity, start: datetime, end: datetime
    ) -> Sequence[Candle]:
        """Return the candles opened in `[start, end)`, oldest first, in as many requests as it takes.

        Buckets without a trade are absent. The last one may still be forming: the caller knows from the clock.
        """
        ...

    async def fee_rates(self) -> FeeRates:
        """Return the account's current tier."""
        ...

    async def server_time(self) -> datetime:
        """Return the venue's own clock, aware UTC."""
        ...

    async def permissions(self) -> KeyPermissions:
        """Return what the key may do."""
        ...
