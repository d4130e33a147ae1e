"""WebSocket messages as bytes.

An envelope differs between connections only in its `sequence_num` (it counts per connection, coinbase.md §12.4), so a
message is encoded once as a head and a tail and every connection puts its own number between them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from coinbase_sim.amounts import EXACT
from coinbase_sim.model import (
    Bar,
    LevelChanged,
    Order,
    OrderStatus,
    OrderType,
    ProductGates,
    ProductSpec,
    Side,
    TickerChanged,
    TradePrinted,
)
from coinbase_sim.wire import encode
from coinbase_sim.wire.texts import NO_TIME, PORTFOLIO_ID, amount_text, public_trade_id, ratio, time_text

SNAPSHOT_ORDERS_PER_MESSAGE = 50

_NO_POSITIONS: dict[str, list[object]] = {"perpetual_futures_positions": [], "expiring_futures_positions": []}
_DEPTH_SIDES = {Side.BUY: "bid", Side.SELL: "offer"}
_TITLES = {
    OrderType.MARKET: "Market",
    OrderType.LIMIT: "Limit",
    OrderType.STOP_LIMIT: "Stop Limit",
    OrderType.BRACKET: "Bracket",
}
_VOID_STATES = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED})


class Message(NamedTuple):
    """An envelope cut at its sequence number."""

    head: bytes
    tail: bytes

    def numbered(self, sequence: int) -> bytes:
        return b"%b%d%b" % (self.head, sequence, self.tail)


def _message(channel: str, at: datetime, events: bytes) -> Message:
    head = f'{{"channel":"{channel}","client_id":"","timestamp":"{time_text(at)}","sequence_num":'
    return Message(head.encode(), b',"events":[%b]}' % events)


def subscriptions(by_channel: Mapping[str, Sequence[str]], at: datetime) -> Message:
    """All that the connection is subscribed to; an empty object says that nothing is left."""
    return _message("subscriptions", at, msgspec.json.encode({"subscriptions": by_channel}))


def heartbeat(counter: int, at: datetime) -> Message:
    current_time = f"{time_text(at)[:-1].replace('T', ' ')}000+00:00"
    return _message("heartbeats", at, f'{{"current_time":"{current_time}","heartbeat_counter":{counter}}}'.encode())


def ticker(changed: TickerChanged, kind: str = "update") -> Message:
    """One ticker. This runs for every tick of the market, so the text is put together without a dictionary."""
    # The 52-week range is not simulated; the 24-hour range stands in, which never contradicts the other fields.
    low, high = amount_text(changed.low_24h), amount_text(changed.high_24h)
    bid, ask = changed.best_bid, changed.best_ask
    events = (
        f'{{"type":"{kind}","tickers":[{{"type":"ticker","product_id":"{changed.product_id}",'
        f'"price":"{changed.price:f}","volume_24_h":"{changed.volume_24h:f}",'
        f'"low_24_h":"{low}","high_24_h":"{high}","low_52_w":"{low}","high_52_w":"{high}",'
        f'"price_percent_chg_24_h":"{changed.price_change_24h_pct:f}",'
        f'"best_bid":"{bid.price:f}","best_bid_quantity":"{bid.size:f}",'
        f'"best_ask":"{ask.price:f}","best_ask_quantity":"{ask.size:f}"}}]}}'
    )
    return _message("ticker", changed.at, events.encode())


def ticker_batch(changed: TickerChanged, kind: str = "update", *, with_quotes: bool = False) -> Message:
    """One ticker as `ticker_batch` tells it: without the best prices, unless the dialect has them (§12.1)."""
    low, high = amount_text(changed.low_24h), amount_text(changed.high_24h)
    row = {
        "type": "ticker",
        "product_id": changed.product_id,
        "price": amount_text(changed.price),
        "volume_24_h": amount_text(changed.volume_24h),
        "low_24_h": low,
        "high_24_h": high,
        "low_52_w": low,
        "high_52_w": high,
        "price_percent_chg_24_h": amount_text(changed.price_change_24h_pct),
    }
    if with_quotes:
        for name, level in (("best_bid", changed.best_bid), ("best_ask", changed.best_ask)):
            row |= {name: amount_text(level.price), f"{name}_quantity": amount_text(level.size)}
    return _message("ticker_batch", changed.at, msgspec.json.encode({"type": kind, "tickers": [row]}))


def depth(product_id: str, rows: Sequence[LevelChanged], at: datetime, kind: str = "update") -> Message:
    """Levels of one product. A snapshot has thousands, so the text is put together without dictionaries."""
    event_time = time_text(at)
    updates = ",".join(
        f'{{"side":"{_DEPTH_SIDES[row.side]}","event_time":"{event_time}",'
        f'"price_level":"{row.price:f}","new_quantity":"{row.size:f}"}}'
        for row in rows
    )
    # The envelope names the channel otherwise than the subscription does (§12.2).
    return _message("l2_data", at, f'{{"type":"{kind}","product_id":"{product_id}","updates":[{updates}]}}'.encode())


def trades(printed: Sequence[TradePrinted], at: datetime, kind: str = "update") -> Message:
    """Public trades, newest first; `side` is the maker's."""
    rows = [
        {
            "trade_id": public_trade_id(trade.trade_id),
            "product_id": trade.product_id,
            "price": amount_text(trade.price),
            "size": amount_text(trade.size),
            "side": trade.maker_side.value,
            "time": time_text(trade.at),
        }
        for trade in printed
    ]
    return _message("market_trades", at, msgspec.json.encode({"type": kind, "trades": rows}))


def statuses(products: Sequence[tuple[ProductSpec, ProductGates]], at: datetime, kind: str = "snapshot") -> Message:
    rows = [
        {
            "product_type": "SPOT",
            "id": spec.product_id,
            "base_currency": spec.base_currency,
            "quote_currency": spec.quote_currency,
            "base_increment": amount_text(spec.base_increment),
            "quote_increment": amount_text(spec.price_increment),
            "display_name": spec.product_id.replace("-", "/"),
            "status": gates.status,
            "status_message": "",
            "min_market_funds": amount_text(spec.quote_min_size),
        }
        for spec, gates in products
    ]
    return _message("status", at, msgspec.json.encode({"type": kind, "products": rows}))


def candles(bars: Sequence[Bar], at: datetime, kind: str = "update") -> Message:
    """Five-minute buckets of one product, in the order given."""
    rows = [encode.candle(bar) | {"product_id": bar.product_id} for bar in bars]
    return _message("candles", at, msgspec.json.encode({"type": kind, "candles": rows}))


def user_update(order: Order, at: datetime) -> Message:
    return _user([order], at, "update")


def user_snapshots(orders: Sequence[Order], at: datetime) -> list[Message]:
    """The open orders in messages of fifty; one empty message when there are none (coinbase.md §12.3)."""
    step = SNAPSHOT_ORDERS_PER_MESSAGE
    chunks = [orders[start : start + step] for start in range(0, len(orders), step)] or [[]]
    return [_user(chunk, at, "snapshot") for chunk in chunks]


def _user(orders: Sequence[Order], at: datetime, kind: str) -> Message:
    event = {"type": kind, "orders": [user_order(order) for order in orders], "positions": _NO_POSITIONS}
    return _message("user", at, msgspec.json.encode(event))


def user_order(order: Order) -> dict[str, str]:
    """The user channel's own order object: cumulative, without trade ids, and `post_only` is a text."""
    request = order.request
    stop = request.stop_price if request.stop_price is not None else request.stop_trigger_price
    return {
        "avg_price": amount_text(ratio(order.filled_value, order.filled_size)),
        "cancel_reason": order.cancel_message,
        "client_order_id": request.client_order_id,
        "completion_percentage": amount_text(encode.completion_pct(order)),
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": amount_text(order.filled_size),
        "filled_value": amount_text(order.filled_value),
        "leaves_quantity": amount_text(_leaves(order)),
        "limit_price": amount_text(request.limit_price) if request.limit_price is not None else "",
        "number_of_fills": str(order.fills_count),
        "order_id": order.order_id,
        "order_side": request.side.value,
        "order_type": _TITLES[request.order_type],
        "outstanding_hold_amount": amount_text(order.hold),
        "post_only": "true" if request.post_only else "false",
        "product_id": request.product_id,
        "product_type": "SPOT",
        "reject_reason": order.reject_reason,
        "retail_portfolio_id": PORTFOLIO_ID,
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "status": order.told_status,
        "stop_price": amount_text(stop) if stop is not None else "",
        "time_in_force": request.time_in_force.value,
        "total_fees": amount_text(order.total_fees),
        "total_value_after_fees": amount_text(encode.value_after_fees(order)),
        "trigger_status": order.trigger_status.value,
        "creation_time": time_text(order.created_at),
        "end_time": time_text(request.end_time) if request.end_time is not None else NO_TIME,
        "start_time": NO_TIME,
    }


def _leaves(order: Order) -> Decimal:
    # The venue zeroes this field on orders that ended unfilled, which is why clients must remember the size.
    request = order.request
    if order.status is OrderStatus.FILLED or order.status in _VOID_STATES:
        return Decimal(0)
    if request.base_size is not None:
        return EXACT.subtract(request.base_size, order.filled_size)
    return EXACT.subtract(request.quote_size or Decimal(0), encode.value_after_fees(order))


def error(message: str) -> bytes:
    """An error is no envelope: it has neither channel nor sequence number."""
    return msgspec.json.encode({"type": "error", "message": message})
