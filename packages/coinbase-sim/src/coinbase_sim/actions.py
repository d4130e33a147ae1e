"""What a fault can do, and to what."""

from enum import StrEnum


class Action(StrEnum):
    """What a fault does."""

    # Requests that are refused or lost: the exchange does not do what was asked.
    DROP_REQUEST = "drop_request"
    HTTP_500_NOT_PLACED = "http_500_not_placed"
    HTTP_502_NOT_PLACED = "http_502_not_placed"
    HTTP_503_NOT_PLACED = "http_503_not_placed"
    HTTP_429 = "http_429"
    HTTP_429_HTML = "http_429_html"
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    NOT_FOUND = "not_found"
    NOT_SUCCESS = "not_success"

    # Requests that are carried out and whose reply is spoiled.
    DROP_REPLY = "drop_reply"
    DELAY_REPLY = "delay_reply"
    HOLD_REPLY = "hold_reply"
    SLOW_BODY = "slow_body"
    HTTP_500_PLACED = "http_500_placed"
    HTTP_502_PLACED = "http_502_placed"
    HTTP_503_PLACED = "http_503_placed"
    TRUNCATE = "truncate"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_ENUM = "unknown_enum"
    EMPTY_OBJECT = "empty_object"
    GZIP = "gzip"
    STALE_REPLY = "stale_reply"
    HIDE_ROWS = "hide_rows"
    LOSE_ROW = "lose_row"
    REPEAT_ROW = "repeat_row"
    REVERSE_ROWS = "reverse_rows"
    EMPTY_PAGE = "empty_page"

    # Requests that are accepted and carried out later.
    QUEUE_ORDER = "queue_order"
    QUEUE_CANCEL = "queue_cancel"

    # Requests before which something happens.
    TICK_FIRST = "tick_first"
    CONTROL_FIRST = "control_first"

    # Messages of a channel; truncate, unknown_field and unknown_enum are for them too.
    DROP_CONNECTION = "drop_connection"
    STALL = "stall"
    DROP_MESSAGE = "drop_message"
    MUTE = "mute"
    REPEAT_MESSAGE = "repeat_message"
    HOLD_MESSAGE = "hold_message"
    DELAY_MESSAGE = "delay_message"
    LOWER_SEQUENCE = "lower_sequence"
    UNKNOWN_CHANNEL = "unknown_channel"
    CROSSED_TICK = "crossed_tick"
    ZERO_TICK = "zero_tick"
    NAN_TICK = "nan_tick"
    TENFOLD_TICK = "tenfold_tick"

    # Subscriptions to a channel.
    DROP_ACK = "drop_ack"
    REPLAY = "replay"
    SPLIT_SNAPSHOT = "split_snapshot"


NOT_DONE = frozenset(
    {
        Action.DROP_REQUEST,
        Action.HTTP_500_NOT_PLACED,
        Action.HTTP_502_NOT_PLACED,
        Action.HTTP_503_NOT_PLACED,
        Action.HTTP_429,
        Action.HTTP_429_HTML,
        Action.HTTP_401,
        Action.HTTP_403,
        Action.NOT_FOUND,
        Action.NOT_SUCCESS,
    }
)
"""The exchange does not do what was asked; in all other faults of requests it does."""

ROWS = frozenset(
    {Action.HIDE_ROWS, Action.LOSE_ROW, Action.REPEAT_ROW, Action.REVERSE_ROWS, Action.EMPTY_PAGE},
)
"""Faults of a listing's page of rows."""

TICKS = frozenset({Action.CROSSED_TICK, Action.ZERO_TICK, Action.NAN_TICK, Action.TENFOLD_TICK})
"""Faults of a ticker's prices."""

MISSPELT = frozenset({Action.TRUNCATE, Action.UNKNOWN_FIELD, Action.UNKNOWN_ENUM})
"""Faults of replies and of messages."""

ON_STREAMS = (
    TICKS
    | MISSPELT
    | {
        Action.DROP_CONNECTION,
        Action.STALL,
        Action.DROP_MESSAGE,
        Action.MUTE,
        Action.REPEAT_MESSAGE,
        Action.HOLD_MESSAGE,
        Action.DELAY_MESSAGE,
        Action.LOWER_SEQUENCE,
        Action.UNKNOWN_CHANNEL,
    }
)
ON_SUBSCRIPTIONS = frozenset({Action.DROP_ACK, Action.REPLAY, Action.SPLIT_SNAPSHOT})
ON_REQUESTS = frozenset(Action) - (ON_STREAMS - MISSPELT) - ON_SUBSCRIPTIONS

TIMED = frozenset(
    {
        Action.DELAY_REPLY,
        Action.SLOW_BODY,
        Action.STALE_REPLY,
        Action.QUEUE_ORDER,
        Action.QUEUE_CANCEL,
        Action.DELAY_MESSAGE,
        Action.SPLIT_SNAPSHOT,
    }
)
"""Faults that take `seconds`."""

ANSWERS_TO = {
    Action.NOT_SUCCESS: "POST /orders",
    Action.QUEUE_ORDER: "POST /orders",
    Action.QUEUE_CANCEL: "POST /orders/batch_cancel",
}
"""Faults of one request only."""
