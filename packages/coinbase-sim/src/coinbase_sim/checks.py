"""The door of the venue: why an order is refused before it touches the book (codes: coinbase.md §8)."""

from collections.abc import Mapping
from decimal import Decimal

from coinbase_sim.amounts import ZERO, is_multiple
from coinbase_sim.model import OrderRejected, OrderRequest, OrderType, ProductSpec, Side, TimeInForce


def checked_product(request: OrderRequest, products: Mapping[str, ProductSpec]) -> ProductSpec:
    """Return the product of a request that is well formed, on the grid and within the product's limits.

    What depends on the book or the wallet (crossing, liquidity, the notional of a market order, funds) is not checked.

    Raises:
        OrderRejected: at the first offence.
    """
    spec = products.get(request.product_id)
    if spec is None:
        raise OrderRejected("INVALID_PRODUCT_ID", f"there is no product {request.product_id}")
    _check_configuration(request)
    if request.base_size is not None:
        _check_base_size(spec, request.base_size)
    if request.quote_size is not None:
        _check_quote_size(spec, request.quote_size)
    if request.limit_price is not None:
        _check_price(spec, request.limit_price)
        assert request.base_size is not None, "a limit order is sized in base units"
        check_notional(spec, request.limit_price * request.base_size)
    return spec


def check_notional(spec: ProductSpec, value: Decimal) -> None:
    """Refuse an order worth less than the product's minimum or more than its maximum in quote currency."""
    if value < spec.quote_min_size:
        raise OrderRejected(
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
            f"the order is worth {value:f} {spec.quote_currency}; the minimum is {spec.quote_min_size:f}",
        )
    if value > spec.quote_max_size:
        raise OrderRejected(
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE",
            f"the order is worth {value:f} {spec.quote_currency}; the maximum is {spec.quote_max_size:f}",
        )


def _check_configuration(request: OrderRequest) -> None:
    if not request.client_order_id:
        raise OrderRejected("UNKNOWN_FAILURE_REASON", "client_order_id is empty; send one that identifies the order")
    if request.post_only and request.time_in_force is TimeInForce.FOK:
        raise OrderRejected("POST_ONLY_NOT_ALLOWED_WITH_FOK", "a fill-or-kill order takes; it cannot be post-only")
    fault = _market_fault(request) if request.order_type is OrderType.MARKET else _limit_fault(request)
    if fault is not None:
        raise OrderRejected("UNSUPPORTED_ORDER_CONFIGURATION", fault)


def _market_fault(request: OrderRequest) -> str | None:
    if request.time_in_force is not TimeInForce.IOC:
        return "a market order is immediate-or-cancel on spot"
    if request.limit_price is not None or request.post_only:
        return "a market order has neither a limit price nor post-only"
    if (request.base_size is None) == (request.quote_size is None):
        return "a market order gives exactly one of base_size and quote_size"
    if request.side is Side.SELL and request.base_size is None:
        return "a market sell is sized in base units"
    return None


def _limit_fault(request: OrderRequest) -> str | None:
    if request.limit_price is None:
        return "a limit order needs a limit price"
    if request.base_size is None or request.quote_size is not None:
        return "a limit order is sized in base units"
    if request.post_only and request.time_in_force is TimeInForce.IOC:
        return "an immediate-or-cancel order takes; it cannot be post-only"
    return None


def _check_base_size(spec: ProductSpec, size: Decimal) -> None:
    if not size.is_finite() or size < spec.base_min_size:
        raise OrderRejected(
            "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL", f"base_size {size} is below the minimum {spec.base_min_size:f}"
        )
    if size > spec.base_max_size:
        raise OrderRejected(
            "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", f"base_size {size:f} is above the maximum {spec.base_max_size:f}"
        )
    if not is_multiple(size, spec.base_increment):
        raise OrderRejected(
            "INVALID_SIZE_PRECISION", f"base_size {size:f} is no multiple of the increment {spec.base_increment:f}"
        )


def _check_quote_size(spec: ProductSpec, size: Decimal) -> None:
    if not size.is_finite():
        raise OrderRejected("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL", f"quote_size {size} is no finite amount")
    check_notional(spec, size)
    # The quote increment of the pairs simulated here equals their price increment.
    if not is_multiple(size, spec.price_increment):
        raise OrderRejected(
            "INVALID_SIZE_PRECISION", f"quote_size {size:f} is no multiple of the increment {spec.price_increment:f}"
        )


def _check_price(spec: ProductSpec, price: Decimal) -> None:
    if not price.is_finite() or price <= ZERO or not is_multiple(price, spec.price_increment):
        raise OrderRejected(
            "INVALID_PRICE_PRECISION", f"limit_price {price} is no positive multiple of {spec.price_increment:f}"
        )
    if price > spec.quote_max_size:
        # No size of one increment or more at such a price is meant; the bound also keeps all products exact.
        raise OrderRejected(
            "PREVIEW_LIMIT_PRICE_TOO_FAR_FROM_MARKET", f"limit_price {price:f} is above {spec.quote_max_size:f}"
        )
