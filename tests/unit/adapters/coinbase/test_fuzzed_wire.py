"""Whatever bytes come from the exchange, the decoders answer with a message or with `WireUnreadable` alone."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.adapters.coinbase import wire
from bottrader.adapters.coinbase.messages import MessageDecoder
from bottrader.adapters.coinbase.transport import decode
from bottrader.domain.errors import WireUnreadable

CHANNELS = ("ticker", "candles", "heartbeats", "user", "subscriptions", "level2", "")
SHAPES = [
    shape
    for shape in vars(wire).values()
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct) and shape is not msgspec.Struct
]
AMOUNTS = st.sampled_from(["1", "-0", "1e400", "NaN", "Infinity", "-Infinity", "", "1,0", " 1", "\u0661", "9" * 400])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | AMOUNTS
NAMES = st.sampled_from(
    [
        "events",
        "tickers",
        "candles",
        "orders",
        "price",
        "best_bid",
        "best_ask",
        "product_id",
        "subscriptions",
        "type",
        "heartbeat_counter",
        "client_order_id",
        "order_id",
        "status",
        "start",
        "open",
        "high",
        "low",
        "close",
        "volume",
    ]
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=8)
)
DECODER = MessageDecoder()


def text_of(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")) | ANYTHING.map(text_of))
def test_any_bytes_are_a_message_or_unreadable(body: bytes) -> None:
    """Promise P7: nothing but the one error that is handled comes out of the decoder."""
    try:
        DECODER.decode(body)
    except WireUnreadable as error:
        assert len(str(error)) < 1000  # noqa: PT017  an answer that can be read is as good


@given(st.sampled_from(CHANNELS), ANYTHING, st.integers())
def test_any_events_on_any_channel_are_a_message_or_unreadable(channel: str, events: Any, sequence: int) -> None:
    envelope = {"channel": channel, "timestamp": "2026-01-01T00:00:00Z", "sequence_num": sequence, "events": events}
    try:
        DECODER.decode(text_of(envelope))
    except WireUnreadable as error:
        assert len(str(error)) < 1000  # noqa: PT017  an answer that can be read is as good


@given(st.sampled_from(SHAPES), st.binary() | ANYTHING.map(text_of))
def test_any_answer_is_of_its_shape_or_unreadable(shape: type, body: bytes) -> None:
    try:
        decode(body, shape, "GET /x")
    except WireUnreadable as error:
        assert "GET /x" in str(error)  # noqa: PT017  an answer that can be read is as good


def test_a_nest_of_any_depth_is_unreadable() -> None:
    with pytest.raises(WireUnreadable):
        DECODER.decode(b"[" * 1_000_000)
