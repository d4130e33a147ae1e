"""What the processes themselves need: their folder, database, log and webhook."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import AfterValidator, Field, SecretStr

from bottrader.config.fields import SettingsGroup, Unset, none_a_sample, not_a_sample, secrets_in


class Mode(StrEnum):
    """`paper` trades against a simulated exchange, `live` against Coinbase with real money."""

    PAPER = "paper"
    LIVE = "live"


class ServiceSettings(SettingsGroup):
    """Processes, folders and the webhook."""

    mode: Mode = Field(Mode.PAPER, description="paper: simulated exchange; live: real money")
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("bottrader")),
        description="where the embedded database, paper sessions and reports live",
    )
    database_url: Annotated[SecretStr | None, Unset] = Field(
        None,
        validation_alias="DATABASE_URL",
        description="a Postgres server, beyond private networks with sslmode=verify-full; without it an embedded one",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR")
    webhook_host: str = Field("127.0.0.1", description="address the webhook listens on")
    webhook_port: int = Field(5003, ge=0, le=65535, description="port the webhook listens on; 0 takes a free one")
    sighook_port: int = Field(
        5004, ge=0, le=65535, description="port of sighook's health and metrics, on the webhook's address; 0: none"
    )
    reporter_port: int = Field(
        5005, ge=0, le=65535, description="port of the reporter's health and metrics, on the webhook's address; 0: none"
    )
    webhook_url: Annotated[str | None, Unset] = Field(
        None, description="where sighook delivers; default: the host and port above"
    )
    webhook_secret: Annotated[Annotated[SecretStr, AfterValidator(not_a_sample)] | None, Unset] = Field(
        None, description="shared HMAC secret of sighook and webhook, at least 24 characters"
    )
    git_sha: str = Field(
        "unknown", max_length=64, description="commit that is deployed, shown by /health; images and units set it"
    )
    webhook_secrets_old: Annotated[Annotated[SecretStr, AfterValidator(none_a_sample)] | None, Unset] = Field(
        None, description="former secrets that the webhook still accepts while senders change, separated by commas"
    )
    webhook_rate_per_s_max: int = Field(
        100, gt=0, description="signals a second the webhook takes from one sender; what is above is answered 429"
    )
    signal_ttl_s: int = Field(30, gt=0, description="seconds a signal may be acted on")
    reconcile_interval_s: int = Field(300, gt=0, description="seconds of venue time between reconciliations")

    def old_secrets(self) -> tuple[str, ...]:
        """Return the webhook's former secrets that are still accepted."""
        return () if self.webhook_secrets_old is None else secrets_in(self.webhook_secrets_old)
