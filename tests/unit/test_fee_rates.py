"""Fee rates come from the exchange; a rate that is written down grows old when the tier moves."""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import bottrader

SOURCE = Path(bottrader.__file__).parent
NAMES_A_RATE = re.compile(r"fee|maker|taker", re.IGNORECASE)
FALLBACK = {("maker_fee", Decimal("0.004")), ("taker_fee", Decimal("0.008"))}


@pytest.mark.cpu_budget(500, "reads the whole source of the bot")
def test_no_fee_rate_is_written_down_but_the_one_fallback() -> None:
    """B90, R22: neither under a name that speaks of fees nor as one of the tiers' numbers."""
    sources = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")]
    # Only what holds an amount is worth parsing.
    assert {found for source in sources if "0.0" in source for found in rates_in(source)} == FALLBACK


def test_a_planted_rate_is_found() -> None:
    for planted in (
        'FEE_RATE = Decimal("0.0025")',
        'def cost(taker_rate: Decimal = Decimal("0.006")) -> None: ...',
        'net_return(cost, price, taker=Decimal("0.005"))',
        'fees = FeeRates(Decimal("0.01"), rate)',
        'share = value * Decimal("0.008")',
        "maker_share: float = 0.0041",
    ):
        assert list(rates_in(planted)), planted
    assert not list(rates_in('fee = ZERO\nfees = size * taker\nFeeRates(maker, Decimal(0))\nLIMIT = Decimal("0.02")'))


def rates_in(source: str) -> Iterator[tuple[str, Decimal]]:
    """Yield each written amount between 0 and 0.1 that stands for a fee rate, with the name it is given to."""
    tiers = {rate for _, rate in FALLBACK}
    for node in ast.walk(ast.parse(source)):
        for name, value in _named_values(node):
            if NAMES_A_RATE.search(name):
                yield from ((name, amount) for amount in _amounts(value))
        if isinstance(node, ast.BinOp):
            yield from ((ast.unparse(node), amount) for amount in _amounts(node) if amount in tiers)


def _named_values(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Assign):
        yield from ((ast.unparse(target), node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value
    elif isinstance(node, ast.keyword) and node.arg is not None:
        yield node.arg, node.value
    elif isinstance(node, ast.Call):
        yield from ((ast.unparse(node.func), argument) for argument in node.args)
    elif isinstance(node, ast.arguments):
        named = [*node.posonlyargs, *node.args]
        yield from (
            (argument.arg, value)
            for argument, value in zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True)
        )
        yield from (
            (argument.arg, value)
            for argument, value in zip(node.kwonlyargs, node.kw_defaults, strict=True)
            if value is not None
        )


def _amounts(value: ast.AST) -> Iterator[Decimal]:
    for node in ast.walk(value):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | float):
            text = str(node.value)
            if re.fullmatch(r"0\.\d+", text) and 0 < Decimal(text) < Decimal("0.1"):
                yield Decimal(text)
