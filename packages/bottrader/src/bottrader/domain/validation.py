"""The order checks: one validator for every path that can place an order.

A second check somewhere else is how the holes of two layers once hid each other (R73), so there is one. Every rule is
always judged; an open order elsewhere, an empty table or a test flag skips none. A value that is missing is refused: it
is never an exception (R36, R37) and never a default. Nothing is resized here; `sizing` did that before, and knows why.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.market import Product, ProductId, base_of
from bottrader.domain.money import EXACT, ZERO, Price, floor_to, is_multiple
from bottrader.domain.orders import OrderKind, Side


class Code(StrEnum):
    """Why an order is not placed; the text is the contract with whoever sent the signal."""

    SUCCESS = "SUCCESS"
    PRECISION_ERROR = "PRECISION_ERROR"
    INSUFFICIENT_QUOTE = "INSUFFICIENT_QUOTE"
    INSUFFICIENT_BASE = "INSUFFICIENT_BASE"
    HODL_REJECT = "HODL_REJECT"
    SHILL_REJECT = "SHILL_REJECT"
    POSITION_EXISTS = "POSITION_EXISTS"
    SKIPPED_OPEN_ORDER = "SKIPPED_OPEN_ORDER"
    ORDER_BUILD_FAILED = "ORDER_BUILD_FAILED"
    """Anything else that stops the order, with its reason in the message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that will not be placed: `code` for machines, `message` one sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `validate_order` found; `notional` is size x price in quote currency, zero when either is unusable."""

    is_valid: bool
    notional: Decimal
    code: str
    error_message: str


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """An order as it would be sent. `product` is None when the venue does not list the pair.

    `price` is the limit price, or for a market order the price it is valued at. `available` is quote currency for a buy
    and base currency for a sell. `position_value` is what is held of the pair already, in quote currency.
    """

    product: Product | None
    side: str
    size: Decimal | None
    price: Decimal | None
    available: Decimal
    fee_rate: Decimal
    position_value: Decimal = ZERO
    kind: OrderKind = OrderKind.LIMIT_IOC


@dataclass(frozen=True, slots=True)
class ValidationRules:
    """`minimum` and `minimum_sell` bound the notional of a buy and a sell, `cap` the position a buy leads to.

    All are in quote currency. The venue's own minimum binds where it is higher.
    """

    minimum: Decimal
    cap: Decimal
    minimum_sell: Decimal = Decimal("1.01")


@dataclass(frozen=True, slots=True)
class EntryCheck:
    """What is known about a pair when a signal asks to trade it. `product` is None when its increments are unknown."""

    symbol: str
    product: Product | None
    side: Side
    position_value: Decimal
    has_open_order: bool


@dataclass(frozen=True, slots=True)
class EntryRules:
    """`position_value_min`: from which quote value a holding counts as a position. The sets hold base currencies."""

    position_value_min: Decimal
    hodl: frozenset[str] = frozenset()
    shill: frozenset[str] = frozenset()


def validate_entry(entry: EntryCheck, rules: EntryRules) -> Refusal | None:
    """Return why this pair may not be traded on this side now, or None when it may (B40-B44, B49)."""
    base = base_of(ProductId(entry.symbol.replace("/", "-")))
    refusal = _check_asset(base, entry.side, rules)
    if refusal is not None:
        return refusal
    if entry.product is None:
        return Refusal(Code.PRECISION_ERROR, f"the increments of {entry.symbol} are unknown")
    if not entry.product.is_tradable:
        return Refusal(Code.ORDER_BUILD_FAILED, f"{entry.symbol} is not open for trading at the venue")
    if entry.has_open_order:
        return Refusal(Code.SKIPPED_OPEN_ORDER, f"an order on {entry.symbol} is still open")
    if entry.side is Side.BUY and base not in rules.hodl and entry.position_value >= rules.position_value_min:
        held = show_amount(entry.position_value)
        return Refusal(Code.POSITION_EXISTS, f"a position of {held} in {entry.symbol} exists already")
    return None


def validate_order(order: OrderCheck, rules: ValidationRules) -> Verdict:
    """Judge size, price, side, notional, balance and cap of one order; the bounds themselves are allowed (B1-B28)."""
    refusal = _check_form(order)
    if refusal is not None:
        return Verdict(is_valid=False, notional=ZERO, code=refusal.code, error_message=refusal.message)
    assert order.product is not None
    assert order.size is not None
    assert order.price is not None
    notional = EXACT.multiply(order.size, order.price)
    if order.side == Side.BUY:
        refusal = _check_buy(order, order.product, notional, rules)
    else:
        refusal = _check_sell(order, order.product, notional, rules)
    if refusal is not None:
        return Verdict(is_valid=False, notional=notional, code=refusal.code, error_message=refusal.message)
    return Verdict(is_valid=True, notional=notional, code=Code.SUCCESS, error_message="")


def check_target(entry: Price, target: Decimal, tick: Decimal, rates: tuple[Decimal, Decimal]) -> Refusal | None:
    """Return why an entry cannot earn its fees, or None when it can (B54, R23).

    `target` is the price at which a gain is to be taken; whole ticks below it must lie above the exact break-even price
    entry x (1 + entry rate) / (1 - exit rate). `rates` are the fee rates of entry and exit.
    """
    entry_rate, exit_rate = rates
    reachable = floor_to(target, tick)
    one = Decimal(1)
    if EXACT.multiply(reachable, EXACT.subtract(one, exit_rate)) > EXACT.multiply(entry, EXACT.add(one, entry_rate)):
        return None
    message = f"bought at {entry}, the target of {reachable} would not clear the fees of both sides"
    return Refusal(Code.ORDER_BUILD_FAILED, message)


def show_amount(amount: Decimal) -> str:
    """Return the amount in full, without trailing zeros beyond two decimals: 0.4000000 reads 0.40."""
    # A sum has the decimals of the term that has more of them.
    return f"{EXACT.add(EXACT.normalize(amount), _NO_CENTS):f}"


_NO_CENTS = Decimal("0.00")


def _check_asset(base: str, side: Side, rules: EntryRules) -> Refusal | None:
    if side is Side.SELL and base in rules.hodl:
        return Refusal(Code.HODL_REJECT, f"{base} is a HODL asset and is never sold")
    if side is Side.BUY and base in rules.shill:
        return Refusal(Code.SHILL_REJECT, f"{base} is a shill coin and is never bought")
    return None


def _check_form(order: OrderCheck) -> Refusal | None:
    if order.product is None:
        return Refusal(Code.PRECISION_ERROR, "the venue lists no such product, so its increments are unknown")
    if order.side not in (Side.BUY.value, Side.SELL.value):
        return Refusal(Code.ORDER_BUILD_FAILED, f"a side is 'buy' or 'sell', was {order.side!r}")
    for name, value in (("size", order.size), ("price", order.price)):
        if value is None or not value.is_finite() or value <= ZERO:
            return Refusal(Code.ORDER_BUILD_FAILED, f"an order's {name} is above zero, was {value}")
    return _check_increments(order, order.product)


def _check_increments(order: OrderCheck, product: Product) -> Refusal | None:
    assert order.size is not None
    assert order.price is not None
    if not is_multiple(order.size, product.base_increment):
        return Refusal(
            Code.PRECISION_ERROR, f"size {order.size} is not a multiple of the increment {product.base_increment}"
        )
    if order.kind is OrderKind.LIMIT_IOC and not is_multiple(order.price, product.price_increment):
        return Refusal(
            Code.PRECISION_ERROR, f"price {order.price} is not a multiple of the increment {product.price_increment}"
        )
    return None


def _check_buy(order: OrderCheck, product: Product, notional: Decimal, rules: ValidationRules) -> Refusal | None:
    refusal = _check_minimum(order, product, notional, rules.minimum)
    if refusal is not None:
        return refusal
    needed = EXACT.add(notional, EXACT.multiply(notional, order.fee_rate))
    if needed > order.available:
        return _insufficient(Code.INSUFFICIENT_QUOTE, needed, order.available)
    total = EXACT.add(order.position_value, notional)
    if total > rules.cap:
        message = f"position would be {show_amount(total)}, above the cap of {show_amount(rules.cap)}"
        return Refusal(Code.ORDER_BUILD_FAILED, message)
    return None


def _check_sell(order: OrderCheck, product: Product, notional: Decimal, rules: ValidationRules) -> Refusal | None:
    refusal = _check_minimum(order, product, notional, rules.minimum_sell)
    if refusal is not None:
        return refusal
    assert order.size is not None
    if order.size > order.available:
        return _insufficient(Code.INSUFFICIENT_BASE, order.size, order.available)
    return None


def _check_minimum(order: OrderCheck, product: Product, notional: Decimal, minimum: Decimal) -> Refusal | None:
    code = Code.INSUFFICIENT_QUOTE if order.side == Side.BUY else Code.INSUFFICIENT_BASE
    bound = max(minimum, product.quote_size_min)
    if notional < bound:
        return Refusal(code, f"order notional {show_amount(notional)} is below minimum {show_amount(bound)}")
    assert order.size is not None
    if order.size < product.base_size_min:
        return Refusal(code, f"order size {order.size} is below minimum {product.base_size_min}")
    return None


def _insufficient(code: Code, needed: Decimal, available: Decimal) -> Refusal:
    message = f"insufficient balance: {show_amount(needed)} needed, {show_amount(available)} available"
    return Refusal(code, message)
