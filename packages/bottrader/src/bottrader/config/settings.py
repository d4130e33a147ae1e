"""The frozen, typed settings object, made of one group of settings for each subject.

Every setting is `BOTTRADER_` plus its name in capitals; `DATABASE_URL` alone keeps its common name. Secrets are a type
that prints as stars.
"""

import hashlib
import json
from datetime import time
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bottrader.config.brackets import BracketSettings
from bottrader.config.exchange import ExchangeSettings
from bottrader.config.exits import ExitSettings
from bottrader.config.fields import SettingsGroup
from bottrader.config.mail import MailSettings
from bottrader.config.names import PREFIX
from bottrader.config.outreach import OutreachSettings
from bottrader.config.passive import PassiveSettings
from bottrader.config.reports import ReportSettings
from bottrader.config.risk import RiskSettings
from bottrader.config.selection import SelectionSettings
from bottrader.config.service import ServiceSettings
from bottrader.config.sizing import SizingSettings
from bottrader.config.strategy import StrategySettings
from bottrader.config.symbols import SymbolSettings
from bottrader.domain.exit_rules import ExitRules

# What is shown as stars, and stands in no file that others may read.
SECRETS = frozenset(
    {"webhook_secret", "webhook_secrets_old", "database_url", "smtp_password", "notify_urls", "heartbeat_url"}
)


class Settings(
    # A subclass lists the fields of its last base first.
    OutreachSettings,
    MailSettings,
    ReportSettings,
    BracketSettings,
    ExitSettings,
    RiskSettings,
    SizingSettings,
    PassiveSettings,
    StrategySettings,
    SelectionSettings,
    SymbolSettings,
    ExchangeSettings,
    ServiceSettings,
    BaseSettings,
):
    """Everything that can be set; defaults are the cautious choice, amounts are in quote currency."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is given and nothing else: `load_settings` alone reads the environment and the files."""
        return (sources["init_settings"],)

    def exit_rules(self) -> ExitRules:
        return ExitRules(
            hard_stop_pct=self.hard_stop_pct,
            soft_stop_pct=self.max_loss_pct,
            soft_stop_market_pct=self.soft_stop_market_pct,
            take_profit_pct=self.min_profit_pct,
            trailing_enabled=self.trailing_stop_enabled,
            trailing_activation_pct=self.trailing_activation_pct,
            trailing_atr_mult=self.trailing_stop_atr_mult,
            trailing_distance_min_pct=self.trailing_min_distance_pct,
            trailing_distance_max_pct=self.trailing_max_distance_pct,
            signal_exit_enabled=self.signal_exit_enabled,
            signal_exit_min_profit_pct=self.signal_exit_min_profit_pct,
            hold_s_min=self.min_hold_seconds,
            hold_s_max=60 * self.max_hold_minutes,
            peak_enabled=self.peak_tracking_enabled,
            peak_triggers=self.peak_tracking_triggers,
            peak_activation_pct=self.peak_tracking_min_profit_pct,
            peak_drawdown_pct=self.peak_tracking_drawdown_pct,
            peak_smoothing_s=60 * self.peak_tracking_smoothing_mins,
            peak_hold_s_max=60 * self.peak_tracking_max_hold_mins,
            price_age_s_max=self.max_price_age_s,
        )

    def shown(self) -> dict[str, str]:
        """Return every setting as text, in order of definition, secrets as stars."""
        return {name: _show(getattr(self, name)) for name in type(self).model_fields}

    def config_hash(self) -> str:
        """Return a hash of every setting that is not a secret; two processes with equal rules show equal hashes.

        The commit is left out: other code is no other configuration.
        """
        shown = {name: value for name, value in self.shown().items() if name != "git_sha"}
        canonical = json.dumps(shown, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def groups() -> dict[str, type[SettingsGroup]]:
    """Return the groups of settings by the name of their module, in the order of the page."""
    found = [base for base in Settings.__bases__ if issubclass(base, SettingsGroup)]
    return {group.__module__.rpartition(".")[2]: group for group in reversed(found)}


def _show(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return str(value)
        case tuple() | frozenset():
            return ",".join(sorted(map(_show, value)))
        case time():
            return f"{value:%H:%M}"
        case dict():
            return ",".join(f"{name}={value[name]}" for name in sorted(value))
        case _:
            return str(value)
