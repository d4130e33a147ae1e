"""What Coinbase puts on the wire, as far as the bot reads it.

Amounts and times stay text here: turning them into numbers is the mapping's work, where a bad one gets its sentence.
Unknown fields are ignored, unknown words of an enumeration are kept as they came.
"""

import msgspec


class Amount(msgspec.Struct, frozen=True):
    value: str


class Account(msgspec.Struct, frozen=True):
    currency: str
    available_balance: Amount
    hold: Amount


class AccountsPage(msgspec.Struct, frozen=True):
    accounts: list[Account]
    has_next: bool = False
    cursor: str | None = None


class OlderPages(msgspec.Struct, frozen=True):
    """Of the v2 API: `next_uri` is None on the last page."""

    next_uri: str | None = None


class OlderCurrency(msgspec.Struct, frozen=True):
    code: str


class OlderAccount(msgspec.Struct, frozen=True):
    id: str
    currency: OlderCurrency


class OlderAccountsPage(msgspec.Struct, frozen=True):
    data: list[OlderAccount]
    pagination: OlderPages = OlderPages()


class OlderAmount(msgspec.Struct, frozen=True):
    amount: str
    currency: str


class Transaction(msgspec.Struct, frozen=True):
    id: str
    type: str
    status: str
    amount: OlderAmount
    created_at: str


class TransactionsPage(msgspec.Struct, frozen=True):
    data: list[Transaction]
    pagination: OlderPages = OlderPages()


class Order(msgspec.Struct, frozen=True):
    order_id: str
    client_order_id: str
    product_id: str
    side: str
    status: str
    created_time: str
    filled_size: str
    filled_value: str
    total_fees: str


class OrdersPage(msgspec.Struct, frozen=True):
    orders: list[Order]
    has_next: bool = False
    cursor: str | None = None


class OrderReply(msgspec.Struct, frozen=True):
    order: Order


class Fill(msgspec.Struct, frozen=True):
    trade_id: str
    order_id: str
    product_id: str
    side: str
    price: str
    size: str
    commission: str
    trade_time: str
    trade_type: str = "FILL"
    entry_id: str = ""
    size_in_quote: bool = False


class FillsPage(msgspec.Struct, frozen=True):
    fills: list[Fill]
    cursor: str | None = None


class PlacedOrder(msgspec.Struct, frozen=True):
    order_id: str = ""
    client_order_id: str = ""


class PlacementError(msgspec.Struct, frozen=True):
    error: str | None = None
    message: str | None = None
    error_details: str | None = None
    preview_failure_reason: str | None = None
    new_order_failure_reason: str | None = None


class PlacementReply(msgspec.Struct, frozen=True):
    """`success` is required: a body without it has neither shape, and the order's fate stays unknown."""

    success: bool
    success_response: PlacedOrder | None = None
    error_response: PlacementError | None = None


class CancelResult(msgspec.Struct, frozen=True):
    """`failure_reason` holds a word on success too, which then says nothing."""

    order_id: str
    success: bool
    failure_reason: str = ""


class CancelReply(msgspec.Struct, frozen=True):
    results: list[CancelResult]


class ErrorBody(msgspec.Struct, frozen=True):
    error: str | None = None
    error_details: str | None = None
    message: str | None = None

    @property
    def text(self) -> str:
        return " - ".join(dict.fromkeys(filter(None, (self.error, self.error_details, self.message))))


class Product(msgspec.Struct, frozen=True):
    product_id: str
    base_increment: str
    quote_increment: str
    base_min_size: str
    quote_min_size: str
    base_currency_id: str
    quote_currency_id: str
    status: str
    price_increment: str | None = None
    trading_disabled: bool = False
    is_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False


class ProductsReply(msgspec.Struct, frozen=True):
    products: list[Product]


class Candle(msgspec.Struct, frozen=True):
    """`start` is in unix seconds, as text; streamed candles name their product, requested ones do not."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    product_id: str = ""


class CandlesReply(msgspec.Struct, frozen=True):
    candles: list[Candle]


class Trade(msgspec.Struct, frozen=True):
    price: str
    time: str


class TradesReply(msgspec.Struct, frozen=True):
    trades: list[Trade]
    best_bid: str
    best_ask: str


class FeeTier(msgspec.Struct, frozen=True):
    maker_fee_rate: str
    taker_fee_rate: str


class TransactionSummary(msgspec.Struct, frozen=True):
    fee_tier: FeeTier


class KeyPermissions(msgspec.Struct, frozen=True):
    can_view: bool
    can_trade: bool
    can_transfer: bool
    portfolio_uuid: str


class ServerTime(msgspec.Struct, frozen=True):
    iso: str
