"""What a snapshot holds, as JSON: amounts are strings, so that not a digit is lost."""

from datetime import datetime
from decimal import Decimal
from typing import Self

import msgspec

from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.history import Bucket
from coinbase_sim.ledger import CashTransaction
from coinbase_sim.listing import Listing
from coinbase_sim.model import Fill, Level, Order, ProductGates, ProductSpec, TickerChanged, TradePrinted


class ProductState(msgspec.Struct, frozen=True):
    """One product's rules of the moment, market data and ladder, the ladder without what own takers took."""

    spec: ProductSpec
    gates: ProductGates
    last_trade: Decimal | None
    arrivals: int
    """Orders that have joined the book so far."""
    bids: list[Level]
    asks: list[Level]
    mid: Decimal | None
    ticker: TickerChanged | None
    trades: list[TradePrinted]
    minutes: list[Bucket]
    buckets: list[Bucket]

    @classmethod
    def of(
        cls,
        listing: Listing,
        *,
        ticker: TickerChanged | None,
        trades: list[TradePrinted],
        minutes: list[Bucket],
        buckets: list[Bucket],
    ) -> Self:
        """Return the state of a listing and its public history."""
        book = listing.book
        return cls(
            book.spec,
            listing.gates,
            listing.last_trade,
            book.arrivals,
            book.bids,
            book.asks,
            book.mid,
            ticker,
            trades,
            minutes,
            buckets,
        )

    def show_in(self, listing: Listing) -> None:
        """Bring a fresh listing of the same rules to this state, but for the orders in its book."""
        listing.gates, listing.last_trade = self.gates, self.last_trade
        book = listing.book
        book.bids, book.asks, book.mid, book.arrivals = self.bids, self.asks, self.mid, self.arrivals


class SimulatorState(msgspec.Struct, frozen=True, tag="coinbase-sim-2", tag_field="format"):
    """The whole exchange between two events."""

    name: str
    position: int
    now: datetime
    order_ids: int
    trade_ids: int
    available: dict[str, Decimal]
    held: dict[str, Decimal]
    fees: Decimal
    orders: list[Order]
    fills: list[Fill]
    places: dict[str, tuple[Decimal, int]]
    """Size ahead, and arrival, of each resting order, by order id."""
    duplicate_ids: DuplicateIds
    products: dict[str, ProductState]
    transactions: list[CashTransaction] = []


def encode_state(state: SimulatorState) -> bytes:
    """Return the state as JSON."""
    return msgspec.json.encode(state)


def decode_state(data: bytes) -> SimulatorState:
    """Return the state that `data` spells; raises ValueError when it is no snapshot of this version."""
    try:
        return msgspec.json.decode(data, type=SimulatorState)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no snapshot of this version of coinbase-sim: {error}") from None
