"""One frozen, typed settings object, read once when a command starts; a group of settings for each subject."""

from bottrader.config.loading import Configuration, load_configuration, load_settings
from bottrader.config.names import CONFIG_VARIABLE, PREFIX, variable_name
from bottrader.config.service import Mode
from bottrader.config.settings import Settings, groups

__all__ = [
    "CONFIG_VARIABLE",
    "PREFIX",
    "Configuration",
    "Mode",
    "Settings",
    "groups",
    "load_configuration",
    "load_settings",
    "variable_name",
]
