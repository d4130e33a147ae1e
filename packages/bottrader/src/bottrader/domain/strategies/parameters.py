"""A strategy's parameters from names and values as a configuration gives them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, get_type_hints

from bottrader.domain.errors import AmountInvalid, ConfigInvalid
from bottrader.domain.money import parse_amount


def read_parameters(strategy: str, kind: type[Any], given: Mapping[str, Any]) -> Any:
    """Return an instance of the dataclass `kind`; a field of a dataclass within it is named `table.field`.

    Raises:
        ConfigInvalid: naming every parameter that is unknown or of the wrong kind; what the dataclass itself refuses
            is refused with its own words.
    """
    known = dict(_leaves(kind, ""))
    faults = [
        f"{strategy} has no parameter {name!r}, its parameters are {', '.join(known)}"
        for name in given
        if name not in known
    ]
    faults += [
        f"{strategy}.{name} is declared as {hint}; a parameter is an int, Decimal, bool or str"
        for name, hint in known.items()
        if hint not in _KINDS
    ]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if known.get(name) in _KINDS:
            try:
                values[name] = _KINDS[known[name]](value)
            except AmountInvalid as error:
                faults.append(f"{name}: {error}")
    if faults:
        raise ConfigInvalid("; ".join(faults))
    return _build(kind, "", values)


def _leaves(kind: type[Any], prefix: str) -> Iterator[tuple[str, type[Any]]]:
    hints = get_type_hints(kind)
    for each in fields(kind):
        hint: Any = hints[each.name]
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _leaves(hint, f"{prefix}{each.name}.")
        else:
            yield prefix + each.name, hint


def _build(kind: type[Any], prefix: str, values: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    given = {}
    for each in fields(kind):
        name = prefix + each.name
        if is_dataclass(hints[each.name]):
            given[each.name] = _build(hints[each.name], f"{name}.", values)
        elif name in values:
            given[each.name] = values[name]
    return kind(**given)


def _whole(value: Any) -> int:
    amount = parse_amount(value)
    if amount != int(amount):
        raise AmountInvalid(f"a number of candles is whole, was {value!r}")
    return int(amount)


def _switch(value: Any) -> bool:
    text = str(value).lower()
    if text not in _SWITCH:
        raise AmountInvalid(f"a switch is true or false, was {value!r}")
    return _SWITCH[text]


_KINDS: dict[type[Any], Callable[[Any], Any]] = {bool: _switch, str: str, int: _whole, Decimal: parse_amount}
_SWITCH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
