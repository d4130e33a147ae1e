"""The forms in which the venue has been seen to say one thing, where documentation and observation differ (§12.1).

The default is what today's documents and clients expect; the other forms are there to be accepted as well.
"""

import re
from typing import Any, Literal

import msgspec

_MICROSECONDS = re.compile(rb'(\.\d{6})Z"')
_COUNTER = re.compile(rb'"heartbeat_counter":(\d+)')


class Dialect(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One choice for each of these; what is left out is as by default."""

    client_id: bool = True
    """Whether WebSocket envelopes carry an empty `client_id`, which the SDK needs and the current documents lack."""
    heartbeat_counter: Literal["integer", "text"] = "integer"
    time_digits: Literal[6, 9] = 6
    """Digits after the second in times."""
    batch_quotes: bool = False
    """Whether `ticker_batch` tells the best prices."""
    order_reply: Literal["nested", "flat"] = "nested"
    """Flat is the older reply to an order, with `order_id` and `failure_reason` beside `success_response`."""
    edit_errors: Literal["list", "object"] = "list"
    account_types: Literal["prefixed", "plain"] = "prefixed"
    """`ACCOUNT_TYPE_CRYPTO` as in production, or `CRYPTO` as documented."""

    def message(self, text: bytes) -> bytes:
        """Return a WebSocket message in this dialect."""
        if not self.client_id:
            text = text.replace(b'"client_id":"",', b"", 1)
        if self.heartbeat_counter == "text":
            text = _COUNTER.sub(rb'"heartbeat_counter":"\1"', text)
        return self.times(text)

    def times(self, text: bytes) -> bytes:
        """Return JSON with times of as many digits as this dialect has."""
        return _MICROSECONDS.sub(rb'\g<1>000Z"', text) if self.time_digits == 9 else text

    def order_accepted(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to an accepted order in this dialect."""
        if self.order_reply == "nested":
            return body
        order_id = body["success_response"]["order_id"]
        return {"success": True, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": order_id} | body

    def edited(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to an edit in this dialect."""
        if self.edit_errors == "list":
            return body
        return body | {"errors": body["errors"][0] if body["errors"] else {}}

    def account(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a wallet in this dialect."""
        if self.account_types == "prefixed":
            return row
        return row | {"type": row["type"].removeprefix("ACCOUNT_TYPE_")}


PLAIN = Dialect()
