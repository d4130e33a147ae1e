"""Snapshots: everything that is decided by, frozen."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.signals import Action
from bottrader.domain.strategy import freeze_parameters


@dataclass(frozen=True)
class Table:
    target: Decimal = Decimal("5.50")
    hodl: frozenset[str] = frozenset({"ETH", "BTC"})
    is_open: bool = True
    side: Action = Action.BUY
    pause: timedelta = timedelta(minutes=1)
    levels: tuple[int, ...] = (2, 1)
    note: str | None = None


@dataclass(frozen=True)
class Whole:
    window: int = 5
    table: Table = field(default_factory=Table)


def test_the_content_is_canonical_and_the_hash_is_that_of_name_and_content() -> None:
    snapshot = freeze_parameters("mine", {"z": Whole(), "a": Decimal("1E+1")})
    assert snapshot.parameters == (
        '{"a":"10","z":{"table":{"hodl":["BTC","ETH"],"is_open":true,"levels":[2,1],"note":null,"pause":"60.0 s",'
        '"side":"buy","target":"5.5"},"window":5}}'
    )
    assert snapshot.content_hash == hashlib.sha256(f"mine\n{snapshot.parameters}".encode()).hexdigest()


def test_equal_parameters_freeze_to_equal_snapshots() -> None:
    one = freeze_parameters("s", {"b": Decimal("1.50"), "a": 1})
    other = freeze_parameters("s", {"a": 1, "b": Decimal("1.5")})
    assert one == other
    assert one.content_hash != freeze_parameters("t", {"a": 1, "b": Decimal("1.5")}).content_hash


@pytest.mark.parametrize(
    "changed",
    [
        {"target": Decimal("5.51")},
        {"hodl": frozenset({"BTC"})},
        {"is_open": False},
        {"side": Action.SELL},
        {"pause": timedelta(seconds=61)},
        {"levels": (1, 2)},
        {"note": ""},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_change_deep_within_changes_the_hash(changed: dict[str, Any]) -> None:
    """B279, R79"""
    before = freeze_parameters("s", {"p": Whole()})
    after = freeze_parameters("s", {"p": Whole(table=replace(Table(), **changed))})
    assert after.content_hash != before.content_hash


@pytest.mark.parametrize(
    "value", [0.5, object(), Table, {1: 0.5}, [b"x"]], ids=["float", "object", "class", "key", "bytes"]
)
def test_what_has_no_canonical_spelling_is_refused(value: object) -> None:
    """R79: a default captured by its address never changes the hash."""
    with pytest.raises(InvariantBroken, match="decided by cannot be"):
        freeze_parameters("s", {"p": value})
