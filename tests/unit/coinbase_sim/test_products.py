"""The pairs that the simulator knows, and those it can make up."""

from dataclasses import replace
from decimal import Decimal

import pytest

from coinbase_sim.products import DEFAULT_PRODUCTS, product_named


def test_bitcoin_has_coinbases_increments() -> None:
    """coinbase.md §5."""
    spec = product_named("BTC-USD")
    assert (spec.base_currency, spec.quote_currency) == ("BTC", "USD")
    assert (str(spec.base_increment), str(spec.price_increment)) == ("1E-8", "0.01")
    assert (spec.base_min_size, spec.base_max_size) == (Decimal("0.00000001"), Decimal(3400))
    assert (spec.quote_min_size, spec.quote_max_size) == (Decimal(1), Decimal(150_000_000))


def test_bitcoin_and_ether_are_protected_at_two_percent_and_others_at_three() -> None:
    """coinbase.md §14."""
    assert {spec.product_id: spec.price_protection_rate for spec in DEFAULT_PRODUCTS} == {
        "BTC-USD": Decimal("0.02"),
        "ETH-USD": Decimal("0.02"),
        "SOL-USD": Decimal("0.03"),
    }


def test_another_pair_trades_like_bitcoin() -> None:
    expected = replace(
        product_named("BTC-USD"),
        product_id="ADA-EUR",
        base_currency="ADA",
        quote_currency="EUR",
        price_protection_rate=Decimal("0.03"),
    )
    assert product_named("ADA-EUR") == expected


@pytest.mark.parametrize("name", ["", "BTC", "BTCUSD", "btc-usd", "BTC-USD-X", "-USD", "BTC-", "BTC USD", "BTC-USD\n"])
def test_a_malformed_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="BASE-QUOTE"):
        product_named(name)
