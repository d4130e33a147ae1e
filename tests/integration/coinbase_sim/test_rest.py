"""REST v3 over a real socket (coinbase.md §3 to §11)."""

import ssl
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from coinbase_sim import ManualMarket, ServerOptions, Simulator, SimulatorServer
from coinbase_sim.model import Level
from coinbase_sim.wire.limits import RateLimits
from tests.integration.coinbase_sim.conftest import REST, Member, limit_order, market_buy, move

START = 1_767_225_600
"""2026-01-01T00:00:00Z, where a manual market begins."""


async def test_time_is_the_venues_and_public(member: Member) -> None:
    reply = await member.get("/time", headers={})
    # The first tick of a manual market is one second after its start.
    assert reply.body == {
        "iso": "2026-01-01T00:00:01Z",
        "epochSeconds": str(START + 1),
        "epochMillis": str((START + 1) * 1000),
    }


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}, {"CB-ACCESS-KEY": "x"}]
)
async def test_a_private_endpoint_answers_a_bad_token_with_plain_text(member: Member, headers: dict[str, str]) -> None:
    reply = await member.get("/accounts", headers=headers)
    assert (reply.status, reply.text) == (401, "Unauthorized")


async def test_a_token_opens_only_the_path_it_names(member: Member) -> None:
    bearer = member.token(f"GET api.coinbase.com{REST}/portfolios")
    reply = await member.get("/accounts", headers={"Authorization": f"Bearer {bearer}"})
    assert reply.status == 401


async def test_an_order_without_a_token_is_not_placed(member: Member, simulator: Simulator) -> None:
    reply = await member.call("POST", "/orders", json=limit_order(), headers={})
    assert reply.status == 401
    assert simulator.orders() == []


async def test_a_body_on_get_and_unknown_or_oddly_written_parameters_are_tolerated(member: Member) -> None:
    reply = await member.get("/products/BTC-USD?get_tradability_status=False&never_heard_of=1", json={})
    assert reply.status == 200
    assert reply.body["product_id"] == "BTC-USD"


async def test_market_data_is_the_same_for_members_and_for_the_public(member: Member) -> None:
    span = f"start={START}&end={START + 300}&granularity=ONE_MINUTE"
    for path in (
        "/products",
        "/products/BTC-USD",
        f"/products/BTC-USD/candles?{span}",
        "/products/BTC-USD/ticker?limit=1",
        "/product_book?product_id=BTC-USD",
    ):
        public = await member.get(f"/market{path}", headers={})
        assert public.status == 200
        assert public.body == (await member.get(path)).body
        assert (await member.get(path, headers={})).status == 401


async def test_candles_come_newest_first_with_the_forming_one(member: Member, simulator: Simulator) -> None:
    for price in [*range(40001, 40060), 41000, 40500]:
        move(simulator, f"{price}.00")
    # Ticks at seconds 1 to 62: the minute from 60 s holds those at 60, 61 and 62 s.
    reply = await member.get(
        f"/market/products/BTC-USD/candles?start={START}&end={START + 60}&granularity=ONE_MINUTE&limit=350", headers={}
    )
    newest, oldest = reply.body["candles"]
    assert (newest["start"], oldest["start"]) == (str(START + 60), str(START))
    assert newest == {
        "start": str(START + 60),
        "open": "40059.00",
        "high": "41000.00",
        "low": "40059.00",
        "close": "40500.00",
        "volume": "3",
    }


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"start={START}&end={START + 60}",
        f"start={START}&end={START + 60}&granularity=ONE_YEAR",
        f"start=yesterday&end={START}&granularity=ONE_MINUTE",
        f"start={START}&end={START - 1}&granularity=ONE_MINUTE",
        f"start={START}&end={START + 351 * 60}&granularity=ONE_MINUTE",
        f"start={START}&end=99999999999999999&granularity=ONE_DAY",
    ],
)
async def test_a_candle_request_that_makes_no_sense_is_an_invalid_argument(member: Member, query: str) -> None:
    reply = await member.get(f"/market/products/BTC-USD/candles?{query}", headers={})
    assert reply.status == 400
    assert reply.body["error"] == "INVALID_ARGUMENT"
    assert reply.body["error_details"]
    assert reply.body["message"]


async def test_350_candles_may_be_asked_for(member: Member) -> None:
    reply = await member.get(
        f"/market/products/BTC-USD/candles?start={START}&end={START + 350 * 60}&granularity=ONE_MINUTE", headers={}
    )
    assert reply.status == 200


@pytest.mark.parametrize(
    "path", ["/products/DOGE-XXX", "/products/X/candles", "/products/X/ticker", "/product_book?product_id=X"]
)
async def test_an_unknown_product_is_not_found(member: Member, path: str) -> None:
    reply = await member.get(path)
    assert reply.status == 404
    assert reply.body.keys() == {"error", "error_details", "message"}


async def test_the_book_and_the_best_prices(member: Member) -> None:
    book = (await member.get("/product_book?product_id=BTC-USD&limit=1")).body
    assert book["pricebook"]["bids"] == [{"price": "39999.99", "size": "1000"}]
    assert book["pricebook"]["asks"] == [{"price": "40000.01", "size": "1000"}]
    assert (book["mid_market"], book["spread_absolute"]) == ("40000.00", "0.02")
    best = (await member.get("/best_bid_ask?product_ids=BTC-USD")).body
    assert [entry["bids"][0]["price"] for entry in best["pricebooks"]] == ["39999.99"]
    assert (await member.get("/best_bid_ask?product_ids=ETH-USD")).body == {"pricebooks": []}


async def test_futures_are_not_listed(member: Member) -> None:
    assert (await member.get("/products?product_type=FUTURE")).body == {
        "products": [],
        "num_products": 0,
        "pagination": None,
    }


async def test_the_key_may_trade_and_not_transfer(member: Member) -> None:
    told = (await member.get("/key_permissions")).body
    assert (told["can_view"], told["can_trade"], told["can_transfer"]) == (True, True, False)
    (portfolio,) = (await member.get("/portfolios")).body["portfolios"]
    assert portfolio["uuid"] == told["portfolio_uuid"]


async def test_fee_rates_are_told_as_texts(member: Member) -> None:
    tier = (await member.get("/transaction_summary")).body["fee_tier"]
    assert (tier["maker_fee_rate"], tier["taker_fee_rate"]) == ("0.004", "0.008")


async def test_a_resting_order_holds_funds_and_a_cancel_returns_them(member: Member) -> None:
    order_id = await member.place(limit_order("0.1", "39000.00"))
    usd = await _wallet(member, "USD")
    # 0.1 x 39000 = 3900, and 0.8 % of it on top, because it might still take.
    assert usd["hold"] == {"value": "3931.2000", "currency": "USD"} or Decimal(usd["hold"]["value"]) == Decimal(
        "3931.2"
    )
    assert Decimal(usd["available_balance"]["value"]) == Decimal("6068.8")
    assert (await member.post("/orders/batch_cancel", {"order_ids": [order_id, "no-such-order"]})).body == {
        "results": [
            {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": order_id},
            {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": "no-such-order"},
        ]
    }
    usd = await _wallet(member, "USD")
    assert Decimal(usd["hold"]["value"]) == 0
    assert Decimal(usd["available_balance"]["value"]) == 10_000
    assert (await member.get(f"/accounts/{usd['uuid']}")).body == {"account": usd}


async def _wallet(member: Member, currency: str) -> dict[str, Any]:
    accounts = (await member.get("/accounts")).body["accounts"]
    return next(account for account in accounts if account["currency"] == currency)


async def test_an_unknown_account_is_not_found(member: Member) -> None:
    assert (await member.get("/accounts/nobody")).status == 404


async def test_accounts_come_in_pages(member: Member) -> None:
    first = (await member.get("/accounts?limit=1")).body
    assert (len(first["accounts"]), first["has_next"], first["size"]) == (1, True, 1)
    second = (await member.get(f"/accounts?limit=1&cursor={first['cursor']}")).body
    assert (len(second["accounts"]), second["has_next"], second["cursor"]) == (1, False, "")
    assert {page["accounts"][0]["currency"] for page in (first, second)} == {"USD", "BTC"}


async def test_an_accepted_order_is_told_with_its_configuration_as_an_object(member: Member) -> None:
    body = limit_order("0.10", "39000.00")
    told = (await member.post("/orders", body)).body
    assert told["success"] is True
    assert told["order_configuration"] == body["order_configuration"]
    assert told["success_response"]["client_order_id"] == body["client_order_id"]
    assert (told["success_response"]["product_id"], told["success_response"]["side"]) == ("BTC-USD", "BUY")
    shown = (await member.get(f"/orders/historical/{told['success_response']['order_id']}")).body["order"]
    assert (shown["status"], shown["order_configuration"]) == ("OPEN", body["order_configuration"])


async def test_posting_the_same_client_order_id_again_returns_the_order_that_exists(
    member: Member, simulator: Simulator
) -> None:
    body = market_buy("100")
    first, second = await member.place(body), await member.place(body)
    assert first == second
    assert len(simulator.orders()) == 1
    assert len({fill.order_id for fill in simulator.fills()}) == 1
    # 100 quote units are spent to the last digit, fee included, less what the base increment leaves over.
    assert Decimal(9_900) <= simulator.books().totals["USD"] < Decimal("9900.001")


async def test_a_post_only_order_that_would_take_is_refused_with_http_200(member: Member, simulator: Simulator) -> None:
    reply = await member.post("/orders", limit_order(price="40000.01"))
    assert reply.status == 200
    assert reply.body["success"] is False
    assert reply.body["order_configuration"] == {}
    refusal = reply.body["error_response"]
    assert refusal["preview_failure_reason"] == "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"
    assert refusal["new_order_failure_reason"] == "INVALID_LIMIT_PRICE_POST_ONLY"
    assert refusal["message"]
    assert simulator.orders() == []


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (limit_order("1"), {"PREVIEW_INSUFFICIENT_FUND", "INSUFFICIENT_FUND"}),
        (limit_order(product_id="NO-PAIR"), {"INVALID_PRODUCT_ID"}),
        (limit_order("0.000000001"), {"PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"}),
        (limit_order("0.1", "39000.001"), {"INVALID_PRICE_PRECISION"}),
        (limit_order(order_configuration={"scaled_limit_gtc": {}}), {"UNSUPPORTED_ORDER_CONFIGURATION"}),
    ],
    ids=["funds", "product", "too small", "off grid", "scaled"],
)
async def test_a_refusal_says_why_in_one_of_three_fields(
    member: Member, body: dict[str, Any], reasons: set[str]
) -> None:
    reply = await member.post("/orders", body)
    assert reply.status == 200
    refusal = reply.body["error_response"]
    told = {refusal[name] for name in ("error", "preview_failure_reason", "new_order_failure_reason")}
    assert reasons <= told


@pytest.mark.parametrize("text", ["", "{", "[]", '{"client_order_id": 1}', "\xff"])
async def test_a_malformed_order_is_an_invalid_argument(member: Member, text: str) -> None:
    reply = await member.call("POST", "/orders", data=text.encode("latin-1"))
    assert reply.status == 400
    assert reply.body["error"] == "INVALID_ARGUMENT"


async def test_a_body_above_the_limit_is_refused(member: Member) -> None:
    reply = await member.call("POST", "/orders", data=b" " * 70_000)
    assert reply.status == 413
    assert reply.body["error"] == "REQUEST_ENTITY_TOO_LARGE"


async def test_an_unknown_endpoint_or_order_is_not_found_in_json(member: Member) -> None:
    for path in ("/orders/historical/nobody", "/convert/quote"):
        reply = await member.get(path)
        assert reply.status == 404
        assert reply.body["error"] == "unknown"
    assert (await member.get("/orders/historical/nobody")).body[
        "error_details"
    ] == "order with this orderID was not found"
    async with member.http.get(f"{member.server.rest_url}/elsewhere") as reply_elsewhere:
        assert reply_elsewhere.status == 404
        assert reply_elsewhere.content_type == "application/json"


async def test_orders_are_listed_newest_first_in_pages_that_new_orders_do_not_shift(member: Member) -> None:
    placed = [await member.place(limit_order("0.01", f"{price}.00")) for price in range(39000, 39005)]
    seen: list[str] = []
    path = "/orders/historical/batch?limit=2"
    page = (await member.get(path)).body
    await member.place(limit_order("0.01", "38000.00"))
    while True:
        seen += [order["order_id"] for order in page["orders"]]
        if not page["has_next"]:
            break
        page = (await member.get(f"{path}&cursor={page['cursor']}")).body
    assert page["cursor"] == ""
    assert seen == placed[::-1]


async def test_orders_are_filtered(member: Member) -> None:
    resting = await member.place(limit_order("0.01"))
    done = await member.place(market_buy())
    sold = await member.place(
        limit_order(side="SELL", order_configuration={"market_market_ioc": {"base_size": "0.001"}})
    )

    async def listed(query: str) -> list[str]:
        page = (await member.get(f"/orders/historical/batch?{query}")).body
        return [order["order_id"] for order in page["orders"]]

    assert await listed("order_status=OPEN") == [resting]
    assert await listed("order_status=FILLED&order_status=CANCELLED") == [sold, done]
    assert await listed("order_side=SELL") == [sold]
    assert await listed(f"order_ids={done}&order_ids={resting}") == [done, resting]
    assert await listed("order_types=LIMIT") == [resting]
    assert await listed("product_id=ETH-USD") == []
    assert await listed("start_date=2026-01-01T00:00:02Z") == []
    assert await listed("end_date=2026-01-01T00:00:01Z") == []
    assert len(await listed("start_date=2026-01-01T00:00:01Z&end_date=2026-01-01T00:00:02Z")) == 3


@pytest.mark.parametrize(
    "query", ["order_status=OPEN&order_status=FILLED", "order_status=LOST", "cursor=nonsense", "limit=-1"]
)
async def test_filters_that_the_venue_refuses(member: Member, query: str) -> None:
    reply = await member.get(f"/orders/historical/batch?{query}")
    assert (reply.status, reply.body["error"]) == (400, "INVALID_ARGUMENT")


async def test_fills_are_listed_newest_first_until_the_cursor_is_empty(member: Member) -> None:
    orders = [await member.place(market_buy("50")) for _ in range(3)]
    seen, cursor = [], ""
    while True:
        page = (await member.get(f"/orders/historical/fills?limit=2&cursor={cursor}")).body
        assert page.keys() == {"fills", "cursor"}
        seen += page["fills"]
        cursor = page["cursor"]
        if not cursor:
            break
    assert [fill["order_id"] for fill in seen] == orders[::-1]
    assert len({(fill["trade_id"], fill["order_id"]) for fill in seen}) == 3
    for fill in seen:
        assert Decimal(fill["commission"]) == Decimal(fill["price"]) * Decimal(fill["size"]) * Decimal("0.008")
    alone = (await member.get(f"/orders/historical/fills?order_ids={orders[1]}")).body["fills"]
    assert [fill["order_id"] for fill in alone] == [orders[1]]


async def test_order_ids_do_not_go_with_other_filters_on_fills(member: Member) -> None:
    reply = await member.get("/orders/historical/fills?order_ids=x&product_ids=BTC-USD")
    assert reply.status == 400
    assert reply.body["error_details"] == "cannot pass order_ids with other filters"


@pytest.mark.parametrize("body", [{}, [], {"order_ids": []}, {"order_ids": "x"}, {"order_ids": ["x"] * 101}])
async def test_a_cancel_takes_one_to_a_hundred_ids(member: Member, body: object) -> None:
    assert (await member.post("/orders/batch_cancel", body)).status == 400


async def test_a_filled_order_cannot_be_cancelled(member: Member) -> None:
    order_id = await member.place(market_buy())
    (result,) = (await member.post("/orders/batch_cancel", {"order_ids": [order_id]})).body["results"]
    assert (result["success"], result["failure_reason"]) == (False, "ORDER_IS_FULLY_FILLED")


async def test_the_same_exchange_is_served_over_tls(simulator: Simulator, tmp_path: Path) -> None:
    async with SimulatorServer(simulator, ServerOptions(tls_port=0, key_dir=tmp_path)) as server:
        assert server.ca_file is not None
        assert server.ca_file.parent == tmp_path
        trusted = ssl.create_default_context(cafile=str(server.ca_file))
        async with aiohttp.ClientSession() as http:
            for host in ("127.0.0.1", "localhost"):
                url = f"{server.tls_url}".replace("127.0.0.1", host)
                async with http.get(f"{url}{REST}/time", ssl=trusted) as reply:
                    assert reply.status == 200


async def test_authentication_can_be_switched_off(simulator: Simulator) -> None:
    async with (
        SimulatorServer(simulator, ServerOptions(require_auth=False)) as server,
        aiohttp.ClientSession() as http,
        http.get(f"{server.rest_url}{REST}/accounts") as reply,
    ):
        assert reply.status == 200


async def test_a_server_that_cannot_start_leaves_its_port_free(simulator: Simulator) -> None:
    async with SimulatorServer(simulator) as server:
        taken = int(server.rest_url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"):
            async with SimulatorServer(simulator, ServerOptions(tls_port=taken)):
                pass
    async with SimulatorServer(simulator, ServerOptions(port=taken)) as again:
        assert again.rest_url == server.rest_url


SELL_ALL = {"base_size": "0.002", "limit_price": "39000.00"}


async def coins(member: Member) -> None:
    """Buy some BTC, so that there is something to protect."""
    await member.place(market_buy("200"))


def order_of(configuration: dict[str, Any], side: str = "SELL", **changes: Any) -> dict[str, Any]:
    return limit_order(side=side, order_configuration=configuration, **changes)


async def test_a_stop_limit_order_waits_triggers_and_fills(member: Member, simulator: Simulator) -> None:
    await coins(member)
    stop = SELL_ALL | {"stop_price": "39500.00", "stop_direction": "STOP_DIRECTION_STOP_DOWN"}
    order_id = await member.place(order_of({"stop_limit_stop_limit_gtc": stop}))
    path = f"/orders/historical/{order_id}"
    waiting = (await member.get(path)).body["order"]
    assert (waiting["status"], waiting["order_type"], waiting["trigger_status"]) == (
        "OPEN",
        "STOP_LIMIT",
        "STOP_PENDING",
    )
    assert waiting["order_configuration"] == {"stop_limit_stop_limit_gtc": stop}
    move(simulator, "39400.00")
    move(simulator, "39400.00")
    done = (await member.get(path)).body["order"]
    assert (done["status"], done["trigger_status"]) == ("FILLED", "STOP_TRIGGERED")


async def test_a_bracket_takes_its_profit(member: Member, simulator: Simulator) -> None:
    await coins(member)
    bracket = {"base_size": "0.002", "limit_price": "41000.00", "stop_trigger_price": "39000.00"}
    order_id = await member.place(order_of({"trigger_bracket_gtc": bracket}))
    move(simulator, "41500.00")
    done = (await member.get(f"/orders/historical/{order_id}")).body["order"]
    assert (done["status"], done["order_type"]) == ("FILLED", "BRACKET")
    assert Decimal(done["average_filled_price"]) == 41_000
    assert done["order_configuration"] == {"trigger_bracket_gtc": bracket}


async def test_an_order_till_a_date_expires(member: Member, simulator: Simulator) -> None:
    dated = {"base_size": "0.01", "limit_price": "39000.00", "post_only": False, "end_time": "2026-01-01T00:00:03Z"}
    order_id = await member.place(order_of({"limit_limit_gtd": dated}, side="BUY"))
    for _ in range(4):
        move(simulator, "40000.00")
    done = (await member.get(f"/orders/historical/{order_id}")).body["order"]
    assert (done["status"], done["time_in_force"]) == ("EXPIRED", "GOOD_UNTIL_DATE_TIME")
    assert done["order_configuration"]["limit_limit_gtd"]["end_time"] == "2026-01-01T00:00:03.000000Z"


async def test_an_entry_brings_its_bracket_along(member: Member) -> None:
    prices = {"limit_price": "42000.00", "stop_trigger_price": "38000.00"}
    entry = market_buy("200") | {"attached_order_configuration": {"trigger_bracket_gtc": prices}}
    parent_id = await member.place(entry)
    parent = (await member.get(f"/orders/historical/{parent_id}")).body["order"]
    assert parent["attached_order_configuration"] == {"trigger_bracket_gtc": prices}
    child = (await member.get(f"/orders/historical/{parent['attached_order_id']}")).body["order"]
    assert (child["originating_order_id"], child["side"], child["status"]) == (parent_id, "SELL", "OPEN")
    sized = {"trigger_bracket_gtc": prices | {"base_size": "0.001"}}
    refused = (await member.post("/orders", market_buy("200") | {"attached_order_configuration": sized})).body
    assert "PREVIEW_ATTACHED_ORDER_SIZE_MUST_BE_NIL" in refused["error_response"].values()


async def test_a_preview_computes_and_places_nothing(member: Member, simulator: Simulator) -> None:
    body = market_buy("100")
    del body["client_order_id"]
    told = (await member.post("/orders/preview", body)).body
    assert (told["errs"], told["best_bid"], told["best_ask"]) == ([], "39999.99", "40000.01")
    # 100 USD buy 100 / 1.008 USD worth of coins and pay 0.8 % of that, less what the base increment leaves over.
    assert Decimal("99.999") < Decimal(told["order_total"]) <= 100
    assert Decimal(told["commission_total"]) == Decimal(told["quote_size"]) * Decimal("0.008")
    assert Decimal(told["average_filled_price"]) == Decimal("40000.01")
    assert told["preview_id"]
    assert simulator.orders() == []


async def test_a_preview_of_what_would_be_refused_says_why_in_errs(member: Member) -> None:
    told = (await member.post("/orders/preview", limit_order("1"))).body
    assert told["errs"] == ["PREVIEW_INSUFFICIENT_FUND"]
    told = (await member.post("/orders/preview", order_of({"scaled_limit_gtc": {}}))).body
    assert told["errs"] == ["UNSUPPORTED_ORDER_CONFIGURATION"]
    assert (await member.post("/orders/preview", {})).status == 400


async def test_an_edit_replaces_price_and_size_and_is_remembered(member: Member, simulator: Simulator) -> None:
    order_id = await member.place(limit_order("0.1", "39000.00"))
    preview = (
        await member.post("/orders/edit_preview", {"order_id": order_id, "price": "38000.00", "size": "0.2"})
    ).body
    assert preview["errors"] == []
    assert Decimal(preview["base_size"]) == Decimal("0.2")
    told = (await member.post("/orders/edit", {"order_id": order_id, "price": "38000.00", "size": "0.2"})).body
    assert told == {"success": True, "success_response": {"order_id": order_id}, "errors": []}
    edited = (await member.get(f"/orders/historical/{order_id}")).body["order"]
    assert edited["order_configuration"]["limit_limit_gtc"]["limit_price"] == "38000.00"
    assert edited["order_configuration"]["limit_limit_gtc"]["base_size"] == "0.2"
    (mark,) = edited["edit_history"]
    assert mark == {"price": "38000.00", "size": "0.2", "replace_accept_timestamp": "2026-01-01T00:00:01.000000Z"}


@pytest.mark.parametrize(
    ("edit", "reasons"),
    [
        ({"price": "38000.00"}, {"INVALID_EDITED_SIZE", "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"}),
        ({"price": "39000.00", "size": "0.1"}, {"EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"}),
        ({"order_id": "nobody", "price": "1", "size": "1"}, {"ORDER_NOT_FOUND"}),
    ],
    ids=["no size", "no change", "no order"],
)
async def test_an_edit_that_is_refused_says_why_in_both_shapes(
    member: Member, edit: dict[str, str], reasons: set[str]
) -> None:
    order_id = await member.place(limit_order("0.1", "39000.00"))
    reply = await member.post("/orders/edit", {"order_id": order_id} | edit)
    assert (reply.status, reply.body["success"]) == (200, False)
    assert reply.body["errors"][0]["edit_failure_reason"] in reasons
    assert reply.body["error_response"]["edit_order_failure_reason"] in reasons
    preview = (await member.post("/orders/edit_preview", {"order_id": order_id} | edit)).body
    assert preview["errors"][0]["edit_failure_reason"] in reasons


async def test_orders_are_filtered_by_what_they_are_of_and_sorted(member: Member) -> None:
    low, high = await member.place(limit_order("0.01", "38000.00")), await member.place(limit_order("0.01", "39000.00"))
    newest = await member.place(limit_order("0.01", "37000.00"))

    async def listed(query: str) -> list[str]:
        page = (await member.get(f"/orders/historical/batch?{query}")).body
        return [order["order_id"] for order in page["orders"]]

    assert await listed("") == [newest, high, low]
    assert await listed("sort_by=LIMIT_PRICE") == [high, low, newest]
    assert await listed("sort_by=LAST_FILL_TIME") == [newest, high, low]
    assert len(await listed("product_type=SPOT&asset_filters=BTC&order_placement_source=RETAIL_ADVANCED")) == 3
    assert await listed("product_type=FUTURE") == []
    assert await listed("asset_filters=ETH") == []
    assert await listed("order_placement_source=RETAIL_SIMPLE") == []
    assert await listed("contract_expiry_type=PERPETUAL") == []
    assert await listed("retail_portfolio_id=elsewhere") == []
    assert await listed("time_in_forces=GOOD_UNTIL_CANCELLED&order_types=LIMIT") == [newest, high, low]
    assert (await member.get("/orders/historical/batch?sort_by=COLOUR")).status == 400


async def test_open_leaves_out_nothing_but_what_has_ended(member: Member) -> None:
    resting = await member.place(limit_order("0.01"))
    await member.place(market_buy())
    page = (await member.get("/orders/historical/batch?order_status=OPEN")).body
    assert [order["order_id"] for order in page["orders"]] == [resting]
    assert (await member.get("/orders/historical/batch?order_status=PENDING")).body["orders"] == []


async def test_fills_are_filtered_and_sorted(member: Member, simulator: Simulator) -> None:
    await member.place(market_buy("50"))
    move(simulator, "41000.00")
    await member.place(market_buy("50"))
    move(simulator, "40500.00")
    await member.place(market_buy("50"))

    async def prices(query: str) -> list[str]:
        page = (await member.get(f"/orders/historical/fills?{query}")).body
        return [fill["price"] for fill in page["fills"]]

    assert await prices("") == ["40500.01", "41000.01", "40000.01"]
    assert await prices("sort_by=PRICE") == ["41000.01", "40500.01", "40000.01"]
    assert await prices("sort_by=TRADE_TIME") == ["40500.01", "41000.01", "40000.01"]
    begin, end = "2026-01-01T00:00:02Z", "2026-01-01T00:00:03Z"
    assert await prices(f"start_sequence_timestamp={begin}&end_sequence_timestamp={end}") == ["41000.01"]
    (first,) = (await member.get("/orders/historical/fills?limit=1")).body["fills"]
    assert await prices(f"trade_ids={first['trade_id']}") == ["40500.01"]
    assert await prices("retail_portfolio_id=elsewhere") == []
    assert await prices("product_ids=ETH-USD") == []


@pytest.mark.parametrize(
    "other",
    [
        "product_id=BTC-USD",
        "trade_ids=1",
        "trade_id=1",
        "start_sequence_timestamp=2026-01-01T00:00:00Z",
        "retail_portfolio_id=x",
    ],
)
async def test_order_ids_go_with_no_other_filter_of_fills(member: Member, other: str) -> None:
    reply = await member.get(f"/orders/historical/fills?order_ids=x&{other}")
    assert (reply.status, reply.body["error_details"]) == (400, "cannot pass order_ids with other filters")


async def test_a_book_is_added_up_to_a_coarser_grid(member: Member, simulator: Simulator) -> None:
    market = simulator.market
    assert isinstance(market, ManualMarket)
    bids = [Level(Decimal(price), Decimal(1)) for price in ("39999.99", "39990.00", "39989.99")]
    asks = [Level(Decimal(price), Decimal(2)) for price in ("40000.01", "40010.00", "40010.01")]
    market.set_book("BTC-USD", Decimal(40_000), bids, asks)
    simulator.step()
    book = (await member.get("/product_book?product_id=BTC-USD&aggregation_price_increment=10")).body["pricebook"]
    assert book["bids"] == [{"price": "39990", "size": "2"}, {"price": "39980", "size": "1"}]
    assert book["asks"] == [{"price": "40010", "size": "4"}, {"price": "40020", "size": "2"}]
    for wrong in ("0.001", "0", "-1", "ten"):
        path = f"/product_book?product_id=BTC-USD&aggregation_price_increment={wrong}"
        assert (await member.get(path)).status == 400


async def test_tradability_is_told_to_those_who_ask(member: Member) -> None:
    gates = {"product_id": "BTC-USD", "view_only": True, "limit_only": True}
    assert (await member.control("POST", "/product", gates)).status == 200
    plain = (await member.get("/products/BTC-USD")).body
    assert (plain["view_only"], plain["limit_only"]) == (False, True)
    assert (await member.get("/products/BTC-USD?get_tradability_status=True")).body["view_only"] is True
    (listed,) = (await member.get("/products?get_tradability_status=true")).body["products"]
    assert listed["view_only"] is True
    refused = (await member.post("/orders", market_buy())).body
    assert refused["success"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/orders/close_position"),
        ("POST", "/convert/quote"),
        ("GET", "/payment_methods"),
        ("POST", "/portfolios"),
        ("GET", "/cfm/balance_summary"),
        ("GET", "/intx/portfolio/x"),
    ],
)
async def test_what_is_not_for_spot_is_not_found(member: Member, method: str, path: str) -> None:
    reply = await member.call(method, path, json={})
    assert reply.status in {404, 405}
    assert reply.body["error"]


@pytest.mark.parametrize("html", [False, True])
async def test_requests_above_the_limit_get_429_in_either_shape(simulator: Simulator, html: bool) -> None:
    limits = RateLimits(private_per_s=2, public_per_s=0.001, html=html)
    async with (
        SimulatorServer(simulator, ServerOptions(rate_limits=limits)) as server,
        aiohttp.ClientSession() as http,
    ):
        member = Member(http, server)
        assert (await member.get("/time", headers={})).status == 200
        refused = await member.get("/time", headers={})
        assert refused.status == 429
        if html:
            assert refused.text.startswith("<!DOCTYPE html>")
            assert len(refused.text) > 2048
        else:
            assert refused.body == {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}
        # The public bucket is empty; a member's requests have one of their own.
        async with http.get(
            f"{server.rest_url}{REST}/portfolios",
            headers={"Authorization": f"Bearer {member.token(f'GET host{REST}/portfolios')}"},
        ) as reply:
            assert (reply.status, reply.headers["x-ratelimit-limit"]) == (200, "2")
            assert reply.headers["x-ratelimit-remaining"] == "1"


async def test_an_order_above_the_limit_is_not_placed(member: Member, simulator: Simulator) -> None:
    await member.control("POST", "/limits", {"private_per_s": 0.001})
    statuses = [(await member.post("/orders", limit_order("0.01"))).status for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert len(simulator.orders()) == 1
    assert (await member.control("DELETE", "/limits")).status == 200
    assert (await member.post("/orders", limit_order("0.01"))).status == 200


async def v2(member: Member, path: str, **options: Any) -> Any:
    async with member.http.get(f"{member.server.rest_url}/v2{path}", **options) as reply:
        return reply.status, await reply.json() if reply.content_type == "application/json" else await reply.text()


async def test_the_older_api_answers_what_clients_of_the_newer_still_ask(member: Member) -> None:
    assert await v2(member, "/time") == (200, {"data": {"iso": "2026-01-01T00:00:01Z", "epoch": START + 1}})
    assert await v2(member, "/currencies") == (200, {"data": [{"id": "USD", "name": "USD", "min_size": "0.01"}]})
    _, crypto = await v2(member, "/currencies/crypto")
    assert [(one["code"], one["type"]) for one in crypto["data"]] == [("BTC", "crypto")]
    _, rates = await v2(member, "/exchange-rates")
    assert rates == {"data": {"currency": "USD", "rates": {"USD": "1", "BTC": "0.000025"}}}
    _, rates = await v2(member, "/exchange-rates?currency=BTC")
    assert rates["data"]["rates"]["USD"] == "40000"
    assert (await v2(member, "/exchange-rates?currency=XXX"))[0] == 400
    assert await v2(member, "/accounts") == (401, "Unauthorized")
    bearer = member.token("GET api.coinbase.com/v2/accounts")
    _, accounts = await v2(member, "/accounts?limit=250", headers={"Authorization": f"Bearer {bearer}"})
    wallets = {wallet["currency"]["code"]: wallet for wallet in accounts["data"]}
    assert (wallets["USD"]["type"], wallets["USD"]["balance"]["amount"]) == ("fiat", "10000")
    assert wallets["BTC"]["type"] == "wallet"
