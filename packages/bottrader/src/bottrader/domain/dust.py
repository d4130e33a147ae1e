"""Dust: amounts too small to trade, told apart in reports and reviews, never in matching.

A balance and its trades drift apart by rounding at the venue, so a sell may exceed what was bought by a hair. Such an
overdraft is an unmatched row like any other (R82); it is tagged, and nobody is asked to look into it.
"""

from collections.abc import Mapping
from decimal import Decimal

from bottrader.domain.lots import Allocation
from bottrader.domain.market import base_of

DUST_TAG = "dust"
"""What the ledger notes beside a row of dust."""
DUST_SIZE_OF_OTHERS = Decimal("0.00001")
DUST_SIZES: Mapping[str, Decimal] = {
    "BTC": Decimal("0.00001"),
    "ETH": Decimal("0.0001"),
    **dict.fromkeys(("SOL", "AAVE"), Decimal("0.001")),
    **dict.fromkeys(("AVAX", "LINK", "UNI", "DOT", "ATOM"), Decimal("0.01")),
    **dict.fromkeys(("USDC", "USDT", "DAI", "PYUSD"), Decimal("0.01")),
    **dict.fromkeys(("ADA", "MATIC", "XRP"), Decimal("0.1")),
    **dict.fromkeys(("DOGE", "TRX"), Decimal(1)),
    "SHIB": Decimal(1000),
    "PEPE": Decimal(10000),
}
"""By base currency, in units of it."""


def dust_size(base_currency: str) -> Decimal:
    """Return the size, in units of the currency, below which an amount of it is dust."""
    return DUST_SIZES.get(base_currency, DUST_SIZE_OF_OTHERS)


def is_dust(row: Allocation) -> bool:
    """Tell whether this is a part of a sell that no buy covers and that is too small to ask anybody about."""
    return row.buy_order_id is None and row.size < dust_size(base_of(row.product_id))
