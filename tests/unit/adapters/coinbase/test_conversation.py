"""From one connection's messages to events: when it is live, what is a gap, what is passed over."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.coinbase.continuity import StreamBroken
from bottrader.adapters.coinbase.conversation import Conversation, Topic
from bottrader.adapters.coinbase.messages import MessageDecoder, TickerMessage
from bottrader.domain.errors import WireUnreadable
from bottrader.ports import Heartbeat, StreamLive

pytestmark = pytest.mark.component("websocket_handler")

AT = datetime(2026, 4, 7, 14, 30, tzinfo=UTC)
DECODER = MessageDecoder()


class Wire:
    """One connection: numbers its messages and hands them to the conversation."""

    def __init__(self, channels: tuple[str, ...] = ("heartbeats", "ticker")) -> None:
        self.times: list[datetime] = []
        topic = Topic(frozenset(channels), lambda message, _: [type(message).__name__])
        self.conversation: Conversation[str] = Conversation(topic, self.times.append)
        self._next = 0

    def takes(self, channel: str, *events: object, **fields: Any) -> list[Any]:
        envelope: dict[str, Any] = {
            "channel": channel,
            "timestamp": "2026-04-07T14:30:00Z",
            "sequence_num": self._next,
        } | fields
        self._next = envelope["sequence_num"] + 1
        return list(self.conversation.take(DECODER.decode(json.dumps({**envelope, "events": events}))))

    def acknowledges(self, *channels: str, **fields: Any) -> list[Any]:
        return self.takes("subscriptions", {"subscriptions": {channel: ["x"] for channel in channels}}, **fields)

    def beats(self, counter: int | str) -> list[Any]:
        return self.takes("heartbeats", {"current_time": "…", "heartbeat_counter": counter})


@pytest.fixture
def live() -> Wire:
    wire = Wire()
    assert wire.acknowledges("heartbeats", "ticker") == [StreamLive(AT)]
    return wire


def test_the_stream_is_live_once_every_channel_is_acknowledged() -> None:
    wire = Wire()
    assert wire.acknowledges("heartbeats") == []
    assert not wire.conversation.is_live
    assert wire.conversation.missing == "ticker"
    assert wire.acknowledges("heartbeats", "ticker") == [StreamLive(AT)]


def test_acknowledgements_may_name_only_the_newest_channel() -> None:
    wire = Wire()
    wire.acknowledges("heartbeats")
    assert wire.acknowledges("ticker") == [StreamLive(AT)]


def test_a_stream_is_announced_as_live_once(live: Wire) -> None:
    assert live.acknowledges("heartbeats", "ticker") == []


def test_what_came_before_the_last_acknowledgement_follows_the_announcement() -> None:
    wire = Wire()
    wire.acknowledges("ticker")
    assert wire.takes("ticker") == []
    assert wire.beats(1) == []
    assert wire.acknowledges("ticker", "heartbeats") == [StreamLive(AT), "TickerMessage", Heartbeat(AT)]
    assert wire.takes("ticker") == ["TickerMessage"]


def test_a_subscription_that_the_venue_ends_breaks_the_stream(live: Wire) -> None:
    with pytest.raises(StreamBroken, match="ended the subscription of ticker"):
        live.acknowledges("heartbeats")


def test_a_skipped_sequence_number_breaks_the_stream(live: Wire) -> None:
    """F24"""
    with pytest.raises(StreamBroken, match="messages 1 to 2 are missing"):
        live.takes("ticker", sequence_num=3)


def test_the_first_number_of_a_connection_may_be_any() -> None:
    assert Wire().acknowledges("heartbeats", "ticker", sequence_num=41) == [StreamLive(AT)]


def test_a_lower_or_equal_number_is_another_products_and_is_delivered(live: Wire) -> None:
    """F20"""
    live.takes("ticker", sequence_num=1)
    assert live.takes("ticker", sequence_num=0) == ["TickerMessage"]
    assert live.takes("ticker", sequence_num=1) == ["TickerMessage"]
    assert live.takes("ticker", sequence_num=2) == ["TickerMessage"]


def test_a_lower_number_does_not_hide_a_later_gap(live: Wire) -> None:
    live.takes("ticker", sequence_num=1)
    live.takes("ticker", sequence_num=0)
    with pytest.raises(StreamBroken, match="messages 2 to 2 are missing"):
        live.takes("ticker", sequence_num=3)


@pytest.mark.parametrize(("first", "skipping"), [(7, 9), ("7", "9"), (7, "9")], ids=["integers", "texts", "both"])
def test_a_skipped_heartbeat_breaks_the_stream(live: Wire, first: int | str, skipping: int | str) -> None:
    """F24"""
    assert live.beats(first) == [Heartbeat(AT)]
    with pytest.raises(StreamBroken, match="heartbeats 8 to 8 are missing"):
        live.beats(skipping)


def test_heartbeats_in_sequence_are_delivered(live: Wire) -> None:
    assert [live.beats(count) for count in (41, "42", 43)] == [[Heartbeat(AT)]] * 3


def test_a_heartbeat_counter_that_is_no_number_breaks_the_stream(live: Wire) -> None:
    with pytest.raises(StreamBroken, match="a heartbeat counter is a number, was 'x'"):
        live.beats("x")


def test_an_unknown_channel_is_passed_over_but_its_number_counts(live: Wire) -> None:
    """F9"""
    assert live.takes("weather", {"any": [1, 2]}) == []
    assert live.takes("ticker") == ["TickerMessage"]
    with pytest.raises(StreamBroken, match="messages 3 to 3 are missing"):
        live.takes("weather", sequence_num=4)


def test_an_error_message_breaks_the_stream_with_the_venues_words(live: Wire) -> None:
    message = DECODER.decode('{"type":"error","message":"authentication failure"}')
    with pytest.raises(StreamBroken, match="authentication failure"):
        live.conversation.take(message)


def test_every_message_shows_its_venue_time(live: Wire) -> None:
    live.takes("ticker", timestamp="2026-04-07T14:30:01.000000999Z")
    assert live.times == [AT, datetime(2026, 4, 7, 14, 30, 1, tzinfo=UTC)]


def test_a_message_without_a_readable_time_is_refused(live: Wire) -> None:
    with pytest.raises(WireUnreadable):
        live.takes("ticker", timestamp="now")


def test_unknown_fields_and_an_absent_client_id_are_no_matter() -> None:
    """F9"""
    text = (
        '{"events":[{"type":"update","tickers":[{"product_id":"BTC-USD","price":"1","best_bid":"1","best_ask":"1",'
        '"new_field":{"a":[1]}}]}],"sequence_num":3,"timestamp":"2026-04-07T14:30:00Z","channel":"ticker","also":null}'
    )
    message = DECODER.decode(text)
    assert isinstance(message, TickerMessage)
    assert message.events[0].tickers[0].price == Decimal(1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[1,2]",
        '{"channel":"ticker"',
        '{"channel":"ticker","timestamp":"2026-04-07T14:30:00Z","sequence_num":0}',
        '{"channel":"ticker","timestamp":"2026-04-07T14:30:00Z","sequence_num":"x","events":[]}',
    ],
)
def test_a_message_that_cannot_be_read_is_refused(text: str) -> None:
    """F9"""
    with pytest.raises(WireUnreadable, match="cannot be read"):
        DECODER.decode(text)
