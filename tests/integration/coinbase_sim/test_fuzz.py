"""Nonsense of every kind: the server answers as the venue does, never with an internal error, and goes on.

Hypothesis makes the nonsense; the server runs in a loop of its own for the whole module, so that whatever one example
breaks, the next one meets.
"""

import asyncio
import io
import json
import time
import uuid
from collections.abc import Coroutine, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coinbase_sim import ManualMarket, ServerOptions, Simulator, SimulatorOptions, SimulatorServer, product_named
from coinbase_sim.knob_bodies import BODIES
from coinbase_sim.wire.account_api import AccountApi
from coinbase_sim.wire.market_api import MarketApi
from coinbase_sim.wire.order_api import OrderApi

REST = "/api/v3/brokerage"

Answer = TypeVar("Answer")

TURNS = 20

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Target:
    """A server and a client that takes what it is given as it is."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner

    async def open(self) -> None:
        products = (product_named("BTC-USD"),)
        market = ManualMarket(products)
        market.set_price("BTC-USD", Decimal(40_000))
        self.simulator = Simulator(market, products, SimulatorOptions(balances={"USD": Decimal(10_000)}))
        self.simulator.step()
        self.server = SimulatorServer(self.simulator, ServerOptions(heartbeat_interval_s=0))
        await self.server.__aenter__()
        self.secret = self.server.key_file.read_text()
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))

    async def close(self) -> None:
        await self.http.close()
        await self.server.__aexit__(None, None, None)
        # aiohttp leaves the handler of a connection that broke off within a request; otherwise it ends with the loop.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            assert "RequestHandler" in repr(task), task
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def run(self, told: Coroutine[Any, Any, Answer]) -> Answer:
        async def within() -> Answer:
            async with asyncio.timeout(20):
                answer = await told
            # The loop stands still between two runs, and both ends of the connection are to be closed before that.
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return answer

        return self.runner.run(within())

    def token(self, uri: str | None = None) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"sub": self.server.key_name, "iss": "cdp", "nbf": now, "exp": now + 120}
        if uri is not None:
            claims["uri"] = uri
        return jwt.encode(claims, self.secret, algorithm="ES256", headers={"kid": self.server.key_name, "nonce": "5a"})

    def request(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Send a signed request; returns the status and the body."""
        options.setdefault("headers", {"Authorization": f"Bearer {self.token(f'{method} host{path}')}"})

        async def sent() -> tuple[int, str]:
            async with self.http.request(method, f"{self.server.rest_url}{path}", **options) as reply:
                return reply.status, await reply.text()

        return self.run(sent())

    def order(self, body: Any) -> Any:
        """Post an order; whatever it is, the answer is a success, a refusal, or an invalid argument."""
        status, text = self.request("POST", f"{REST}/orders", json=body)
        assert status in {200, 400}, text
        told = json.loads(text)
        if status == 400:
            assert told["error"] == "INVALID_ARGUMENT"
        else:
            assert told["success"] is ("success_response" in told)
            assert told["success"] is not ("error_response" in told)
        return told

    def raw(self, sent: bytes) -> bytes:
        """Send bytes that need not be HTTP; returns what comes back until the server closes or says nothing more."""

        async def talk() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(self.server.rest_url.rsplit(":", 1)[1]))
            writer.write(sent)
            writer.write_eof()
            try:
                return await reader.read(65_536)
            finally:
                writer.close()

        return self.run(talk())

    def lives(self) -> None:
        status, text = self.request("GET", f"{REST}/time", headers={})
        assert status == 200, text

    def listened(self, *messages: str | bytes) -> list[dict[str, Any]]:
        """Say these on one WebSocket, then subscribe to heartbeats; returns what was told before that was confirmed."""

        async def talk() -> list[dict[str, Any]]:
            told: list[dict[str, Any]] = []
            async with self.http.ws_connect(self.server.ws_url) as socket:
                for message in messages:
                    await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
                await socket.send_str('{"type":"subscribe","channel":"heartbeats"}')
                while True:
                    reply = await socket.receive()
                    assert reply.type is aiohttp.WSMsgType.TEXT, reply
                    told.append(json.loads(reply.data))
                    if told[-1].get("channel") == "subscriptions" and "heartbeats" in str(told[-1]["events"]):
                        return told

        return self.run(talk())


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with asyncio.Runner() as runner:
        made = Target(runner)
        made.run(made.open())
        yield made
        made.run(made.close())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NUMBER_TEXTS = st.one_of(
    st.decimals(min_value=0, max_value=10**12, places=9).map(lambda number: format(number, "f")),
    st.sampled_from(
        ["0", "0.000000001", "1e5", "-1", "NaN", "Infinity", "", " 1", "40000.001", "9" * 20, "1." + "0" * 30]
    ),
)
CHANNELS = ["ticker", "ticker_batch", "level2", "market_trades", "candles", "status", "user", "heartbeats"]
FUZZED_PATHS = [
    "/time",
    "/accounts",
    "/accounts/x",
    "/products",
    "/products/BTC-USD",
    "/products/BTC-USD/candles",
    "/products/BTC-USD/ticker",
    "/market/products",
    "/market/products/BTC-USD/candles",
    "/market/product_book",
    "/product_book",
    "/best_bid_ask",
    "/portfolios",
    "/key_permissions",
    "/transaction_summary",
    "/orders",
    "/orders/preview",
    "/orders/edit",
    "/orders/edit_preview",
    "/orders/batch_cancel",
    "/orders/historical/batch",
    "/orders/historical/fills",
    "/orders/historical/x",
    "/orders/close_position",
    "/convert/quote",
    "/cfm/balance_summary",
    "/intx/portfolio",
    "/payment_methods",
    "/market/products/BTC-USD",
    "/market/products/BTC-USD/ticker",
]
PATHS = st.sampled_from(FUZZED_PATHS)
NAMES = st.sampled_from(
    [
        "limit",
        "offset",
        "cursor",
        "start",
        "end",
        "granularity",
        "product_id",
        "product_ids",
        "product_type",
        "order_ids",
        "order_status",
        "order_types",
        "order_side",
        "start_date",
        "end_date",
        "sort_by",
        "time_in_forces",
        "asset_filters",
        "trade_ids",
        "start_sequence_timestamp",
        "retail_portfolio_id",
        "get_tradability_status",
        "aggregation_price_increment",
        "never_heard_of",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1", "BTC-USD", "True", "OPEN", "ONE_MINUTE", "2026-01-01T00:00:00Z", "1767225600"]
    ),
    NUMBER_TEXTS,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    path=PATHS,
    query=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    body=st.none() | JSON,
)
def test_any_parameters_and_any_json_are_answered(
    target: Target, method: str, path: str, query: list[tuple[str, str]], body: Any
) -> None:
    options: dict[str, Any] = {"params": query}
    if body is not None:
        options["data"] = json.dumps(body).encode()
    status, text = target.request(method, f"{REST}{path}", **options)
    assert status in {200, 400, 404, 405}, (status, text)
    assert isinstance(json.loads(text), dict)


@FUZZ
@given(
    path=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), prefix=st.sampled_from(["", REST, "/v2"])
)
def test_any_path_is_answered(target: Target, path: str, prefix: str) -> None:
    status, _ = target.request("GET", f"{prefix}/{path}")
    assert status in {200, 400, 401, 404}


@FUZZ
@given(body=st.binary(max_size=200), path=st.sampled_from(["", "/preview", "/edit", "/edit_preview", "/batch_cancel"]))
def test_a_body_that_is_no_json_is_an_invalid_argument(target: Target, body: bytes, path: str) -> None:
    status, text = target.request("POST", f"{REST}/orders{path}", data=body)
    assert status == 400
    assert json.loads(text)["error"] == "INVALID_ARGUMENT"


CONFIGURATIONS = st.sampled_from(
    [
        "market_market_ioc",
        "market_market_fok",
        "sor_limit_ioc",
        "limit_limit_gtc",
        "limit_limit_gtd",
        "limit_limit_fok",
        "stop_limit_stop_limit_gtc",
        "stop_limit_stop_limit_gtd",
        "trigger_bracket_gtc",
        "trigger_bracket_gtd",
        "twap_limit_gtd",
    ]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "base_size": NUMBER_TEXTS | JSON,
        "quote_size": NUMBER_TEXTS,
        "limit_price": NUMBER_TEXTS | JSON,
        "stop_price": NUMBER_TEXTS,
        "stop_trigger_price": NUMBER_TEXTS,
        "stop_direction": st.sampled_from(["STOP_DIRECTION_STOP_UP", "STOP_DIRECTION_STOP_DOWN", "UP"]),
        "end_time": st.sampled_from(["2026-01-02T00:00:00Z", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"]),
        "post_only": st.booleans() | st.none(),
    },
)


@FUZZ
@given(
    configuration=CONFIGURATIONS,
    fields=FIELDS,
    side=st.sampled_from(["BUY", "SELL", "buy"]),
    product_id=st.sampled_from(["BTC-USD", "ETH-USD", ""]),
    attached=st.none() | st.dictionaries(CONFIGURATIONS, FIELDS, max_size=2),
)
def test_any_order_is_placed_refused_or_an_invalid_argument(
    target: Target, configuration: str, fields: Any, side: str, product_id: str, attached: Any
) -> None:
    body = {
        "client_order_id": str(uuid.uuid4()),
        "product_id": product_id,
        "side": side,
        "order_configuration": {configuration: fields},
        "attached_order_configuration": attached,
    }
    before = len(target.simulator.orders())
    told = target.order(body)
    assert len(target.simulator.orders()) == before + (told.get("success") is True)
    status, text = target.request("POST", f"{REST}/orders/preview", json=body)
    assert status in {200, 400}, text


@FUZZ
@given(
    chosen=st.integers(min_value=-1, max_value=5),
    terms=st.fixed_dictionaries({}, optional=dict.fromkeys(("price", "size", "stop_price"), NUMBER_TEXTS | JSON)),
    path=st.sampled_from(["/orders/edit", "/orders/edit_preview"]),
)
def test_any_edit_is_made_refused_or_an_invalid_argument(
    target: Target, chosen: int, terms: dict[str, Any], path: str
) -> None:
    orders = target.simulator.orders()
    order_id = orders[chosen % len(orders)].order_id if orders and chosen >= 0 else "nobody"
    status, text = target.request("POST", f"{REST}{path}", json={"order_id": order_id} | terms)
    assert status in {200, 400}, text
    assert ("errors" in json.loads(text)) is (status == 200)


@FUZZ
@given(
    price=st.decimals(min_value="0.01", max_value=1_000_000, places=4),
    size=st.decimals(min_value=0, max_value=2, places=10),
)
def test_what_is_off_the_grid_is_never_rounded_onto_it(target: Target, price: Decimal, size: Decimal) -> None:
    limit = {"base_size": format(size, "f"), "limit_price": format(price, "f"), "post_only": True}
    told = target.order(
        {
            "client_order_id": str(uuid.uuid4()),
            "product_id": "BTC-USD",
            "side": "BUY",
            "order_configuration": {"limit_limit_gtc": limit},
        }
    )
    if told["success"]:
        assert price % Decimal("0.01") == 0
        assert size % Decimal("0.00000001") == 0
        assert told["order_configuration"]["limit_limit_gtc"] == limit


@FUZZ
@given(
    headers=st.fixed_dictionaries(
        {}, optional={"Authorization": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80)}
    ),
    scheme=st.sampled_from(["", "Bearer ", "Basic "]),
)
def test_a_token_that_is_none_opens_nothing(target: Target, headers: dict[str, str], scheme: str) -> None:
    headers = {name: scheme + value for name, value in headers.items()}
    assert target.request("GET", f"{REST}/accounts", headers=headers) == (401, "Unauthorized")


@FUZZ
@given(
    claims=st.dictionaries(st.sampled_from(["sub", "iss", "nbf", "exp", "uri", "uris", "aud"]), JSON, max_size=7),
    kid=st.none() | st.text(max_size=10),
)
def test_claims_of_any_type_are_refused_and_nothing_else(
    target: Target, claims: dict[str, Any], kid: str | None
) -> None:
    headers = {} if kid is None else {"kid": kid}
    try:
        token = jwt.encode(claims, target.secret, algorithm="ES256", headers=headers)
    except (TypeError, ValueError):
        # The library refuses to sign some of this; what it signs, the server has to read.
        return
    assert target.request("GET", f"{REST}/accounts", headers={"Authorization": f"Bearer {token}"}) == (
        401,
        "Unauthorized",
    )


@pytest.mark.parametrize("size", [65_537, 1_000_000, 20_000_000])
def test_a_huge_body_is_refused_and_the_server_goes_on(target: Target, size: int) -> None:
    try:
        status, text = target.request("POST", f"{REST}/orders", data=io.BytesIO(b" " * size))
    except aiohttp.ClientConnectionError:
        # The server may hang up before all of it has been sent.
        pass
    else:
        assert (status, json.loads(text)["error"]) == (413, "REQUEST_ENTITY_TOO_LARGE")
    target.lives()


@FUZZ
@given(sent=st.binary(min_size=1, max_size=300))
def test_bytes_that_are_no_http_do_not_stop_the_server(target: Target, sent: bytes) -> None:
    assert b" 500 " not in target.raw(sent).partition(b"\r\n")[0]
    target.lives()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /api/v3/brokerage/time HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /api/v3/brokerage/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v3/brokerage/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{",
        b"POST /api/v3/brokerage/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /api/v3/brokerage/time HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /api/v3/brokerage/products/%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v3/brokerage/market/products?limit=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_broken_http_does_not_stop_the_server(target: Target, sent: bytes) -> None:
    assert b" 500 " not in target.raw(sent).partition(b"\r\n")[0]
    target.lives()


DEEP = [b"[" * 60_000, b'{"a":' * 10_000, b'{"order_configuration":' * 2_000 + b"1" + b"}" * 2_000]
STRANGE = [
    b'{"client_order_id":"\xff"}',
    b'{"order_ids":["\\udfff"]}',
    b'{"client_order_id":"a\\u0000b","product_id":"\\u0000","side":"BUY","order_configuration":{"x":{}}}',
    b"9" * 60_000,
    b'{"order_id":"x","price":"' + b"9" * 60_000 + b'","size":"1"}',
]
POSTED = [
    *(f"{REST}/orders{tail}" for tail in ("", "/preview", "/edit", "/edit_preview", "/batch_cancel")),
    *("/control/faults", "/control/random", *(f"/control{path}" for path in BODIES)),
]


@pytest.mark.parametrize("path", POSTED)
def test_deep_and_strange_json_is_refused_wherever_it_is_posted(target: Target, path: str) -> None:
    for body in (*DEEP, *STRANGE):
        status, text = target.request("POST", path, data=body)
        # A knob without settings ignores nothing either.
        assert status == 400 or path.startswith(REST), (status, text)
        assert status < 500, (status, text)
        assert isinstance(json.loads(text), dict)
    target.lives()


@FUZZ
@given(path=st.sampled_from(sorted(set(BODIES) - {"/dialect", "/key", "/limits", "/quiet"})), body=JSON)
def test_any_setting_of_any_knob_is_taken_or_refused_in_a_sentence(target: Target, path: str, body: Any) -> None:
    status, text = target.request("POST", f"/control{path}", data=json.dumps(body).encode())
    assert status in {200, 400}, (status, text)
    assert status == 200 or json.loads(text)["error_details"]


def test_every_route_is_among_the_fuzzed_paths(target: Target) -> None:
    """A route that is added has to be fuzzed too."""
    concrete = {"{product_id}": "BTC-USD", "{order_id}": "x", "{account_id}": "x"}
    border: Any = None
    apis = (
        MarketApi(target.simulator),
        AccountApi(target.simulator, border),
        OrderApi(target.simulator, border, border),
    )
    for route in (route for api in apis for route in api.routes()):
        path = route.path
        for name, value in concrete.items():
            path = path.replace(name, value)
        assert path in FUZZED_PATHS, path


ORDER_BODY = {
    "client_order_id": "x",
    "product_id": "BTC-USD",
    "side": "BUY",
    "order_configuration": {"limit_limit_gtc": {"base_size": "0.01", "limit_price": "39000.00", "post_only": True}},
    "attached_order_configuration": {"trigger_bracket_gtc": {"limit_price": "50000", "stop_trigger_price": "30000"}},
    "retail_portfolio_id": "",
    "self_trade_prevention_id": "",
    "leverage": "",
    "margin_type": "",
    "preview_id": "",
}


@FUZZ
@given(field=st.sampled_from(sorted(ORDER_BODY)), value=JSON)
def test_a_wrong_type_in_any_field_of_an_order_is_never_an_internal_error(
    target: Target, field: str, value: Any
) -> None:
    body = ORDER_BODY | {"client_order_id": str(uuid.uuid4())} | {field: value}
    told = target.order(body)
    if field != "client_order_id" and not isinstance(value, str | dict | None):
        assert told.get("error") == "INVALID_ARGUMENT", told


@pytest.mark.parametrize("deep", DEEP)
def test_a_websocket_message_that_is_nested_too_deeply_is_malformed(target: Target, deep: bytes) -> None:
    error, _ = target.listened(deep)
    assert error == {"type": "error", "message": "malformed request"}
    error, _ = target.listened(deep.decode())
    assert error["type"] == "error"


@pytest.mark.parametrize("count", [1000, 1001, 3000])
def test_a_giant_subscription_is_answered(target: Target, count: int) -> None:
    asked = {"type": "subscribe", "channel": "ticker", "product_ids": ["BTC-USD"] * count}
    told = target.listened(json.dumps(asked))
    assert (told[0].get("type") == "error") is (count > 1000)


@FUZZ
@given(
    fields=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("type", "channel", "product_ids", "jwt"), JSON) | {"extra": JSON}
    ),
    channel=st.sampled_from(CHANNELS),
)
def test_a_wrong_type_in_any_field_of_a_subscription_is_never_the_end(
    target: Target, fields: dict[str, Any], channel: str
) -> None:
    told = target.listened(json.dumps({"type": "subscribe", "channel": channel} | fields))
    assert told[0].get("type") == "error" or told[0]["channel"] == "subscriptions"


@FUZZ
@given(message=st.text(max_size=100) | st.binary(max_size=100) | JSON.map(json.dumps))
def test_any_websocket_message_is_answered_with_an_error_and_the_socket_stays(
    target: Target, message: str | bytes
) -> None:
    error, _ = target.listened(message)
    assert error["type"] == "error"


@FUZZ
@given(
    request=st.fixed_dictionaries(
        {
            "type": st.sampled_from(["subscribe", "unsubscribe"]),
            "channel": st.sampled_from(CHANNELS)
            | st.sampled_from(["futures_balance_summary", "l2_data", "subscriptions", ""]),
        },
        optional={
            "product_ids": st.lists(st.sampled_from(["BTC-USD", "BTC-EUR", ""]) | st.text(max_size=5), max_size=4),
            "jwt": st.text(max_size=20),
            "more": JSON,
        },
    )
)
def test_any_subscription_is_confirmed_or_refused(target: Target, request: dict[str, Any]) -> None:
    told = target.listened(json.dumps(request))
    assert told[0].get("type") == "error" or told[0]["channel"] == "subscriptions"
    numbers = [message["sequence_num"] for message in told if "sequence_num" in message]
    assert numbers == list(range(len(numbers)))


def test_a_websocket_message_above_the_limit_ends_that_connection_alone(target: Target) -> None:
    async def talk() -> aiohttp.WSMessage:
        async with target.http.ws_connect(target.server.ws_url) as socket:
            await socket.send_str(" " * 100_000)
            return await socket.receive()

    assert target.run(talk()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    target.lives()
