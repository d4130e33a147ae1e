"""What comes of a cancel, whatever comes back: one request, and one answer for every order that was asked for."""

from typing import Any

import pytest

from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.memory.clock import ManualClock
from bottrader.domain.orders import CancelRefused, CancelTaken, Unknown, VenueOrderId
from tests.mocks.mock_coinbase_api import Answer, Fault, MockCoinbaseApi

pytestmark = pytest.mark.component("order_manager")

CANCEL = "/orders/batch_cancel"
FIRST, SECOND = VenueOrderId("v-1"), VenueOrderId("v-2")


def result(order_id: str, reason: str = "UNKNOWN_CANCEL_FAILURE_REASON", *, success: bool = True) -> dict[str, Any]:
    return {"success": success, "failure_reason": reason, "order_id": order_id}


async def test_each_order_has_the_answer_that_names_it(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """The results come in any order, and success carries a failure reason that means nothing."""
    refused = result("v-1", "ORDER_IS_FULLY_FILLED", success=False)
    api.answer("POST", CANCEL, Answer({"results": [result("v-2"), refused]}))
    answers = await exchange.cancel([FIRST, SECOND])
    assert answers == {FIRST: CancelRefused("ORDER_IS_FULLY_FILLED"), SECOND: CancelTaken()}
    (call,) = api.calls
    assert call.body == {"order_ids": ["v-1", "v-2"]}


async def test_an_order_that_the_reply_leaves_out_is_unknown(api: MockCoinbaseApi, exchange: CoinbaseExchange) -> None:
    """B126"""
    api.answer("POST", CANCEL, Answer({"results": [result("v-2")]}))
    answers = await exchange.cancel([FIRST, SECOND])
    assert isinstance(answers[FIRST], Unknown)
    assert answers[SECOND] == CancelTaken()


@pytest.mark.parametrize(("count", "batches"), [(0, []), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
async def test_orders_are_cancelled_a_hundred_at_a_time(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, count: int, batches: list[int]
) -> None:
    ids = [VenueOrderId(f"v-{number}") for number in range(count)]
    for first in range(0, count, 100):
        api.answer("POST", CANCEL, Answer({"results": [result(each) for each in ids[first : first + 100]]}))
    assert await exchange.cancel(ids) == dict.fromkeys(ids, CancelTaken())
    assert [len(call.body["order_ids"]) for call in api.calls] == batches


@pytest.mark.parametrize(
    "answer",
    [
        Fault.HANG,
        Fault.RESET,
        Fault.CUT_BODY,
        Answer(status=503, text="<html>maintenance</html>"),
        Answer({"errors": [{"id": "rate_limit_exceeded"}]}, status=429),
        Answer(status=404, text="not found"),
        Answer({"results": "all"}),
        Answer({"success": True}),
    ],
    ids=["timeout", "reset", "cut body", "503", "429", "404", "results of another shape", "no results"],
)
async def test_a_cancel_without_a_definite_answer_is_unknown_and_not_repeated_here(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, clock: ManualClock, answer: Answer | Fault
) -> None:
    """B126, F3, F5, F7: repeating it is the caller's decision, who asks first what became of the order."""
    api.answer("POST", CANCEL, answer)
    answers = await exchange.cancel([FIRST, SECOND])
    assert all(isinstance(each, Unknown) and each.cause for each in answers.values())
    assert list(answers) == [FIRST, SECOND]
    assert len(api.calls) == 1
    assert clock.slept_s == []


@pytest.mark.parametrize(("status", "reason"), [(400, "INVALID_ARGUMENT"), (401, "HTTP_401"), (403, "HTTP_403")])
async def test_a_definite_refusal_is_one_for_every_order(
    api: MockCoinbaseApi, exchange: CoinbaseExchange, status: int, reason: str
) -> None:
    """F10, F11"""
    body = {"error": "INVALID_ARGUMENT", "message": "bad ids"} if status == 400 else None
    api.answer("POST", CANCEL, Answer(body, status=status, text=None if body else "Unauthorized"))
    answers = await exchange.cancel([FIRST, SECOND])
    for each in answers.values():
        assert isinstance(each, CancelRefused)
        assert each.reason.startswith(reason)
