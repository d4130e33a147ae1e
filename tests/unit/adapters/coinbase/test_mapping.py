"""What the client sends for an intent, and what it makes of the venue's words."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bottrader.adapters.coinbase import mapping, wire
from bottrader.domain.errors import WireUnreadable
from bottrader.domain.orders import Accepted, FillKind, OrderState, Refused, Side, Unknown, VenueOrderId
from tests.fixtures.coinbase_wire import (
    BRACKET_ID,
    BTC,
    CLIENT_ID,
    accepted_reply,
    bracket_sell,
    candle_row,
    fill_row,
    limit_buy,
    market_sell,
    order_row,
    product_row,
    refused_reply,
    resting_buy,
)


def order_of(**changes: Any) -> wire.Order:
    return msgspec.convert(order_row(**changes), wire.Order)


def fill_of(**changes: Any) -> wire.Fill:
    return msgspec.convert(fill_row(**changes), wire.Fill)


def reply_of(body: dict[str, Any]) -> wire.PlacementReply:
    return msgspec.convert(body, wire.PlacementReply)


def test_a_limit_order_is_sent_as_limit_immediate_or_cancel() -> None:
    assert mapping.to_order_request(limit_buy("0.001", "60000.00")) == {
        "client_order_id": CLIENT_ID,
        "product_id": "BTC-USD",
        "side": "BUY",
        "order_configuration": {"sor_limit_ioc": {"base_size": "0.001", "limit_price": "60000.00"}},
    }


def test_a_market_order_is_sent_by_base_size() -> None:
    assert mapping.to_order_request(market_sell("0.5")) == {
        "client_order_id": CLIENT_ID,
        "product_id": "BTC-USD",
        "side": "SELL",
        "order_configuration": {"market_market_ioc": {"base_size": "0.5"}},
    }


@pytest.mark.parametrize("post_only", [True, False])
def test_an_order_that_rests_is_good_till_cancelled(post_only: bool) -> None:
    terms = {"base_size": "0.001", "limit_price": "59000", "post_only": post_only}
    request = mapping.to_order_request(resting_buy("0.001", "59000", post_only=post_only))
    assert request["order_configuration"] == {"limit_limit_gtc": terms}


def test_a_bracket_is_sent_with_its_target_as_limit_and_its_stop_as_trigger() -> None:
    """B75, R19: it has no post_only at all."""
    assert mapping.to_order_request(bracket_sell("0.001", "62000.5", "59000")) == {
        "client_order_id": BRACKET_ID,
        "product_id": "BTC-USD",
        "side": "SELL",
        "order_configuration": {
            "trigger_bracket_gtc": {"base_size": "0.001", "limit_price": "62000.5", "stop_trigger_price": "59000"}
        },
    }


@pytest.mark.parametrize(
    ("amount", "sent"), [("1E-8", "0.00000001"), ("0.00000012", "0.00000012"), ("1E+3", "1000"), ("7.50", "7.50")]
)
def test_an_amount_is_sent_in_plain_digits(amount: str, sent: str) -> None:
    configuration: Any = mapping.to_order_request(limit_buy(amount, amount))["order_configuration"]
    assert configuration["sor_limit_ioc"] == {"base_size": sent, "limit_price": sent}


def test_a_success_with_an_order_id_is_accepted() -> None:
    assert mapping.to_placement(reply_of(accepted_reply("v-9")), limit_buy()) == Accepted(VenueOrderId("v-9"))


def test_the_older_success_shape_with_a_failure_reason_is_accepted() -> None:
    body = {**accepted_reply("v-9"), "order_id": "v-9", "failure_reason": "UNKNOWN_FAILURE_REASON"}
    assert mapping.to_placement(reply_of(body), limit_buy()) == Accepted(VenueOrderId("v-9"))


@pytest.mark.parametrize(
    "body",
    [
        {"success": True},
        {"success": True, "success_response": {"order_id": ""}},
        {"success": True, "order_id": "v-9"},
        {"success": False},
        accepted_reply(client_order_id="ROC-BTC-" + "b" * 32),
    ],
)
def test_an_answer_of_neither_shape_leaves_the_order_unknown(body: dict[str, Any]) -> None:
    assert isinstance(mapping.to_placement(reply_of(body), limit_buy()), Unknown)


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ({"error": "INSUFFICIENT_FUND"}, "INSUFFICIENT_FUND"),
        ({"error": "UNKNOWN_FAILURE_REASON", "preview_failure_reason": "PREVIEW_A"}, "PREVIEW_A"),
        ({"error": "UNKNOWN_FAILURE_REASON", "new_order_failure_reason": "NEW_B"}, "NEW_B"),
        (
            {
                "error": "UNKNOWN_FAILURE_REASON",
                "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON",
                "new_order_failure_reason": "NEW_B",
            },
            "NEW_B",
        ),
        ({"error": "OLD_C", "preview_failure_reason": "PREVIEW_A", "new_order_failure_reason": "NEW_B"}, "PREVIEW_A"),
        (
            {"error": "OLD_C", "preview_failure_reason": "", "new_order_failure_reason": "UNKNOWN_FAILURE_REASON"},
            "OLD_C",
        ),
        ({}, "UNKNOWN_FAILURE_REASON"),
    ],
)
def test_a_refusal_carries_the_most_telling_of_three_reasons(reasons: dict[str, str], code: str) -> None:
    """F8"""
    assert mapping.to_placement(reply_of(refused_reply(**reasons)), limit_buy()) == Refused(code, "no")


def test_a_duplicate_client_id_is_no_refusal_because_that_order_may_be_ours() -> None:
    reply = reply_of(refused_reply(new_order_failure_reason="DUPLICATE_CLIENT_ORDER_ID"))
    assert isinstance(mapping.to_placement(reply, limit_buy()), Unknown)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", OrderState.ACCEPTED),
        ("OPEN", OrderState.ACCEPTED),
        ("QUEUED", OrderState.ACCEPTED),
        ("CANCEL_QUEUED", OrderState.ACCEPTED),
        ("EDIT_QUEUED", OrderState.ACCEPTED),
        ("FILLED", OrderState.FILLED),
        ("CANCELLED", OrderState.CANCELLED),
        ("EXPIRED", OrderState.EXPIRED),
        ("FAILED", OrderState.FAILED),
    ],
)
def test_each_documented_status_has_its_state(word: str, state: OrderState) -> None:
    assert mapping.to_venue_order(order_of(status=word)).state is state


@pytest.mark.parametrize("word", ["UNKNOWN_ORDER_STATUS", "HALF_FILLED", "", "filled"])
def test_an_unknown_status_is_refused_not_guessed(word: str) -> None:
    """F9"""
    with pytest.raises(WireUnreadable, match="order v-1 that cannot be read: its status is"):
        mapping.to_venue_order(order_of(status=word))


def test_an_order_keeps_every_digit_and_its_time_in_microseconds() -> None:
    order = mapping.to_venue_order(
        order_of(filled_value="5.28238282592745", created_time="2026-04-07T01:02:03.9999999Z")
    )
    assert order.filled_value == Decimal("5.28238282592745")
    assert order.created_at == datetime(2026, 4, 7, 1, 2, 3, 999999, UTC)


def test_a_time_with_another_offset_is_the_same_instant_in_utc() -> None:
    assert mapping.to_time("2026-04-07T03:02:03+02:00") == datetime(2026, 4, 7, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize("changes", [{"created_time": "2026-04-07T01:02:03"}, {"created_time": "soon"}])
def test_a_time_without_a_zone_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(WireUnreadable):
        mapping.to_venue_order(order_of(**changes))


@pytest.mark.parametrize(
    "changes", [{"filled_size": "NaN"}, {"filled_value": ""}, {"total_fees": "1,5"}, {"side": "HOLD"}]
)
def test_an_order_with_an_unreadable_field_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(WireUnreadable):
        mapping.to_venue_order(order_of(**changes))


def test_a_fill_has_base_size_and_commission_as_fee() -> None:
    fill = mapping.to_fill(fill_of(side="SELL", commission="0.4800000000000001"))
    assert (fill.trade_id, fill.side, fill.size, fill.fee) == (
        "t-1",
        Side.SELL,
        Decimal("0.001"),
        Decimal("0.4800000000000001"),
    )


def test_a_fill_sized_in_quote_is_turned_into_base_exactly() -> None:
    # 75 USD at 60000 USD is 0.00125 BTC.
    assert mapping.to_fill(fill_of(size="75", size_in_quote=True)).size == Decimal("0.00125")


def test_a_fill_sized_in_quote_that_does_not_divide_is_refused() -> None:
    with pytest.raises(WireUnreadable, match="no exact size in base"):
        mapping.to_fill(fill_of(size="100", price="7", size_in_quote=True))


@pytest.mark.parametrize(
    ("word", "kind", "fill_id"),
    [
        ("REVERSAL", FillKind.REVERSAL, "reversal:e-1"),
        ("CORRECTION", FillKind.CORRECTION, "correction:e-1"),
        ("SYNTHETIC", FillKind.SYNTHETIC, "synthetic:e-1"),
    ],
)
def test_an_amendment_is_told_from_a_fill_by_kind_and_entry_id(word: str, kind: FillKind, fill_id: str) -> None:
    """F29"""
    fill = mapping.to_fill(fill_of(trade_type=word))
    assert (fill.kind, fill.fill_id, fill.trade_id) == (kind, fill_id, "t-1")
    assert (fill.side, fill.price, fill.size, fill.fee) == (
        Side.BUY,
        Decimal(60_000),
        Decimal("0.001"),
        Decimal("0.48"),
    )


def test_a_fill_is_known_by_its_trade_id_alone() -> None:
    """Else a database that was filled before entry ids were read would take every fill for another one."""
    assert mapping.to_fill(fill_of()).entry_id == ""
    assert mapping.to_fill(fill_of()).fill_id == "t-1"


@pytest.mark.parametrize("changes", [{"trade_type": "MIRACLE"}, {"trade_type": "REVERSAL", "entry_id": ""}])
def test_a_row_of_fills_that_cannot_be_told_apart_is_refused(changes: dict[str, str]) -> None:
    """F29, D8"""
    with pytest.raises(WireUnreadable, match=changes["trade_type"]):
        mapping.to_fill(fill_of(**changes))


def test_amendments_that_share_a_trade_id_with_their_fill_are_rows_of_their_own() -> None:
    """F29: trade ids are unique for FILL only (Coinbase, List Fills)."""
    listed = [
        fill_of(trade_type="CORRECTION", entry_id="e-3", price="59000.00"),
        fill_of(trade_type="REVERSAL", entry_id="e-2"),
        fill_of(),
    ]
    assert [fill.fill_id for fill in mapping.oldest_first(listed)] == ["t-1", "reversal:e-2", "correction:e-3"]


def test_fills_come_oldest_first_and_each_trade_once() -> None:
    """F19, F20"""
    listed = [
        fill_of(trade_id="t-3", trade_time="2026-04-07T14:00:02Z"),
        fill_of(trade_id="t-2", trade_time="2026-04-07T14:00:01Z"),
        fill_of(trade_id="t-2", trade_time="2026-04-07T14:00:01Z"),
        fill_of(trade_id="t-1", trade_time="2026-04-07T14:00:01Z"),
    ]
    assert [fill.trade_id for fill in mapping.oldest_first(listed)] == ["t-1", "t-2", "t-3"]


def test_one_trade_id_with_two_contents_is_refused() -> None:
    with pytest.raises(WireUnreadable, match="two different fills with the id t-1"):
        mapping.oldest_first([fill_of(size="0.001"), fill_of(size="0.002")])


def test_the_price_increment_is_preferred_to_the_quote_increment() -> None:
    product = mapping.to_product(msgspec.convert(product_row(), wire.Product))
    assert (product.price_increment, product.base_size_min, product.quote_size_min) == (
        Decimal("0.05"),
        Decimal("0.0001"),
        Decimal(1),
    )


@pytest.mark.parametrize("absent", [None, ""])
def test_without_a_price_increment_the_quote_increment_is_the_tick(absent: str | None) -> None:
    product = mapping.to_product(msgspec.convert(product_row(price_increment=absent), wire.Product))
    assert product.price_increment == Decimal("0.01")


@pytest.mark.parametrize(
    "gate",
    ["trading_disabled", "is_disabled", "cancel_only", "limit_only", "post_only", "auction_mode", "view_only"],
)
def test_any_closed_gate_makes_a_product_untradable(gate: str) -> None:
    """F12"""
    assert mapping.to_product(msgspec.convert(product_row(), wire.Product)).is_tradable
    assert not mapping.to_product(msgspec.convert(product_row(**{gate: True}), wire.Product)).is_tradable


def test_a_product_that_is_not_online_is_untradable() -> None:
    """F12"""
    assert not mapping.to_product(msgspec.convert(product_row(status="offline"), wire.Product)).is_tradable


@pytest.mark.parametrize(
    "changes", [{"high": "98"}, {"low": "0"}, {"volume": "-1"}, {"open": "Infinity"}, {"start": "noon"}]
)
def test_an_impossible_candle_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(WireUnreadable):
        mapping.to_candle(msgspec.convert(candle_row(1775521800, **changes), wire.Candle), BTC)


def test_a_candle_opens_at_its_unix_second() -> None:
    candle = mapping.to_candle(msgspec.convert(candle_row(1775521800), wire.Candle), BTC)
    # 1775521800 s after 1970 is 20550 days and 1800 s: 2026-04-07 00:30 UTC.
    assert candle.opened_at == datetime(2026, 4, 7, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("maker", "taker"), [("0.6", "1.2"), ("0.006", "-0.1"), ("0.006", "")])
def test_fee_rates_that_are_no_fractions_are_refused(maker: str, taker: str) -> None:
    tier = wire.FeeTier(maker_fee_rate=maker, taker_fee_rate=taker)
    with pytest.raises(WireUnreadable, match="fee rates"):
        mapping.to_fee_rates(wire.TransactionSummary(tier))
