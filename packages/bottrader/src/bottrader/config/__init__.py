"""One frozen, typed settings object, read once when a command starts; a group of settings for each subject."""

from bottrader.config.loading import load_settings
from bottrader.config.service import Mode
from bottrader.config.settings import PREFIX, Settings, groups, variable_name

__all__ = ["PREFIX", "Mode", "Settings", "groups", "load_settings", "variable_name"]
