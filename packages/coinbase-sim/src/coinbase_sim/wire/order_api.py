"""REST endpoints that place, cancel and list orders and fills (coinbase.md §4, §7, §9)."""

from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from coinbase_sim.model import Fill, Order, OrderRejected, OrderStatus
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode, query
from coinbase_sim.wire.order_entry import order_request
from coinbase_sim.wire.query import ArgumentInvalid, Parameters
from coinbase_sim.wire.replies import json_reply, not_found

MAX_CANCELS = 100
DEFAULT_ORDERS = MAX_ORDERS = 1000
DEFAULT_FILLS, MAX_FILLS = 100, 1000

CANCEL_ACCEPTED = "UNKNOWN_CANCEL_FAILURE_REASON"
"""The venue's word for "no failure" in a cancel result."""

STATUS_WORDS = {*OrderStatus, "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED", "UNKNOWN_ORDER_STATUS"}
"""What may be filtered by; the queued states pass too quickly here for an order to be seen in them."""

FILL_FILTERS = ("product_ids", "product_id", "trade_ids", "start_sequence_timestamp", "end_sequence_timestamp")


class OrderApi:
    """Handlers that turn requests into calls of the simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/orders", self.create),
            web.post("/orders/batch_cancel", self.batch_cancel),
            web.get("/orders/historical/batch", self.orders),
            web.get("/orders/historical/fills", self.fills),
            web.get("/orders/historical/{order_id}", self.order),
        ]

    async def create(self, request: web.Request) -> web.Response:
        body = await _json_body(request)
        try:
            placed = self._simulator.submit(order_request(body))
        except OrderRejected as rejected:
            return json_reply(encode.order_refused(rejected))
        return json_reply(encode.order_accepted(placed))

    async def batch_cancel(self, request: web.Request) -> web.Response:
        body = await _json_body(request)
        order_ids = body.get("order_ids") if isinstance(body, dict) else None
        if not isinstance(order_ids, list) or not all(isinstance(order_id, str) for order_id in order_ids):
            raise ArgumentInvalid("order_ids must be a list of strings")
        if not 1 <= len(order_ids) <= MAX_CANCELS:
            raise ArgumentInvalid(f"order_ids must hold 1 to {MAX_CANCELS} ids, not {len(order_ids)}")
        return json_reply({"results": [self._cancel(order_id) for order_id in order_ids]})

    def _cancel(self, order_id: str) -> encode.Json:
        try:
            self._simulator.cancel(order_id)
        except OrderRejected as rejected:
            return {"success": False, "failure_reason": rejected.reason, "order_id": order_id}
        return {"success": True, "failure_reason": CANCEL_ACCEPTED, "order_id": order_id}

    async def order(self, request: web.Request) -> web.Response:
        placed = self._simulator.order(request.match_info["order_id"])
        if placed is None:
            return not_found("order with this orderID was not found")
        return json_reply({"order": encode.order(placed)})

    async def orders(self, request: web.Request) -> web.Response:
        wanted = _order_filter(request.query)
        newest_first = [(order.order_id, order) for order in reversed(self._simulator.orders()) if wanted(order)]
        limit = query.page_limit(request.query, DEFAULT_ORDERS, MAX_ORDERS)
        page, cursor = query.page(newest_first, request.query.get("cursor", ""), limit)
        rows = [encode.order(order) for order in page]
        return json_reply({"orders": rows, "sequence": "0", "has_next": bool(cursor), "cursor": cursor})

    async def fills(self, request: web.Request) -> web.Response:
        wanted = _fill_filter(request.query)
        newest_first = [(str(fill.sequence), fill) for fill in reversed(self._simulator.fills()) if wanted(fill)]
        limit = query.page_limit(request.query, DEFAULT_FILLS, MAX_FILLS)
        page, cursor = query.page(newest_first, request.query.get("cursor", ""), limit)
        return json_reply({"fills": [encode.fill(fill) for fill in page], "cursor": cursor})


async def _json_body(request: web.Request) -> object:
    body: object
    try:
        body = msgspec.json.decode(await request.read())
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ArgumentInvalid("the body is not valid JSON") from None
    return body


def _order_filter(parameters: Parameters) -> Callable[[Order], bool]:
    statuses = query.names(parameters, "order_status")
    if unknown := statuses - STATUS_WORDS:
        raise ArgumentInvalid(f"unknown order_status {sorted(unknown)}")
    if OrderStatus.OPEN in statuses and len(statuses) > 1:
        raise ArgumentInvalid("OPEN cannot be combined with other order statuses")
    order_ids, product_ids = query.names(parameters, "order_ids"), query.names(parameters, "product_ids")
    types, in_forces = query.names(parameters, "order_types"), query.names(parameters, "time_in_forces")
    side = parameters.get("order_side")
    begin, end = query.timestamp(parameters, "start_date"), query.timestamp(parameters, "end_date")

    def wanted(order: Order) -> bool:
        request = order.request
        return (
            (not statuses or order.status in statuses)
            and (not order_ids or order.order_id in order_ids)
            and (not product_ids or request.product_id in product_ids)
            and (not types or request.order_type in types)
            and (not in_forces or request.time_in_force in in_forces)
            and (not side or request.side == side)
            and (begin is None or order.created_at >= begin)
            and (end is None or order.created_at < end)
        )

    return wanted


def _fill_filter(parameters: Parameters) -> Callable[[Fill], bool]:
    order_ids = query.names(parameters, "order_ids")
    if order_ids and any(parameters.get(name) for name in FILL_FILTERS):
        raise ArgumentInvalid("cannot pass order_ids with other filters")
    trade_ids, product_ids = query.names(parameters, "trade_ids"), query.names(parameters, "product_ids")
    begin = query.timestamp(parameters, "start_sequence_timestamp")
    end = query.timestamp(parameters, "end_sequence_timestamp")

    def wanted(fill: Fill) -> bool:
        return (
            (not order_ids or fill.order_id in order_ids)
            and (not trade_ids or fill.trade_id in trade_ids)
            and (not product_ids or fill.product_id in product_ids)
            and (begin is None or fill.at >= begin)
            and (end is None or fill.at < end)
        )

    return wanted
