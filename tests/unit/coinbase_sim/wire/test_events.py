"""WebSocket messages: the envelope, and each channel's own field names (coinbase.md §12)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from coinbase_sim.model import (
    Bar,
    Level,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TickerChanged,
    TimeInForce,
)
from coinbase_sim.wire import events

AT = datetime(2026, 4, 7, 14, 30, 3, tzinfo=UTC)


def decoded(message: events.Message, sequence: int = 0) -> dict[str, Any]:
    envelope: dict[str, Any] = msgspec.json.decode(message.numbered(sequence))
    return envelope


def order(number: int = 1, *, status: OrderStatus = OrderStatus.OPEN, filled: str = "0") -> Order:
    request = OrderRequest(
        f"c-{number}",
        "BTC-USD",
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.GTC,
        base_size=Decimal("0.5"),
        limit_price=Decimal("40000.00"),
        post_only=True,
    )
    size = Decimal(filled)
    return Order(f"o-{number}", request, AT, status, filled_size=size, filled_value=size * 40000, total_fees=size * 160)


def test_the_envelope_carries_an_empty_client_id_and_the_connections_number() -> None:
    message = events.subscriptions({"ticker": ["BTC-USD"], "heartbeats": ["heartbeats"]}, AT)
    assert decoded(message, 41) == {
        "channel": "subscriptions",
        "client_id": "",
        "timestamp": "2026-04-07T14:30:03.000000Z",
        "sequence_num": 41,
        "events": [{"subscriptions": {"ticker": ["BTC-USD"], "heartbeats": ["heartbeats"]}}],
    }


def test_no_subscription_is_an_empty_object() -> None:
    assert decoded(events.subscriptions({}, AT))["events"] == [{"subscriptions": {}}]


def test_a_heartbeat_says_the_venues_time_and_counts() -> None:
    assert decoded(events.heartbeat(7, AT))["events"] == [
        {"current_time": "2026-04-07 14:30:03.000000000+00:00", "heartbeat_counter": 7}
    ]


def test_a_ticker_has_the_venues_field_names() -> None:
    changed = TickerChanged(
        product_id="BTC-USD",
        at=AT,
        price=Decimal("40000.00"),
        best_bid=Level(Decimal("39999.00"), Decimal("1.5")),
        best_ask=Level(Decimal("40001.00"), Decimal("1E-8")),
        volume_24h=Decimal("1E+1"),
        low_24h=Decimal(39000),
        high_24h=Decimal(41000),
        price_change_24h_pct=Decimal("-1.25"),
    )
    told = decoded(events.ticker(changed, "snapshot"))
    assert told["channel"] == "ticker"
    assert told["events"] == [
        {
            "type": "snapshot",
            "tickers": [
                {
                    "type": "ticker",
                    "product_id": "BTC-USD",
                    "price": "40000.00",
                    "volume_24_h": "10",
                    "low_24_h": "39000",
                    "high_24_h": "41000",
                    "low_52_w": "39000",
                    "high_52_w": "41000",
                    "price_percent_chg_24_h": "-1.25",
                    "best_bid": "39999.00",
                    "best_bid_quantity": "1.5",
                    "best_ask": "40001.00",
                    "best_ask_quantity": "0.00000001",
                }
            ],
        }
    ]


def test_a_candle_names_its_product() -> None:
    bar = Bar("BTC-USD", datetime(1970, 1, 2, tzinfo=UTC), *(Decimal(number) for number in (2, 4, 1, 3, 10)))
    assert decoded(events.candles([bar], AT))["events"] == [
        {
            "type": "update",
            "candles": [
                {
                    "start": "86400",
                    "low": "1",
                    "high": "4",
                    "open": "2",
                    "close": "3",
                    "volume": "10",
                    "product_id": "BTC-USD",
                }
            ],
        }
    ]


def test_a_user_event_uses_the_channels_own_names() -> None:
    told = decoded(events.user_update(order(filled="0.2"), AT))
    event = told["events"][0]
    assert event["type"] == "update"
    assert event["positions"] == {"perpetual_futures_positions": [], "expiring_futures_positions": []}
    assert event["orders"] == [
        {
            "avg_price": "40000",
            "cancel_reason": "",
            "client_order_id": "c-1",
            "completion_percentage": "40.00",
            "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
            "cumulative_quantity": "0.2",
            "filled_value": "8000.0",
            "leaves_quantity": "0.3",
            "limit_price": "40000.00",
            "number_of_fills": "0",
            "order_id": "o-1",
            "order_side": "BUY",
            "order_type": "Limit",
            "outstanding_hold_amount": "0",
            "post_only": "true",
            "product_id": "BTC-USD",
            "product_type": "SPOT",
            "reject_reason": "",
            "retail_portfolio_id": event["orders"][0]["retail_portfolio_id"],
            "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
            "status": "OPEN",
            "stop_price": "",
            "time_in_force": "GOOD_UNTIL_CANCELLED",
            "total_fees": "32.0",
            "total_value_after_fees": "8032.0",
            "trigger_status": "INVALID_ORDER_TYPE",
            "creation_time": "2026-04-07T14:30:03.000000Z",
            "end_time": "0001-01-01T00:00:00Z",
            "start_time": "0001-01-01T00:00:00Z",
        }
    ]


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED])
def test_the_rest_of_a_dead_order_is_zeroed(status: OrderStatus) -> None:
    assert events.user_order(order(status=status, filled="0.2"))["leaves_quantity"] == "0"


def test_a_snapshot_comes_in_batches_of_fifty() -> None:
    messages = events.user_snapshots([order(number) for number in range(101)], AT)
    batches = [decoded(message)["events"][0]["orders"] for message in messages]
    assert [len(batch) for batch in batches] == [50, 50, 1]
    assert [told["order_id"] for batch in batches for told in batch] == [f"o-{number}" for number in range(101)]


def test_a_snapshot_without_orders_is_sent_nevertheless() -> None:
    (message,) = events.user_snapshots([], AT)
    assert decoded(message)["events"][0]["type"] == "snapshot"
    assert decoded(message)["events"][0]["orders"] == []


def test_an_error_has_no_sequence_number() -> None:
    assert msgspec.json.decode(events.error("authentication failure")) == {
        "type": "error",
        "message": "authentication failure",
    }
