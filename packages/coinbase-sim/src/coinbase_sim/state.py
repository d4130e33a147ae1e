"""What a snapshot holds, as JSON: amounts are strings, so that not a digit is lost."""

from datetime import datetime
from decimal import Decimal

import msgspec

from coinbase_sim.history import Bucket
from coinbase_sim.model import Fill, Level, Order, TickerChanged, TradePrinted


class ProductState(msgspec.Struct, frozen=True):
    """One product's market data and ladder, the ladder without what own takers took."""

    bids: list[Level]
    asks: list[Level]
    mid: Decimal | None
    ticker: TickerChanged | None
    trades: list[TradePrinted]
    minutes: list[Bucket]
    buckets: list[Bucket]


class SimulatorState(msgspec.Struct, frozen=True, tag="coinbase-sim-1", tag_field="format"):
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
    queues: dict[str, Decimal]
    """Size ahead of each resting order, by order id."""
    products: dict[str, ProductState]


def encode_state(state: SimulatorState) -> bytes:
    """Return the state as JSON."""
    return msgspec.json.encode(state)


def decode_state(data: bytes) -> SimulatorState:
    """Return the state that `data` spells; raises ValueError when it is no snapshot of this version."""
    try:
        return msgspec.json.decode(data, type=SimulatorState)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no snapshot of this version of coinbase-sim: {error}") from None
