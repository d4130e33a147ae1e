"""Parameters from text, table by table."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.strategies.parameters import read_parameters


@dataclass(frozen=True)
class Inner:
    share: Decimal = Decimal("0.1")
    is_open: bool = True


@dataclass(frozen=True)
class Outer:
    window: int = 5
    name: str = "x"
    inner: Inner = field(default_factory=Inner)


@dataclass(frozen=True)
class Loose:
    share: float = 0.1


def read(**given: Any) -> Outer:
    values = {name.replace("__", "."): value for name, value in given.items()}
    outer = read_parameters("mine", Outer, values)
    assert isinstance(outer, Outer)
    return outer


def test_what_is_not_given_keeps_its_default() -> None:
    assert read() == Outer()
    assert read(inner__share="0.2") == Outer(inner=Inner(share=Decimal("0.2")))


def test_text_becomes_what_the_field_is() -> None:
    given = read(window="7", name="y", inner__share="0.25", inner__is_open="no")
    assert given == Outer(7, "y", Inner(Decimal("0.25"), is_open=False))


def test_values_may_also_be_given_as_they_are() -> None:
    assert read(window=7, inner__share=Decimal(2), inner__is_open=False) == Outer(7, "x", Inner(Decimal(2), False))


@pytest.mark.parametrize("value", ["true", "1", "YES", True])
def test_a_switch_is_on(value: object) -> None:
    assert read(inner__is_open=value).inner.is_open


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("window", "5.5", "window: a number of candles is whole, was '5.5'"),
        ("window", True, "window: an amount is text"),
        ("window", "ten", "window: an amount is a decimal number"),
        ("inner.share", 0.5, "inner.share: an amount is text"),
        ("inner.share", "NaN", "inner.share: an amount is finite"),
        ("inner.is_open", "maybe", "inner.is_open: a switch is true or false, was 'maybe'"),
        ("inner", "x", "mine has no parameter 'inner', its parameters are window, name, inner.share, inner.is_open"),
        ("windows", 5, "mine has no parameter 'windows', its parameters are window, name"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: object, said: str) -> None:
    """R57"""
    with pytest.raises(ConfigInvalid) as refused:
        read_parameters("mine", Outer, {name: value})
    assert said in str(refused.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ConfigInvalid, match=r"'windows'.*; window: "):
        read_parameters("mine", Outer, {"windows": 1, "window": "x"})


def test_a_binary_float_is_no_parameter() -> None:
    with pytest.raises(ConfigInvalid, match=r"mine\.share is declared as .*float.*an int, Decimal, bool or str"):
        read_parameters("mine", Loose, {"share": "0.5"})
