"""REST endpoints for time, products and market data; each is served below `/` for members and `/market` for all."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from decimal import Decimal

from aiohttp import web

from coinbase_sim.amounts import EXACT, is_multiple, units_down
from coinbase_sim.model import Level, ProductSpec
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import encode, query
from coinbase_sim.wire.query import ArgumentInvalid
from coinbase_sim.wire.replies import error_reply, json_reply
from coinbase_sim.wire.texts import amount_text

MAX_CANDLES = 350
MAX_TRADES = 1000
DEFAULT_TRADES = 100
MAX_PRODUCTS = 1000
MAX_LEVELS = 1000


class MarketApi:
    """Handlers that read the market and change nothing."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/time", self.time),
            web.get("/best_bid_ask", self.best_bid_ask),
            *(
                route
                for area in ("", "/market")
                for route in (
                    web.get(f"{area}/products", self.products),
                    web.get(f"{area}/products/{{product_id}}", self.product),
                    web.get(f"{area}/products/{{product_id}}/candles", self.candles),
                    web.get(f"{area}/products/{{product_id}}/ticker", self.trades),
                    web.get(f"{area}/product_book", self.product_book),
                )
            ),
        ]

    async def time(self, _request: web.Request) -> web.Response:
        now = self._simulator.now.astimezone(UTC)
        seconds = int(now.timestamp())
        return json_reply(
            {
                "iso": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "epochSeconds": str(seconds),
                "epochMillis": str(seconds * 1000 + now.microsecond // 1000),
            }
        )

    async def products(self, request: web.Request) -> web.Response:
        wanted = query.names(request.query, "product_ids")
        specs = [spec for spec in self._simulator.products.values() if not wanted or spec.product_id in wanted]
        if request.query.get("product_type", "SPOT") not in {"SPOT", "UNKNOWN_PRODUCT_TYPE", ""}:
            specs = []
        offset = query.whole_number(request.query, "offset") or 0
        page = specs[offset : offset + query.page_limit(request.query, MAX_PRODUCTS, MAX_PRODUCTS)]
        tradability = query.flag(request.query, "get_tradability_status")
        rows = [self._product(spec, tradability) for spec in page]
        return json_reply({"products": rows, "num_products": len(rows), "pagination": None})

    async def product(self, request: web.Request) -> web.Response:
        spec = self._spec(request.match_info["product_id"])
        if spec is None:
            return _product_unknown()
        return json_reply(self._product(spec, query.flag(request.query, "get_tradability_status")))

    def _product(self, spec: ProductSpec, with_view_only: bool) -> encode.Json:
        ticker, gates = self._simulator.ticker(spec.product_id), self._simulator.gates(spec.product_id)
        return encode.product(spec, ticker, gates, with_view_only=with_view_only)

    async def candles(self, request: web.Request) -> web.Response:
        spec = self._spec(request.match_info["product_id"])
        if spec is None:
            return _product_unknown()
        start, end = query.unix_time(request.query, "start"), query.unix_time(request.query, "end")
        width_s = query.granularity_s(request.query)
        if end < start:
            raise ArgumentInvalid("end must not be before start")
        if end - start > timedelta(seconds=width_s * MAX_CANDLES):
            raise ArgumentInvalid(f"number of candles requested should be at most {MAX_CANDLES}")
        bars = self._simulator.candles(spec.product_id, width_s, start, end)
        newest_first = bars[::-1][: query.page_limit(request.query, MAX_CANDLES, MAX_CANDLES)]
        return json_reply({"candles": [encode.candle(bar) for bar in newest_first]})

    async def trades(self, request: web.Request) -> web.Response:
        spec = self._spec(request.match_info["product_id"])
        if spec is None:
            return _product_unknown()
        limit = query.page_limit(request.query, DEFAULT_TRADES, MAX_TRADES)
        begin, end = query.unix_time_or_none(request.query, "start"), query.unix_time_or_none(request.query, "end")
        wanted = [
            printed
            for printed in self._simulator.trades(spec.product_id, MAX_TRADES)
            if (begin is None or printed.at >= begin) and (end is None or printed.at <= end)
        ]
        ticker = self._simulator.ticker(spec.product_id)
        return json_reply(
            {
                "trades": [encode.trade(printed) for printed in wanted[:limit]],
                "best_bid": amount_text(ticker.best_bid.price) if ticker else "",
                "best_ask": amount_text(ticker.best_ask.price) if ticker else "",
            }
        )

    async def best_bid_ask(self, request: web.Request) -> web.Response:
        wanted = query.names(request.query, "product_ids")
        books = []
        for product_id in self._simulator.products:
            if not wanted or product_id in wanted:
                bids, asks = self._simulator.depth(product_id)
                books.append(encode.pricebook(product_id, bids[:1], asks[:1], self._simulator.now))
        return json_reply({"pricebooks": books})

    async def product_book(self, request: web.Request) -> web.Response:
        spec = self._spec(request.query.get("product_id", ""))
        if spec is None:
            return _product_unknown()
        bids, asks = self._simulator.depth(spec.product_id)
        step = query.positive(request.query, "aggregation_price_increment")
        if step is not None:
            if not is_multiple(step, spec.price_increment):
                raise ArgumentInvalid(
                    f"aggregation_price_increment must be a multiple of {amount_text(spec.price_increment)}"
                )
            bids, asks = _aggregated(bids, step, up=False), _aggregated(asks, step, up=True)
        limit = query.page_limit(request.query, MAX_LEVELS, MAX_LEVELS)
        book = encode.pricebook(spec.product_id, bids[:limit], asks[:limit], self._simulator.now)
        return json_reply({"pricebook": book} | encode.book_summary(self._simulator.ticker(spec.product_id)))

    def _spec(self, product_id: str) -> ProductSpec | None:
        return self._simulator.products.get(product_id)


def _aggregated(levels: Sequence[Level], step: Decimal, *, up: bool) -> Sequence[Level]:
    """Add up the sizes of all levels of one step: bids go down and asks up, so that none looks better than it is."""
    sizes: dict[int, Decimal] = {}
    for level in levels:
        steps = units_down(level.price, step)
        if up and not is_multiple(level.price, step):
            steps += 1
        sizes[steps] = EXACT.add(sizes.get(steps, Decimal(0)), level.size)
    return [Level(EXACT.multiply(Decimal(steps), step), size) for steps, size in sizes.items()]


def _product_unknown() -> web.Response:
    return error_reply(404, "NOT_FOUND", "valid product_id is required")
