"""What `bottrader adopt` refuses before it asks anybody, and what it shows."""

from decimal import Decimal

import pytest
from rich.console import Console

from bottrader.cli.adopt_command import adopt, holdings_table
from bottrader.domain.custody import Custody, Holding
from bottrader.domain.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((None, None, None, None), "give a pair, a size and --price"),
        (("BTC-USD", "0.5", None, None), "give a pair, a size and --price"),
        (("BTC-USD", "half", "30000", None), "an amount is a decimal number, was 'half'"),
        (("BTC-USD", "0.5", "30000", "yesterday"), "--at is a moment such as 2026-01-31T12:00:00Z, was 'yesterday'"),
    ],
)
def test_terms_that_cannot_be_read_are_refused_with_one_sentence(
    words: tuple[str | None, str | None, str | None, str | None], sentence: str
) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        adopt(*words)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_list_shows_every_figure_of_an_asset_in_full() -> None:
    """B51: dust is listed."""
    some = [Decimal(text) for text in ("0.50000000", "0.2", "0.1", "0.2", "0", "0.15")]
    console = Console(width=120, record=True)
    dust = Holding("AIR", Custody.DUST, Decimal(5), *[Decimal(0)] * 5)
    console.print(holdings_table([dust, Holding("BTC", Custody.OWNED, *some)]))
    _, first, second = console.export_text().splitlines()
    assert first.split() == ["AIR", "dust", "5", "0", "0", "0", "0"]
    assert second.split() == ["BTC", "owned", "0.5", "0.2", "0.1", "0", "0.15"]
