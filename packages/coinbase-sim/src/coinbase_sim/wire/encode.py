"""The venue's REST objects, built from the simulator's nouns; pure functions that return JSON-ready dictionaries.

Shapes follow coinbase.md §4 to §7: every number is a string, `order_configuration` is always an object (a null makes
Coinbase's own SDK fail on a live order), `edit_history` is a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

from coinbase_sim.amounts import EXACT
from coinbase_sim.fees import FeeTier
from coinbase_sim.model import (
    Account,
    Bar,
    Books,
    Fill,
    Level,
    Order,
    OrderRequest,
    OrderStatus,
    OrderType,
    ProductGates,
    ProductSpec,
    Side,
    TickerChanged,
    TimeInForce,
    TradePrinted,
)
from coinbase_sim.wire.texts import (
    DISPLAY,
    PORTFOLIO_ID,
    USER_ID,
    amount_text,
    derived_id,
    mid_price,
    public_trade_id,
    ratio,
    time_text,
    unix_text,
)

Json = dict[str, Any]

OPEN_GATES = ProductGates()

FIAT_CURRENCIES = frozenset({"USD", "EUR", "GBP"})

_PERCENT_STEP = Decimal("0.01")


# What the simulator's products have in common: listed for spot trading.
_SPOT: Json = {
    "volume_percentage_change_24h": "",
    "watched": False,
    "new": False,
    "product_type": "SPOT",
    "fcm_trading_session_details": None,
    "alias": "",
    "alias_to": [],
    "product_venue": "CBE",
    "future_product_details": None,
    # The venue sends these too, and for a spot product they say nothing.
    "new_at": None,
    "market_cap": "",
    "base_cbrn": "",
    "quote_cbrn": "",
    "product_cbrn": "",
    "icon_color": "",
    "icon_url": "",
    "display_name_overwrite": "",
    "is_alpha_testing": False,
    "about_description": "",
    "best_bid_price": "",
    "best_ask_price": "",
}


def product(
    spec: ProductSpec, ticker: TickerChanged | None, gates: ProductGates = OPEN_GATES, *, with_view_only: bool = False
) -> Json:
    """One product, flat; price fields are empty texts before the first tick.

    `view_only` is true only for those who asked for the tradability status.
    """
    return {
        **_SPOT,
        **asdict(gates),
        "view_only": with_view_only and gates.view_only,
        "product_id": spec.product_id,
        "price": amount_text(ticker.price) if ticker else "",
        "price_percentage_change_24h": amount_text(ticker.price_change_24h_pct) if ticker else "",
        "volume_24h": amount_text(ticker.volume_24h) if ticker else "",
        "base_increment": amount_text(spec.base_increment),
        "quote_increment": amount_text(spec.price_increment),
        "quote_min_size": amount_text(spec.quote_min_size),
        "quote_max_size": amount_text(spec.quote_max_size),
        "base_min_size": amount_text(spec.base_min_size),
        "base_max_size": amount_text(spec.base_max_size),
        "base_name": spec.base_currency,
        "quote_name": spec.quote_currency,
        "quote_currency_id": spec.quote_currency,
        "base_currency_id": spec.base_currency,
        "mid_market_price": amount_text(mid_price(ticker)) if ticker else "",
        "base_display_symbol": spec.base_currency,
        "quote_display_symbol": spec.quote_currency,
        "price_increment": amount_text(spec.price_increment),
        "display_name": spec.product_id,
        "approximate_quote_24h_volume": amount_text(EXACT.multiply(ticker.volume_24h, ticker.price)) if ticker else "",
    }


def candle(bar: Bar) -> Json:
    return {
        "start": unix_text(bar.start),
        "low": amount_text(bar.low),
        "high": amount_text(bar.high),
        "open": amount_text(bar.open),
        "close": amount_text(bar.close),
        "volume": amount_text(bar.volume),
    }


def trade(printed: TradePrinted) -> Json:
    return {
        "trade_id": public_trade_id(printed.trade_id),
        "product_id": printed.product_id,
        "price": amount_text(printed.price),
        "size": amount_text(printed.size),
        "time": time_text(printed.at),
        "side": printed.maker_side.value,
        "bid": "",
        "ask": "",
        "exchange": "coinbase",
    }


def pricebook(product_id: str, bids: Sequence[Level], asks: Sequence[Level], at: datetime) -> Json:
    return {
        "product_id": product_id,
        "bids": [_level(level) for level in bids],
        "asks": [_level(level) for level in asks],
        "time": time_text(at),
    }


def book_summary(ticker: TickerChanged | None) -> Json:
    """What the product book adds to the ladder: last price, middle and spread."""
    if ticker is None:
        return {"last": "", "mid_market": "", "spread_bps": "", "spread_absolute": ""}
    middle = mid_price(ticker)
    spread = EXACT.subtract(ticker.best_ask.price, ticker.best_bid.price)
    return {
        "last": amount_text(ticker.price),
        "mid_market": amount_text(middle),
        "spread_bps": amount_text(ratio(EXACT.multiply(spread, Decimal(10_000)), middle)),
        "spread_absolute": amount_text(spread),
    }


def _level(level: Level) -> Json:
    return {"price": amount_text(level.price), "size": amount_text(level.size)}


def account(wallet: Account, opened_at: datetime, now: datetime) -> Json:
    fiat = wallet.currency in FIAT_CURRENCIES
    return {
        "uuid": wallet.account_id,
        "name": f"{wallet.currency} Wallet",
        "currency": wallet.currency,
        "available_balance": {"value": amount_text(wallet.available), "currency": wallet.currency},
        "default": True,
        "active": True,
        "created_at": time_text(opened_at),
        "updated_at": time_text(now),
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if fiat else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": amount_text(wallet.hold), "currency": wallet.currency},
        "retail_portfolio_id": PORTFOLIO_ID,
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def transaction_summary(tier: FeeTier, volume: Decimal, fees: Decimal) -> Json:
    """Volume and fees of 30 days, and the fee tier in force. The first two fields are numbers."""
    return {
        "total_volume": _number(volume),
        "total_fees": _number(fees),
        "fee_tier": {
            "pricing_tier": tier.name,
            "usd_from": amount_text(tier.usd_from),
            "usd_to": amount_text(tier.usd_to) if tier.usd_to is not None else "",
            "taker_fee_rate": amount_text(tier.taker_rate),
            "maker_fee_rate": amount_text(tier.maker_rate),
            "aop_from": "",
            "aop_to": "",
        },
        "margin_rate": None,
        "goods_and_services_tax": None,
        "advanced_trade_only_volume": _number(volume),
        "advanced_trade_only_fees": _number(fees),
        "coinbase_pro_volume": 0,
        "coinbase_pro_fees": 0,
        "total_balance": "",
        "has_promo_fee": False,
    }


def _number(amount: Decimal) -> msgspec.Raw:
    # Raw keeps every digit: a float would round the exchange's own totals.
    return msgspec.Raw(amount_text(amount).encode())


def order_configuration(request: OrderRequest) -> Json:
    """The configuration object that asks for this order; the digits are the ones that were sent."""
    sizes = {
        name: amount_text(size)
        for name, size in (("base_size", request.base_size), ("quote_size", request.quote_size))
        if size is not None
    }
    if request.order_type is OrderType.MARKET or request.limit_price is None:
        return {"market_market_ioc": sizes}
    limit = sizes | {"limit_price": amount_text(request.limit_price)}
    dated = {"end_time": time_text(request.end_time)} if request.end_time is not None else {}
    name, extra = _configuration_name(request)
    return {name: limit | extra | dated}


def _configuration_name(request: OrderRequest) -> tuple[str, Json]:
    """The key of a configuration with a limit price, and the fields that it alone has."""
    term = "gtd" if request.time_in_force is TimeInForce.GTD else "gtc"
    if request.stop_price is not None and request.stop_direction is not None:
        stop = {"stop_price": amount_text(request.stop_price), "stop_direction": request.stop_direction.value}
        return f"stop_limit_stop_limit_{term}", stop
    if request.stop_trigger_price is not None:
        return f"trigger_bracket_{term}", {"stop_trigger_price": amount_text(request.stop_trigger_price)}
    if request.time_in_force is TimeInForce.IOC:
        return "sor_limit_ioc", {}
    if request.time_in_force is TimeInForce.FOK:
        return "limit_limit_fok", {}
    return f"limit_limit_{term}", {"post_only": request.post_only}


def attached_configuration(request: OrderRequest) -> Json | None:
    """The bracket that an entry brings along, which has no size of its own."""
    bracket = request.attached
    if bracket is None:
        return None
    prices = {
        "limit_price": amount_text(bracket.limit_price),
        "stop_trigger_price": amount_text(bracket.stop_trigger_price),
    }
    if bracket.end_time is None:
        return {"trigger_bracket_gtc": prices}
    return {"trigger_bracket_gtd": prices | {"end_time": time_text(bracket.end_time)}}


def completion_pct(order: Order) -> Decimal:
    """How much of the order is done, in percent, rounded down to two digits; a filled order is complete."""
    if order.status is OrderStatus.FILLED:
        return Decimal(100)
    request = order.request
    if request.base_size is not None:
        share = ratio(order.filled_size, request.base_size)
    else:
        share = ratio(value_after_fees(order), request.quote_size or Decimal(0))
    return DISPLAY.multiply(share, Decimal(100)).quantize(_PERCENT_STEP, rounding=ROUND_DOWN, context=DISPLAY)


def value_after_fees(order: Order) -> Decimal:
    """What the fills have cost a buyer, or brought a seller, fees included."""
    if order.request.side is Side.BUY:
        return EXACT.add(order.filled_value, order.total_fees)
    return EXACT.subtract(order.filled_value, order.total_fees)


# What every order has in common.
_PLAIN_SPOT_ORDER: Json = {
    "fee": "",
    "product_type": "SPOT",
    "order_placement_source": "RETAIL_ADVANCED",
    "is_liquidation": False,
    "leverage": "",
    "margin_type": "UNKNOWN_MARGIN_TYPE",
    "retail_portfolio_id": PORTFOLIO_ID,
}


def order(placed: Order) -> Json:
    """The REST order object (coinbase.md §6)."""
    request = placed.request
    by_quote = request.quote_size is not None
    return {
        **_PLAIN_SPOT_ORDER,
        "order_id": placed.order_id,
        "product_id": request.product_id,
        "user_id": USER_ID,
        "order_configuration": order_configuration(request),
        "side": request.side.value,
        "client_order_id": request.client_order_id,
        "status": placed.told_status,
        "pending_cancel": placed.is_cancel_queued,
        "time_in_force": request.time_in_force.value,
        "created_time": time_text(placed.created_at),
        "completion_percentage": amount_text(completion_pct(placed)),
        "filled_size": amount_text(placed.filled_size),
        "average_filled_price": amount_text(ratio(placed.filled_value, placed.filled_size)),
        "number_of_fills": str(placed.fills_count),
        "filled_value": amount_text(placed.filled_value),
        "size_in_quote": by_quote,
        "total_fees": amount_text(placed.total_fees),
        "size_inclusive_of_fees": by_quote and request.side is Side.BUY,
        "total_value_after_fees": amount_text(value_after_fees(placed)),
        "order_type": request.order_type.value,
        "settled": placed.status is OrderStatus.FILLED,
        "cancel_message": placed.cancel_message,
        "outstanding_hold_amount": amount_text(placed.hold),
        "last_fill_time": time_text(placed.last_fill_at) if placed.last_fill_at else None,
        **_marks(placed),
    }


def _marks(placed: Order) -> Json:
    """What triggers, edits and attached orders have left on an order."""
    return {
        "trigger_status": placed.trigger_status.value,
        "reject_message": placed.reject_message,
        "reject_reason": placed.reject_reason or "REJECT_REASON_UNSPECIFIED",
        "edit_history": [
            {
                "price": amount_text(edit.price),
                "size": amount_text(edit.size),
                "replace_accept_timestamp": time_text(edit.at),
            }
            for edit in placed.edits
        ],
        "originating_order_id": placed.originating_order_id,
        "attached_order_id": placed.attached_order_id,
        "attached_order_configuration": attached_configuration(placed.request),
    }


def fill(executed: Fill) -> Json:
    """The REST fill object; `size` is in base units because `size_in_quote` is false."""
    return {
        "entry_id": derived_id("entry", executed.order_id, executed.trade_id),
        "trade_id": executed.trade_id,
        "order_id": executed.order_id,
        "trade_time": time_text(executed.at),
        "trade_type": executed.trade_type.value,
        "price": amount_text(executed.price),
        "size": amount_text(executed.size),
        "commission": amount_text(executed.commission),
        "product_id": executed.product_id,
        "sequence_timestamp": time_text(executed.at),
        "liquidity_indicator": "MAKER" if executed.is_maker else "TAKER",
        "size_in_quote": False,
        "user_id": USER_ID,
        "side": executed.side.value,
        "retail_portfolio_id": PORTFOLIO_ID,
    }


def books(ledger: Books) -> Mapping[str, Any]:
    """The exchange's ledger for the control interface: totals by currency and all fees, as exact texts."""
    return {
        "totals": {currency: amount_text(total) for currency, total in ledger.totals.items()},
        "fees": amount_text(ledger.fees),
    }
