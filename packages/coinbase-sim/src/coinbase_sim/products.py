"""Trading rules of the pairs that the simulator knows, in Coinbase's increments."""

import re
from decimal import Decimal

from coinbase_sim.amounts import ZERO
from coinbase_sim.model import ProductSpec

_PAIR = re.compile(r"([A-Z0-9]{2,10})-([A-Z]{3,5})")


def _spec(product_id: str, base_increment: str, base_max_size: str, protection_rate: str) -> ProductSpec:
    base, quote = product_id.split("-")
    return ProductSpec(
        product_id=product_id,
        base_currency=base,
        quote_currency=quote,
        base_increment=Decimal(base_increment),
        price_increment=Decimal("0.01"),
        base_min_size=Decimal(base_increment),
        base_max_size=Decimal(base_max_size),
        quote_min_size=Decimal(1),
        quote_max_size=Decimal(150_000_000),
        price_protection_rate=Decimal(protection_rate),
    )


# Price protection is 2 % for BTC and ETH and 3 % for most others (coinbase.md §14).
DEFAULT_PRODUCTS: tuple[ProductSpec, ...] = (
    _spec("BTC-USD", "0.00000001", "3400", "0.02"),
    _spec("ETH-USD", "0.00000001", "45000", "0.02"),
    _spec("SOL-USD", "0.00000001", "350000", "0.03"),
)


def product_named(product_id: str) -> ProductSpec:
    """Return the rules of `product_id`; a pair without an entry of its own trades like BTC-USD, protected at 3 %.

    Raises:
        ValueError: when the name is not BASE-QUOTE in capitals, such as BTC-USD.
    """
    for spec in DEFAULT_PRODUCTS:
        if spec.product_id == product_id:
            return spec
    if _PAIR.fullmatch(product_id) is None:
        raise ValueError(f"a product is named BASE-QUOTE in capitals, for example BTC-USD; was {product_id!r}")
    return _spec(product_id, "0.00000001", "3400", "0.03")


def check_spec(before: ProductSpec, after: ProductSpec) -> None:
    """Raise ValueError unless `after` can replace `before` while trading: the same pair, with amounts above zero."""
    for name in ("product_id", "base_currency", "quote_currency"):
        if getattr(before, name) != getattr(after, name):
            raise ValueError(f"the {name} of {before.product_id} cannot change; list another product instead")
    for name in ("base_increment", "price_increment", "base_min_size", "base_max_size", "quote_max_size"):
        amount = getattr(after, name)
        if not amount.is_finite() or amount <= ZERO:
            raise ValueError(f"the {name} of {before.product_id} is above zero; was {amount}")
    if after.quote_min_size < ZERO or not ZERO < after.price_protection_rate < 1:
        raise ValueError(f"{before.product_id}: quote_min_size is not negative, price_protection_rate between 0 and 1")
