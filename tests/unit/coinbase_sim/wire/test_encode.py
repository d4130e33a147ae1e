"""REST shapes: numbers as exact texts, and the traps of the venue's own replies."""

from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest

from coinbase_sim.fees import FeeTier
from coinbase_sim.model import (
    Account,
    AttachedBracket,
    Bar,
    Books,
    Fill,
    Level,
    Order,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    ProductGates,
    Side,
    StopDirection,
    TickerChanged,
    TimeInForce,
)
from coinbase_sim.products import product_named
from coinbase_sim.wire import encode, verdicts
from coinbase_sim.wire.texts import amount_text, time_text

AT = datetime(2026, 4, 7, 14, 30, 3, 123456, tzinfo=UTC)

TICKER = TickerChanged(
    product_id="BTC-USD",
    at=AT,
    price=Decimal("40000.00"),
    best_bid=Level(Decimal("39999.00"), Decimal("1.5")),
    best_ask=Level(Decimal("40001.00"), Decimal("0.25")),
    volume_24h=Decimal(12),
    low_24h=Decimal(39000),
    high_24h=Decimal(41000),
    price_change_24h_pct=Decimal("-1.25"),
)


def order(
    *, quote_size: str | None = None, side: Side = Side.BUY, status: OrderStatus = OrderStatus.OPEN, filled: str = "0"
) -> Order:
    """A limit order of 0.5 at 40000, or a market order of a quote size, filled at 40000 with a fee of 1 %."""
    request = OrderRequest(
        "c-1",
        "BTC-USD",
        side,
        OrderType.MARKET if quote_size else OrderType.LIMIT,
        TimeInForce.IOC if quote_size else TimeInForce.GTC,
        base_size=None if quote_size else Decimal("0.50"),
        quote_size=Decimal(quote_size) if quote_size else None,
        limit_price=None if quote_size else Decimal("40000.00"),
    )
    value = Decimal(filled) * 40000
    return Order(
        "o-1",
        request,
        AT,
        status,
        filled_size=Decimal(filled),
        filled_value=value,
        total_fees=value / 100,
        fills_count=int(value > 0),
        last_fill_at=AT if value else None,
        hold=Decimal(20160),
    )


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1E+5", "100000"), ("1E-8", "0.00000001"), ("0.50", "0.50"), ("0E-10", "0.0000000000"), ("7", "7")],
)
def test_an_amount_is_written_without_an_exponent(amount: str, text: str) -> None:
    assert amount_text(Decimal(amount)) == text


def test_a_time_has_six_digits_and_a_z() -> None:
    assert time_text(AT) == "2026-04-07T14:30:03.123456Z"
    assert time_text(AT.replace(microsecond=0)) == "2026-04-07T14:30:03.000000Z"


def test_an_order_at_rest() -> None:
    told = encode.order(order())
    assert told["order_configuration"] == {
        "limit_limit_gtc": {"base_size": "0.50", "limit_price": "40000.00", "post_only": False}
    }
    assert told["edit_history"] == []
    assert told["last_fill_time"] is None
    assert (told["status"], told["settled"], told["average_filled_price"]) == ("OPEN", False, "0")
    assert (told["number_of_fills"], told["outstanding_hold_amount"], told["fee"]) == ("0", "20160", "")
    assert (told["order_type"], told["time_in_force"]) == ("LIMIT", "GOOD_UNTIL_CANCELLED")


def test_a_partly_filled_order_counts_its_own_fills() -> None:
    told = encode.order(order(filled="0.2"))
    assert told["completion_percentage"] == "40.00"
    assert told["filled_value"] == "8000.0"
    assert told["average_filled_price"] == "40000"
    assert told["total_value_after_fees"] == "8080.0"
    assert told["last_fill_time"] == "2026-04-07T14:30:03.123456Z"


def test_a_third_is_shown_rounded_down() -> None:
    third = order(filled="0.16666666")
    assert encode.completion_pct(third) == Decimal("33.33")


def test_a_seller_gets_the_value_less_fees() -> None:
    assert encode.order(order(side=Side.SELL, filled="0.1"))["total_value_after_fees"] == "3960.0"


def test_a_filled_market_buy_by_quote_is_complete_and_inclusive_of_fees() -> None:
    told = encode.order(order(quote_size="4041", status=OrderStatus.FILLED, filled="0.1"))
    assert told["order_configuration"] == {"market_market_ioc": {"quote_size": "4041"}}
    assert told["completion_percentage"] == "100"
    assert (told["size_in_quote"], told["size_inclusive_of_fees"], told["settled"]) == (True, True, True)


def test_the_callers_decimal_context_changes_nothing() -> None:
    plain = encode.order(order(filled="0.16666666"))
    with localcontext(prec=3):
        assert encode.order(order_with_full_precision()) == plain


def order_with_full_precision() -> Order:
    with localcontext(prec=28):
        return order(filled="0.16666666")


def test_a_refusal_for_funds_is_told_in_both_newer_fields_and_hidden_in_the_deprecated_one() -> None:
    told = verdicts.order_refused(OrderRejected("INSUFFICIENT_FUND", "not enough"))
    assert told == {
        "success": False,
        "error_response": {
            "error": "UNKNOWN_FAILURE_REASON",
            "message": "not enough",
            "error_details": "",
            "preview_failure_reason": "PREVIEW_INSUFFICIENT_FUND",
            "new_order_failure_reason": "INSUFFICIENT_FUND",
        },
        "order_configuration": {},
    }
    assert verdicts.order_refused(OrderRejected("PREVIEW_INSUFFICIENT_FUND", "not enough")) == told


@pytest.mark.parametrize(
    ("reason", "error", "preview", "new_order"),
    [
        (
            "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
            "UNKNOWN_FAILURE_REASON",
            "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
            "UNKNOWN_FAILURE_REASON",
        ),
        ("INVALID_PRODUCT_ID", "INVALID_PRODUCT_ID", "UNKNOWN_PREVIEW_FAILURE_REASON", "INVALID_PRODUCT_ID"),
    ],
)
def test_other_refusals_stand_in_their_own_field(reason: str, error: str, preview: str, new_order: str) -> None:
    response = verdicts.order_refused(OrderRejected(reason, ""))["error_response"]
    assert (response["error"], response["preview_failure_reason"], response["new_order_failure_reason"]) == (
        error,
        preview,
        new_order,
    )


def test_a_fill_is_in_base_units_and_says_who_made_the_market() -> None:
    executed = Fill("t-1", "o-1", "c-1", "BTC-USD", Side.SELL, Decimal("40000.00"), Decimal("0.1"), Decimal("32.0"),
                    is_maker=False, at=AT, sequence=1)  # fmt: skip
    told = encode.fill(executed)
    assert (told["price"], told["size"], told["commission"]) == ("40000.00", "0.1", "32.0")
    assert (told["liquidity_indicator"], told["size_in_quote"], told["side"]) == ("TAKER", False, "SELL")
    assert told["entry_id"] == encode.fill(executed)["entry_id"] != told["trade_id"]
    assert told["trade_time"] == told["sequence_timestamp"] == "2026-04-07T14:30:03.123456Z"


def test_a_product_says_its_increments_and_before_the_first_tick_no_price() -> None:
    spec = product_named("BTC-USD")
    told, untold = encode.product(spec, TICKER), encode.product(spec, None)
    assert (told["base_increment"], told["price_increment"], told["quote_min_size"]) == ("0.00000001", "0.01", "1")
    assert (told["price"], told["mid_market_price"], told["alias_to"]) == ("40000.00", "40000.00", [])
    assert untold["price"] == untold["mid_market_price"] == ""
    assert told.keys() == untold.keys()


def test_the_spread_of_a_book() -> None:
    # 2 on a middle of 40000 is half a basis point.
    assert encode.book_summary(TICKER) == {
        "last": "40000.00",
        "mid_market": "40000.00",
        "spread_bps": "0.5",
        "spread_absolute": "2.00",
    }


def test_wallets_of_both_kinds() -> None:
    usd = encode.account(Account("a-1", "USD", Decimal("99.5"), Decimal("0.5")), AT, AT)
    btc = encode.account(Account("a-2", "BTC", Decimal(0), Decimal(0)), AT, AT)
    assert usd["available_balance"] == {"value": "99.5", "currency": "USD"}
    assert usd["hold"] == {"value": "0.5", "currency": "USD"}
    assert (usd["type"], btc["type"]) == ("ACCOUNT_TYPE_FIAT", "ACCOUNT_TYPE_CRYPTO")


def test_a_candle_starts_in_unix_seconds() -> None:
    bar = Bar("BTC-USD", datetime(1970, 1, 2, tzinfo=UTC), *(Decimal(number) for number in (2, 4, 1, 3, 10)))
    assert encode.candle(bar) == {"start": "86400", "open": "2", "high": "4", "low": "1", "close": "3", "volume": "10"}


def test_volume_and_fees_are_numbers_with_every_digit_and_rates_are_texts() -> None:
    tier = FeeTier("Example", Decimal(0), Decimal(10_000), Decimal("0.004"), Decimal("0.008"))
    volume, fees = Decimal("12345678901234567890.123456789"), Decimal("0.1")
    told = msgspec.json.encode(encode.transaction_summary(tier, volume, fees)).decode()
    assert '"total_volume":12345678901234567890.123456789,"total_fees":0.1,' in told
    assert '"usd_from":"0","usd_to":"10000","taker_fee_rate":"0.008","maker_fee_rate":"0.004"' in told


def test_books_are_exact_texts() -> None:
    ledger = Books({"USD": Decimal("1E+4"), "BTC": Decimal("0.10")}, Decimal("3.2"))
    assert encode.books(ledger) == {"totals": {"USD": "10000", "BTC": "0.10"}, "fees": "3.2"}


LATER = datetime(2026, 4, 8, tzinfo=UTC)


def request(order_type: OrderType, time_in_force: TimeInForce, **terms: Any) -> OrderRequest:
    return OrderRequest(
        "c-1",
        "BTC-USD",
        Side.SELL,
        order_type,
        time_in_force,
        base_size=Decimal("0.50"),
        limit_price=Decimal("39000.00"),
        **terms,
    )


SIZED = {"base_size": "0.50", "limit_price": "39000.00"}
DATED = {"end_time": "2026-04-08T00:00:00.000000Z"}
STOP = {"stop_price": "39100", "stop_direction": "STOP_DIRECTION_STOP_DOWN"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            request(OrderType.LIMIT, TimeInForce.GTD, end_time=LATER, post_only=True),
            {"limit_limit_gtd": SIZED | DATED | {"post_only": True}},
        ),
        (
            request(
                OrderType.STOP_LIMIT, TimeInForce.GTC, stop_price=Decimal(39100), stop_direction=StopDirection.DOWN
            ),
            {"stop_limit_stop_limit_gtc": SIZED | STOP},
        ),
        (
            request(
                OrderType.STOP_LIMIT,
                TimeInForce.GTD,
                stop_price=Decimal(39100),
                stop_direction=StopDirection.DOWN,
                end_time=LATER,
            ),
            {"stop_limit_stop_limit_gtd": SIZED | STOP | DATED},
        ),
        (
            request(OrderType.BRACKET, TimeInForce.GTC, stop_trigger_price=Decimal(38000)),
            {"trigger_bracket_gtc": SIZED | {"stop_trigger_price": "38000"}},
        ),
        (
            request(OrderType.BRACKET, TimeInForce.GTD, stop_trigger_price=Decimal(38000), end_time=LATER),
            {"trigger_bracket_gtd": SIZED | {"stop_trigger_price": "38000"} | DATED},
        ),
    ],
)
def test_a_configuration_names_its_kind_and_keeps_its_own_fields(asked: OrderRequest, told: dict[str, Any]) -> None:
    assert encode.order_configuration(asked) == told


def test_an_attached_bracket_has_no_size_of_its_own() -> None:
    bracket = AttachedBracket(Decimal(42000), Decimal(38000))
    assert encode.attached_configuration(request(OrderType.LIMIT, TimeInForce.GTC, attached=bracket)) == {
        "trigger_bracket_gtc": {"limit_price": "42000", "stop_trigger_price": "38000"}
    }
    assert encode.attached_configuration(request(OrderType.LIMIT, TimeInForce.GTC)) is None


def test_the_gates_of_a_product_are_told_and_view_only_is_for_those_who_ask() -> None:
    gates = ProductGates(status="offline", limit_only=True, view_only=True)
    told = encode.product(product_named("BTC-USD"), TICKER, gates)
    assert (told["status"], told["limit_only"], told["cancel_only"]) == ("offline", True, False)
    assert told["view_only"] is False
    assert encode.product(product_named("BTC-USD"), TICKER, gates, with_view_only=True)["view_only"] is True
