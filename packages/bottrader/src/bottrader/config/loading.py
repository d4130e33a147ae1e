"""Reading the settings once, from what the command line, the environment, a file and a profile say.

What the command line says wins over the environment, that over the file, and the file over the profile of the command
(R42). A `BOTTRADER_` variable that no setting reads is a start-up error that names the nearest one, because a limit
with a typo in its name is a limit that does not hold (R57). All errors are listed together.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource

from bottrader.config.settings import PREFIX, Settings, variable_name
from bottrader.domain.errors import BotTraderError, ConfigInvalid
from bottrader.domain.strategies import BUILT_IN, plan_strategy


def load_settings(
    profile: Mapping[str, Any] | None = None,
    env_file: Path | None = Path(".env"),
    *,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings from command-line options, environment, file and profile, in that order of precedence.

    Raises:
        ConfigInvalid: one sentence for each thing that is wrong, all of them together.
    """
    written = {} if env_file is None else _by_variable(DotEnvSettingsSource(Settings, env_file=env_file)())
    given = _by_variable(EnvSettingsSource(Settings)())
    known = {variable_name(name): name for name in Settings.model_fields}
    unknown = {name for name in (*os.environ, *written) if name.startswith(PREFIX) and name not in known}
    faults = [_unknown(name) for name in sorted(unknown)]
    values: dict[str, Any] = dict(profile or {})
    for source in (written, given):
        values |= {known[name]: value for name, value in source.items() if name in known}
    values |= options or {}
    try:
        settings = Settings(**values)
        _check_rules(settings)
    except ValidationError as error:
        faults += [_sentence(detail) for detail in error.errors()]
    except BotTraderError as error:
        faults.append(str(error))
    if faults:
        raise ConfigInvalid("\n".join(faults))
    return settings


def _check_rules(settings: Settings) -> None:
    """Build every rule once, so that settings which only contradict each other are refused here too."""
    settings.sizing_rules()
    settings.selection_rules()
    settings.risk_limits()
    settings.exit_rules()
    # What another package offers is judged when it has been found.
    if settings.strategy in BUILT_IN:
        plan_strategy(settings.strategy, settings.strategy_values())
    if settings.bracket_enabled:
        settings.bracket_rules()


def _by_variable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a source's values under the names of their variables; it knows some by setting, some by variable."""
    return {
        variable_name(name) if name in Settings.model_fields else name.upper(): value for name, value in values.items()
    }


def _unknown(name: str) -> str:
    known = [variable_name(setting) for setting in Settings.model_fields]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"{name} is no setting; the nearest one is {nearest[0]}. Rename or unset it."


def _sentence(detail: Any) -> str:  # pydantic's ErrorDetails, whose type is not public
    name = str(detail["loc"][0]) if detail["loc"] else "settings"
    field = "database_url" if name == "DATABASE_URL" else name
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{variable_name(field)}: {message[:1].lower()}{message[1:]}"
