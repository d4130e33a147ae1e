"""Coinbase Advanced Trade as the bot's `Exchange`.

A question may be asked again; an order is sent exactly once. Whatever happens to its answer short of a definite yes or
no (time limit, reset, 429, 5xx, a body that cannot be read) is `Unknown`, and only a lookup by client id settles it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import aiohttp

from bottrader.adapters.coinbase import mapping, wire
from bottrader.adapters.coinbase.auth import Signer
from bottrader.adapters.coinbase.errors import NO_ANSWER, NotKnownToVenue, describe, excerpt, read_error
from bottrader.adapters.coinbase.limiter import Priority
from bottrader.adapters.coinbase.transport import OK, ClientOptions, Query, Reply, Transport, decode
from bottrader.domain.cash import FILL_WORDS
from bottrader.domain.errors import ExchangeRefused, WireUnreadable
from bottrader.domain.market import Candle, FeeRates, Granularity, Product, ProductId, Ticker
from bottrader.domain.orders import (
    Cancellation,
    CancelRefused,
    ClientOrderId,
    Fill,
    OrderIntent,
    OrderState,
    Placement,
    Unknown,
    VenueOrder,
    VenueOrderId,
)
from bottrader.ports import Balance, KeyPermissions, VenueMovement

DEFINITE_REFUSALS = frozenset({400, 401, 403})
GRANULARITY_WORDS = {
    Granularity.ONE_MINUTE: "ONE_MINUTE",
    Granularity.FIVE_MINUTE: "FIVE_MINUTE",
    Granularity.ONE_HOUR: "ONE_HOUR",
}
CANDLES_PER_REQUEST = 300
PAGE_SIZE = 250
PAGES_MAX = 1000
OLDER_PAGE_SIZE = 100
COMPLETED = "completed"
CANCELS_PER_REQUEST = 100
"""The venue does not document its limit; a hundred are known to work."""
YOUNG_ORDER_AGE_MAX = timedelta(days=1)
"""An order that is pending or queued for a day is not: it rests, or has ended."""


class _Page(Protocol):
    @property
    def cursor(self) -> str | None: ...


class _OlderRow(Protocol):
    @property
    def id(self) -> str: ...


class _OlderPage(Protocol):
    @property
    def data(self) -> Sequence[_OlderRow]: ...

    @property
    def pagination(self) -> wire.OlderPages: ...


P = TypeVar("P", bound=_Page)
Older = TypeVar("Older", bound=_OlderPage)


class CoinbaseExchange:
    """The `Exchange` over Coinbase's REST API v3; `base_url` is an origin such as `https://api.coinbase.com`."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, signer: Signer, options: ClientOptions) -> None:
        self._transport = Transport(session, base_url, signer, options)

    async def place(self, intent: OrderIntent) -> Placement:
        try:
            reply = await self._transport.send_once("/orders", mapping.to_order_request(intent), Priority.ORDER)
        except NO_ANSWER as error:
            return Unknown(f"no answer to the order: {describe(error)}")
        return _placement(reply, intent)

    async def cancel(self, venue_order_ids: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
        answers: dict[VenueOrderId, Cancellation] = {}
        for first in range(0, len(venue_order_ids), CANCELS_PER_REQUEST):
            answers |= await self._cancel_batch(venue_order_ids[first : first + CANCELS_PER_REQUEST])
        return answers

    async def _cancel_batch(self, batch: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
        body = {"order_ids": list(batch)}
        try:
            reply = await self._transport.send_once("/orders/batch_cancel", body, Priority.CANCEL)
            return _cancellations(reply, batch)
        except WireUnreadable as error:
            unknown = Unknown(str(error))
        except NO_ANSWER as error:
            unknown = Unknown(f"no answer to the cancel: {describe(error)}")
        return dict.fromkeys(batch, unknown)

    async def find_order(
        self, client_order_id: ClientOrderId, product_id: ProductId, since: datetime
    ) -> VenueOrder | None:
        listed = await self._orders(("product_ids", product_id), ("start_date", mapping.to_wire_time(since)))
        ours = next((order for order in listed if order.client_order_id == client_order_id), None)
        return mapping.to_venue_order(ours) if ours else None

    async def get_order(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        try:
            reply = await self._transport.query(f"/orders/historical/{venue_order_id}", (), wire.OrderReply)
        except NotKnownToVenue:
            return None
        return mapping.to_venue_order(reply.order)

    async def open_orders(self) -> Sequence[VenueOrder]:
        # The venue's filter for OPEN hides orders that are pending or queued, so the young ones are listed without it.
        # The venue's own time bounds that list: a replayed market's orders are dated by it, whatever our clock says.
        since = mapping.to_wire_time(await self.server_time() - YOUNG_ORDER_AGE_MAX)
        listed = [*await self._orders(("order_status", "OPEN")), *await self._orders(("start_date", since))]
        orders = [mapping.to_venue_order(order) for order in {row.order_id: row for row in listed}.values()]
        return [order for order in orders if order.state is OrderState.ACCEPTED]

    async def fills_of(self, venue_order_id: VenueOrderId) -> Sequence[Fill]:
        # The venue refuses `order_ids` together with any other filter.
        return await self._fills(("order_ids", venue_order_id))

    async def fills_since(self, at: datetime) -> Sequence[Fill]:
        return await self._fills(("start_sequence_timestamp", mapping.to_wire_time(at)), ("limit", str(PAGE_SIZE)))

    async def balances(self) -> Sequence[Balance]:
        params = (("limit", str(PAGE_SIZE)),)
        pages = await self._pages("/accounts", params, wire.AccountsPage, lambda page: page.has_next)
        return [mapping.to_balance(account) for page in pages for account in page.accounts]

    async def movements_since(self, at: datetime, currencies: Collection[str]) -> Sequence[VenueMovement]:
        accounts = await self._older_pages("/v2/accounts", wire.OlderAccountsPage, lambda _: True)
        listed = []
        for account in [each for page in accounts for each in page.data if each.currency.code in currencies]:
            pages = await self._older_pages(
                f"/v2/accounts/{account.id}/transactions",
                wire.TransactionsPage,
                # Newest first: the page that reaches back far enough is the last one wanted.
                lambda page: bool(page.data) and mapping.to_movement(page.data[-1]).at >= at,
            )
            listed += [row for page in pages for row in page.data]
        wanted = {row.id: row for row in listed if row.status == COMPLETED and row.type not in FILL_WORDS}
        movements = [mapping.to_movement(row) for row in wanted.values()]
        since = at.replace(microsecond=0)
        return sorted((m for m in movements if m.at >= since), key=lambda m: (m.at, m.transaction_id))

    async def products(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        if not product_ids:
            return []
        params = [("product_ids", product_id) for product_id in product_ids]
        reply = await self._transport.query("/products", params, wire.ProductsReply)
        listed = {product.product_id: product for product in reply.products}
        missing = [product_id for product_id in product_ids if product_id not in listed]
        if missing:
            raise ExchangeRefused(f"Coinbase has no product {', '.join(missing)}; remove it from the symbols")
        return [mapping.to_product(listed[product_id]) for product_id in product_ids]

    async def tickers(self, product_ids: Sequence[ProductId]) -> Sequence[Ticker]:
        tickers = []
        for product_id in product_ids:
            reply = await self._transport.query(f"/products/{product_id}/ticker", (("limit", "1"),), wire.TradesReply)
            tickers.append(mapping.to_ticker(reply, product_id))
        return tickers

    async def candles(
        self, product_id: ProductId, granularity: Granularity, start: datetime, end: datetime
    ) -> Sequence[Candle]:
        candles: dict[datetime, Candle] = {}
        # One bucket less than allowed: whether the venue counts `end` itself is not documented, so both must fit.
        step = (CANDLES_PER_REQUEST - 1) * granularity.span
        while start < end:
            stop = min(start + step, end)
            params = (
                ("start", str(int(start.timestamp()))),
                ("end", str(int(stop.timestamp()))),
                ("granularity", GRANULARITY_WORDS[granularity]),
                ("limit", str(CANDLES_PER_REQUEST)),
            )
            reply = await self._transport.query(f"/products/{product_id}/candles", params, wire.CandlesReply)
            for listed in reply.candles:
                candle = mapping.to_candle(listed, product_id)
                if start <= candle.opened_at < stop:
                    candles[candle.opened_at] = candle
            start = stop
        return [candles[opened_at] for opened_at in sorted(candles)]

    async def fee_rates(self) -> FeeRates:
        params = (("product_type", "SPOT"),)
        return mapping.to_fee_rates(
            await self._transport.query("/transaction_summary", params, wire.TransactionSummary)
        )

    async def permissions(self) -> KeyPermissions:
        return mapping.to_permissions(await self._transport.query("/key_permissions", (), wire.KeyPermissions))

    async def server_time(self) -> datetime:
        reply = await self._transport.query("/time", (), wire.ServerTime)
        with mapping.readable("a server time"):
            return mapping.to_time(reply.iso)

    async def _orders(self, *filters: tuple[str, str]) -> list[wire.Order]:
        params = (*filters, ("limit", str(PAGE_SIZE)))
        pages = await self._pages("/orders/historical/batch", params, wire.OrdersPage, lambda page: page.has_next)
        return [order for page in pages for order in page.orders]

    async def _fills(self, *params: tuple[str, str]) -> Sequence[Fill]:
        # Fills have no `has_next`: the last page is the one without a cursor, and an empty page may still carry one.
        pages = await self._pages("/orders/historical/fills", params, wire.FillsPage, lambda _: True)
        return mapping.oldest_first(fill for page in pages for fill in page.fills)

    async def _older_pages(self, path: str, shape: type[Older], is_wanted: Callable[[Older], bool]) -> list[Older]:
        """Return the pages of the v2 API up to the first that is not wanted on; it pages by the last row's id."""
        pages: list[Older] = []
        after = ""
        while len(pages) < PAGES_MAX:
            params = (("limit", str(OLDER_PAGE_SIZE)), *((("starting_after", after),) if after else ()))
            page = await self._transport.query(path, params, shape)
            pages.append(page)
            if page.pagination.next_uri is None or not page.data or not is_wanted(page):
                return pages
            after = page.data[-1].id
        raise WireUnreadable(f"Coinbase has more than {PAGES_MAX} pages of {path}; ask for a shorter period")

    async def _pages(self, path: str, params: Query, shape: type[P], has_next: Callable[[P], bool]) -> list[P]:
        pages: list[P] = []
        seen = {""}
        cursor = ""
        while len(pages) < PAGES_MAX:
            page = await self._transport.query(path, (*params, ("cursor", cursor)) if cursor else params, shape)
            pages.append(page)
            cursor = page.cursor or ""
            if not cursor or not has_next(page):
                return pages
            if cursor in seen:
                raise WireUnreadable(f"Coinbase leads the pages of {path} in a circle: cursor {cursor!r} came twice")
            seen.add(cursor)
        raise WireUnreadable(f"Coinbase has more than {PAGES_MAX} pages of {path}; ask for a shorter period")


def _placement(reply: Reply, intent: OrderIntent) -> Placement:
    if reply.status == OK:
        try:
            return mapping.to_placement(decode(reply.body, wire.PlacementReply, "POST /orders"), intent)
        except WireUnreadable as error:
            return Unknown(str(error))
    if reply.status not in DEFINITE_REFUSALS:
        return Unknown(f"status {reply.status} to the order: {excerpt(reply.body)}")
    code, message = _objection(reply)
    return mapping.refused(code, f"status {reply.status}: {message}")


def _cancellations(reply: Reply, batch: Sequence[VenueOrderId]) -> Mapping[VenueOrderId, Cancellation]:
    """Return the answers to one batch; raises `WireUnreadable` for a 200 that says something else."""
    if reply.status == OK:
        return mapping.to_cancellations(decode(reply.body, wire.CancelReply, "POST /orders/batch_cancel"), batch)
    if reply.status in DEFINITE_REFUSALS:
        code, message = _objection(reply)
        return dict.fromkeys(batch, CancelRefused(f"{code}: {message}"))
    return dict.fromkeys(batch, Unknown(f"status {reply.status} to the cancel: {excerpt(reply.body)}"))


def _objection(reply: Reply) -> tuple[str, str]:
    """Return code and words of a definite refusal by status."""
    error_body = read_error(reply.body)
    code = (error_body and error_body.error) or f"HTTP_{reply.status}"
    return code, error_body.text if error_body else excerpt(reply.body)
