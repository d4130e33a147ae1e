"""The settings file: TOML whose keys are the names of settings, alone or in the table of their group.

Numbers and switches mean what the same text means in a variable. A number with a point is refused, because TOML makes a
binary fraction of it, and money is exact; it is written as text: `hard_stop_pct = "0.05"`.
"""

import os
import stat
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bottrader.config.names import PREFIX, fault_of_name
from bottrader.domain.errors import ConfigInvalid


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a file sets, by setting, and one sentence for each thing in it that is wrong."""

    values: Mapping[str, object]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fraction:
    """A number with a point, as it was written."""

    text: str


def read_toml(file: Path, groups: Mapping[str, Collection[str]], secrets: Collection[str]) -> TomlFile:
    """Return what `file` sets; `groups` are the settings of each table, `secrets` those that nobody else may read.

    Raises:
        ConfigInvalid: when the file cannot be read or is no TOML.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=_Fraction)
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigInvalid(f"the settings file {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigInvalid(f"the settings file {file} is no TOML: {error}") from None
    values: dict[str, object] = {}
    faults: list[str] = []
    entries = list(_entries(document, groups))
    present = {key for _, key, _ in entries}
    for table, key, value in entries:
        fault = _unknown(key, present, groups) or _fault(table, key, value, groups)
        if fault is not None or key in values:
            faults.append(f"{file}: {fault or f'{key} stands in it twice; keep one'}")
        else:
            values[key] = _text(value)
    if (told := sorted(values.keys() & set(secrets))) and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        faults.append(f"{file} holds {' and '.join(told)}, and others may read it: run `chmod 600 {file}`")
    return TomlFile(values, tuple(faults))


def _entries(
    document: Mapping[str, object], groups: Mapping[str, Collection[str]]
) -> Iterator[tuple[str | None, str, object]]:
    """Yield table, key and value of each setting; the table is None outside of any."""
    for key, value in document.items():
        if isinstance(value, dict) and (key in groups or not _is_setting(key, groups)):
            for inner, inner_value in value.items():
                yield key, inner, inner_value
        else:
            yield None, key, value


def _is_setting(key: str, groups: Mapping[str, Collection[str]]) -> bool:
    return any(key in settings for settings in groups.values())


def _unknown(key: str, present: Collection[str], groups: Mapping[str, Collection[str]]) -> str | None:
    if _is_setting(key, groups):
        return None
    settings = [name for group in groups.values() for name in group]
    return fault_of_name(key, key.lower().removeprefix(PREFIX.lower()), settings, present, spelled=str)


def _fault(table: str | None, key: str, value: object, groups: Mapping[str, Collection[str]]) -> str | None:
    home = next(group for group, settings in groups.items() if key in settings)
    if table not in (None, home):
        return f"{key} stands in the table [{home}], or before the first table, not in [{table}]"
    fractions = [each for each in _scalars(value) if isinstance(each, _Fraction)]
    if fractions:
        return f'{key}: a number with a point is written as text, so that it stays exact: "{fractions[0].text}"'
    return None


def _scalars(value: object) -> Iterator[object]:
    match value:
        case list():
            for each in value:
                yield from _scalars(each)
        case dict():
            for each in value.values():
                yield from _scalars(each)
        case _:
            yield value


def _text(value: object) -> object:
    """Return the value as a variable would have it, so that both ways to write a setting obey the same rules."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case list():
            return [_text(each) for each in value]
        case dict():
            return {name: _text(each) for name, each in value.items()}
        case _:
            return value
