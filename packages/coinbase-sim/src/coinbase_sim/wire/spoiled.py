"""What scripted faults make of requests, replies and messages: wrong in the ways in which the venue's are."""

from typing import Any

import msgspec
from aiohttp import web
from aiohttp.web import ContentCoding

from coinbase_sim.actions import ROWS, Action
from coinbase_sim.faults import Fault
from coinbase_sim.model import OrderRejected
from coinbase_sim.wire import verdicts
from coinbase_sim.wire.events import Message
from coinbase_sim.wire.query import FIRST_PAGE
from coinbase_sim.wire.replies import (
    bad_gateway,
    error_reply,
    internal_error,
    json_reply,
    not_found,
    too_many_requests,
    unauthorized,
)

NEW_WORD = "SOMETHING_THE_VENUE_ADDED_TODAY"

_ENUM_FIELDS = frozenset({"status", "side", "order_side", "trade_type", "order_type", "time_in_force"})
_LISTS = ("orders", "fills", "accounts")


def refused(fault: Fault) -> web.Response:
    """The reply to a request that is not carried out."""
    match fault.do:
        case Action.HTTP_429 | Action.HTTP_429_HTML:
            return too_many_requests(html=fault.do is Action.HTTP_429_HTML, headers={})
        case Action.HTTP_401:
            return unauthorized()
        case Action.HTTP_403:
            return error_reply(403, "PERMISSION_DENIED", "Missing required scopes")
        case Action.NOT_FOUND:
            return not_found("order with this orderID was not found")
        case Action.NOT_SUCCESS:
            return json_reply(verdicts.order_refused(OrderRejected(fault.code, "refused by a script")))
    return _failed(fault.do)


def spoiled(fault: Fault, reply: web.StreamResponse, asked_cursor: str = "") -> web.StreamResponse:
    """The reply to a request that was carried out, with what the fault does to it.

    `asked_cursor` is that of the request, for the fault that sends the client to the same page once more.
    """
    if fault.do.startswith("http_"):
        return _failed(fault.do)
    if not isinstance(reply, web.Response) or not isinstance(reply.body, bytes):
        return reply
    if fault.do is Action.TRUNCATE:
        return web.Response(body=reply.body[: len(reply.body) // 2], content_type="application/json")
    if fault.do is Action.GZIP:
        reply.enable_compression(ContentCoding.gzip)
    elif reply.content_type == "application/json":
        return json_reply(_respelt(fault.do, msgspec.json.decode(reply.body), asked_cursor), reply.status)
    return reply


def _respelt(do: Action, body: Any, asked_cursor: str) -> Any:
    if do is Action.EMPTY_OBJECT:
        return {}
    if do is Action.UNKNOWN_FIELD:
        return _with_field(body)
    if do is Action.UNKNOWN_ENUM:
        return _with_new_words(body)
    return _with_rows(do, body, asked_cursor) if do in ROWS else body


def spoiled_message(do: Action, message: Message) -> Message:
    """A message whose content nobody knows (F9)."""
    body: Any = _content(message)
    if do is Action.UNKNOWN_FIELD:
        body = _with_field(body)
    elif do is Action.UNKNOWN_ENUM:
        body = _with_new_words(body)
    return _with_content(message, body)


def unheard_of(message: Message) -> Message:
    """A message of a channel that nobody knows, from the same moment (F9)."""
    channel = message.head.index(b'"channel":"') + len(b'"channel":"')
    end = message.head.index(b'"', channel)
    head = message.head[:channel] + b"announced_today" + message.head[end:]
    return _with_content(Message(head, message.tail), {"events": [{"type": "update", "news": []}]})


def _content(message: Message) -> Any:
    return msgspec.json.decode(b"{" + message.tail.removeprefix(b","))


def _with_content(message: Message, body: Any) -> Message:
    return Message(message.head, b"," + msgspec.json.encode(body).removeprefix(b"{"))


def spoiled_tick(do: Action, message: Message) -> Message:
    """A ticker with prices that no market has (F30)."""
    body: Any = _content(message)
    for event in body["events"]:
        for ticker in event["tickers"]:
            ticker.update(_bad_prices(do, ticker))
    return _with_content(message, body)


def _bad_prices(do: Action, ticker: dict[str, str]) -> dict[str, str]:
    if do is Action.CROSSED_TICK:
        return {"best_bid": ticker["best_ask"], "best_ask": ticker["best_bid"]}
    names = ("price", "best_bid", "best_ask")
    if do is Action.TENFOLD_TICK:
        # Multiplied as text, so that no digit is lost: a zero more before the point.
        return {name: _tenfold(ticker[name]) for name in names}
    return dict.fromkeys(names, "0" if do is Action.ZERO_TICK else "NaN")


def _tenfold(amount: str) -> str:
    whole, _, fraction = amount.partition(".")
    return f"{whole}{fraction[:1] or '0'}.{fraction[1:] or '0'}"


def _failed(do: Action) -> web.Response:
    if do in {Action.HTTP_500_PLACED, Action.HTTP_500_NOT_PLACED}:
        return internal_error()
    return bad_gateway(502 if do in {Action.HTTP_502_PLACED, Action.HTTP_502_NOT_PLACED} else 503)


def _with_field(body: Any) -> Any:
    """The same with a field more in every object."""
    if isinstance(body, dict):
        return {name: _with_field(value) for name, value in body.items()} | {"added_by_the_venue": {"since": "today"}}
    return [_with_field(value) for value in body] if isinstance(body, list) else body


def _with_new_words(body: Any) -> Any:
    """The same with words that nobody knows where the venue has a fixed set of them."""
    if isinstance(body, dict):
        return {
            name: NEW_WORD if name in _ENUM_FIELDS and isinstance(value, str) else _with_new_words(value)
            for name, value in body.items()
        }
    return [_with_new_words(value) for value in body] if isinstance(body, list) else body


def _with_rows(do: Action, body: Any, asked_cursor: str) -> Any:
    listed = next((name for name in _LISTS if isinstance(body, dict) and name in body), None)
    if listed is None:
        return body
    rows = body[listed]
    match do:
        case Action.HIDE_ROWS:
            return body | {listed: []}
        case Action.EMPTY_PAGE:
            more = {"has_next": True} if "has_next" in body else {}
            return body | {listed: [], "cursor": asked_cursor or FIRST_PAGE} | more
        case Action.LOSE_ROW:
            return body | {listed: rows[1:]}
        case Action.REPEAT_ROW:
            return body | {listed: [*rows[:1], *rows]}
    return body | {listed: rows[::-1]}
