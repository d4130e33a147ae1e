"""What comes of one placement, whatever comes back: exactly one request, and one of three outcomes."""

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.memory.clock import ManualClock
from bottrader.domain.errors import ExchangeUnreachable
from bottrader.domain.orders import Accepted, Placement, Refused, Unknown, VenueOrderId
from tests.fixtures.coinbase_wire import (
    CLIENT_ID,
    KEY_NAME,
    FixedEntropy,
    accepted_reply,
    limit_buy,
    pem_of,
    refused_reply,
)
from tests.mocks.mock_coinbase_api import Answer, Fault, MockCoinbaseApi

pytestmark = pytest.mark.component("order_manager")

HTML = Answer(status=503, text="<html>" + "maintenance " * 500 + "</html>")


async def placed_once(api: MockCoinbaseApi, exchange: CoinbaseExchange, answer: Answer | Fault) -> Placement:
    """Place one order, and check that exactly one request left for it whatever came back."""
    api.answer("POST", "/orders", answer)
    outcome = await exchange.place(limit_buy())
    assert len(api.calls_of("POST", "/orders")) == 1
    assert len(api.calls) == 1
    return outcome


async def test_an_accepted_order_is_sent_once_with_its_exact_body(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    assert await placed_once(api, exchange, Answer(accepted_reply("v-1"))) == Accepted(VenueOrderId("v-1"))
    call = api.calls[0]
    assert call.content_type == "application/json"
    assert call.body == {
        "client_order_id": CLIENT_ID,
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"sor_limit_ioc": {"base_size": "0.001", "limit_price": "60000.00"}},
    }


async def test_a_refused_order_carries_the_venues_code(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """F8, F15"""
    body = refused_reply(error="UNKNOWN_FAILURE_REASON", preview_failure_reason="PREVIEW_INSUFFICIENT_FUND")
    assert await placed_once(api, exchange, Answer(body)) == Refused("PREVIEW_INSUFFICIENT_FUND", "no")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer({"error": "INVALID_ARGUMENT", "message": "bad size"}, status=400), "INVALID_ARGUMENT"),
        (Answer(status=401, text="Unauthorized"), "HTTP_401"),
        (
            Answer({"error": "PERMISSION_DENIED", "error_details": "Missing required scopes"}, status=403),
            "PERMISSION_DENIED",
        ),
    ],
    ids=["400", "401", "403"],
)
async def test_a_definite_http_refusal_is_refused_and_not_repeated(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, answer: Answer, code: str
) -> None:
    """F10, F11"""
    outcome = await placed_once(api, exchange, answer)
    assert isinstance(outcome, Refused)
    assert outcome.code == code


@pytest.mark.parametrize(
    "answer",
    [
        Fault.HANG,
        Fault.RESET,
        Fault.CUT_BODY,
        Answer({"errors": [{"id": "internal_server_error"}]}, status=500),
        HTML,
        Answer(status=502, text="bad gateway"),
        Answer({"errors": [{"id": "rate_limit_exceeded"}]}, status=429),
        Answer(status=429, text="<html>slow down</html>"),
        Answer(status=200, text='{"success":tr'),
        Answer({"order_id": "v-1"}),
        Answer([]),
        Answer({"success": True, "success_response": None}),
        Answer({"success": False}),
        Answer(refused_reply(error="DUPLICATE_CLIENT_ORDER_ID")),
        Answer({"error": "DUPLICATE_CLIENT_ORDER_ID"}, status=400),
        Answer(status=404, text="not found"),
        Answer(status=307, location="/api/v3/brokerage/orders"),
        Answer(status=200, text="[" * 100_000),
    ],
    ids=[
        "timeout", "reset", "cut body", "500", "503 html", "502", "429", "429 html", "truncated json", "no success",
        "a list", "success without order", "failure without error", "duplicate id", "duplicate id as 400", "404",
        "redirect", "nested too deep",
    ],
)  # fmt: skip
async def test_an_order_without_a_definite_answer_is_unknown_and_never_repeated(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, clock: ManualClock, answer: Answer | Fault
) -> None:
    """F1, F2, F3, F5, F7"""
    outcome = await placed_once(api, exchange, answer)
    assert isinstance(outcome, Unknown)
    assert 0 < len(outcome.cause) < 300
    assert clock.slept_s == []


async def test_an_order_to_a_closed_port_is_unknown(clock: ManualClock, key: EllipticCurvePrivateKey) -> None:
    async with MockCoinbaseApi() as api:
        url = api.url
    signer = Signer(ApiKey(KEY_NAME, pem_of(key)), clock, FixedEntropy())
    async with aiohttp.ClientSession() as session:
        gone = CoinbaseExchange(session, url, signer, ClientOptions(clock, FixedEntropy()))
        assert isinstance(await gone.place(limit_buy()), Unknown)
        with pytest.raises(ExchangeUnreachable, match="in 4 tries"):
            await gone.permissions()
