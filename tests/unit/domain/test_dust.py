"""Dust is tagged in unmatched rows, and matching knows nothing of it."""

from decimal import Decimal

import pytest

from bottrader.domain.dust import dust_size, is_dust
from bottrader.domain.lots import allocate
from bottrader.domain.market import ProductId
from bottrader.domain.orders import Side
from tests.unit.domain.examples import execution


@pytest.mark.parametrize(
    ("currencies", "size"),
    [
        ("BTC", "0.00001"),
        ("ETH", "0.0001"),
        ("SOL AAVE", "0.001"),
        ("AVAX LINK UNI DOT ATOM", "0.01"),
        ("USDC USDT DAI PYUSD", "0.01"),
        ("ADA MATIC XRP", "0.1"),
        ("DOGE TRX", "1"),
        ("SHIB", "1000"),
        ("PEPE", "10000"),
        ("TOSHI FET", "0.00001"),
    ],
)
def test_each_coin_has_its_size_of_dust(currencies: str, size: str) -> None:
    assert [dust_size(currency) for currency in currencies.split()] == [Decimal(size)] * len(currencies.split())


@pytest.mark.parametrize(
    ("product", "bought", "sold", "tagged"),
    [
        ("BTC-USD", "1", "1.00000999", [False, True]),
        ("BTC-USD", "1", "1.00001", [False, False]),
        ("SHIB-USD", "5000", "5999.99", [False, True]),
        ("SHIB-USD", "5000", "6000", [False, False]),
        ("SHIB-BTC", "1", "1", [False]),
    ],
)
def test_an_overdraft_below_the_size_is_a_row_with_a_tag(
    product: str, bought: str, sold: str, tagged: list[bool]
) -> None:
    """R82, B190: the row is exact and stays; a matched row is never dust, however small."""
    product_id = ProductId(product)
    rows = allocate(
        [
            execution(Side.BUY, "b", bought, "1", product_id=product_id),
            execution(Side.SELL, "s", sold, "2", minute=1, product_id=product_id),
        ]
    ).allocations
    assert [is_dust(row) for row in rows] == tagged
    assert sum(row.size for row in rows) == Decimal(sold)
