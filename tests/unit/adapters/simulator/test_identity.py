"""What tells one paper session from another."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.simulator.venue import VenueOptions, prepare_ground
from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import ProductId

PLAIN = VenueOptions((ProductId("BTC-USD"),), seed=7, minutes=60)


def test_the_same_market_and_account_are_the_same_session() -> None:
    assert replace(PLAIN).identity() == PLAIN.identity()


@pytest.mark.parametrize(
    "changed",
    [
        replace(PLAIN, seed=8),
        replace(PLAIN, minutes=61),
        replace(PLAIN, minutes=None),
        replace(PLAIN, product_ids=(ProductId("ETH-USD"),)),
        replace(PLAIN, product_ids=(ProductId("BTC-USD"), ProductId("ETH-USD"))),
        replace(PLAIN, balances={"USD": Decimal(5000)}),
    ],
)
def test_another_market_or_account_is_another_session(changed: VenueOptions) -> None:
    assert changed.identity() != PLAIN.identity()


def test_recorded_candles_count_by_their_content(tmp_path: Path) -> None:
    here, there = tmp_path / "a.csv", tmp_path / "b.csv"
    here.write_text("candles")
    there.write_text("candles")
    assert replace(PLAIN, candles=here).identity() == replace(PLAIN, candles=there).identity()
    there.write_text("other candles")
    assert replace(PLAIN, candles=here).identity() != replace(PLAIN, candles=there).identity()


def test_candles_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"missing\.csv"):
        prepare_ground(replace(PLAIN, candles=tmp_path / "missing.csv"))


def test_without_balances_there_are_10_000_of_the_quote_currency() -> None:
    assert replace(PLAIN, product_ids=(ProductId("BTC-EUR"),)).opening_balances == {"EUR": Decimal(10_000)}
    assert replace(PLAIN, balances={"USD": Decimal(1)}).opening_balances == {"USD": Decimal(1)}
