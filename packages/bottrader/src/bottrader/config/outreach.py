"""Whom the bot tells of trades and troubles, and who notices that it says nothing any more."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from bottrader.config.fields import SecretWords, SettingsGroup, Unset


def _web_address(secret: SecretStr) -> SecretStr:
    # What is wrong is told without the address: whoever has it can keep the alarm from sounding.
    parts = urlsplit(secret.get_secret_value())
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("a heartbeat address begins with https:// and names a host")
    return secret


class OutreachSettings(SettingsGroup):
    """Notifications to people, and a sign of life to a service that raises an alarm without one; both optional."""

    notify_urls: SecretWords = Field(
        (), description="where notifications go, separated by commas: addresses of Apprise, such as tgram://TOKEN/CHAT"
    )
    heartbeat_url: Annotated[Annotated[SecretStr, AfterValidator(_web_address)] | None, Unset] = Field(
        None, description="address that is asked for once a minute while everything is healthy"
    )
