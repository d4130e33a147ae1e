"""From the wire to the domain. What cannot be read exactly is refused with a sentence, never guessed (D8).

Each function raises `WireUnreadable` for a number that is no number, a time without a zone, or a word it does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, Inexact

from bottrader.adapters.coinbase import wire
from bottrader.domain.cash import amount_fault, kind_of_word
from bottrader.domain.errors import WireUnreadable
from bottrader.domain.market import Candle, FeeRates, Product, ProductId, Ticker
from bottrader.domain.money import (
    EXACT,
    ZERO,
    Money,
    Size,
    parse_amount,
    parse_money,
    parse_price,
    parse_size,
)
from bottrader.domain.orders import (
    Accepted,
    Cancellation,
    CancelRefused,
    CancelTaken,
    ClientOrderId,
    Fill,
    FillKind,
    OrderIntent,
    OrderKind,
    OrderState,
    Placement,
    Refused,
    Side,
    Unknown,
    VenueOrder,
    VenueOrderId,
)
from bottrader.ports import Balance, KeyPermissions, VenueMovement

ORDER_STATES = {
    # A partly filled order is OPEN too, and a queued cancel or edit can still lose against a fill.
    "PENDING": OrderState.ACCEPTED,
    "OPEN": OrderState.ACCEPTED,
    "QUEUED": OrderState.ACCEPTED,
    "CANCEL_QUEUED": OrderState.ACCEPTED,
    "EDIT_QUEUED": OrderState.ACCEPTED,
    "FILLED": OrderState.FILLED,
    "CANCELLED": OrderState.CANCELLED,
    "EXPIRED": OrderState.EXPIRED,
    "FAILED": OrderState.FAILED,
}
FILL_KINDS = {
    "FILL": FillKind.FILL,
    "REVERSAL": FillKind.REVERSAL,
    "CORRECTION": FillKind.CORRECTION,
    "SYNTHETIC": FillKind.SYNTHETIC,
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
SIDE_WORDS = {side: word for word, side in SIDES.items()}
SAYS_NOTHING = frozenset({"UNKNOWN_FAILURE_REASON", "UNKNOWN_PREVIEW_FAILURE_REASON", "PREVIEW_UNKNOWN_FAILURE_REASON"})


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turn a failed conversion into a `WireUnreadable` that says which object could not be read."""
    try:
        yield
    except (ValueError, OverflowError) as error:
        raise WireUnreadable(f"Coinbase sent {what} that cannot be read: {error}") from error


def to_time(text: str) -> datetime:
    """Return an RFC 3339 time as aware UTC; digits beyond microseconds are cut off, so a time is never too late."""
    at = datetime.fromisoformat(text)
    # The venue's own format ends in Z, which is read as this very object: nothing is left to convert.
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError(f"a time has a zone, was {text!r}")
    return at.astimezone(UTC)


def to_wire_time(at: datetime) -> str:
    """Return RFC 3339 in UTC with a `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_wire_amount(amount: Decimal) -> str:
    """Return plain digits: the venue does not read an exponent, and `str` of 0.00000001 has one."""
    return format(amount, "f")


def to_order_request(intent: OrderIntent) -> dict[str, object]:
    """Return the body of `POST /orders`; the same intent always gives the same body."""
    return {
        "client_order_id": intent.client_order_id,
        "product_id": intent.product_id,
        "side": SIDE_WORDS[intent.side],
        "order_configuration": _configuration(intent),
    }


def _configuration(intent: OrderIntent) -> dict[str, object]:
    """Return the one key that names the kind of order, with its terms."""
    terms: dict[str, object] = {"base_size": to_wire_amount(intent.size_base)}
    if intent.limit_price is not None:
        terms["limit_price"] = to_wire_amount(intent.limit_price)
    match intent.kind:
        case OrderKind.MARKET_IOC:
            return {"market_market_ioc": terms}
        case OrderKind.LIMIT_IOC:
            return {"sor_limit_ioc": terms}
        case OrderKind.LIMIT_GTC | OrderKind.LIMIT_GTC_POST_ONLY:
            return {"limit_limit_gtc": {**terms, "post_only": intent.kind.is_post_only}}
        case OrderKind.BRACKET_GTC:
            assert intent.stop_price is not None, "a bracket has a stop"
            return {"trigger_bracket_gtc": {**terms, "stop_trigger_price": to_wire_amount(intent.stop_price)}}


def to_placement(reply: wire.PlacementReply, intent: OrderIntent) -> Placement:
    """Return the outcome a well-formed 200 tells; anything but the two documented shapes is `Unknown`."""
    if reply.success:
        return _accepted(reply.success_response, intent)
    error = reply.error_response
    if error is None:
        return Unknown("Coinbase answered success:false without an error; look the order up by its client id")
    code = failure_code(error)
    return refused(code, error.message or error.error_details or code)


def refused(code: str, message: str) -> Placement:
    """Return a refusal, unless its reason is that an order with this client id exists: that order may be ours."""
    if code == "DUPLICATE_CLIENT_ORDER_ID":
        return Unknown("Coinbase already has an order with this client id; look the order up by its client id")
    return Refused(code, message)


def to_cancellations(reply: wire.CancelReply, asked: Sequence[VenueOrderId]) -> dict[VenueOrderId, Cancellation]:
    """Return an answer for every id that was asked; one that the reply leaves out is `Unknown`."""
    told = {result.order_id: result for result in reply.results}
    return {venue_order_id: _cancellation(told.get(venue_order_id)) for venue_order_id in asked}


def _cancellation(result: wire.CancelResult | None) -> Cancellation:
    if result is None:
        return Unknown("Coinbase answered the cancel without a word about this order")
    return CancelTaken() if result.success else CancelRefused(result.failure_reason or "no reason given")


def failure_code(error: wire.PlacementError) -> str:
    """Return the most telling of three reasons: the deprecated `error` often says nothing and comes last."""
    reasons = (error.preview_failure_reason, error.new_order_failure_reason, error.error)
    return next((reason for reason in reasons if reason and reason not in SAYS_NOTHING), "UNKNOWN_FAILURE_REASON")


def _accepted(placed: wire.PlacedOrder | None, intent: OrderIntent) -> Placement:
    if placed is None or not placed.order_id:
        return Unknown("Coinbase answered success:true without an order id; look the order up by its client id")
    if placed.client_order_id not in ("", intent.client_order_id):
        return Unknown("Coinbase answered with another client id than was sent; look the order up by its client id")
    return Accepted(VenueOrderId(placed.order_id))


def to_venue_order(order: wire.Order) -> VenueOrder:
    """Return the order; an unknown status is refused, because taking it for open or ended could each cost money."""
    with readable(f"order {order.order_id}"):
        return VenueOrder(
            venue_order_id=VenueOrderId(order.order_id),
            client_order_id=ClientOrderId(order.client_order_id),
            product_id=ProductId(order.product_id),
            side=_side(order.side),
            state=_order_state(order.status),
            filled_size=parse_size(order.filled_size),
            filled_value=parse_money(order.filled_value),
            total_fees=parse_money(order.total_fees),
            created_at=to_time(order.created_time),
        )


def to_filled_size(text: str) -> Size | None:
    """Return the cumulative quantity of a streamed order, None when it cannot be read: it is a hint, not a fact."""
    try:
        return parse_size(text)
    except ValueError:
        return None


def to_fill(fill: wire.Fill) -> Fill:
    """Return the fill with its size in base units and its fee in quote currency."""
    with readable(f"fill {fill.trade_id}"):
        kind = _fill_kind(fill.trade_type)
        is_amendment = kind is not FillKind.FILL
        if is_amendment and not fill.entry_id:
            raise ValueError(f"it is a {fill.trade_type} without an entry id, so it cannot be told from another one")
        price = parse_price(fill.price)
        size = parse_size(fill.size)
        return Fill(
            trade_id=fill.trade_id,
            venue_order_id=VenueOrderId(fill.order_id),
            product_id=ProductId(fill.product_id),
            side=_side(fill.side),
            price=price,
            size=_base_size(Money(size), price) if fill.size_in_quote else size,
            fee=parse_money(fill.commission),
            traded_at=to_time(fill.trade_time),
            kind=kind,
            entry_id=fill.entry_id if is_amendment else "",
        )


def _base_size(value: Money, price: Decimal) -> Size:
    try:
        return Size(EXACT.divide(value, price))
    except Inexact:
        raise ValueError(f"its size of {value} in quote currency is no exact size in base at price {price}") from None


def oldest_first(fills: Iterable[wire.Fill]) -> list[Fill]:
    """Return each row once, by time; takes them newest first, as the venue lists them.

    Pages shift while they are read, so the same row may come twice (F19); the same id with other content is refused.
    """
    known: dict[str, Fill] = {}
    for listed in fills:
        fill = to_fill(listed)
        if known.setdefault(fill.fill_id, fill) != fill:
            raise WireUnreadable(f"Coinbase listed two different fills with the id {fill.fill_id}")
    # Turned round before the stable sort, so that trades of one instant keep the order in which they happened.
    in_order = list(reversed(known.values()))
    return sorted(in_order, key=lambda fill: fill.traded_at)


def to_balance(account: wire.Account) -> Balance:
    with readable(f"the {account.currency} account"):
        return Balance(
            currency=account.currency,
            available=parse_amount(account.available_balance.value),
            hold=parse_amount(account.hold.value),
        )


def to_movement(transaction: wire.Transaction) -> VenueMovement:
    """Return a transaction of the v2 API; its kind is None when the word is unknown or contradicts the sign."""
    with readable(f"the transaction {transaction.id}"):
        amount = parse_amount(transaction.amount.amount)
        # Coins that arrive from elsewhere are called `send` as well.
        word = "receive" if transaction.type == "send" and amount > ZERO else transaction.type
        kind = kind_of_word(word)
        if kind is not None and amount_fault(kind, amount):
            kind = None
        at = to_time(transaction.created_at)
        return VenueMovement(transaction.id, kind, transaction.type, transaction.amount.currency, amount, at)


def to_product(product: wire.Product) -> Product:
    """Return the trading rules; any closed gate makes the product not tradable."""
    gates = (
        product.trading_disabled,
        product.is_disabled,
        product.cancel_only,
        product.limit_only,
        product.post_only,
        product.auction_mode,
        product.view_only,
    )
    with readable(f"product {product.product_id}"):
        return Product(
            product_id=ProductId(product.product_id),
            base_currency=product.base_currency_id,
            quote_currency=product.quote_currency_id,
            base_increment=parse_price(product.base_increment),
            price_increment=parse_price(product.price_increment or product.quote_increment),
            base_size_min=parse_size(product.base_min_size),
            quote_size_min=parse_size(product.quote_min_size),
            is_tradable=product.status == "online" and not any(gates),
        )


def to_candle(candle: wire.Candle, product_id: ProductId) -> Candle:
    with readable(f"candle {candle.start} of {product_id}"):
        return Candle(
            product_id=product_id,
            opened_at=datetime.fromtimestamp(int(candle.start), UTC),
            open=parse_price(candle.open),
            high=parse_price(candle.high),
            low=parse_price(candle.low),
            close=parse_price(candle.close),
            volume=parse_size(candle.volume),
        )


def to_ticker(reply: wire.TradesReply, product_id: ProductId) -> Ticker:
    """Return the last trade and the top of the book, dated by the trade."""
    with readable(f"ticker of {product_id}"):
        if not reply.trades:
            raise ValueError("it holds no trade, so there is no last price")
        trade = reply.trades[0]
        return Ticker(
            product_id=product_id,
            price=parse_price(trade.price),
            bid=parse_price(reply.best_bid),
            ask=parse_price(reply.best_ask),
            at=to_time(trade.time),
        )


def to_fee_rates(summary: wire.TransactionSummary) -> FeeRates:
    with readable("fee rates"):
        rates = FeeRates(
            maker=parse_amount(summary.fee_tier.maker_fee_rate), taker=parse_amount(summary.fee_tier.taker_fee_rate)
        )
        if not all(abs(rate) < 1 for rate in (rates.maker, rates.taker)) or rates.taker < ZERO:
            raise ValueError(f"a fee rate is a fraction of the amount, was {rates.maker} and {rates.taker}")
        return rates


def to_permissions(permissions: wire.KeyPermissions) -> KeyPermissions:
    return KeyPermissions(
        can_view=permissions.can_view,
        can_trade=permissions.can_trade,
        can_transfer=permissions.can_transfer,
        portfolio_id=permissions.portfolio_uuid,
    )


def _side(word: str) -> Side:
    side = SIDES.get(word)
    if side is None:
        raise ValueError(f"its side is {word!r}, not BUY or SELL")
    return side


def _fill_kind(word: str) -> FillKind:
    kind = FILL_KINDS.get(word)
    if kind is None:
        raise ValueError(f"its type is {word!r}, which this version does not know")
    return kind


def _order_state(word: str) -> OrderState:
    state = ORDER_STATES.get(word)
    if state is None:
        raise ValueError(f"its status is {word!r}, which this version does not know")
    return state
