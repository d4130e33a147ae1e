"""Coinbase's own SDK, as its users install it, trades over TLS; only the trusted certificate is ours."""

import base64
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from coinbase.rest import RESTClient
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from coinbase_sim.wire.auth import KEY_FILE_NAME
from tests.integration.witnesses.conftest import Venue, running

START = 1_767_225_600

Connect = Callable[..., RESTClient]


@pytest.fixture
def connect(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Make clients of the exchange, with its own key unless told otherwise."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", venue.ca_file)
    made: list[RESTClient] = []

    def client(**options: Any) -> RESTClient:
        credentials = {"api_key": venue.key_name, "api_secret": venue.secret}
        made.append(RESTClient(**{**credentials, "base_url": venue.tls_host, "timeout": 10, **options}))
        return made[-1]

    yield client
    for one in made:
        one.session.close()


@pytest.fixture
def sdk(connect: Connect) -> RESTClient:
    return connect()


def test_it_reads_products_time_and_prices(sdk: RESTClient) -> None:
    assert sdk.get_unix_time().epoch_seconds == str(START + 1)
    products = sdk.get_products(product_type="SPOT", product_ids=["BTC-USD"], get_tradability_status=True)
    assert [product.product_id for product in products.products] == ["BTC-USD"]
    product = sdk.get_product("BTC-USD", get_tradability_status=False)
    assert (product.price, product.base_increment, product.quote_increment) == ("40000", "0.00000001", "0.01")
    assert product["trading_disabled"] is False
    (best,) = sdk.get_best_bid_ask(["BTC-USD"]).pricebooks
    assert (best.bids[0].price, best.asks[0].price) == ("39999.99", "40000.01")
    book = sdk.get_product_book("BTC-USD", limit=5, aggregation_price_increment="100")
    assert [level.price for level in book.pricebook.bids] == ["39900"]
    assert [level.price for level in book.pricebook.asks] == ["40100"]


def test_it_reads_candles_and_trades(sdk: RESTClient) -> None:
    candles = sdk.get_candles("BTC-USD", str(START), str(START + 300), "ONE_MINUTE", limit=10).candles
    assert [(candle.start, candle.close) for candle in candles] == [(str(START), "40000")]
    trades = sdk.get_market_trades("BTC-USD", limit=1)
    assert [trade.price for trade in trades.trades] == ["40000"]
    assert trades.best_bid == "39999.99"


def test_its_public_calls_work_without_a_key(connect: Connect) -> None:
    keyless = connect(api_key=None, api_secret=None)
    assert keyless.get_public_products().num_products == 1
    assert keyless.get_public_product("BTC-USD").product_id == "BTC-USD"
    assert keyless.get_public_product_book("BTC-USD").mid_market == "40000.00"
    assert len(keyless.get_public_candles("BTC-USD", str(START), str(START + 60), "ONE_MINUTE").candles) == 1
    assert len(keyless.get_public_market_trades("BTC-USD", limit=5).trades) == 1


def test_it_reads_the_account_and_what_the_key_may_do(sdk: RESTClient) -> None:
    wallets = {account.currency: account for account in sdk.get_accounts().accounts}
    assert wallets["USD"].available_balance["value"] == "10000"
    assert wallets["USD"].type == "ACCOUNT_TYPE_FIAT"
    assert sdk.get_account(wallets["BTC"].uuid).account.currency == "BTC"
    permissions = sdk.get_api_key_permissions()
    assert (permissions.can_trade, permissions.can_transfer) == (True, False)
    assert sdk.get_portfolios().portfolios[0].uuid == permissions.portfolio_uuid
    tier = sdk.get_transaction_summary().fee_tier
    assert (tier["maker_fee_rate"], tier["taker_fee_rate"]) == ("0.004", "0.008")


def test_a_market_buy_fills_and_its_order_and_fills_agree_with_the_ledger(sdk: RESTClient, venue: Venue) -> None:
    placed = sdk.market_order_buy("m-1", "BTC-USD", quote_size="100")
    assert placed.success
    order = sdk.get_order(placed.success_response["order_id"]).order
    assert (order.status, order.side, order.client_order_id) == ("FILLED", "BUY", "m-1")
    fills = sdk.get_fills(order_ids=[order.order_id]).fills
    assert sum(Decimal(fill.size) for fill in fills) == Decimal(order.filled_size)
    assert sum(Decimal(fill.commission) for fill in fills) == Decimal(order.total_fees)
    spent = Decimal(order.filled_value) + Decimal(order.total_fees)
    assert venue.usd() == 10_000 - spent
    # 100 USD with 0.8 % fee inside, less at most one base increment.
    assert Decimal("99.999") < spent <= 100


def test_the_same_client_order_id_again_is_the_same_order(sdk: RESTClient, venue: Venue) -> None:
    first = sdk.limit_order_gtc_buy("twice", "BTC-USD", "0.01", "39000.00", post_only=True)
    second = sdk.limit_order_gtc_buy("twice", "BTC-USD", "0.01", "39000.00", post_only=True)
    assert first.success
    assert second.success
    assert first.success_response["order_id"] == second.success_response["order_id"]
    assert len(venue.orders()) == 1


def test_a_post_only_order_rests_is_listed_and_is_cancelled(sdk: RESTClient) -> None:
    placed = sdk.limit_order_gtc_buy("rest", "BTC-USD", "0.01", "39000.00", post_only=True)
    order_id = placed.success_response["order_id"]
    assert placed.order_configuration.limit_limit_gtc.post_only is True
    assert [order.order_id for order in sdk.list_orders(order_status=["OPEN"]).orders] == [order_id]
    assert sdk.list_orders(product_ids=["BTC-USD"], order_side="SELL").orders == []
    (cancelled,) = sdk.cancel_orders([order_id]).results
    assert cancelled.success
    assert sdk.get_order(order_id).order.status == "CANCELLED"
    (again,) = sdk.cancel_orders([order_id]).results
    assert not again.success


def test_a_crossing_post_only_order_is_refused_without_an_exception(sdk: RESTClient, venue: Venue) -> None:
    refused = sdk.limit_order_gtc_buy("cross", "BTC-USD", "0.01", "40100.00", post_only=True)
    assert not refused.success
    assert refused.error_response["preview_failure_reason"] == "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"
    assert venue.orders() == []


def test_a_resting_order_that_the_market_reaches_is_found_filled(sdk: RESTClient, venue: Venue) -> None:
    order_id = sdk.limit_order_gtc_buy("", "BTC-USD", "0.01", "39000.00").success_response["order_id"]
    venue.move("38000")
    order = sdk.get_order(order_id).order
    assert (order.status, order.filled_size) == ("FILLED", "0.01")
    (fill,) = sdk.get_fills(order_ids=[order_id]).fills
    assert (fill.liquidity_indicator, Decimal(fill.commission)) == ("MAKER", Decimal("1.56"))


def test_immediate_and_all_or_nothing_orders(sdk: RESTClient) -> None:
    taken = sdk.limit_order_ioc_buy("ioc", "BTC-USD", "0.01", "40000.01")
    assert sdk.get_order(taken.success_response["order_id"]).order.status == "FILLED"
    killed = sdk.limit_order_fok_buy("fok", "BTC-USD", "0.01", "39000.00")
    assert not killed.success or sdk.get_order(killed.success_response["order_id"]).order.status == "CANCELLED"


def test_what_is_not_there_raises_the_sdks_own_error(sdk: RESTClient) -> None:
    with pytest.raises(requests.exceptions.HTTPError, match="order with this orderID was not found"):
        sdk.get_order("00000000-0000-0000-0000-000000000000")
    with pytest.raises(requests.exceptions.HTTPError, match="404"):
        sdk.list_payment_methods()


def test_a_key_that_is_not_known_here_is_unauthorized(connect: Connect) -> None:
    stranger = connect(api_key="organizations/x/apiKeys/y")
    with pytest.raises(requests.exceptions.HTTPError, match="401"):
        stranger.get_accounts()


def test_limits_are_told_in_headers_and_enforced(connect: Connect, venue: Venue) -> None:
    sdk = connect(rate_limit_headers=True)
    venue.control("/limits", {"private_per_s": 0.001})
    assert sdk.get_portfolios().rate_limit_remaining == "0"
    with pytest.raises(requests.exceptions.HTTPError, match="429"):
        sdk.get_portfolios()


def test_it_previews_and_edits(sdk: RESTClient) -> None:
    preview = sdk.preview_limit_order_gtc_buy("BTC-USD", "0.01", "39000.00", post_only=True)
    assert (preview.errs, Decimal(preview.base_size), preview.best_bid) == ([], Decimal("0.01"), "39999.99")
    order_id = sdk.limit_order_gtc_buy("edit", "BTC-USD", "0.01", "39000.00").success_response["order_id"]
    foreseen = sdk.preview_edit_order(order_id, size="0.02", price="38000.00")
    assert (foreseen.errors, Decimal(foreseen.base_size)) == ([], Decimal("0.02"))
    assert sdk.edit_order(order_id, size="0.02", price="38000.00").success
    order = sdk.get_order(order_id).order
    assert order.order_configuration.limit_limit_gtc.base_size == "0.02"
    refused = sdk.edit_order(order_id, size="0.02", price="38000.00")
    assert not refused.success
    assert refused.errors[0].edit_failure_reason == "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"


def test_stops_brackets_and_dated_orders_are_read_back_as_they_were_sent(sdk: RESTClient, venue: Venue) -> None:
    sdk.market_order_buy("stock", "BTC-USD", quote_size="1000")
    stop = sdk.stop_limit_order_gtc_sell(
        "stop", "BTC-USD", "0.01", "39000.00", "39500.00", "STOP_DIRECTION_STOP_DOWN"
    ).success_response["order_id"]
    bracket = sdk.trigger_bracket_order_gtc_sell("bracket", "BTC-USD", "0.01", "41000.00", "39200.00").success_response[
        "order_id"
    ]
    dated = sdk.limit_order_gtd_buy("dated", "BTC-USD", "0.01", "30000.00", "2026-01-02T00:00:00Z").success_response[
        "order_id"
    ]
    waiting = sdk.get_order(stop).order
    assert (waiting.order_type, waiting.trigger_status) == ("STOP_LIMIT", "STOP_PENDING")
    assert waiting.order_configuration.stop_limit_stop_limit_gtc.stop_price == "39500.00"
    assert sdk.get_order(bracket).order.order_configuration.trigger_bracket_gtc.stop_trigger_price == "39200.00"
    assert sdk.get_order(dated).order.order_configuration.limit_limit_gtd.end_time.startswith("2026-01-02T00:00:00")
    venue.move("41500")
    assert sdk.get_order(bracket).order.status == "FILLED"
    venue.move("39400")
    venue.move("39400")
    assert sdk.get_order(stop).order.status == "FILLED"


def test_a_key_of_the_other_kind_signs_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / KEY_FILE_NAME).write_bytes(pem)
    seed = base64.b64encode(key.private_bytes_raw()).decode()
    with running(tmp_path) as venue:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", venue.ca_file)
        for secret in (venue.secret, seed):
            sdk = RESTClient(api_key=venue.key_name, api_secret=secret, base_url=venue.tls_host, timeout=10)
            with sdk.session:
                assert sdk.get_accounts().size == 2
