"""Reading the settings once, from what the command line, the environment, two files and a profile say.

What the command line says wins over the environment, that over `.env`, that over the TOML file, and that over the
profile of the command (R42). A name that no setting has is a start-up error (R57). All errors are listed together. A
secret may stand in a file that a variable names; see `secret_files`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from bottrader.config.names import CONFIG_VARIABLE, variable_faults, variable_name
from bottrader.config.secret_files import file_variables, read_secret_files
from bottrader.config.settings import SECRETS, Settings, groups
from bottrader.config.toml_file import TomlFile, read_toml
from bottrader.domain.errors import BotTraderError, ConfigInvalid
from bottrader.domain.strategies import BUILT_IN, plan_strategy

DEFAULT_FILE = Path("bottrader.toml")
DOT_ENV = Path(".env")
BY_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and for each of them who set it: `option`, `environment`, a file's name, `profile` or `default`."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    profile: Mapping[str, Any] | None = None,
    env_file: Path | None = DOT_ENV,
    *,
    options: Mapping[str, Any] | None = None,
    file: Path | None = None,
) -> Settings:
    """Return the settings from command-line options, environment, files and profile, in that order of precedence.

    `file` is the TOML file; without it the one that `BOTTRADER_CONFIG` names, else `bottrader.toml` if there is one.

    Raises:
        ConfigInvalid: one sentence for each thing that is wrong, all of them together.
    """
    return load_configuration(profile, env_file, options=options, file=file).settings


def load_configuration(
    profile: Mapping[str, Any] | None = None,
    env_file: Path | None = DOT_ENV,
    *,
    options: Mapping[str, Any] | None = None,
    file: Path | None = None,
) -> Configuration:
    """Return what `load_settings` does, with the origin of each value."""
    written = {} if env_file is None else _by_variable(DotEnvSettingsSource(Settings, env_file=env_file)())
    # Capitals or not, a variable means the same; the source reads the known ones only.
    given = {name.upper(): value for name, value in os.environ.items()} | _by_variable(EnvSettingsSource(Settings)())
    in_secret_files = read_secret_files(written | _not_empty(given), SECRETS)
    chosen = file or _file_named_by(given.get(CONFIG_VARIABLE) or written.get(CONFIG_VARIABLE))
    in_file = TomlFile({}, ()) if chosen is None else _read(chosen)
    layers: list[tuple[str, Mapping[str, Any]]] = [
        ("profile", profile or {}),
        (str(chosen), in_file.values),
        (str(env_file), _of_settings(written)),
        ("environment", _of_settings(given)),
        *((path, {name: in_secret_files.values[name]}) for name, path in in_secret_files.paths.items()),
        ("option", options or {}),
    ]
    values = {name: value for _, layer in layers for name, value in layer.items()}
    origins = {name: origin for origin, layer in layers for name in layer}
    settings, faults = _judge(values, lambda name: _spelled(name, origins, chosen))
    unknown = variable_faults({*given, *written} - file_variables(SECRETS), list(Settings.model_fields))
    faults = [*unknown, *in_secret_files.faults, *in_file.faults, *faults]
    if faults or settings is None:
        raise ConfigInvalid("\n".join(faults))
    return Configuration(settings, {name: origins.get(name, BY_DEFAULT) for name in Settings.model_fields})


def _judge(values: Mapping[str, Any], spelled: Callable[[str], str]) -> tuple[Settings | None, list[str]]:
    try:
        settings = Settings(**values)
    except ValidationError as error:
        return None, [_sentence(detail, spelled) for detail in error.errors()]
    return settings, _contradictions(settings)


def _contradictions(settings: Settings) -> list[str]:
    """Build every rule once, so that settings which only contradict each other are refused here too."""
    rules: list[Callable[[], object]] = [
        settings.sizing_rules,
        settings.selection_rules,
        settings.risk_limits,
        settings.exit_rules,
        settings.passive_rules,
        settings.check_mail,
        settings.report_schedule,
    ]
    # What another package offers is judged when it has been found.
    if settings.strategy in BUILT_IN:
        rules.append(lambda: plan_strategy(settings.strategy, settings.strategy_values()))
    if settings.bracket_enabled:
        rules.append(settings.bracket_rules)
    faults = []
    for rule in rules:
        try:
            rule()
        except BotTraderError as error:
            faults.append(str(error))
    return faults


def _file_named_by(variable: str | None) -> Path | None:
    if variable:
        return Path(variable)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read(file: Path) -> TomlFile:
    return read_toml(file, {name: list(group.model_fields) for name, group in groups().items()}, SECRETS)


def _by_variable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's values under the names of their variables; it knows some by setting, some by variable."""
    return {
        variable_name(name) if name in Settings.model_fields else name.upper(): value for name, value in values.items()
    }


def _not_empty(variables: Mapping[str, Any]) -> dict[str, Any]:
    # Compose files pass an unset variable on as an empty one, which must not hide what `.env` says.
    return {name: value for name, value in variables.items() if value}


def _of_settings(variables: Mapping[str, Any]) -> dict[str, Any]:
    known = {variable_name(name): name for name in Settings.model_fields}
    return {known[name]: value for name, value in variables.items() if name in known}


def _spelled(name: str, origins: Mapping[str, str], file: Path | None) -> str:
    """Return a setting as it was written where its value comes from."""
    is_in_file = file is not None and origins.get(name) == str(file)
    return f"{file}: {name}" if is_in_file else variable_name(name)


def _sentence(detail: Any, spelled: Callable[[str], str]) -> str:  # pydantic's ErrorDetails, whose type is not public
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{spelled('database_url' if name == 'DATABASE_URL' else name)}: {message[:1].lower()}{message[1:]}"
