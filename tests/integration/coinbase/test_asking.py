"""How a question is carried: tokens, retries, refusals."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.memory.clock import ManualClock
from bottrader.domain.errors import ExchangeRefused, ExchangeUnreachable, WireUnreadable
from bottrader.domain.orders import VenueOrderId
from tests.fixtures.coinbase_wire import (
    START,
    claims_of,
    fill_row,
    fills_page,
)
from tests.mocks.mock_coinbase_api import PREFIX, Answer, Fault, MockCoinbaseApi

ORDERS = "/orders/historical/batch"
FILLS = "/orders/historical/fills"
HTML = Answer(status=503, text="<html>" + "maintenance " * 500 + "</html>")


async def test_a_token_names_the_request_without_its_query(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, key: EllipticCurvePrivateKey
) -> None:
    api.answer("GET", FILLS, Answer(fills_page()))
    await exchange.fills_since(START)
    call = api.calls[0]
    assert call.query
    claims = claims_of(call.token, key.public_key())
    assert claims["uri"] == f"GET {api.url.removeprefix('http://')}{PREFIX}{FILLS}"
    assert (claims["nbf"], claims["exp"] - claims["nbf"]) == (int(START.timestamp()), 120)


async def test_every_try_carries_a_fresh_token(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, key: EllipticCurvePrivateKey
) -> None:
    api.answer("GET", FILLS, HTML, HTML, Answer(fills_page()))
    await exchange.fills_since(START)
    issued = [claims_of(call.token, key.public_key())["nbf"] for call in api.calls]
    # The waits in between are 0.25 and 0.5 s of the manual clock; signatures are drawn anew in any case.
    assert len({call.token for call in api.calls}) == 3
    assert issued == sorted(issued)


@pytest.mark.parametrize(
    "fault",
    [
        HTML,
        Answer({"errors": []}, status=500),
        Answer(status=429, text="<html>slow down</html>"),
        Answer({"errors": [{"id": "rate_limit_exceeded"}]}, status=429),
    ],
    ids=["503 html", "500", "429 html", "429"],
)
async def test_a_question_is_asked_again_after_growing_waits(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, clock: ManualClock, fault: Answer
) -> None:
    api.answer("GET", FILLS, fault, fault, fault, Answer(fills_page(fill_row())))
    assert len(await exchange.fills_since(START)) == 1
    assert len(api.calls) == 4
    assert clock.slept_s == [0.25, 0.5, 1.0]


async def test_a_question_is_given_up_after_four_tries(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """F7, D11"""
    api.answer("GET", "/time", Answer({"iso": "2026-04-07T00:00:00Z"}))
    api.answer("GET", ORDERS, HTML)
    with pytest.raises(ExchangeUnreachable, match="in 4 tries; the last one ended with status 503") as caught:
        await exchange.open_orders()
    assert len(api.calls_of("GET", ORDERS)) == 4
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT_BODY, Fault.HANG])
async def test_a_question_survives_a_failed_connection(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, fault: Fault
) -> None:
    api.answer("GET", FILLS, fault, Answer(fills_page(fill_row())))
    assert len(await exchange.fills_since(START)) == 1


async def test_a_401_is_cured_by_one_fresh_token(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, clock: ManualClock
) -> None:
    """F10"""
    api.answer("GET", FILLS, Answer(status=401, text="Unauthorized"), Answer(fills_page()))
    assert await exchange.fills_since(START) == []
    assert len({call.token for call in api.calls}) == 2
    assert clock.slept_s == []


async def test_a_second_401_is_a_refusal(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """F11"""
    api.answer("GET", FILLS, Answer(status=401, text="Unauthorized"))
    with pytest.raises(ExchangeRefused, match="status 401: Unauthorized"):
        await exchange.fills_since(START)
    assert len(api.calls) == 2


async def test_a_definite_error_to_a_question_is_not_asked_again(
    api: MockCoinbaseApi, exchange: CoinbaseExchange
) -> None:
    api.answer("GET", FILLS, Answer({"error": "INVALID_ARGUMENT", "message": "no"}, status=400))
    with pytest.raises(ExchangeRefused, match="status 400: INVALID_ARGUMENT - no"):
        await exchange.fills_of(VenueOrderId("v-1"))
    assert len(api.calls) == 1


async def test_an_answer_of_the_wrong_shape_is_unreadable(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """F9"""
    api.answer("GET", FILLS, Answer({"fills": [{"trade_id": 7}]}))
    with pytest.raises(WireUnreadable, match="fills"):
        await exchange.fills_since(START)
