"""REST endpoints that place, preview, edit, cancel and list orders and fills (coinbase.md §4, §7, §9)."""

from collections.abc import Sequence
from contextvars import ContextVar

from aiohttp import web

from coinbase_sim.model import OrderRejected
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode, filters, query, verdicts
from coinbase_sim.wire.bodies import BodyUnreadable, decoded
from coinbase_sim.wire.manners import Later, Manners
from coinbase_sim.wire.order_entry import edit_request, order_request, preview_request
from coinbase_sim.wire.query import ArgumentInvalid
from coinbase_sim.wire.replies import json_reply, not_found

MAX_CANCELS = 100
DEFAULT_ORDERS = MAX_ORDERS = 1000
DEFAULT_FILLS, MAX_FILLS = 100, 1000

QUEUED_S: ContextVar[float | None] = ContextVar("queued_s", default=None)
"""How long the exchange is to wait before it does what the present request asks."""

CANCEL_ACCEPTED = "UNKNOWN_CANCEL_FAILURE_REASON"
"""The venue's word for "no failure" in a cancel result."""


class OrderApi:
    """Handlers that turn requests into calls of the simulator."""

    def __init__(self, simulator: Simulator, manners: Manners, later: Later) -> None:
        self._simulator = simulator
        self._manners = manners
        self._later = later

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/orders", self.create),
            web.post("/orders/preview", self.preview),
            web.post("/orders/edit", self.edit),
            web.post("/orders/edit_preview", self.edit_preview),
            web.post("/orders/batch_cancel", self.batch_cancel),
            web.get("/orders/historical/batch", self.orders),
            web.get("/orders/historical/fills", self.fills),
            web.get("/orders/historical/{order_id}", self.order),
        ]

    async def create(self, request: web.Request) -> web.Response:
        body = await _json_body(request)
        wait_s = QUEUED_S.get()
        try:
            placed = self._simulator.submit(order_request(body), is_held=wait_s is not None)
        except OrderRejected as rejected:
            return json_reply(verdicts.order_refused(rejected))
        if wait_s is not None:
            self._later.settle(placed.order_id, wait_s)
        return json_reply(self._manners.dialect.order_accepted(verdicts.order_accepted(placed)))

    async def preview(self, request: web.Request) -> web.Response:
        body = await _json_body(request)
        try:
            computed = self._simulator.preview(preview_request(body))
        except OrderRejected as rejected:
            return json_reply(verdicts.preview_refused(rejected))
        return json_reply(verdicts.preview(computed))

    async def edit(self, request: web.Request) -> web.Response:
        edit = edit_request(await _json_body(request))
        try:
            self._simulator.edit(edit)
        except OrderRejected as rejected:
            return json_reply(self._manners.dialect.edited(verdicts.edit_refused(rejected)))
        return json_reply(self._manners.dialect.edited(verdicts.edit_accepted(edit.order_id)))

    async def edit_preview(self, request: web.Request) -> web.Response:
        edit = edit_request(await _json_body(request))
        try:
            computed = self._simulator.preview_edit(edit)
        except OrderRejected as rejected:
            return json_reply(verdicts.edit_preview_refused(rejected))
        return json_reply(verdicts.edit_preview(computed))

    async def batch_cancel(self, request: web.Request) -> web.Response:
        body = await _json_body(request)
        order_ids = body.get("order_ids") if isinstance(body, dict) else None
        if not isinstance(order_ids, list) or not all(isinstance(order_id, str) for order_id in order_ids):
            raise ArgumentInvalid("order_ids must be a list of strings")
        if not 1 <= len(order_ids) <= MAX_CANCELS:
            raise ArgumentInvalid(f"order_ids must hold 1 to {MAX_CANCELS} ids, not {len(order_ids)}")
        wait_s = QUEUED_S.get()
        return json_reply({"results": [self._cancel(order_id, wait_s) for order_id in order_ids]})

    def _cancel(self, order_id: str, wait_s: float | None) -> encode.Json:
        try:
            self._simulator.cancel(order_id, is_queued=wait_s is not None)
        except OrderRejected as rejected:
            return {"success": False, "failure_reason": rejected.reason, "order_id": order_id}
        if wait_s is not None:
            self._later.settle(order_id, wait_s)
        return {"success": True, "failure_reason": CANCEL_ACCEPTED, "order_id": order_id}

    async def order(self, request: web.Request) -> web.Response:
        placed = self._simulator.order(request.match_info["order_id"])
        if placed is None:
            return not_found("order with this orderID was not found")
        return json_reply({"order": encode.order(placed)})

    async def orders(self, request: web.Request) -> web.Response:
        wanted = filters.order_filter(request.query, self._simulator.products)
        rows = filters.sorted_orders(request.query, [*filter(wanted, reversed(self._simulator.orders()))])
        limit = query.page_limit(request.query, DEFAULT_ORDERS, MAX_ORDERS)
        identified = [(order.order_id, order) for order in rows]
        page, cursor = query.page(identified, request.query.get("cursor", ""), limit)
        shown = [encode.order(order) for order in page]
        return json_reply({"orders": shown, "sequence": "0", "has_next": bool(cursor), "cursor": cursor})

    async def fills(self, request: web.Request) -> web.Response:
        wanted = filters.fill_filter(request.query)
        rows = filters.sorted_fills(request.query, [*filter(wanted, reversed(self._simulator.fills()))])
        limit = query.page_limit(request.query, DEFAULT_FILLS, MAX_FILLS)
        identified = [(str(fill.sequence), fill) for fill in rows]
        page, cursor = query.page(identified, request.query.get("cursor", ""), limit)
        return json_reply({"fills": [encode.fill(fill) for fill in page], "cursor": cursor})


async def _json_body(request: web.Request) -> object:
    try:
        body: object = decoded(await request.read())
    except BodyUnreadable:
        raise ArgumentInvalid("the body is not valid JSON") from None
    return body
